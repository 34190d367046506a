// `athanor convert`: a model with its matrices or its attention in another form, and what each of them lost.
import { mkdir } from "node:fs/promises";
import type { Command } from "commander";
import { OptionError } from "../../errors.ts";
import { parseAttention } from "../../model/attention-config.ts";
import { convertToVq } from "../../model/convert-attention.ts";
import { convertLinear, parseLinear } from "../../model/convert.ts";
import { saveModel } from "../../model/save.ts";
import { unpacked } from "../../train/node/corpus.ts";
import { printJson, say } from "../command.ts";
import { tellFolder } from "./export.ts";
import { openModel } from "./open.ts";

interface Flags {
  linear?: string;
  attention?: string;
  data?: string;
  out: string;
  tokenizer?: string;
  json?: boolean;
}

const HELP = `
Matrices of the layers are projected to the nearest Monarch matrix, or made plain again. With --attention
transformer-vq the keys of a model with RoPE are snapped to codes that K-means finds on the keys of a text, and
distances beyond the block stop growing (ReRoPE). Training with --from recovers what was lost.

Examples:
  athanor convert runs/demo --linear monarch:blocks=4 --out demo-monarch
  athanor convert demo-monarch --linear dense --out demo-dense
  athanor convert runs/demo --linear "monarch:blocks=4,match=mlp.*" --out demo-monarch
  athanor convert stories15M.bin --attention transformer-vq:codes=512,block=64 --data stories.txt --out stories-vq`;

export function define(command: Command): void {
  command
    .description("write a model with its matrices or its attention in another form")
    .argument("<model>", "run, Hugging Face folder or llama2.c file")
    .option("--linear <kind>", "monarch or dense, with :field=number,… and match=NAMES")
    .option("--attention <kind>", "transformer-vq:codes=N,block=N; needs --data")
    .option("--data <file>", "text whose keys the codes are found on (its first 4,096 tokens)")
    .requiredOption("--out <folder>", "folder with config.json, model.safetensors and the tokenizer")
    .option("--tokenizer <file>", "tokenizer, where the model carries none")
    .option("--json", "print one JSON document")
    .addHelpText("after", HELP)
    .action(run);
}

async function run(path: string, flags: Flags): Promise<void> {
  const { linear, attention } = flags;
  if ((linear === undefined) === (attention === undefined)) {
    throw new OptionError(
      "convert: one of --linear and --attention must be given. See athanor convert --help.",
    );
  }
  if (linear !== undefined) return convertMatrices(path, linear, flags);
  if (attention !== undefined) return convertKeys(path, attention, flags);
}

/** Tokens that the codes are found on at most. */
const TOKENS = 4096;

async function convertKeys(path: string, text: string, { data, out, tokenizer, json }: Flags): Promise<void> {
  const attention = parseAttention(text);
  if (attention.type !== "transformer-vq") {
    throw new OptionError(`convert: --attention must be transformer-vq, got ${attention.type}.`);
  }
  if (data === undefined) {
    throw new OptionError(
      "convert: --attention transformer-vq needs --data FILE, whose keys the codes are found on.",
    );
  }
  const { data: bytes } = await unpacked(data);
  const model = await openModel(path, { tokenizer });
  const ids = model.tokenizer.encode(bytes).subarray(0, TOKENS);
  const { config, params, lost } = await convertToVq(model.config, model.params, attention, ids);
  await mkdir(out, { recursive: true });
  await saveModel(out, config, params, model.tokens, { beside: await tellFolder(model, out) });
  for (const [i, share] of lost.entries())
    say(`layer ${i}: ${(100 * share).toFixed(1)} % of its keys' norm lost`);
  say(`written: ${out}; go on with athanor train FILE --from ${out}`);
  if (json) printJson({ out, attention: config.attention, tokens: ids.length, lost });
}

async function convertMatrices(path: string, linear: string, { out, tokenizer, json }: Flags): Promise<void> {
  const rule = parseLinear(linear);
  const model = await openModel(path, { tokenizer });
  const { config, params, matrices } = await convertLinear(model.config, model.params, rule);
  await mkdir(out, { recursive: true });
  await saveModel(out, config, params, model.tokens, { beside: await tellFolder(model, out) });
  for (const { name, before, after, lost } of matrices) {
    say(`${name}: ${before} numbers became ${after}, ${(100 * lost).toFixed(2)} % of its norm lost`);
  }
  say(`written: ${out}`);
  if (json) printJson({ out, matrices });
}
