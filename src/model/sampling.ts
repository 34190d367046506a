// From logits to a token.
import { OptionError, checkOptions } from "../errors.ts";

/** How to choose the next token; all steps are applied in this order. */
export interface SamplingOptions {
  /** Logits of tokens seen before are divided (if positive) or multiplied by this; 1 (default) is off. Keskar et al. 2019. */
  readonly repetitionPenalty?: number;
  /** 0 chooses the most probable token; default 0.8. */
  readonly temperature?: number;
  /** Only the `k` most probable tokens; default: all. */
  readonly topK?: number;
  /** Only tokens at least `minP` times as probable as the best; default 0. */
  readonly minP?: number;
  /** Only the most probable tokens that together reach `p`; default 1. Holtzman et al. 2020. */
  readonly topP?: number;
}

const KEYS = ["repetitionPenalty", "temperature", "topK", "minP", "topP"] as const;

function fail(name: string, bounds: string, value: number, wayOut = ""): never {
  throw new OptionError(`sampling: ${name} must be ${bounds}, got ${value}.${wayOut}`);
}

/** @throws OptionError for values out of range. */
export function checkSampling(options: SamplingOptions): void {
  checkOptions("sampling", options, KEYS);
  const { repetitionPenalty = 1, temperature = 0.8, topK = 1, minP = 0, topP = 1 } = options;
  if (!(temperature >= 0)) fail("temperature", "≥ 0", temperature);
  const always = " For the most probable token always, set temperature to 0.";
  if (!(topP > 0 && topP <= 1)) fail("topP", "in (0, 1]", topP, always);
  if (!(minP >= 0 && minP < 1)) fail("minP", "in [0, 1)", minP);
  if (!(repetitionPenalty > 0)) fail("repetitionPenalty", "> 0", repetitionPenalty);
  if (!(Number.isInteger(topK) && topK >= 1))
    fail("topK", "a whole number ≥ 1", topK, " Leave it out for all tokens.");
}

/** Index of the largest number. */
export function argMaxOf(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if ((values[i] as number) > (values[best] as number)) best = i;
  return best;
}

/** Natural logarithms of the softmax of `logits`, in double precision. */
export function logProbabilities(logits: ArrayLike<number>): Float64Array {
  const out = Float64Array.from(logits);
  const top = out[argMaxOf(out)] ?? 0;
  let sum = 0;
  for (let i = 0; i < out.length; i++) sum += Math.exp((out[i] as number) - top);
  const shift = top + Math.log(sum);
  for (let i = 0; i < out.length; i++) out[i] = (out[i] as number) - shift;
  return out;
}

/**
 * Draws the next token.
 * @param logits `[V]`; not changed. @param seen Tokens so far, for the repetition penalty.
 * @param random Uniform numbers in [0, 1).
 */
export function sampleToken(
  logits: Float32Array,
  options: SamplingOptions,
  random: () => number,
  seen: Iterable<number> = [],
): number {
  const { repetitionPenalty = 1, temperature = 0.8, topK = Infinity, minP = 0, topP = 1 } = options;
  let scores: ArrayLike<number> = logits;
  if (repetitionPenalty !== 1) {
    const changed = Float64Array.from(logits);
    for (const id of new Set(seen)) {
      const x = changed[id] ?? 0;
      changed[id] = x > 0 ? x / repetitionPenalty : x * repetitionPenalty;
    }
    scores = changed;
  }
  if (temperature === 0 || topK === 1) return argMaxOf(scores);
  const top = scores[argMaxOf(scores)] as number;
  // Weights relative to the best token; what is too small to matter is never sorted.
  const least = Math.max(minP, 1e-9);
  const ids: number[] = [];
  const weights = new Float64Array(scores.length);
  for (let i = 0; i < scores.length; i++) {
    const w = Math.exp(((scores[i] as number) - top) / temperature);
    if (w < least) continue;
    weights[i] = w;
    ids.push(i);
  }
  const restricted = topK < ids.length || topP < 1;
  if (restricted) ids.sort((a, b) => (weights[b] as number) - (weights[a] as number) || a - b);
  let kept = Math.min(topK, ids.length);
  if (topP < 1) {
    let total = 0;
    for (let i = 0; i < kept; i++) total += weights[ids[i] as number] as number;
    let sum = 0;
    for (let i = 0; i < kept; i++) {
      sum += weights[ids[i] as number] as number;
      if (sum >= topP * total) {
        kept = i + 1;
        break;
      }
    }
  }
  let total = 0;
  for (let i = 0; i < kept; i++) total += weights[ids[i] as number] as number;
  let left = random() * total;
  for (let i = 0; i < kept; i++) {
    left -= weights[ids[i] as number] as number;
    if (left < 0) return ids[i] as number;
  }
  return ids[kept - 1] as number;
}
