// Vaswani et al. 2017, section 3.2.1. https://arxiv.org/abs/1706.03762
// Grouped queries: Ainslie et al. 2023, "GQA". https://arxiv.org/abs/2305.13245
import { ShapeError } from "../errors.ts";
import type { Position } from "../position/index.ts";
import {
  broadcastTo,
  checkShapes,
  concat,
  expandDims,
  full,
  greaterEqual,
  matmul,
  narrow,
  reshape,
  softmax,
  type Tensor,
  where,
} from "../tensor/index.ts";

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
  const { position, queryPositions, keyPositions, mask, scale = 1 / Math.sqrt(D) } = options;
  const keys = repeatHeads(k, H / G);
  const values = repeatHeads(v, H / G);
  const blocks = mask === undefined && queryPositions === keyPositions ? causalBlocks(q.shape[2]) : [];
  if (position.product && blocks.length > 1) {
    const turned = position.product(q, keys, queryPositions, keyPositions);
    return concat(
      blocks.map(([start, end]) => {
        const rows = narrow(turned.q, 2, start, end);
        const scores = matmul(rows, narrow(turned.k, 2, 0, end), { transposeB: true, scale });
        const seen = causal(narrow(queryPositions, 0, start, end), narrow(keyPositions, 0, 0, end));
        return mix(scores, narrow(values, 2, 0, end), seen);
      }),
      2,
    );
  }
  const scores = position.scores(q, keys, queryPositions, keyPositions, scale);
  return mix(scores, values, mask ?? causal(queryPositions, keyPositions));
}

/** `softmax(scores) v` where `mask` holds. */
function mix(scores: Tensor, values: Tensor, mask: Tensor): Tensor {
  return matmul(softmax(scores.add(where(mask, zeroLike(scores), MASKED))), values);
}

function causal(queryPositions: Tensor, keyPositions: Tensor): Tensor {
  return greaterEqual(expandDims(queryPositions, 1), expandDims(keyPositions, 0));
}

function zeroLike(x: Tensor): Tensor {
  return full([], 0, { dtype: x.dtype });
}

/**
 * Blocks of queries in which a causal row sees only keys up to its block's end: with n blocks the work falls from
 * T² to T²(n + 1)/2n. At least 64 rows each, so that products stay worthwhile; none for an unknown length.
 */
function causalBlocks(T: number | string | undefined): [start: number, end: number][] {
  if (typeof T !== "number" || T < 128) return [];
  const size = Math.max(64, Math.ceil(T / 8));
  return Array.from({ length: Math.ceil(T / size) }, (_, i) => [i * size, Math.min(T, (i + 1) * size)]);
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
