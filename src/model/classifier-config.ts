// The shape of a classifier, in words: what enters, the blocks, how they are pooled, what comes out.
import { checkOptions, OptionError } from "../errors.ts";
import { causalLMConfig, checkConfig } from "./check-config.ts";
import type { BlocksConfig } from "./config.ts";
import { type Field, misfit, show, WHOLE } from "./fields.ts";

/**
 * What a series becomes: one vector for every `stride` samples, made of the `window` samples of all channels that end
 * there. Or tokens of a vocabulary.
 */
export type ClassifierInput =
  | { readonly type: "series"; readonly channels: number; readonly stride: number; readonly window: number }
  | { readonly type: "tokens"; readonly vocabulary: number };

/** How the vectors of all places become one: their mean, their largest values, or the last of them. */
export type Pooling = "mean" | "max" | "last";

/** Blocks between an input and an output. `context` counts the vectors of the longest series. */
export interface ClassifierConfig extends BlocksConfig {
  readonly input: ClassifierInput;
  /** Classes, or 1 for a number. */
  readonly outputs: number;
  readonly pooling: Pooling;
  /**
   * Every second block reads from the end to the beginning, so that mixers that see only what stands before meet both
   * sides of a place. Attention that may look anywhere sees both sides at once.
   */
  readonly alternate: boolean;
}

const OWN: Readonly<Record<Exclude<keyof ClassifierConfig, keyof BlocksConfig>, Field | "structure">> = {
  input: "structure",
  outputs: WHOLE,
  pooling: { is: ["mean", "max", "last"] },
  alternate: { is: "truth" },
};

const INPUTS: Readonly<Record<ClassifierInput["type"], readonly string[]>> = {
  series: ["channels", "stride", "window"],
  tokens: ["vocabulary"],
};

/**
 * A full configuration from its essential sizes: mean pooling, alternating directions, and for the blocks what
 * `causalLMConfig` chooses.
 * @throws OptionError for sizes that make no model, with both numbers.
 * @example
 * const config = classifierConfig({
 *   input: { type: "series", channels: 1, stride: 1, window: 8 }, outputs: 2,
 *   context: 150, width: 32, layers: 2, heads: 4, attention: { type: "rtf", state: 16 },
 * });
 */
export function classifierConfig(
  sizes: Pick<ClassifierConfig, "input" | "outputs" | "context" | "width" | "layers" | "heads"> &
    Partial<ClassifierConfig>,
): ClassifierConfig {
  const { input, outputs, pooling = "mean", alternate = true, ...blocks } = sizes;
  const {
    vocabulary: _,
    tieEmbeddings: __,
    ...body
  } = named(() => causalLMConfig({ ...blocks, ...NO_TEXT }));
  const config: ClassifierConfig = { ...body, input, outputs, pooling, alternate };
  checkClassifier(config);
  return config;
}

/** @throws OptionError for sizes that make no classifier, with both numbers. */
export function checkClassifier(config: ClassifierConfig): void {
  const { input, outputs, pooling, alternate, ...body } = config;
  for (const [key, value] of Object.entries({ outputs, pooling, alternate })) {
    const field = OWN[key as keyof typeof OWN];
    const must = field === "structure" ? undefined : misfit(field, value);
    if (must !== undefined) throw new OptionError(`classifier: ${key} must be ${must}, got ${show(value)}.`);
  }
  const fields = Object.hasOwn(INPUTS, input?.type ?? "") ? INPUTS[input.type] : undefined;
  if (fields === undefined) {
    throw new OptionError(`classifier: input must be of type series or tokens, got ${show(input)}.`);
  }
  const { type: _, ...given } = input;
  checkOptions("classifier: input", given, fields);
  for (const key of fields) {
    const value = (given as Readonly<Record<string, unknown>>)[key];
    const must = misfit(WHOLE, value);
    if (must !== undefined)
      throw new OptionError(`classifier: input ${key} must be ${must}, got ${show(value)}.`);
  }
  named(() => checkConfig({ ...body, ...NO_TEXT }));
}

/** What a language model has and blocks do not ask for. */
const NO_TEXT = { vocabulary: 1, tieEmbeddings: true } as const;

/** Lets a refusal of the blocks name the classifier. */
function named<T>(body: () => T): T {
  try {
    return body();
  } catch (error) {
    if (!(error instanceof OptionError)) throw error;
    throw new OptionError(error.message.replace(/^causalLM:/, "classifier:"));
  }
}
