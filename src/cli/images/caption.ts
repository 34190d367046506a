// athanor images caption: pictures in words.
import type { Command } from "commander";
import { random } from "../../tensor/index.ts";
import { captionText } from "../../train/images/captions.ts";
import { batchOf } from "../../train/images/images.ts";
import { printJson } from "../command.ts";
import { count } from "../numbers.ts";
import { openFor, picturesFor } from "./open.ts";

interface Flags {
  readonly count: number;
  readonly json?: boolean;
}

const HELP = `
Examples:
  athanor images caption runs/… picture.png
  athanor images caption runs/… --count 10 --json`;

export function define(command: Command): void {
  command
    .description("say in words what pictures show")
    .argument("<run>", "folder of a run")
    .argument("[pictures...]", "files or folders (default: pictures of the run's own data)")
    .option("--count <n>", "most pictures", count, 24)
    .option("--json", "print one JSON document")
    .addHelpText("after", HELP)
    .action(run);
}

async function run(path: string, pictures: readonly string[], flags: Flags): Promise<void> {
  const opened = await openFor(path, "captioner", "say what pictures show");
  const { method, config, space, params } = opened;
  const { names, set } = await picturesFor(opened, pictures, flags.count);
  const captioner = method.captioner?.(config.method, space, {});
  if (captioner === undefined) throw new Error("a run that can caption has a captioner");
  const { pixels } = batchOf(set, [...names.keys()], random.key(0));
  const ids = (await (await captioner.read(params, pixels)).data()) as Int32Array;
  await captioner.release();
  const L = ids.length / names.length;
  const rows = names.map((name, i) => ({
    name,
    caption: captionText(ids.subarray(i * L, (i + 1) * L), space),
  }));
  if (flags.json === true) return printJson({ run: path, pictures: rows });
  for (const { name, caption } of rows) process.stdout.write(`${name}: ${caption}\n`);
}
