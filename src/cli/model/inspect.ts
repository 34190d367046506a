// `athanor inspect`: what the heads of a model look at.
import { basename } from "node:path";
import { attentionPicture } from "../../draw/attention-picture.ts";
import { OptionError } from "../../errors.ts";
import { writeFileAtomic } from "../../files/node/atomic.ts";
import { attentionMaps } from "../../model/attention-maps.ts";
import type { Command } from "commander";
import { printJson, say } from "../command.ts";
import { whole } from "../numbers.ts";
import { openModel } from "./open.ts";

interface Flags {
  prompt: string;
  svg: string;
  layer?: number;
  tokenizer?: string;
  position?: string;
  json?: boolean;
}

const HELP = `
Examples:
  athanor inspect stories15M.bin --prompt "Once upon a time there was a furnace"
  athanor inspect runs/demo --prompt "明月" --layer 1 --svg moon.svg`;

export function define(command: Command): void {
  command
    .description("draw attention maps and the concentration of every head")
    .argument("<model>", "run, Hugging Face folder or llama2.c file")
    .requiredOption("-p, --prompt <text>", "text to read")
    .option("--svg <file>", "where to draw", "attention.svg")
    .option("--layer <n>", "only this layer", whole)
    .option("--tokenizer <file>", "tokenizer, where the model carries none")
    .option("--position <method>", "score positions another way")
    .option("--json", "print one JSON document")
    .addHelpText("after", HELP)
    .action(run);
}

async function run(path: string, flags: Flags): Promise<void> {
  const model = await openModel(path, { tokenizer: flags.tokenizer, position: flags.position });
  const ids = [...(model.bos === undefined ? [] : [model.bos]), ...model.tokenizer.encode(flags.prompt)];
  if (ids.length < 2 || ids.length > 256) {
    throw new OptionError(`inspect: the prompt must be 2 to 256 tokens, got ${ids.length}.`);
  }
  const all = await attentionMaps(model.config, model.params, ids);
  const maps = flags.layer === undefined ? all : all.filter((m) => m.layer === flags.layer);
  if (maps.length === 0) {
    throw new OptionError(`inspect: --layer must be 0 to ${model.config.layers - 1}, got ${flags.layer}.`);
  }
  const tokens = ids.map((id) => new TextDecoder().decode(model.tokenizer.bytesOf(id)) || "⟨bos⟩");
  await writeFileAtomic(flags.svg, attentionPicture(maps, tokens, `Attention of ${basename(path)}`));
  for (const m of maps) {
    say(
      `layer ${m.layer}  head ${m.head}  S ${m.concentration.toFixed(3)}  if normal ${m.ifNormal.toFixed(3)}`,
    );
  }
  say(`drawn: ${flags.svg}`);
  if (flags.json) {
    const rows = maps.map(({ layer, head, concentration, ifNormal }) => ({
      layer,
      head,
      concentration,
      ifNormal,
    }));
    printJson({ model: path, tokens, svg: flags.svg, heads: rows });
  }
}
