// What `classify train` does where nothing is said: one recipe for every kind of data.
import { type AttentionConfig, parseAttention } from "../../model/index.ts";
import type { TrainChanges } from "../settings.ts";

/** Sizes of a classifier's blocks. */
export interface ClassifySizes {
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
}

/** Two blocks of width 64. */
export const CLASSIFY_SIZES: ClassifySizes = { width: 64, layers: 2, heads: 4 };

/** Updates unless epochs, steps or minutes are said. */
export const CLASSIFY_STEPS = 600;

/** 16 sequences a step, AdamW at 2e-3 with decay 0.05; a fifth validates where no test part is named. */
export const CLASSIFY_TRAINING: TrainChanges = {
  batch: 16,
  rate: 2e-3,
  optimizer: { type: "adamw", beta2: 0.99, decay: 0.05 },
  validationShare: 0.2,
};

/** Orders of filters that are chosen by the length: the largest power of two below it, at most this. */
const MOST_STATE = 64;

/** What kinds that need a number get where a person names the kind alone. @param T Places of the longest sequence. */
function usual(kind: string, T: number): string {
  const state = 2 ** Math.floor(Math.log2(Math.max(1, T - 1)));
  const fields: Readonly<Record<string, string>> = {
    rtf: `state=${Math.min(MOST_STATE, state)}`,
    rnn: "cell=gru",
    window: `window=${Math.min(32, Math.max(1, Math.ceil(T / 4)))}`,
    "transformer-vq": "codes=32",
    mla: "latentWidth=16,rotaryWidth=8",
  };
  const own = fields[kind];
  return own === undefined ? kind : `${kind}:${own}`;
}

/**
 * A mixer from text, as `parseAttention`; a kind that is named alone gets fields that suit `T` places.
 * @example
 * parseMixer("rtf", 150); // { type: "rtf", state: 64 }
 */
export function parseMixer(text: string, T: number): AttentionConfig {
  return parseAttention(text.includes(":") ? text : usual(text, T));
}
