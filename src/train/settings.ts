// How a model is trained, as plain data: everything that decides the result, and nothing else.
import { checkOptions, OptionError } from "../errors.ts";
import {
  type OptimizerChoice,
  type OptimizerConfig,
  optimizerConfig,
  rateFactor,
  ruleNamed,
  type ScheduleChoice,
  type ScheduleConfig,
  scheduleConfig,
  SCHEDULES,
} from "../optim/index.ts";
import type { Segmentation } from "./segmentation.ts";

/** One training. A step is one update of the parameters. */
export interface TrainSettings {
  /** Texts are cut into tokens at random, anew each time; default: always alike. Validation is always alike. */
  readonly segmentation?: Segmentation;
  /** Updates in all. */
  readonly steps: number;
  /** Ends earlier when this much time has passed; the learning rate then falls with the time. Default: no limit. */
  readonly minutes?: number;
  /** Sequences of `context` tokens (or other examples) in one update, all micro-batches together. */
  readonly batch: number;
  /** Tokens in a training sequence. Default: the model's own context. */
  readonly context?: number;
  /** Micro-batches of one update: memory of `batch / accumulate` sequences, gradients of `batch`. Default 1. */
  readonly accumulate: number;
  /** Learning rate after the warm-up. */
  readonly rate: number;
  /** Learning rate at the end. Default a tenth of `rate` along a cosine, else 0. */
  readonly floor: number;
  /** How the rate falls. Default along half a cosine. */
  readonly schedule: ScheduleConfig;
  /** Updates during which the rate rises linearly. Default 100 or a tenth of `steps`; none where knots say all. */
  readonly warmup: number;
  /** The update rule and its numbers: `{ type: "adamw", … }`; what is not said is what the rule usually takes. */
  readonly optimizer: OptimizerConfig;
  /** Another rule for embeddings, and its highest rate (default what it usually takes). */
  readonly embedding?: { readonly optimizer: OptimizerConfig; readonly rate: number };
  /** Rows of embeddings whose gradient is zero stay where they are. Default false. */
  readonly lazyRows?: boolean;
  /** Measures each update: cosines with the gradient, predicted and actual change of the loss. Default false. */
  readonly diagnostics?: boolean;
  /** Decides parameters, data order and samples. */
  readonly seed: number;
  /** Share of each source that is only predicted, never trained on: its last part. */
  readonly validationShare: number;
  /** Updates between two validations, and at most this many windows in each. */
  readonly validateEvery: number;
  readonly validationWindows: number;
  /** Updates between two checkpoints, and how many of them are kept. */
  readonly checkpointEvery: number;
  readonly keep: number;
  /** Updates between two samples of text. */
  readonly sampleEvery: number;
}

/** Numbers of AdamW that stood beside the others before there were other rules; still read. */
interface FlatOptimizer {
  readonly beta1?: number;
  readonly beta2?: number;
  readonly decay?: number;
  readonly clip?: number;
}

/** Settings that differ from the defaults. */
export type TrainChanges = Partial<Omit<TrainSettings, "optimizer" | "schedule" | "embedding">> & {
  readonly optimizer?: OptimizerChoice;
  readonly schedule?: ScheduleChoice;
  readonly embedding?: { readonly optimizer: OptimizerChoice; readonly rate?: number };
} & FlatOptimizer;

const FLAT = ["beta1", "beta2", "decay", "clip"] as const;

const DEFAULTS: Omit<TrainSettings, "optimizer" | "schedule" | "rate" | "floor"> = {
  steps: 1000,
  batch: 16,
  accumulate: 1,
  warmup: 100,
  seed: 0,
  validationShare: 0.1,
  validateEvery: 250,
  validationWindows: 128,
  checkpointEvery: 250,
  keep: 3,
  sampleEvery: 500,
};

/**
 * Settings from those that differ from the defaults: 1,000 steps of 16 sequences, AdamW with betas 0.9 and 0.99, decay
 * 0.1 and clipping at 1, rate 1e-3 (or what another rule usually takes) falling to a tenth after 100 steps of warm-up
 * (a tenth of a shorter training), validation on the last tenth of each source and a checkpoint every 250 steps.
 * @throws OptionError for an unknown name or a value out of range, with both.
 */
