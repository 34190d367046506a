// Su 2023, "Transformer upgrade path 12: ReRoPE for unlimited extrapolation?" and 13 (inverse Leaky ReRoPE).
// https://kexue.fm/archives/9708 and https://kexue.fm/archives/9728
import { OptionError } from "../errors.ts";
import {
  addAlongAxis,
  and,
  broadcastTo,
  cast,
  concat,
  full,
  gather,
  greaterEqual,
  less,
  lessEqual,
  matmul,
  maximum,
  minimum,
  takeAlongAxis,
  type Tensor,
  topK,
  where,
} from "../tensor/index.ts";
import { type Position, positionByDistance, type Turns } from "./position.ts";
import { rope } from "./rope.ts";
import { type RotaryOptions, turnOf } from "./rotary.ts";
import { checkScale, checkWhole } from "./scale.ts";

export interface ReropeOptions extends RotaryOptions {
  /** Distances up to `w` are true; N/4 of the training length, or less (N/2 lost half of what is far here). */
  readonly window: number;
}

export interface LeakyReropeOptions extends ReropeOptions {
  /** Beyond the window distances grow by `1/k` a token: k > 1 compresses, k < 1 stretches. */
  readonly leak: number;
}

/**
 * Rectified RoPE: distance `P(D) = min(D, w)`. Switch it on at inference for a model trained with RoPE: no distance
 * is longer than one it has seen.
 */
export function rerope(options: ReropeOptions): Position {
  return clipped("rerope", options, Infinity);
}

/** Leaky ReRoPE: `P(D) = D` for `D < w`, else `w + (D − w)/k`. `leak` 1 is RoPE, infinite is ReRoPE. */
export function leakyRerope({ leak, ...options }: LeakyReropeOptions): Position {
  if (!(leak > 0)) throw new OptionError(`leakyRerope: leak must be above 0, got ${leak}.`);
  return clipped("leakyRerope", options, leak);
}

/**
 * The smallest leak `k` that keeps every distance of a text of `length` within half of what was trained,
 * `w + (L − 1 − w)/k ≤ N/2`: the article's rule. Infinite (ReRoPE) where the window alone leads there.
 */
export function leakFor({
  window,
  length,
  trainingLength,
}: {
  readonly window: number;
  readonly length: number;
  readonly trainingLength: number;
}): number {
  for (const [name, value] of Object.entries({ window, length, trainingLength })) {
    checkWhole("leakFor", name, value);
  }
  const room = trainingLength / 2 - window;
  const beyond = length - 1 - window;
  if (beyond <= 0) return 1;
  return room <= 0 ? Infinity : Math.max(1, beyond / room);
}

/** The longest distance that a text of `length` shows under `window` and `leak` (infinite: ReRoPE). */
export function farthestDistance(length: number, window: number, leak: number): number {
  const last = length - 1;
  return last <= window ? last : window + (last - window) / leak;
}

/** What a model is trained with, and what it runs with at any length. */
export interface InverseLeakyRerope {
  readonly training: Position;
  readonly inference: Position;
}

/**
 * Inverse Leaky ReRoPE: trains with distances stretched beyond the window (`w = N/4`, `1/k = 2s`), so that plain
 * RoPE, as fast as ever, meets nothing new at inference up to `s·N`.
 * @param options `trainingLength` is `N`, `scale` is `s`, the rest as for RoPE (a larger base helps in
 *   training and on text that does not repeat; on text that does it costs a little).
 */
export function inverseLeakyRerope({
  trainingLength,
  scale,
  ...rotary
}: RotaryOptions & { readonly trainingLength: number; readonly scale: number }): InverseLeakyRerope {
  checkWhole("inverseLeakyRerope", "trainingLength", trainingLength);
  checkScale("inverseLeakyRerope", scale);
  const window = Math.max(1, Math.round(trainingLength / 4));
  return {
    training: leakyRerope({ ...rotary, window, leak: 1 / (2 * scale) }),
    inference: rope(rotary),
  };
}

/**
 * Scores under `P`. Several queries take two products and choose by distance. A single one takes one product with
 * each key turned back by its own `P(D)`; where distances stop, only the keys within the window are turned, however
 * long the text. Keys ahead of the query get some finite score: a causal mask hides them.
 */
function clipped(name: string, { window, ...rotary }: ReropeOptions, leak: number): Position {
  checkWhole(name, "window", window);
  const turn = turnOf(name, rotary);
  // At position 0 a turn is the magnitude alone.
  const still = (x: Tensor, positions: Tensor): Tensor =>
    (rotary.magnitude ?? 1) === 1 ? x : turn(x, positions.mul(0));
  const real = (positions: Tensor, x: Tensor): Tensor =>
    cast(positions, x.dtype === "float16" ? "float32" : x.dtype);
  const near: Turns = { query: turn, key: turn };
  const far: Turns =
    leak === Infinity
      ? { query: (q, i) => turn(q, i.mul(0).add(window)), key: still }
      : {
          query: (q, i) =>
            turn(
              q,
              real(i, q)
                .sub(window)
                .mul(1 / leak)
                .add(window),
            ),
          key: (k, j) => turn(k, real(j, k).mul(1 / leak)),
        };
  const several = positionByDistance({ near, far, window });
  const single = (q: Tensor, k: Tensor, i: Tensor, j: Tensor, scale: number): Tensor => {
    const product = (a: Tensor, b: Tensor): Tensor => matmul(a, b, { transposeB: true, scale });
    const S = k.shape[2];
    if (leak === Infinity && !(typeof S === "number" && S <= window)) {
      const { places, indices, inside } = nearest(i, j, window);
      const keys = turn(gather(k, indices, 2), places.sub(i));
      return replaceAt(product(far.query(q, i), far.key(k, j)), indices, inside, product(still(q, i), keys));
    }
    const distance = real(i, q).sub(real(j, q)); // [S]
    const beyond = maximum(distance.sub(window), 0).mul(1 / leak);
    return product(still(q, i), turn(k, minimum(distance, window).add(beyond).neg()));
  };
  return {
    ...several,
    scores: (q, k, i, j, scale) => (q.shape[2] === 1 ? single : several.scores)(q, k, i, j, scale),
  };
}

/**
 * The up to `window` keys at distances `0 ≤ D < window` of one query, wherever they stand: their positions, their
 * indices, and which of the `window` entries are such keys (the others repeat index 0).
 */
function nearest(
  queryPosition: Tensor,
  keyPositions: Tensor,
  window: number,
): { places: Tensor; indices: Tensor; inside: Tensor } {
  // Keys ahead count as absent; as many absent ones at the end make sure that there are enough to choose from.
  const seen = where(lessEqual(keyPositions, queryPosition), keyPositions, -1);
  const { values, indices } = topK(concat([seen, full([window], -1, { dtype: seen.dtype })]), window);
  const inside = and(greaterEqual(values, 0), less(queryPosition.sub(values), window));
  return { places: where(inside, values, queryPosition), indices: where(inside, indices, 0), inside };
}

/** `scores` `[B, H, 1, S]` with `others` `[B, H, 1, n]` in place of the entries at `indices` `[n]` that are `inside`. */
function replaceAt(scores: Tensor, indices: Tensor, inside: Tensor, others: Tensor): Tensor {
  const at = broadcastTo(indices, others.shape);
  const change = where(inside, others.sub(takeAlongAxis(scores, at)), 0);
  return addAlongAxis(scores, at, change);
}
