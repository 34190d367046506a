// athanor images reconstruct: pictures above what a trained method makes of them.
import type { Command } from "commander";
import { writeFileAtomic } from "../../files/node/atomic.ts";
import { compile, evaluate, mean, random, square } from "../../tensor/index.ts";
import { batchOf, bytesOfPixels } from "../../train/images/images.ts";
import type { ImageBatch } from "../../train/images/method.ts";
import { sheetOf } from "../../train/images/sheet.ts";
import { printJson, say } from "../command.ts";
import { count } from "../numbers.ts";
import { openFor, picturesFor } from "./open.ts";

interface Flags {
  readonly out: string;
  readonly count: number;
  readonly json?: boolean;
}

const HELP = `
Examples:
  athanor images reconstruct runs/…                       pictures of its own data that it was not trained on
  athanor images reconstruct runs/… a.png photos/ --out back.png`;

export function define(command: Command): void {
  command
    .description("draw pictures above what a trained method makes of them")
    .argument("<run>", "folder of a run")
    .argument("[pictures...]", "files or folders (default: pictures of the run's own data)")
    .option("--out <file>", "where to draw", "reconstruct.png")
    .option("--count <n>", "most pictures", count, 24)
    .option("--json", "print one JSON document")
    .addHelpText("after", HELP)
    .action(run);
}

async function run(path: string, pictures: readonly string[], flags: Flags): Promise<void> {
  const opened = await openFor(path, "reconstruct", "reconstruct pictures");
  const { method, config, space, params } = opened;
  const { names, set } = await picturesFor(opened, pictures, flags.count);
  const batch = batchOf(set, [...names.keys()], random.key(0));
  const back = compile(
    (of: unknown, b: ImageBatch) => method.reconstruct?.(config.method, space, of, b) ?? b.pixels,
  );
  const made = await back(params, batch);
  const errors = await evaluate(mean(square(made.sub(batch.pixels)), { axis: [1, 2, 3] }));
  const mse = Array.from((await errors.data()) as Float32Array);
  await back.release();
  await writeFileAtomic(
    flags.out,
    await sheetOf([await bytesOfPixels(batch.pixels), await bytesOfPixels(made)], space),
  );
  const all = mse.reduce((a, b) => a + b, 0) / mse.length;
  say(`${names.length} pictures, mean squared error ${all.toPrecision(3)}. Drawn: ${flags.out}`);
  if (flags.json === true) {
    printJson({
      run: path,
      out: flags.out,
      reconstructionMse: all,
      pictures: names.map((name, i) => ({ name, reconstructionMse: mse[i] })),
    });
  }
}