export function trainSettings(changes: TrainChanges = {}): TrainSettings {
  checkOptions("train", changes, [...Object.keys(DEFAULTS), ...OTHERS, ...FLAT]);
  const {
    optimizer: choice = { type: "adamw" },
    schedule: shape = { type: "cosine" as const },
    embedding,
    ...others
  } = lifted(changes);
  const optimizer = optimizerConfig(choice);
  const schedule = scheduleConfig(shape);
  const steps = others.steps ?? DEFAULTS.steps;
  const rate = others.rate ?? ruleNamed(optimizer.type).rate;
  const settings: TrainSettings = {
    ...DEFAULTS,
    rate,
    floor: schedule.type === "cosine" ? rate / 10 : rate * SCHEDULES[schedule.type].floor,
    warmup: schedule.type === "piecewise" ? 0 : Math.min(DEFAULTS.warmup, Math.ceil(steps / 10)),
    ...others,
    schedule,
    optimizer,
    ...(embedding && { embedding: embeddingRule(embedding) }),
  };
  for (const name of ["steps", "batch", "accumulate", "validationWindows", "keep"] as const) {
    checkWhole(name, settings[name], 1);
  }
  for (const name of ["validateEvery", "checkpointEvery", "sampleEvery"] as const)
    checkWhole(name, settings[name], 1);
  checkWhole("seed", settings.seed, 0);
  checkWhole("warmup", settings.warmup, 0);
  checkRange("rate", settings.rate, 0, Infinity);
  checkRange("floor", settings.floor, 0, settings.rate);
  checkRange("validationShare", settings.validationShare, 1e-6, 0.9);
  if (settings.context !== undefined) checkWhole("context", settings.context, 1);
  if (settings.segmentation !== undefined) {
    checkOptions("train: segmentation", settings.segmentation, ["alpha"]);
    checkRange("segmentation.alpha", settings.segmentation.alpha, 0, Infinity);
  }
  if (settings.minutes !== undefined) checkRange("minutes", settings.minutes, 1e-6, Infinity);
  for (const name of ["lazyRows", "diagnostics"] as const) {
    const value = settings[name];
    if (value !== undefined && typeof value !== "boolean")
      throw new OptionError(`train: ${name} must be true or false, got ${JSON.stringify(value)}.`);
  }
  if (settings.minutes !== undefined && schedule.type === "piecewise") {
    throw new OptionError(
      `train: minutes must be absent beside schedule piecewise, whose knots count steps, got ${settings.minutes}. Choose another schedule or --steps.`,
    );
  }
  if (settings.warmup > settings.steps) {
    throw new OptionError(
      `train: warmup must be at most steps=${settings.steps}, got ${settings.warmup}. Lower it or train longer.`,
    );
  }
  if (settings.batch % settings.accumulate !== 0) {
    throw new OptionError(
      `train: accumulate must divide batch=${settings.batch}, got ${settings.accumulate}.`,
    );
  }
  return settings;
}

/** Names of settings that have no fixed default. */
const OTHERS = [
  "optimizer",
  "schedule",
  "embedding",
  "lazyRows",
  "diagnostics",
  "rate",
  "floor",
  "minutes",
  "context",
  "segmentation",
];

function embeddingRule({
  optimizer: choice,
  rate,
}: NonNullable<TrainChanges["embedding"]>): NonNullable<TrainSettings["embedding"]> {
  const optimizer = optimizerConfig(choice);
  const highest = rate ?? ruleNamed(optimizer.type).rate;
  checkRange("embedding.rate", highest, 0, Infinity);
  return { optimizer, rate: highest };
}

/** `changes` with flat numbers of AdamW moved into its configuration. @throws OptionError beside another rule. */
function lifted({
  beta1,
  beta2,
  decay,
  clip,
  ...changes
}: TrainChanges): Omit<TrainChanges, keyof FlatOptimizer> {
  const flat = Object.fromEntries(
    Object.entries({ beta1, beta2, decay, clip }).filter(([, value]) => value !== undefined),
  );
  const [first] = Object.keys(flat);
  if (first === undefined) return changes;
  const { optimizer = { type: "adamw" } } = changes;
  if (optimizer.type !== "adamw") {
    throw new OptionError(
      `train: ${first} must stand in optimizer beside type "${optimizer.type}", got it beside optimizer. Move it there.`,
    );
  }
  return { ...changes, optimizer: { ...flat, ...optimizer } };
}

/**
 * `base` with `changes`; a rule that is named again keeps the fields it had. Another rule comes with its own rate and
 * fields: those of the one before mean something else there.
 */
export function mergeSettings(base: TrainChanges, changes: TrainChanges): TrainChanges {
  const [before, after] = [lifted(base), lifted(changes)];
  const { optimizer: had = { type: "adamw" as const } } = before;
  const { optimizer: wants } = after;
  if (wants === undefined) return { ...before, ...after };
  if (wants.type === had.type) {
    return { ...before, ...after, optimizer: { ...had, ...wants } as OptimizerChoice };
  }
  const { rate: _, floor: __, ...rest } = before;
  return { ...rest, ...after };
}

function checkWhole(name: string, value: number, least: number): void {
  if (!Number.isSafeInteger(value) || value < least) {
    throw new OptionError(`train: ${name} must be a whole number ≥ ${least}, got ${value}.`);
  }
}

function checkRange(name: string, value: number, low: number, high: number): void {
  if (!(value >= low && value <= high && Number.isFinite(value))) {
    const bounds = high === Infinity ? `a number ≥ ${low}` : `between ${low} and ${high}`;
    throw new OptionError(`train: ${name} must be ${bounds}, got ${value}.`);
  }
}

/**
 * Learning rate of the update after `step` earlier ones: a linear warm-up to `rate`, then down to `floor` at the last step
 * as the schedule says. Here it is an input of the compiled step, so that a training can go on with another number of
 * steps, or be paced by the clock, without a new program. With `minutes` the larger of the shares of steps and time spent
 * counts.
 * @param seconds Time spent on training so far. @param norms Norms of the gradients of the earlier updates as they were
 * applied, for schedules that follow them.
 */
export function rateAt(
  settings: TrainSettings,
  step: number,
  seconds = 0,
  norms: readonly number[] = [],
): number {
  const { steps, minutes, rate, floor, warmup, schedule } = settings;
  const time = minutes === undefined ? 0 : Math.min(1, seconds / (60 * minutes));
  const factor = rateFactor(schedule, { step, steps, warmup, time, norms });
  const falling = floor + (rate - floor) * factor;
  return Math.min(falling, (rate * (step + 1)) / (warmup + 1));
}
