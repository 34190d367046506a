// Trainings by name: a model, its settings and a tokenizer that go together.
import { checkOptions, nearest, OptionError } from "../errors.ts";
import { mergeSettings, type TrainChanges, trainSettings } from "./settings.ts";
import type { ModelSizes } from "./text-task.ts";

/** A training without its texts. */
export interface Preset {
  /** One line for `--help`. */
  readonly about: string;
  readonly model: ModelSizes;
  readonly training: TrainChanges;
  readonly tokenizer: string;
}

/** All presets. */
export const PRESETS: Readonly<Record<string, Preset>> = {
  tiny: {
    about: "bytes, 2 layers of width 64: half a minute, to see that everything works",
    model: { context: 64, width: 64, layers: 2, heads: 4 },
    training: { steps: 500, batch: 16, rate: 3e-3, validateEvery: 100, checkpointEvery: 100 },
    tokenizer: "bytes",
  },
  small: {
    about: "4,096 pieces, 4 layers of width 256: an hour on two cores for a few megabytes of text",
    model: { context: 256, width: 256, layers: 4, heads: 4, keyValueHeads: 2 },
    training: { steps: 4000, batch: 16, rate: 2e-3, validateEvery: 200, checkpointEvery: 200 },
    tokenizer: "train:4096",
  },
  medium: {
    about: "8,192 pieces, 8 layers of width 512: a day on two cores, or a GPU",
    model: { context: 512, width: 512, layers: 8, heads: 8, keyValueHeads: 4 },
    training: { steps: 20_000, batch: 32, accumulate: 4, rate: 1e-3, warmup: 500, validateEvery: 500 },
    tokenizer: "train:8192",
  },
  demo: {
    about: "what npm start trains: 4,096 pieces, 4 layers of width 128, as far as four minutes go",
    model: { context: 128, width: 128, layers: 4, heads: 4 },
    training: {
      steps: 20_000,
      minutes: 3.5,
      batch: 8,
      rate: 3e-3,
      floor: 1e-4,
      warmup: 100,
      validationShare: 0.04,
      validateEvery: 500,
      validationWindows: 64,
      checkpointEvery: 1000,
      sampleEvery: 1_000_000,
    },
    tokenizer: "train:4096",
  },
  "shakespeare-char": {
    about: "characters, nanoGPT's recipe for a CPU: 4 layers of width 128, context 64, 2,000 steps",
    model: {
      context: 64,
      width: 128,
      layers: 4,
      heads: 4,
      norm: "layer",
      activation: "gelu",
      position: { type: "learned" },
      bias: "none",
      tieEmbeddings: true,
    },
    training: {
      steps: 2000,
      batch: 12,
      rate: 1e-3,
      floor: 1e-4,
      warmup: 100,
      optimizer: { type: "adamw", beta2: 0.99, decay: 0.1, clip: 1 },
      seed: 1337,
      validationWindows: 240,
    },
    tokenizer: "chars",
  },
};

/** What going on with a pretrained model is trained like; its sizes and tokenizer are the model's own. */
export const ONWARD: Preset = {
  about: "a pretrained model, at a low rate",
  model: { context: 256, width: 64, layers: 1, heads: 1 },
  training: { steps: 1000, batch: 16, rate: 3e-4, validateEvery: 100, checkpointEvery: 100 },
  tokenizer: "bytes",
};

/** The preset called `name`. @throws OptionError with the nearest names. */
export function presetNamed(name: string): Preset {
  const preset = Object.hasOwn(PRESETS, name) ? PRESETS[name] : undefined;
  if (preset !== undefined) return preset;
  const near = nearest(name, Object.keys(PRESETS));
  const hint =
    near.length > 0 ? `Did you mean ${near.join(" or ")}?` : `Known: ${Object.keys(PRESETS).join(", ")}.`;
  throw new OptionError(`train: preset "${name}" is unknown. ${hint}`);
}

/** What a configuration file or the command line changes in a preset. */
export interface Recipe {
  readonly model?: Partial<ModelSizes>;
  readonly training?: TrainChanges;
  readonly tokenizer?: string;
}

/** `base` with other sizes: a number of heads that its key-value heads do not divide drops these. */
function withSizes(base: ModelSizes, changes: Partial<ModelSizes>): ModelSizes {
  const { keyValueHeads, ...rest } = base;
  const fits = keyValueHeads !== undefined && (changes.heads ?? base.heads) % keyValueHeads === 0;
  return { ...rest, ...(fits && { keyValueHeads }), ...changes };
}

/**
 * A preset with changes; later ones win.
 * @throws OptionError for an unknown key, with the nearest.
 */
export function withRecipe(preset: Preset, ...recipes: readonly Recipe[]): Required<Omit<Preset, "about">> {
  let { model, training, tokenizer } = preset;
  for (const recipe of recipes) {
    checkOptions("train: configuration", recipe, ["model", "training", "tokenizer"]);
    model = withSizes(model, recipe.model ?? {});
    training = mergeSettings(training, recipe.training ?? {});
    tokenizer = recipe.tokenizer ?? tokenizer;
  }
  trainSettings(training);
  return { model, training, tokenizer };
}
