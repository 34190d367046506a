// How a model is trained, as plain data: everything that decides the result, and nothing else.
import { checkOptions, OptionError } from "../errors.ts";

/** One training. A step is one update of the parameters. */
export interface TrainSettings {
  /** Updates in all. */
  readonly steps: number;
  /** Ends earlier when this much time has passed; the learning rate then falls with the time. Default: no limit. */
  readonly minutes?: number;
  /** Sequences of `context` tokens in one update, all micro-batches together. */
  readonly batch: number;
  /** Micro-batches of one update: memory of `batch / accumulate` sequences, gradients of `batch`. Default 1. */
  readonly accumulate: number;
  /** Learning rate after the warm-up. */
  readonly rate: number;
  /** Learning rate at the end. Default a tenth of `rate`. */
  readonly floor: number;
  /** Updates during which the rate rises linearly. */
  readonly warmup: number;
  readonly beta1: number;
  readonly beta2: number;
  /** Decoupled weight decay of matrices and tables; gains and biases have none. */
  readonly decay: number;
  /** Global norm that gradients are clipped to. */
  readonly clip: number;
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

const DEFAULTS: TrainSettings = {
  steps: 1000,
  batch: 16,
  accumulate: 1,
  rate: 1e-3,
  floor: 1e-4,
  warmup: 100,
  beta1: 0.9,
  beta2: 0.99,
  decay: 0.1,
  clip: 1,
  seed: 0,
  validationShare: 0.1,
  validateEvery: 250,
  validationWindows: 128,
  checkpointEvery: 250,
  keep: 3,
  sampleEvery: 500,
};

/**
 * Settings from those that differ from the defaults: 1,000 steps of 16 sequences, rate 1e-3 falling to a tenth after
 * 100 steps of warm-up (a tenth of a shorter training), AdamW with betas 0.9 and 0.99 and decay 0.1, clipping at 1,
 * validation on the last tenth of each source and a checkpoint every 250 steps.
 * @throws OptionError for an unknown name or a value out of range, with both.
 */
export function trainSettings(changes: Partial<TrainSettings> = {}): TrainSettings {
  checkOptions("train", changes, [...Object.keys(DEFAULTS), "minutes"]);
  const steps = changes.steps ?? DEFAULTS.steps;
  const rate = changes.rate ?? DEFAULTS.rate;
  const settings: TrainSettings = {
    ...DEFAULTS,
    floor: rate / 10,
    warmup: Math.min(DEFAULTS.warmup, Math.ceil(steps / 10)),
    ...changes,
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
  checkRange("beta1", settings.beta1, 0, 1 - 1e-9);
  checkRange("beta2", settings.beta2, 0, 1 - 1e-9);
  checkRange("decay", settings.decay, 0, Infinity);
  checkRange("validationShare", settings.validationShare, 1e-6, 0.9);
  checkRange("clip", settings.clip, 1e-12, Infinity);
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
