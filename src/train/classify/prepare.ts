// From cases to numbers of one size: channels made even, samples gathered, texts cut into tokens, shorter ones filled up.
import { FileError, OptionError } from "../../errors.ts";
import type { ClassifierInput } from "../../model/classifier-config.ts";
import type { Tokenizer } from "../../tokenizer/index.ts";
import {
  type Case,
  type Cases,
  classAt,
  classesOf,
  lengthOf,
  type Missing,
  numberAt,
  withoutGaps,
} from "./cases.ts";

/** What labels stand for: classes by name, or numbers of a mean and a deviation, which the model sees as 0 and 1. */
export type Labels =
  | { readonly type: "classes"; readonly names: readonly string[] }
  | { readonly type: "number"; readonly mean: number; readonly deviation: number };

/** Mean and deviation of each channel over the training part: the model sees them as 0 and 1. */
export interface Channels {
  readonly means: readonly number[];
  readonly deviations: readonly number[];
}

/** How cases become numbers: all that is learnt of the training part before training. */
export interface Preparation {
  readonly input: ClassifierInput;
  readonly labels: Labels;
  /** Series only. */
  readonly channels?: Channels;
  readonly missing: Missing;
  /** Places of the longest training case; longer texts lose their ends. */
  readonly context: number;
}

/** Cases as numbers, side by side. */
export interface Prepared {
  /** `[count, T, F]`, or `[count, T]` of tokens. */
  readonly x: Float32Array | Int32Array;
  readonly lengths: Int32Array;
  /** Places of classes, or numbers in the model's unit; absent for cases without labels. */
  readonly targets?: Float64Array;
  readonly count: number;
  readonly T: number;
  /** Numbers of a place. */
  readonly F: number;
  /** Texts that lost their ends. */
  readonly cut: number;
}

/** Vectors that a series becomes at most, unless a stride is said. */
const MOST_PLACES = 256;
/** Samples of a vector besides those of its stride. */
const MORE_SAMPLES = 7;
/** Tokens of a text at most, unless a number is said. */
const MOST_TOKENS = 256;

/** What a person may choose; the rest follows from the training part. */
export interface PrepareChoices {
  readonly missing?: Missing;
  readonly regression?: boolean;
  /** Samples that become one vector; default so many that the longest series becomes at most 256. */
  readonly stride?: number;
  /** Samples that a vector is made of; default 7 more than `stride`. */
  readonly window?: number;
  /** Tokens of a text at most; default 256. */
  readonly context?: number;
}

/**
 * What is learnt of a training part before training.
 * @param tokenizer Of texts. @throws FileError and OptionError for labels and values that cannot be used.
 */
export function preparationOf(
  train: Cases,
  choices: PrepareChoices,
  tokenizer: Tokenizer | undefined,
): Preparation {
  const { missing = "refuse", regression = train.numbers } = choices;
  const labels = regression ? spreadOf(train.cases) : ({ type: "classes", names: classesOf(train) } as const);
  if (train.input === "text") {
    if (tokenizer === undefined)
      throw new OptionError("classify: texts must come with a tokenizer, got none.");
    const longest = train.cases.reduce(
      (most, { text = "" }) => Math.max(most, tokenizer.encode(text).length),
      1,
    );
    const context = Math.min(choices.context ?? MOST_TOKENS, longest);
    return { input: { type: "tokens", vocabulary: tokenizer.vocabularySize }, labels, missing, context };
  }
  const longest = train.cases.reduce((most, { series = [] }) => Math.max(most, lengthOf(series)), 1);
  const stride = choices.stride ?? Math.ceil(longest / MOST_PLACES);
  const window = choices.window ?? stride + MORE_SAMPLES;
  if (window < stride) {
    throw new OptionError(
      `classify: window must be at least the stride of ${stride}, so that every sample is seen, got ${window}.`,
    );
  }
  return {
    input: { type: "series", channels: train.channels, stride, window },
    labels,
    channels: channelsOf(train),
    missing,
    context: Math.ceil(longest / stride),
  };
}

function spreadOf(cases: readonly Case[]): Labels {
  const values = cases.map(numberAt);
  const { mean, deviation } = momentsOf(values);
  if (deviation === 0) {
    throw new OptionError(
      `classify: numbers to predict must differ, got ${mean} for all ${values.length} cases.`,
    );
  }
  return { type: "number", mean, deviation };
}

function momentsOf(values: readonly number[]): { mean: number; deviation: number } {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return { mean, deviation: Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length) };
}

