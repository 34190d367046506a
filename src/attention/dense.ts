// Vaswani et al. 2017, section 3.2.1. https://arxiv.org/abs/1706.03762
// Grouped queries: Ainslie et al. 2023, "GQA". https://arxiv.org/abs/2305.13245
import type { Position } from "../position/index.ts";
import {
  broadcastTo,
  checkShapes,
  expandDims,
  full,
  greaterEqual,
  matmul,
  reshape,
  softmax,
  type Tensor,
  where,
} from "../tensor/index.ts";
import { ShapeError } from "../errors.ts";

export interface AttendOptions {
  /** How queries and keys score each other. */
  readonly position: Position;
  /** `[T]` and `[S]`, int32: where queries and keys stand. */
  readonly queryPositions: Tensor;
  readonly keyPositions: Tensor;
  /** `[T, S]`, true where a query may look; default causal: `keyPosition ≤ queryPosition`. */
  readonly mask?: Tensor;
  /** Factor of the scores; default `1/√D`. */
  readonly scale?: number;
}

/** What a masked score becomes: far below any other, yet finite, so that a fully masked row stays finite. */
const MASKED = -1e9;

/**
 * Scaled dot-product attention, `softmax(scores(q, k)) v`.
 * @param q Queries `[B, H, T, D]`. @param k Keys `[B, G, S, D]`, `G` divides `H`. @param v Values `[B, G, S, E]`.
 * @returns `[B, H, T, E]`. @throws ShapeError if one letter stands for two sizes.
 */
export function attend(q: Tensor, k: Tensor, v: Tensor, options: AttendOptions): Tensor {
  const { H, G, D } = checkShapes("attend", {
    q: [q, "B~ H T~ D"],
    k: [k, "B~ G S~ D"],
    v: [v, "B~ G S~ E"],
    queryPositions: [options.queryPositions, "T~"],
    keyPositions: [options.keyPositions, "S~"],
  });
  const { position, queryPositions, keyPositions, scale = 1 / Math.sqrt(D) } = options;
  const mask = options.mask ?? greaterEqual(expandDims(queryPositions, 1), expandDims(keyPositions, 0));
  const scores = position.scores(q, repeatHeads(k, H / G), queryPositions, keyPositions, scale);
  const bias = where(mask, full([], 0, { dtype: q.dtype }), MASKED);
  return matmul(softmax(scores.add(bias)), repeatHeads(v, H / G));
}

/** Each key-value head repeated for the `times` query heads of its group: `[B, G, S, D]` to `[B, G·times, S, D]`. */
export function repeatHeads(x: Tensor, times: number): Tensor {
  if (times === 1) return x;
  const [B, G, S, D] = x.shape;
  if (
    !Number.isInteger(times) ||
    B === undefined ||
    typeof G !== "number" ||
    S === undefined ||
    D === undefined
  ) {
    throw new ShapeError(`attend: key-value heads must divide the query heads, got a ratio of ${times}.`);
  }
  return reshape(broadcastTo(expandDims(x, 2), [B, G, times, S, D]), [B, G * times, S, D]);
}
