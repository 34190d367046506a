// athanor classify predict: labels for sequences that have none.
import type { Command } from "commander";
import { writeFileAtomic } from "../../files/node/atomic.ts";
import type { Device } from "../../tensor/index.ts";
import { type Prediction, predictClassifier } from "../../train/node/classify-use.ts";
import { printJson, say } from "../command.ts";
import { addReading, READING_HELP, type ReadingFlags, readingOf } from "./reading.ts";

interface Flags extends ReadingFlags {
  readonly out?: string;
  readonly device?: Device;
  readonly json?: boolean;
}

const HELP = `${READING_HELP}
Labels that a file has are not looked at. Without --out or --json, one line a sequence on stdout: the label and its
probability.

Examples:
  athanor classify predict runs/2026-11-27-120000-classify new.ts
  athanor classify predict runs/… new.csv --out labels.csv
  athanor classify predict runs/… rows.tsv --label none`;

export function define(command: Command): void {
  addReading(
    command
      .description("label sequences, with the probability of each class")
      .argument("<run>", "folder of the run")
      .argument("<files...>", "sequences, with or without labels"),
  )
    .option("--out <file>", "write a table: place, label, probability of each class")
    .option("--device <name>", "cpu, webgpu or cuda")
    .option("--json", "print the predictions as JSON on stdout")
    .addHelpText("after", HELP)
    .action(predict);
}

async function predict(run: string, files: readonly string[], flags: Flags): Promise<void> {
  const found = await predictClassifier(run, files, {
    reading: readingOf(flags),
    ...(flags.missing && { missing: flags.missing }),
    ...(flags.device !== undefined && { device: flags.device }),
    onNotice: say,
  });
  if (flags.out !== undefined) {
    await writeFileAtomic(flags.out, tableOf(found));
    say(`${found.predictions.length} labels written: ${flags.out}`);
  }
  if (flags.json) printJson(found);
  else if (flags.out === undefined) process.stdout.write(found.predictions.map(lineOf).join(""));
}

function lineOf({ label, probability }: Prediction): string {
  return `${label}${probability === undefined ? "" : `\t${probability.toFixed(4)}`}\n`;
}

function tableOf({
  classes = [],
  predictions,
}: {
  readonly classes?: readonly string[];
  readonly predictions: readonly Prediction[];
}): string {
  const cell = (value: string | number): string =>
    /[",\n\r]/.test(String(value)) ? `"${String(value).replaceAll('"', '""')}"` : String(value);
  const head = ["place", "label", ...classes.map((name) => `p(${name})`)];
  const rows = predictions.map(({ where, label, probabilities = [] }) => [where, label, ...probabilities]);
  return [head, ...rows].map((row) => `${row.map(cell).join(",")}\n`).join("");
}
