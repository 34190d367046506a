// athanor images encode: the codes of pictures.
import type { Command } from "commander";
import { compile, random, type Tensor } from "../../tensor/index.ts";
import { batchOf } from "../../train/images/images.ts";
import { printJson, say } from "../command.ts";
import { count } from "../numbers.ts";
import { openFor, picturesFor } from "./open.ts";

interface Flags {
  readonly count: number;
}

const HELP = `
One JSON document a line: {"name", "shape", "codes"}, row by row.
Examples:
  athanor images encode runs/… a.png b.webp > codes.jsonl
  athanor images encode runs/… --count 1000 | head -3`;

export function define(command: Command): void {
  command
    .description("print the codes of pictures as JSON lines")
    .argument("<run>", "folder of a run")
    .argument("[pictures...]", "files or folders (default: pictures of the run's own data)")
    .option("--count <n>", "most pictures", count, 24)
    .option("--json", "as it is")
    .addHelpText("after", HELP)
    .action(run);
}

async function run(path: string, pictures: readonly string[], flags: Flags): Promise<void> {
  const opened = await openFor(path, "encode", "encode pictures");
  const { method, config, space, params } = opened;
  const { names, set } = await picturesFor(opened, pictures, flags.count);
  const encode = compile(
    (of: unknown, pixels: Tensor) => method.encode?.(config.method, space, of, pixels) ?? pixels,
  );
  for (let i = 0; i < names.length; i++) {
    const codes = await encode(params, batchOf(set, [i], random.key(0)).pixels);
    printJson({ name: names[i], shape: codes.shape.slice(1), codes: Array.from(await codes.data(), Number) });
  }
  await encode.release();
  say(`${names.length} pictures encoded.`);
}
