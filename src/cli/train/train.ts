// athanor train: a language model from text files.
import { readFile } from "node:fs/promises";
import { type Command, Option } from "commander";
import { FileError, OptionError } from "../../errors.ts";
import { parseLinear } from "../../model/convert.ts";
import { ATTENTION_TYPES, parseAttention, usualPosition } from "../../model/attention-config.ts";
import { parseOptimizer, parseSchedule, RULES, SCHEDULES } from "../../optim/index.ts";
import { parsePosition, readPlan, trainingPlan } from "../../position/index.ts";
import type { Device } from "../../tensor/index.ts";
import { ONWARD, PRESETS, presetNamed, type Recipe, withRecipe } from "../../train/presets.ts";
import { type TrainChanges, trainSettings } from "../../train/settings.ts";
import type { ModelSizes } from "../../train/text-task.ts";
import { resumeRun, type RunControl, type RunResult, startRun } from "../../train/node/run.ts";
import { printJson, say } from "../command.ts";
import { count, notNegative, positive, whole } from "../numbers.ts";
import { defaultRunFolder } from "./run-name.ts";
import { stopOnInterrupt, unlessStopped } from "../interrupt.ts";
import { watchTraining } from "./watch.ts";

/** Options as commander hands them over. */
interface TrainOptions {
  readonly preset?: string;
  readonly config?: string;
  readonly run?: string;
  readonly resume?: string;
  readonly tokenizer?: string;
  readonly prompt?: readonly string[];
  readonly device?: Device;
  readonly json?: boolean;
  readonly steps?: number;
  readonly minutes?: number;
  readonly batch?: number;
  readonly accumulate?: number;
  readonly lr?: number;
  readonly seed?: number;
  readonly checkpointEvery?: number;
  readonly segmentation?: number;
  readonly context?: number;
  readonly layers?: number;
  readonly heads?: number;
  readonly width?: number;
  readonly attention?: string;
  readonly linear?: string;
  readonly position?: string;
  readonly optimizer?: string;
  readonly embeddingOptimizer?: string;
  readonly embeddingLr?: number;
  readonly lazyRows?: boolean;
  readonly schedule?: string;
  readonly warmup?: number;
  readonly diagnostics?: boolean;
  readonly from?: string;
  readonly encoding?: string;
  readonly lineEnds?: "keep" | "lf";
}

const HELP = `
A run is a folder: config.json, tokenizer.json, metrics.jsonl, checkpoints/, samples.txt, loss.svg.
Nine tenths of each file are trained on; the last tenth is only predicted. The validation loss is in nats per
token and in bits per byte of text, so that models with different tokenizers compare, and compressors too.

Presets:
${Object.entries(PRESETS)
  .map(([name, { about }]) => `  ${name.padEnd(18)}${about}`)
  .join("\n")}

Optimizers, with the learning rate of a training that says none:
${Object.values(RULES)
  .map(({ type, about, rate }) => `  ${type.padEnd(18)}${String(rate).padEnd(8)}${about}`)
  .join("\n")}

Schedules, after a warm-up; fields follow a colon, e.g. wsd:decay=0.1 or piecewise:100=1,900=1,1000=0:
${Object.entries(SCHEDULES)
  .map(([name, { about }]) => `  ${name.padEnd(18)}${about}`)
  .join("\n")}

Examples:
  athanor train book.txt                               preset small, folder runs/…
  athanor train *.txt --minutes 10                     as far as ten minutes go
  athanor train shakespeare.txt --preset shakespeare-char --seed 1337 --json
  athanor train a.txt b.jsonl.gz --tokenizer train:8192 --width 384 --layers 6
  athanor train book.txt --attention transformer-vq:codes=64
  athanor train book.txt --attention window:window=64 --position yarn:scale=4,trainingLength=256
  athanor train book.txt --optimizer lion:decay=1      another rule, with its own rate
  athanor train book.txt --optimizer sgd --schedule linear --warmup 0
  athanor train book.txt --optimizer tiger --embedding-optimizer adamw --diagnostics
  athanor train book.txt --position hwfa2           windows around two full layers; later --position hwfa2 reads on
  athanor train chats.jsonl --from MiniMind2-small     goes on with a pretrained model
  athanor train --resume runs/2026-11-22-120000-small  after Ctrl-C, a crash or a power cut
  athanor train --resume DIR --steps 8000              train on

A configuration file holds what differs from the preset, for example
  { "model": { "width": 384, "attention": { "type": "transformer-vq", "codes": 64 } },
    "training": { "steps": 5000, "optimizer": { "type": "adamw", "beta2": 0.95 } }, "tokenizer": "bytes" }
`;

