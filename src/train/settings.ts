// How a model is trained, as plain data: everything that decides the result, and nothing else.
import { checkOptions, OptionError } from "../errors.ts";
import type { Segmentation } from "./segmentation.ts";
import { type OptimizerChoice, type OptimizerConfig, optimizerConfig, ruleNamed } from "../optim/index.ts";

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
  /** Learning rate at the end. Default a tenth of `rate`. */
  readonly floor: number;
  /** Updates during which the rate rises linearly. */
  readonly warmup: number;
  /** The update rule and its numbers: `{ type: "adamw", … }`; what is not said is what the rule usually takes. */
  readonly optimizer: OptimizerConfig;
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
export type TrainChanges = Partial<Omit<TrainSettings, "optimizer">> & {
  readonly optimizer?: OptimizerChoice;
} & FlatOptimizer;

const FLAT = ["beta1", "beta2", "decay", "clip"] as const;

const DEFAULTS: Omit<TrainSettings, "optimizer" | "rate" | "floor"> = {
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
  const { optimizer: choice = { type: "adamw" }, ...others } = lifted(changes);
  const optimizer = optimizerConfig(choice);
  const steps = others.steps ?? DEFAULTS.steps;
  const rate = others.rate ?? ruleNamed(optimizer.type).rate;
  const settings: TrainSettings = {
    ...DEFAULTS,
    rate,
    floor: rate / 10,
    warmup: Math.min(DEFAULTS.warmup, Math.ceil(steps / 10)),
    ...others,
    optimizer,
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
const OTHERS = ["optimizer", "rate", "floor", "minutes", "context", "segmentation"];

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
 * Learning rate of the update after `step` earlier ones: a linear warm-up to `rate`, then half a cosine down to
 * `floor` at the last step, as `warmupCosine` computes it inside a graph. Here it is an input of the compiled step,
 * so that a training can go on with another number of steps, or be paced by the clock, without a new program.
 * With `minutes` the cosine follows the larger of the shares of steps and time spent.
 * @param seconds Time spent on training so far.
 */
export function rateAt(settings: TrainSettings, step: number, seconds = 0): number {
  const { steps, minutes, rate, floor, warmup } = settings;
  const bySteps = Math.min(1, Math.max(0, step - warmup) / Math.max(1, steps - warmup));
  const byTime = minutes === undefined ? 0 : Math.min(1, seconds / (60 * minutes));
  const cosine = floor + 0.5 * (rate - floor) * (1 + Math.cos(Math.PI * Math.max(bySteps, byTime)));
  return Math.min(cosine, (rate * (step + 1)) / (warmup + 1));
}
