// Rabe and Staats 2021, "Self-attention does not need O(n²) memory", section 2. https://arxiv.org/abs/2112.05682
// Read as a recurrence with constant state: Su 2024, https://kexue.fm/archives/10017
import type { Position } from "../position/position.ts";
import {
  checkShapes,
  exp,
  expandDims,
  full,
  greaterEqual,
  matmul,
  max,
  maximum,
  permute,
  reshape,
  scan,
  sum,
  type Tensor,
  where,
  zeros,
} from "../tensor/index.ts";
import { HIDDEN } from "./masked.ts";

/** What softmax attention keeps of the keys it has met: the largest score, and both sums relative to it. */
export interface Accumulator {
  readonly largest: Tensor; // M, […, 1]
  readonly weighted: Tensor; // y = Σ e^(a − M) v, […, E]
  readonly total: Tensor; // z = Σ e^(a − M), […, 1]
}

/** The accumulator of no keys, for queries `[B, H, T, ·]` and values of width `E`. */
export function emptyAccumulator(q: Tensor, E: number): Accumulator {
  const lead = q.shape.slice(0, -1);
  return {
    largest: full([...lead, 1], 2 * HIDDEN, { dtype: q.dtype }),
    weighted: zeros([...lead, E], { dtype: q.dtype }),
    total: zeros([...lead, 1], { dtype: q.dtype }),
  };
}

/** Takes in some keys, in any order: `scores` `[…, T, n]` against values `[…, n, E]`. */
export function absorb(state: Accumulator, scores: Tensor, v: Tensor): Accumulator {
  const largest = max(scores, { axis: -1, keep: true });
  const weights = exp(scores.sub(largest));
  return merge(state, {
    largest,
    weighted: matmul(weights, v),
    total: sum(weights, { axis: -1, keep: true }),
  });
}

/** Both sets of keys together; associative. */
export function merge(a: Accumulator, b: Accumulator): Accumulator {
  const largest = maximum(a.largest, b.largest);
  const [fromA, fromB] = [exp(a.largest.sub(largest)), exp(b.largest.sub(largest))];
  return {
    largest,
    weighted: a.weighted.mul(fromA).add(b.weighted.mul(fromB)),
    total: a.total.mul(fromA).add(b.total.mul(fromB)),
  };
}

/** The attention of the keys so far, `y / z`. */
export function finish({ weighted, total }: Accumulator): Tensor {
  return weighted.div(total);
}

/**
 * Causal attention one key at a time, newest first, with a state of `E + 2` numbers a query: the same outputs as
 * `attend` in memory that does not grow with the keys.
 * @param q `[B, H, T, D]`. @param k `[B, H, S, D]`. @param v `[B, H, S, E]`. @param options As for `attend`, without
 *   a mask. @returns `[B, H, T, E]`.
 */
export function recurrentAttention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  options: {
    readonly position: Position;
    readonly queryPositions: Tensor;
    readonly keyPositions: Tensor;
    readonly scale?: number;
  },
): Tensor {
  const { position, queryPositions, keyPositions } = options;
  const { D, E } = checkShapes("recurrentAttention", {
    q: [q, "B~ H T~ D"],
    k: [k, "B~ H S~ D"],
    v: [v, "B~ H S~ E"],
    queryPositions: [queryPositions, "T~"],
    keyPositions: [keyPositions, "S~"],
  });
  const scale = options.scale ?? 1 / Math.sqrt(D);
  const { carry } = scan(
    (state: Accumulator, x: { k: Tensor; v: Tensor; at: Tensor }) => {
      const at = reshape(x.at, [1]);
      const scores = position.scores(q, expandDims(x.k, 2), queryPositions, at, scale); // [B, H, T, 1]
      const seen = expandDims(greaterEqual(queryPositions, at), 1);
      const hidden = scores.add(where(seen, full([], 0, { dtype: q.dtype }), HIDDEN));
      return [absorb(state, hidden, expandDims(x.v, 2)), {}] as const;
    },
    emptyAccumulator(q, E),
    { k: permute(k, [2, 0, 1, 3]), v: permute(v, [2, 0, 1, 3]), at: keyPositions },
    { reverse: true },
  );
  return finish(carry);
}
