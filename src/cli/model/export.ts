// `athanor export`: a model as an ONNX file with free batch and time axes, or as a Hugging Face folder, or as GGUF.
import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { OptionError } from "../../errors.ts";
import { saveGguf } from "../../model/gguf-write.ts";
import { causalLM } from "../../model/index.ts";
import { saveModel } from "../../model/save.ts";
import { stepProgram } from "../../model/step-program.ts";
import { type Told, toldFiles } from "../../model/told.ts";
import { saveTransformersJs, type Variant, VARIANTS } from "../../model/transformers-js.ts";
import { widened } from "../../model/widen.ts";
import { type Tensor, tensor } from "../../tensor/index.ts";
import { saveOnnx } from "../../tensor/node/export.ts";
import { type Command, Option } from "commander";
import { printJson, say } from "../command.ts";
import { list, oneOf } from "../numbers.ts";
import { type OpenedModel, openModel } from "./open.ts";

interface Flags {
  onnx?: string;
  step?: string;
  hf?: string;
  gguf?: string;
  transformersJs?: string;
  variants?: readonly Variant[];
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
  athanor export ./SmolLM2-135M --gguf smollm2.gguf --bits 8
  athanor export runs/demo --transformers-js public/models/demo --variants fp32,q8,q4`;

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
    .option(
      "--transformers-js <folder>",
      "folder for @huggingface/transformers: ONNX, tokenizer and template",
    )
    .option(
      "--variants <list>",
      "its weights: some of fp32, fp16, q8, q4 (default fp32,q8)",
      list(variant, `names of variants (${VARIANTS.join(", ")})`, "fp32,q8"),
    )
    .option("--fused", "ONNX Runtime's own operators where they are faster; other runtimes refuse the file")
    .addOption(new Option("--portable", "standard ONNX operators only (default)").conflicts("fused"))
    .option("--tokenizer <file>", "tokenizer, where the model carries none")
    .option("--position <method>", "score positions another way")
    .option("--json", "print one JSON document")
    .addHelpText("after", HELP)
    .action(run);
}

async function run(path: string, flags: Flags): Promise<void> {
  const { onnx, step, hf, gguf, transformersJs, variants, bits = 16 } = flags;
  if ([onnx, step, hf, gguf, transformersJs].every((place) => place === undefined)) {
    throw new OptionError(
      "export: --onnx FILE, --step FILE, --hf FOLDER, --transformers-js FOLDER or --gguf FILE must be given, got none.",
    );
  }
  if (variants !== undefined && transformersJs === undefined) {
    throw new OptionError("export: --variants is for --transformers-js FOLDER, got none.");
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
    const { dtype, family, tokens } = model;
    const { maps: _, ...plain } = config; // as the matrices are from here on
    await saveModel(hf, plain, await widened(params), tokens, {
      beside: await tellFolder(model, hf),
      ...(dtype && { dtype }),
      ...(family !== undefined && { family }),
    });
    say(`written: ${hf}`);
    written["huggingFace"] = hf;
  }
  if (transformersJs !== undefined) {
    const { family } = model;
    await saveTransformersJs(transformersJs, config, params, {
      ...toldOf(model),
      ...(variants && { variants }),
      ...(family !== undefined && { family }),
    });
    say(`written: ${transformersJs}`);
    written["transformersJs"] = transformersJs;
  }
  if (gguf !== undefined) {
    const tokens = { bos: model.bos ?? model.start, eos: model.eos };
    const { tokenizer, chat, family } = model;
    const extras = { tokens, tokenizer, template: chat?.source, addBos: model.bos !== undefined, bits };
    await saveGguf(gguf, config, params, { ...extras, ...(family !== undefined && { family }) });
    say(`written: ${gguf}`);
    written["gguf"] = gguf;
  }
  if (flags.json) printJson(written);
}

/** What a folder is told of a model's use. */
export function toldOf({ tokenizer, tokens, chat, bos, beside }: OpenedModel): Told {
  return {
    tokenizer,
    tokens: { ...tokens, bos: tokens.bos ?? bos },
    chat,
    addBos: bos !== undefined,
    beside,
  };
}

/**
 * The small files of a Hugging Face folder. A SentencePiece model that tokenizer.json has no words for (symbols that are
 * found in normalised text) goes along as it is.
 */
export async function tellFolder(model: OpenedModel, folder: string): Promise<ReadonlyMap<string, string>> {
  const told = toldOf(model);
  try {
    return new Map(toldFiles(told));
  } catch (error) {
    const { tokenizerPath: path } = model;
    if (!(error instanceof OptionError) || !path.endsWith(".model")) throw error;
    await copyFile(path, join(folder, "tokenizer.model"));
    say(`${path} says more than tokenizer.json can: written as tokenizer.model, which transformers reads.`);
    return new Map(toldFiles({ ...told, vocabulary: false }));
  }
}

/** The name of a variant. */
function variant(text: string): Variant {
  const found = VARIANTS.find((known) => known === text.trim());
  if (found === undefined)
    throw new OptionError(`variant must be one of ${VARIANTS.join(", ")}, got "${text}".`);
  return found;
}
