// athanor classify train: labels, or a number, of whole sequences.
import { type Command, Option } from "commander";
import { OptionError } from "../../errors.ts";
import type { Pooling } from "../../model/classifier-config.ts";
import { ATTENTION_TYPES } from "../../model/attention-config.ts";
import { parseLinear } from "../../model/convert.ts";
import { parseOptimizer, RULES } from "../../optim/index.ts";
import type { Device } from "../../tensor/index.ts";
import { CLASSIFY_SIZES, CLASSIFY_STEPS } from "../../train/classify/recipe.ts";
import {
  type ClassifyControl,
  type ClassifyResult,
  resumeClassify,
  startClassify,
} from "../../train/node/classify.ts";
import type { TrainChanges } from "../../train/settings.ts";
import { printJson, say } from "../command.ts";
import { stopOnInterrupt, unlessStopped } from "../interrupt.ts";
import { count, notNegative, positive, share, whole } from "../numbers.ts";
import { defaultRunFolder } from "../train/run-name.ts";
import { addReading, READING_HELP, type ReadingFlags, readingOf } from "./reading.ts";
import { watchClassifying } from "./watch.ts";

interface Flags extends ReadingFlags {
  readonly test?: readonly string[];
  readonly mixer?: string;
  readonly attention?: string;
  readonly run?: string;
  readonly resume?: string;
  readonly steps?: number;
  readonly epochs?: number;
  readonly minutes?: number;
  readonly batch?: number;
  readonly accumulate?: number;
  readonly lr?: number;
  readonly optimizer?: string;
  readonly seed?: number;
  readonly checkpointEvery?: number;
  readonly holdOut?: number;
  readonly layers?: number;
  readonly heads?: number;
  readonly width?: number;
  readonly linear?: string;
  readonly pooling?: Pooling;
  readonly regression?: boolean;
  readonly stride?: number;
  readonly window?: number;
  readonly context?: number;
  readonly noise?: number;
  readonly tokenizer?: string;
  readonly device?: Device;
  readonly json?: boolean;
}

const HELP = `${READING_HELP}
A run is a folder: config.json, metrics.jsonl, checkpoints/, loss.svg, accuracy.svg, confusion.svg, result.json.
A series becomes one vector for every --stride samples, of the last --window samples; channels are brought to mean 0
and deviation 1 by the training part. Series of uneven length are filled up, and what fills them counts for nothing.
Without --test a fifth of every class is held out. Held-out sequences are scored and decide nothing: the last
parameters are kept, not the best.

Mixers: ${ATTENTION_TYPES.join(", ")}; a kind alone gets numbers that suit the data.

Examples:
  athanor classify train GunPoint_TRAIN.ts --test GunPoint_TEST.ts --mixer rtf
  athanor classify train train.csv --label species --mixer rnn:cell=lstm --epochs 40
  athanor classify train sms.tsv --label 1 --text 2 --tokenizer train:1024
  athanor classify train moves.csv --series id --label activity --ignore time --mixer dense
  athanor classify train prices.ts --regression --missing linear
  athanor classify train --resume runs/…                   after Ctrl-C, a crash or a power cut
  athanor classify predict runs/… new.csv                  labels for what has none`;

export function define(command: Command): void {
  addReading(
    command
      .description("train a model that labels sequences, or predicts a number of each")
      .argument("[files...]", "sequences with labels")
      .option("--test <files...>", "labelled sequences that are scored and never learnt")
      .option("--mixer <kind>", "how layers mix a sequence, with :field=number,… (default: rtf)")
      .option("--attention <kind>", "the same word as in athanor train"),
  )
    .option("--regression", "labels are numbers to be predicted")
    .option("--run <dir>", "folder of the run (default: runs/DATE-classify)")
    .option("--resume <dir>", "go on with a run that was stopped")
    .option("--steps <n>", `updates of the parameters (default: ${CLASSIFY_STEPS})`, count)
    .option("--epochs <x>", "times that every sequence is seen, in place of steps", positive)
    .option("--minutes <n>", "stop after this time, with the learning rate run down", positive)
    .option("--batch <n>", "sequences in an update (default: 16)", count)
    .option("--accumulate <n>", "parts that a batch is computed in, to save memory", count)
    .option("--lr <rate>", "highest learning rate; it falls to a tenth", positive)
    .option("--optimizer <rule>", `${Object.keys(RULES).join(", ")}, with :field=number,… (default: adamw)`)
    .option("--seed <n>", "decides parameters, data order and what is held out", whole)
    .option("--checkpoint-every <n>", "updates between two checkpoints", count)
    .option("--hold-out <share>", "of every class, without --test (default: 0.2)", share)
    .option("--layers <n>", `blocks (default: ${CLASSIFY_SIZES.layers})`, count)
    .option("--heads <n>", `heads in a block (default: ${CLASSIFY_SIZES.heads})`, count)
    .option("--width <n>", `width of the model (default: ${CLASSIFY_SIZES.width})`, count)
    .option("--linear <kind>", "matrices of the layers: dense, or monarch:blocks=N (default: dense)")
    .addOption(
      new Option("--pooling <how>", "places into one: mean, max, last").choices(["mean", "max", "last"]),
    )
    .option("--stride <n>", "samples that become one place (default: so that at most 256 are left)", count)
    .option("--window <n>", "samples that a place is made of (default: stride + 7)", count)
    .option("--context <n>", "of texts: tokens at most (default: 256)", count)
    .option("--noise <x>", "deviation of noise on series in training (default: 0)", notNegative)
    .option("--tokenizer <how>", "of texts: bytes, chars, train:SIZE or a file (default: bytes)")
    .option("--device <name>", "cpu, webgpu or cuda")
    .option("--json", "print the result as JSON on stdout")
    .addHelpText("after", HELP)
    .action(train);
}