export function define(command: Command): void {
  command
    .description("Train a language model on texts: plain, JSON lines or arrays, chats, any of them as .gz.")
    .argument("[files...]", "files, folders, or quoted patterns such as 'books/**/*.txt'")
    .option("--preset <name>", `what to train: ${Object.keys(PRESETS).join(", ")} (default: small)`)
    .option("--config <file>", "JSON with changes to the preset")
    .option("--run <dir>", "folder of the run (default: runs/DATE-PRESET)")
    .option("--resume <dir>", "go on with a run that was stopped")
    .option("--from <model>", "go on with a model: a run, a Hugging Face folder, a llama2.c file")
    .option("--tokenizer <how>", "bytes, chars, train:SIZE or a tokenizer file")
    .option("--steps <n>", "updates of the parameters", count)
    .option("--minutes <n>", "stop after this time, with the learning rate run down", positive)
    .option("--batch <n>", "sequences in an update", count)
    .option("--accumulate <n>", "parts that a batch is computed in, to save memory", count)
    .option("--context <n>", "tokens in a sequence", count)
    .option("--layers <n>", "blocks of the model", count)
    .option("--heads <n>", "attention heads in a block", count)
    .option("--width <n>", "width of the model", count)
    .option("--attention <kind>", `how layers attend: ${ATTENTION_TYPES.join(", ")}, with :field=number,…`)
    .option("--linear <kind>", "matrices of the layers: dense, or monarch:blocks=N (default: dense)")
    .option(
      "--position <method>",
      "how positions count: learned, a method (rope:base=50000), or a plan by layer (hwfa, hwfa2:window=32)",
    )
    .option("--optimizer <rule>", `${Object.keys(RULES).join(", ")}, with :field=number,… (default: adamw)`)
    .option("--lr <rate>", "highest learning rate (default: the optimizer's, or the preset's)", positive)
    .option("--schedule <how>", `how it falls: ${Object.keys(SCHEDULES).join(", ")} (default: cosine)`)
    .option("--warmup <n>", "updates during which it rises (default: 100, at most a tenth of all)", whole)
    .option(
      "--embedding-optimizer <rule>",
      "another optimizer for embeddings, e.g. adamw beside lion or tiger",
    )
    .option("--embedding-lr <rate>", "its highest learning rate (default: its own)", positive)
    .option("--lazy-rows", "embeddings of tokens that a batch lacks stay where they are, decay included")
    .option("--diagnostics", "cosines of updates and gradients, predicted and actual change of the loss")
    .option("--checkpoint-every <n>", "updates between two checkpoints", count)
    .option("--seed <n>", "decides parameters and data order", whole)
    .option(
      "--segmentation <alpha>",
      "cut the texts into tokens at random, anew each time, ∝ p^alpha (e.g. 0.2; bytepiece and unigram)",
      notNegative,
    )
    .option("--encoding <name>", "of files that are no UTF-8, e.g. gbk (default: they are taken as bytes)")
    .addOption(new Option("--line-ends <how>", "lf turns CRLF into LF").choices(["keep", "lf"]))
    .option("--prompt <text...>", "what samples begin with (default: a new line)")
    .option("--device <name>", "cpu, webgpu or cuda")
    .option("--json", "print the result as JSON on stdout")
    .addHelpText("after", HELP)
    .action(train);
}

async function train(files: readonly string[], options: TrainOptions): Promise<void> {
  const stop = stopOnInterrupt();
  const watch = watchTraining(stop.signal);
  const control: RunControl = {
    ...watch.control,
    signal: stop.signal,
    ...(options.device !== undefined && { device: options.device }),
  };
  try {
    await unlessStopped(stop.signal, async () => {
      const result = await (options.resume === undefined ? begin : goOn)(files, options, control);
      watch.end();
      report(result, options);
    });
  } finally {
    watch.end();
    stop.release();
  }
}

async function begin(
  files: readonly string[],
  options: TrainOptions,
  control: RunControl,
): Promise<RunResult> {
  const { from, encoding, lineEnds } = options;
  if (from !== undefined) checkFrom(options);
  const name = options.preset ?? (from === undefined ? "small" : "onward");
  const preset = from !== undefined && options.preset === undefined ? ONWARD : presetNamed(name);
  const flags: Recipe = {
    model: {
      ...picked(options, { context: "context", layers: "layers", heads: "heads", width: "width" }),
      ...mixing(options),
      ...(options.linear !== undefined && { maps: [parseLinear(options.linear)] }),
    },
    training: trainingFlags(options),
    ...(options.tokenizer !== undefined && { tokenizer: options.tokenizer }),
  };
  const fromFile = options.config === undefined ? {} : await readRecipe(options.config);
  const { model: sizes, training, tokenizer } = withRecipe(preset, fromFile, flags);
  const model = withPlan(sizes, options.position);
  return startRun(
    {
      files,
      run: options.run ?? defaultRunFolder(name),
      title: name,
      model,
      settings: trainSettings(training),
      tokenizer,
      prompts: options.prompt ?? ["\n"],
      ...(from !== undefined && { from }),
      ...((encoding ?? lineEnds) !== undefined && {
        reading: { ...(encoding !== undefined && { encoding }), ...(lineEnds !== undefined && { lineEnds }) },
      }),
    },
    control,
  );
}

/** @throws OptionError for an option that a model which is there already decides. */
function checkFrom(options: TrainOptions): void {
  for (const key of ["tokenizer", "layers", "heads", "width", "attention", "linear", "position"] as const) {
    if (options[key] === undefined) continue;
    throw new OptionError(`train: --${key} is decided by the model of --from, got both. Leave one out.`);
  }
}

