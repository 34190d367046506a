// `athanor export`: a model as an ONNX file with free batch and time axes, or as a Hugging Face folder, or as GGUF.
import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { OptionError, UserError } from "../../errors.ts";
import { saveGguf } from "../../model/gguf-write.ts";
import { causalLM } from "../../model/index.ts";
import { saveModel } from "../../model/save.ts";
import { stepProgram } from "../../model/step-program.ts";
import { widened } from "../../model/widen.ts";
import { type Tensor, tensor } from "../../tensor/index.ts";
import { saveOnnx } from "../../tensor/node/export.ts";
import { saveTokenizer } from "../../tokenizer/load-save.ts";
import { type Command, Option } from "commander";
import { printJson, say } from "../command.ts";
import { oneOf } from "../numbers.ts";
import { type OpenedModel, openModel } from "./open.ts";

interface Flags {
  onnx?: string;
  step?: string;
  hf?: string;
  gguf?: string;
  bits?: 8 | 16;
  portable?: boolean;
  fused?: boolean;
  tokenizer?: string;
  position?: string;
  json?: boolean;
}

const HELP = `
Examples:
  athanor export runs/demo --onnx demo.onnx
  athanor export runs/demo --step demo-step.onnx
  athanor export stories15M.bin --hf stories15M/
  athanor export ./SmolLM2-135M --gguf smollm2.gguf --bits 8`;

export function define(command: Command): void {
  command
    .description(
      "write a model as ONNX (inputs ids [batch, time], output logits), as a Hugging Face folder or for llama.cpp",
    )
    .argument("<model>", "run, Hugging Face folder, GGUF or llama2.c file")
    .option("--onnx <file>", "ONNX file; weights above 64 MB go to FILE.data beside it")
    .option(
      "--step <file>",
      "ONNX file that writes on: what layers keep goes in (past.*) and comes out (present.*)",
    )
    .option("--hf <folder>", "folder with config.json, model.safetensors and tokenizer.json")
    .option("--gguf <file>", "GGUF file for llama.cpp: weights, tokenizer and chat template")
    .option("--bits <n>", "bits of a weight in a GGUF file: 16 (F16, default) or 8 (Q8_0)", oneOf(16, 8))
    .option("--fused", "ONNX Runtime's own operators where they are faster; other runtimes refuse the file")
    .addOption(new Option("--portable", "standard ONNX operators only (default)").conflicts("fused"))
    .option("--tokenizer <file>", "tokenizer, where the model carries none")
    .option("--position <method>", "score positions another way")
    .option("--json", "print one JSON document")
    .addHelpText("after", HELP)
    .action(run);
}

async function run(path: string, flags: Flags): Promise<void> {
  const { onnx, step, hf, gguf, bits = 16 } = flags;
  if (onnx === undefined && step === undefined && hf === undefined && gguf === undefined) {
    throw new OptionError(
      "export: --onnx FILE, --step FILE, --hf FOLDER or --gguf FILE must be given, got none.",
    );
  }
  if (flags.bits !== undefined && gguf === undefined) {
    throw new OptionError("export: --bits is for --gguf FILE, got none.");
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
  if (step !== undefined) {
    const { fn, args, states, ...names } = stepProgram(config, params);
    const saved = await saveOnnx(step, fn, args, {
      ...names,
      weights: params,
      portable: flags.fused !== true,
    });
    say(`written: ${saved.path}, which keeps ${Object.keys(states).join(", ")}`);
    written["step"] = { ...saved, states };
  }
  if (hf !== undefined) {
    await mkdir(hf, { recursive: true });
    const { beside, dtype, family, tokens, bos } = model;
    await saveModel(hf, config, await widened(params), tokens, {
      beside,
      addBos: bos !== undefined,
      ...(dtype && { dtype }),
      ...(family !== undefined && { family }),
    });
    await exportTokenizer(model, hf);
    say(`written: ${hf}`);
    written["huggingFace"] = hf;
  }
  if (gguf !== undefined) {
    const tokens = { bos: model.bos ?? model.start, eos: model.eos };
    const { tokenizer, chat } = model;
    const extras = { tokens, tokenizer, template: chat?.source, addBos: model.bos !== undefined, bits };
    await saveGguf(gguf, config, params, extras);
    say(`written: ${gguf}`);
    written["gguf"] = gguf;
  }
  if (flags.json) printJson(written);
}

/** `tokenizer.json` where that format can say it, else the model's own file. */
export async function exportTokenizer(
  { tokenizer, tokenizerPath }: OpenedModel,
  folder: string,
): Promise<void> {
  try {
    await saveTokenizer(tokenizer, join(folder, "tokenizer.json"));
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    if (tokenizerPath.endsWith(".gguf")) throw error;
    const name = tokenizerPath.endsWith(".json") ? "tokenizer.json" : "tokenizer.bin";
    await copyFile(tokenizerPath, join(folder, name));
  }
}