async function train(files: readonly string[], flags: Flags): Promise<void> {
  const stop = stopOnInterrupt();
  const watch = watchClassifying();
  const control: ClassifyControl = {
    ...watch.control,
    signal: stop.signal,
    ...(flags.device !== undefined && { device: flags.device }),
  };
  try {
    await unlessStopped(stop.signal, async () => {
      const result = await (flags.resume === undefined ? begin : goOn)(files, flags, control);
      watch.end();
      report(result, flags);
    });
  } finally {
    watch.end();
    stop.release();
  }
}

function begin(files: readonly string[], flags: Flags, control: ClassifyControl): Promise<ClassifyResult> {
  const { mixer, attention, test, missing, regression, stride, window, context, tokenizer, noise } = flags;
  if (mixer !== undefined && attention !== undefined) {
    throw new OptionError(
      "classify train: --mixer and --attention must not both be said, got both. They are one.",
    );
  }
  const kind = mixer ?? attention;
  return startClassify(
    {
      files,
      run: flags.run ?? defaultRunFolder("classify"),
      settings: settingsOf(flags),
      reading: readingOf(flags),
      sizes: given({ width: flags.width, layers: flags.layers, heads: flags.heads }),
      choices: given({ missing, regression, stride, window, context }),
      ...given({ test, mixer: kind, tokenizer, noise, epochs: flags.epochs, pooling: flags.pooling }),
      ...(flags.linear !== undefined && { maps: [parseLinear(flags.linear)] }),
    },
    control,
  );
}

/** What was said. */
function given<T extends object>(all: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

function settingsOf(flags: Flags): TrainChanges {
  const { steps, minutes, batch, accumulate, seed, checkpointEvery, lr, optimizer, holdOut } = flags;
  return {
    ...given({ steps, minutes, batch, accumulate, seed, checkpointEvery, validationShare: holdOut }),
    ...(lr !== undefined && { rate: lr, floor: lr / 10 }),
    ...(optimizer !== undefined && { optimizer: parseOptimizer(optimizer) }),
  };
}

const WHEN_RESUMED = new Set(["resume", "steps", "minutes", "device", "json", "test"]);

function goOn(files: readonly string[], flags: Flags, control: ClassifyControl): Promise<ClassifyResult> {
  for (const key of Object.keys(flags)) {
    if (WHEN_RESUMED.has(key)) continue;
    const name = key.replaceAll(/[A-Z]/g, (c) => `-${c.toLowerCase()}`);
    throw new OptionError(
      `classify train: --${name} cannot change in a resumed run, only --steps and --minutes can. Leave it out or begin a new run.`,
    );
  }
  const { steps, minutes, test } = flags;
  return resumeClassify(
    flags.resume ?? "",
    { ...given({ steps, minutes, test }), ...(files.length > 0 && { files }) },
    control,
  );
}

function report(result: ClassifyResult, { json = false }: Flags): void {
  const { accuracy, loss, heldCases, rootMeanSquare, meanAbsolute, rSquared } = result;
  if (result.interrupted) {
    say(`Stopped at step ${result.steps}, saved in ${result.checkpoint}.`);
    say(`Go on with: athanor classify train --resume ${result.runDir}`);
    process.exitCode = 130;
  } else if (accuracy === null) {
    say(
      `Of ${heldCases} held-out sequences: root mean square error ${rootMeanSquare?.toPrecision(4)}, mean distance ${meanAbsolute?.toPrecision(4)}, R² ${rSquared?.toFixed(3) ?? "none"}.`,
    );
    say(`Run: ${result.runDir} (loss.svg, error.svg, numbers.svg, result.json)`);
  } else {
    say(
      `${(100 * accuracy).toFixed(1)} % of ${heldCases} held-out sequences right, loss ${loss?.toFixed(4)} nats.`,
    );
    say(`Run: ${result.runDir} (loss.svg, accuracy.svg, confusion.svg, result.json)`);
  }
  if (!result.interrupted) say(`Label with it: athanor classify predict ${result.runDir} FILE`);
  if (json) printJson(result);
}