/** Attention and positions. An attention that says nothing of positions gets its usual ones, not the preset's. */
function mixing({ attention: kind, position: method }: TrainOptions): Recipe["model"] {
  const attention = kind === undefined ? undefined : parseAttention(kind);
  const position =
    method === undefined
      ? attention && usualPosition(attention)
      : method === "learned"
        ? ({ type: "learned" } as const)
        : readPlan(method)
          ? undefined // differs by layer: see withPlan
          : parsePosition(method);
  return { ...(attention && { attention }), ...(position && { position }) };
}

/** `sizes` with what each layer is trained with, where `--position` names a plan. */
function withPlan(sizes: ModelSizes, method: string | undefined): ModelSizes {
  const plan = method === undefined ? undefined : readPlan(method);
  if (plan === undefined) return sizes;
  const layers = trainingPlan(plan, { layers: sizes.layers, trainingLength: sizes.context });
  return {
    ...sizes,
    position: { type: "rope" },
    perLayer: layers.map((position, i) => ({ ...sizes.perLayer?.[i], position })),
  };
}

function goOn(files: readonly string[], options: TrainOptions, control: RunControl): Promise<RunResult> {
  const allowed = new Set(["resume", "steps", "minutes", "device", "json"]);
  for (const key of Object.keys(options)) {
    if (allowed.has(key)) continue;
    throw new OptionError(
      `train: --${key} cannot change in a resumed run, only --steps and --minutes can. Leave it out or begin a new run.`,
    );
  }
  return resumeRun(
    options.resume ?? "",
    { ...picked(options, { steps: "steps", minutes: "minutes" }), ...(files.length > 0 && { files }) },
    control,
  );
}

function trainingFlags(options: TrainOptions): TrainChanges {
  const flags: TrainChanges = picked(options, {
    steps: "steps",
    minutes: "minutes",
    batch: "batch",
    accumulate: "accumulate",
    seed: "seed",
    checkpointEvery: "checkpointEvery",
  });
  return {
    ...flags,
    ...(options.lr !== undefined && { rate: options.lr, floor: options.lr / 10 }),
    ...scheduleFlags(options),
    ...(options.optimizer !== undefined && { optimizer: parseOptimizer(options.optimizer) }),
    ...embeddingFlags(options),
    ...picked(options, { warmup: "warmup" }),
    ...(options.lazyRows && { lazyRows: true }),
    ...(options.diagnostics && { diagnostics: true }),
    ...(options.segmentation !== undefined && { segmentation: { alpha: options.segmentation } }),
    // The model of --from has a context of its own, which may be longer than one trains with.
    ...(options.from !== undefined && options.context !== undefined && { context: options.context }),
  };
}

/** A schedule's own end and warm-up take the place of the preset's. */
function scheduleFlags({ schedule: text }: TrainOptions): TrainChanges {
  if (text === undefined) return {};
  const schedule = parseSchedule(text);
  if (schedule.type === "cosine") return { schedule };
  return { schedule, floor: 0, ...(schedule.type === "piecewise" && { warmup: 0 }) };
}

function embeddingFlags({ embeddingOptimizer: rule, embeddingLr: rate }: TrainOptions): TrainChanges {
  if (rule === undefined && rate === undefined) return {};
  if (rule === undefined) {
    throw new OptionError(
      `train: --embedding-lr must stand beside --embedding-optimizer, got ${rate} alone. Name the optimizer.`,
    );
  }
  return { embedding: { optimizer: parseOptimizer(rule), ...(rate !== undefined && { rate }) } };
}

/** The options that were given, under the names that settings have. */
function picked(
  options: TrainOptions,
  names: Partial<Record<keyof TrainOptions, string>>,
): Record<string, number> {
  return Object.fromEntries(
    Object.entries(names).flatMap(([key, name]) => {
      const value = options[key as keyof TrainOptions];
      return typeof value === "number" ? [[name, value]] : [];
    }),
  );
}

async function readRecipe(path: string): Promise<Recipe> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new FileError(`train: --config ${path} must be readable, got ${error.code ?? error.message}.`);
  });
  try {
    const recipe: unknown = JSON.parse(text);
    if (typeof recipe === "object" && recipe !== null && !Array.isArray(recipe)) return recipe;
  } catch {
    // told below
  }
  throw new FileError(`train: --config ${path} must hold a JSON object, got something else. See --help.`);
}

function report(result: RunResult, { json = false }: TrainOptions): void {
  if (result.interrupted) {
    say(`Stopped at step ${result.steps}, saved in ${result.checkpoint}.`);
    say(`Go on with: athanor train --resume ${result.runDir}`);
    process.exitCode = 130;
  } else {
    say(
      `Validation loss ${result.validationLoss?.toFixed(4)} nats per token, ${result.validationBitsPerByte?.toFixed(4)} bits per byte.`,
    );
    if (result.sample !== null) say(`\n${result.sample}\n`);
    say(`Run: ${result.runDir} (loss.svg, samples.txt, checkpoints/)`);
    say(`Write with it: athanor generate ${result.runDir} --prompt "…"`);
  }
  if (json) printJson(result);
}
