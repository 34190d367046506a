// athanor classify eval: a trained classifier on labelled files.
import type { Command } from "commander";
import type { Device } from "../../tensor/index.ts";
import { evalClassifier } from "../../train/node/classify-use.ts";
import { printJson, say } from "../command.ts";
import { addReading, READING_HELP, type ReadingFlags, readingOf } from "./reading.ts";

interface Flags extends ReadingFlags {
  readonly device?: Device;
  readonly json?: boolean;
}

const HELP = `${READING_HELP}
Files are read as the training part was, unless something else is said.

Examples:
  athanor classify eval runs/2026-11-27-120000-classify GunPoint_TEST.ts
  athanor classify eval runs/… test.csv --json`;

export function define(command: Command): void {
  addReading(
    command
      .description("score a classifier on sequences with labels")
      .argument("<run>", "folder of the run")
      .argument("<files...>", "sequences with labels"),
  )
    .option("--device <name>", "cpu, webgpu or cuda")
    .option("--json", "print the scores as JSON on stdout")
    .addHelpText("after", HELP)
    .action(evaluate);
}

async function evaluate(run: string, files: readonly string[], flags: Flags): Promise<void> {
  const scores = await evalClassifier(run, files, {
    reading: readingOf(flags),
    ...(flags.missing && { missing: flags.missing }),
    ...(flags.device !== undefined && { device: flags.device }),
    onNotice: say,
  });
  if ("confusion" in scores) {
    const { accuracy, balancedAccuracy, macroF1, loss, cases, confusion, classes } = scores;
    say(`${(100 * accuracy).toFixed(1)} % of ${cases} right, loss ${loss.toFixed(4)} nats`);
    say(`mean over classes: ${(100 * balancedAccuracy).toFixed(1)} % right, F1 ${macroF1.toFixed(3)}`);
    confusion.forEach((row, i) => {
      const total = row.reduce((a, b) => a + b, 0);
      const wrong = row.flatMap((n, j) => (j !== i && n > 0 ? [`${n} taken for ${classes[j]}`] : []));
      say(
        `  ${classes[i]}: ${row[i]} of ${total}${wrong.length > 0 ? ` (${wrong.slice(0, 4).join(", ")})` : ""}`,
      );
    });
  } else {
    const { rootMeanSquare, meanAbsolute, rSquared, cases } = scores;
    say(
      `root mean square error ${rootMeanSquare.toPrecision(4)}, mean distance ${meanAbsolute.toPrecision(4)}, R² ${rSquared?.toFixed(3) ?? "none"}, ${cases} sequences`,
    );
  }
  if (flags.json) printJson(scores);
}