/** Over all values that are known. A channel that never changes keeps its size. */
function channelsOf({ cases, channels }: Cases): Channels {
  const each = Array.from({ length: channels }, (_, c) => {
    let [count, total, squares] = [0, 0, 0];
    const over = (use: (v: number) => void): void => {
      for (const { series = [] } of cases) for (const v of series[c] ?? []) if (!Number.isNaN(v)) use(v);
    };
    over((v) => {
      count += 1;
      total += v;
    });
    const mean = count === 0 ? 0 : total / count;
    over((v) => {
      squares += (v - mean) ** 2;
    });
    return { mean, deviation: Math.sqrt(squares / Math.max(1, count)) || 1 };
  });
  return { means: each.map(({ mean }) => mean), deviations: each.map(({ deviation }) => deviation) };
}

/**
 * Cases as numbers.
 * @param labelled Whether every case must have a label.
 * @throws FileError for other channels, gaps that are not to be filled, no values, and classes that are not known.
 */
export function prepare(
  { input, labels, channels, missing, context }: Preparation,
  { cases, channels: given, input: kind }: Pick<Cases, "cases" | "channels" | "input">,
  tokenizer: Tokenizer | undefined,
  { labelled }: { readonly labelled: boolean },
): Prepared {
  const wanted = input.type === "tokens" ? "text" : "series";
  const [first] = cases;
  if (kind !== wanted || (input.type === "series" && given !== input.channels)) {
    const words = input.type === "series" ? `series of ${input.channels} channels` : "texts";
    throw new FileError(
      `classify: ${first?.where ?? "the file"} must hold ${words} as the training part does, got ${kind === "text" ? "texts" : `series of ${given}`}.`,
    );
  }
  const targets = labelled
    ? Float64Array.from(cases, (one) =>
        labels.type === "classes"
          ? classAt(labels.names, one)
          : (numberAt(one) - labels.mean) / labels.deviation,
      )
    : undefined;
  const made =
    input.type === "tokens"
      ? tokensOf(cases, tokenizer, context)
      : vectorsOf(withoutGaps(cases, missing, channels?.means ?? []), input, channels);
  return { ...made, count: cases.length, ...(targets && { targets }) };
}

type Made = Omit<Prepared, "count" | "targets">;

function tokensOf(cases: readonly Case[], tokenizer: Tokenizer | undefined, context: number): Made {
  if (tokenizer === undefined) throw new OptionError("classify: texts must come with a tokenizer, got none.");
  const all = cases.map(({ text = "", where }) => {
    const ids = tokenizer.encode(text);
    if (ids.length === 0) throw new FileError(`classify: ${where} must hold a text, got an empty one.`);
    return ids;
  });
  const lengths = Int32Array.from(all, (ids) => Math.min(context, ids.length));
  const T = context;
  const x = new Int32Array(cases.length * T);
  all.forEach((ids, i) => x.set(ids.slice(0, T), i * T));
  return { x, lengths, T, F: 1, cut: all.filter((ids) => ids.length > context).length };
}

/** The vector of place `t` holds the samples up to `(t + 1) · stride`, all channels of one moment side by side. */
function vectorsOf(
  cases: readonly Case[],
  { channels: C, stride, window }: Extract<ClassifierInput, { type: "series" }>,
  sizes: Channels | undefined,
): Made {
  const lengths = Int32Array.from(cases, ({ series = [], where }) => {
    const length = lengthOf(series);
    if (length === 0) throw new FileError(`classify: ${where} must have at least one value, got none.`);
    return Math.ceil(length / stride);
  });
  const T = Math.max(...lengths);
  const F = C * window;
  const x = new Float32Array(cases.length * T * F);
  cases.forEach(({ series = [] }, i) => {
    for (let t = 0; t < (lengths[i] ?? 0); t++) {
      for (let w = 0; w < window; w++) {
        const at = (t + 1) * stride - window + w;
        if (at < 0 || at >= lengthOf(series)) continue;
        for (let c = 0; c < C; c++) {
          const value = ((series[c]?.[at] ?? 0) - (sizes?.means[c] ?? 0)) / (sizes?.deviations[c] ?? 1);
          x[((i * T + t) * window + w) * C + c] = value;
        }
      }
    }
  });
  return { x, lengths, T, F, cut: 0 };
}

/** Some of the rows. */
export function rowsOf({ x, lengths, targets, T, F }: Prepared, rows: ArrayLike<number>): Prepared {
  const size = T * F;
  const chosen = Array.from(rows);
  const picked =
    x instanceof Int32Array ? new Int32Array(chosen.length * size) : new Float32Array(chosen.length * size);
  chosen.forEach((row, i) => picked.set(x.subarray(row * size, (row + 1) * size), i * size));
  return {
    x: picked,
    lengths: Int32Array.from(chosen, (row) => lengths[row] ?? 1),
    ...(targets && { targets: Float64Array.from(chosen, (row) => targets[row] ?? 0) }),
    count: chosen.length,
    T,
    F,
    cut: 0,
  };
}
