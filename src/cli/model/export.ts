// `athanor export`: a model as an ONNX file with free batch and time axes, or as a Hugging Face folder.
import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { OptionError, UserError } from "../../errors.ts";
import { causalLM } from "../../model/index.ts";
import { saveModel } from "../../model/save.ts";
import { type Tensor, tensor } from "../../tensor/index.ts";
import { saveOnnx } from "../../tensor/node/export.ts";
import { saveTokenizer } from "../../tokenizer/load-save.ts";
import { type Command, Option } from "commander";
import { printJson, say } from "../command.ts";
import { type OpenedModel, openModel } from "./open.ts";

interface Flags {
  onnx?: string;
  hf?: string;
  portable?: boolean;
  fused?: boolean;
  tokenizer?: string;
  position?: string;
  json?: boolean;
}

const HELP = `
Examples:
  athanor export runs/demo --onnx demo.onnx
  athanor export stories15M.bin --hf stories15M/`;

export function define(command: Command): void {
  command
    .description(
      "write a model as ONNX (inputs ids [batch, time], output logits) or as a Hugging Face folder",
    )
    .argument("<model>", "run, Hugging Face folder or llama2.c file")
    .option("--onnx <file>", "ONNX file; weights above 64 MB go to FILE.data beside it")
    .option("--hf <folder>", "folder with config.json, model.safetensors and tokenizer.json")
    .option("--fused", "ONNX Runtime's own operators where they are faster; other runtimes refuse the file")
    .addOption(new Option("--portable", "standard ONNX operators only (default)").conflicts("fused"))
    .option("--tokenizer <file>", "tokenizer, where the model carries none")
    .option("--position <method>", "score positions another way")
    .option("--json", "print one JSON document")
    .addHelpText("after", HELP)
    .action(run);
}

async function run(path: string, flags: Flags): Promise<void> {
  const { onnx, hf } = flags;
  if (onnx === undefined && hf === undefined) {
    throw new OptionError("export: --onnx FILE or --hf FOLDER must be given, got neither.");
  }
  const model = await openModel(path, { tokenizer: flags.tokenizer, position: flags.position });
  const { config, params } = model;
  const written: Record<string, unknown> = {};
  if (onnx !== undefined) {
    const ids = tensor(new Int32Array(4), { shape: [2, 2] });
    const saved = await saveOnnx(onnx, (input: Tensor) => causalLM(config, params, input).logits, [ids], {
      symbolic: () => ["batch", "time"],
      inputNames: ["ids"],
      outputNames: ["logits"],
      weights: params,
      portable: flags.fused !== true,
    });
    say(`written: ${saved.path}${saved.dataPath === undefined ? "" : ` and ${saved.dataPath}`}`);
    written["onnx"] = saved;
  }
  if (hf !== undefined) {
    await mkdir(hf, { recursive: true });
    await saveModel(hf, config, params, { bos: model.bos, eos: model.eos });
    await exportTokenizer(model, hf);
    say(`written: ${hf}`);
    written["huggingFace"] = hf;
  }
  if (flags.json) printJson(written);
}

/** `tokenizer.json` where that format can say it, else the model's own file. */
export async function exportTokenizer(
  { tokenizer, tokenizerPath }: OpenedModel,
  folder: string,
): Promise<void> {
  try {
    if (tokenizer.model === undefined) throw new OptionError("its vocabulary is held by another library");
    await saveTokenizer(tokenizer, join(folder, "tokenizer.json"));
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const name = tokenizerPath.endsWith(".json") ? "tokenizer.json" : "tokenizer.bin";
    await copyFile(tokenizerPath, join(folder, name));
  }
}
