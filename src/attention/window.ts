// Beltagy et al. 2020, "Longformer", section 3.1 (sliding window in chunks). https://arxiv.org/abs/2004.05150
import type { Position } from "../position/index.ts";
import {
  and,
  checkShapes,
  concat,
  type Dtype,
  expandDims,
  greaterEqual,
  iota,
  less,
  matmul,
  mulDims,
  narrow,
  or,
  pad,
  permute,
  reshape,
  type Tensor,
  zeros,
} from "../tensor/index.ts";
import { checkWhole, fromBlocks, toBlocks } from "./blocks.ts";
import { repeatHeads } from "./dense.ts";
import { causalMask, maskedSoftmax } from "./masked.ts";

export interface WindowAttentionOptions {
  /** A relative rule: its scores depend on distances, or on the query's own position. */
  readonly position: Position;
  /** A query sees distances `0 ≤ D < window`. */
  readonly window: number;
  /** Factor of the scores; default `1/√D`. */
  readonly scale?: number;
}

/**
 * Causal attention within a window, in time and memory `T · window`: blocks of `window` queries look at their own
 * block and the one before. Each block scores at positions `0 … 2·window − 1`, so rules that count from the start of
 * the text (`logScaled`) belong with `attend` and a mask instead.
 * @param q Queries `[B, H, T, D]`. @param k Keys `[B, G, T, D]`, `G` divides `H`. @param v Values `[B, G, T, E]`.
 * @returns `[B, H, T, E]`.
 */
export function windowAttention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  { position, window, scale }: WindowAttentionOptions,
): Tensor {
  checkWhole("windowAttention", "window", window);
  const { B, H, G, T, D, E } = checkShapes("windowAttention", {
    q: [q, "B~ H T~ D"],
    k: [k, "B~ G T~ D"],
    v: [v, "B~ G T~ E"],
  });
  const w = typeof T === "number" ? Math.min(window, T) : window;
  const queries = toBlocks("windowAttention", q, w);
  const N = Number(queries.shape[2]);
  const perBlock = (x: Tensor, length: number, width: number): Tensor =>
    reshape(permute(x, [0, 2, 1, 3, 4]), [mulDims(B, N), H, length, width]); // [B·N, H, length, width]
  const pair = (x: Tensor, width: number): Tensor =>
    perBlock(withPrevious(toBlocks("windowAttention", repeatHeads(x, H / G), w)), 2 * w, width);
  const keys = iota(2 * w);
  const rows = narrow(keys, 0, w, 2 * w);
  const scores = position.scores(perBlock(queries, w, D), pair(k, D), rows, keys, scale ?? 1 / Math.sqrt(D));
  const near = less(expandDims(rows, 1).sub(expandDims(keys, 0)), w);
  const visible = and(near, causalMask(rows, keys)); // [w, 2w]
  // The first block has none before it.
  const exists = or(expandDims(greaterEqual(iota(N), 1), 1), expandDims(greaterEqual(keys, w), 0)); // [N, 2w]
  const both = and(expandDims(visible, 0), expandDims(exists, 1)); // [N, w, 2w]
  const weights = maskedSoftmax(reshape(scores, [B, N, H, w, 2 * w]), expandDims(both, 1));
  const mixed = matmul(reshape(weights, [mulDims(B, N), H, w, 2 * w]), pair(v, E));
  return fromBlocks(permute(reshape(mixed, [B, N, H, w, E]), [0, 2, 1, 3, 4]), T);
}

/** Blocks `[B, H, N, size, D]` each behind the one before: `[B, H, N, 2·size, D]`, zeros before the first. */
function withPrevious(x: Tensor): Tensor {
  const before = pad(narrow(x, 2, 0, Number(x.shape[2]) - 1), [
    [0, 0],
    [0, 0],
    [1, 0],
    [0, 0],
    [0, 0],
  ]);
  return concat([before, x], 3);
}

/** The last `window` keys and values, unrotated, and how many tokens there were. */
export interface WindowState {
  readonly key: Tensor; // [B, G, window, D]
  readonly value: Tensor; // [B, G, window, E]
  readonly length: Tensor; // [], int32
}

/** The state before the first token. */
export function windowState(
  [B, G, D, E]: readonly [B: number, G: number, D: number, E: number],
  window: number,
  { dtype = "float32" }: { dtype?: Dtype } = {},
): WindowState {
  checkWhole("windowState", "window", window);
  return {
    key: zeros([B, G, window, D], { dtype }),
    value: zeros([B, G, window, E], { dtype }),
    length: zeros([], { dtype: "int32" }),
  };
}

/**
 * One token: the state moves on by one place.
 * @param q `[B, H, 1, D]`. @param k `[B, G, 1, D]`. @param v `[B, G, 1, E]`. @returns `o` `[B, H, 1, E]`.
 */
export function windowStep(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  state: WindowState,
  { position, window, scale }: WindowAttentionOptions,
): { o: Tensor; state: WindowState } {
  const { H, G, D } = checkShapes("windowStep", {
    q: [q, "B~ H 1 D"],
    k: [k, "B~ G 1 D"],
    v: [v, "B~ G 1 E"],
    "state.key": [state.key, `B~ G ${window} D`],
    "state.value": [state.value, `B~ G ${window} E`],
  });
  const key = concat([narrow(state.key, 2, 1, window), k], 2);
  const value = concat([narrow(state.value, 2, 1, window), v], 2);
  const places = iota(window)
    .sub(window - 1)
    .add(state.length); // the newest stands at `length`
  const at = reshape(state.length, [1]);
  const scores = position.scores(q, repeatHeads(key, H / G), at, places, scale ?? 1 / Math.sqrt(D));
  const weights = maskedSoftmax(scores, greaterEqual(places, 0));
  return {
    o: matmul(weights, repeatHeads(value, H / G)),
    state: { key, value, length: state.length.add(1) },
  };
}
