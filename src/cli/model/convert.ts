// `athanor convert`: a model with its matrices in another form, and what each of them lost.
import { mkdir } from "node:fs/promises";
import type { Command } from "commander";
import { convertLinear, parseLinear } from "../../model/convert.ts";
import { saveModel } from "../../model/save.ts";
import { printJson, say } from "../command.ts";
import { tellFolder } from "./export.ts";
import { openModel } from "./open.ts";

interface Flags {
  linear: string;
  out: string;
  tokenizer?: string;
  json?: boolean;
}

const HELP = `
Matrices of the layers are projected to the nearest Monarch matrix, or made plain again. Training with --from
recovers what was lost.

Examples:
  athanor convert runs/demo --linear monarch:blocks=4 --out demo-monarch
  athanor convert demo-monarch --linear dense --out demo-dense
  athanor convert runs/demo --linear "monarch:blocks=4,match=mlp.*" --out demo-monarch`;

export function define(command: Command): void {
  command
    .description("write a model with its matrices in another form")
    .argument("<model>", "run, Hugging Face folder or llama2.c file")
    .requiredOption("--linear <kind>", "monarch or dense, with :field=number,… and match=NAMES")
    .requiredOption("--out <folder>", "folder with config.json, model.safetensors and the tokenizer")
    .option("--tokenizer <file>", "tokenizer, where the model carries none")
    .option("--json", "print one JSON document")
    .addHelpText("after", HELP)
    .action(run);
}

async function run(path: string, { linear, out, tokenizer, json }: Flags): Promise<void> {
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
