// Beltagy et al. 2020, "Longformer", section 3.1 (sliding window in chunks). https://arxiv.org/abs/2004.05150
import type { Position } from "../position/position.ts";
import {
  addDims,
  and,
  checkShapes,
  concat,
  type Dim,
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
import { attend, repeatHeads } from "./dense.ts";
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

/** The last `window` keys and values; keys are turned where their turn depends on their own place alone. */
export type WindowState = {
  readonly key: Tensor; // [B, G, window, D]
  readonly value: Tensor; // [B, G, window, E]
};

/** The state before the first token. */
export function windowState(
  [B, G, D, E]: readonly [B: Dim, G: number, D: number, E: number],
  window: number,
  { dtype = "float32" }: { dtype?: Dtype } = {},
): WindowState {
  checkWhole("windowState", "window", window);
  return { key: zeros([B, G, window, D], { dtype }), value: zeros([B, G, window, E], { dtype }) };
}

/**
 * The next `T` tokens, any number: the state moves on by as many places and stays of its size.
 * @param q `[B, H, T, D]`. @param k `[B, G, T, D]`. @param v `[B, G, T, E]`.
 * @param options As for `windowAttention`; `queryPositions` `[T]`, int32, says where the tokens stand.
 * @returns `o` `[B, H, T, E]`.
 */
export function windowStep(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  state: WindowState,
  { position, window, scale, queryPositions }: WindowAttentionOptions & { readonly queryPositions: Tensor },
): { o: Tensor; state: WindowState } {
  const { T } = checkShapes("windowStep", {
    q: [q, "B~ H T~ D"],
    k: [k, "B~ G T~ D"],
    v: [v, "B~ G T~ E"],
    "state.key": [state.key, `B~ G ${window} D`],
    "state.value": [state.value, `B~ G ${window} E`],
    queryPositions: [queryPositions, "T~"],
  });
  const { turn } = position;
  const all = addDims(window, T);
  const key = concat([state.key, turn ? turn.key(k, queryPositions) : k], 2); // [B, G, window + T, D]
  const value = concat([state.value, v], 2);
  const places = iota(all)
    .sub(window)
    .add(narrow(queryPositions, 0, 0, 1)); // below 0 before the text
  const distance = expandDims(queryPositions, 1).sub(expandDims(places, 0)); // [T, window + T]
  const near = and(greaterEqual(distance, 0), less(distance, window));
  const o = attend(q, key, value, {
    position: turn ? { ...position, turn: { ...turn, key: (x) => x } } : position,
    queryPositions,
    keyPositions: places,
    mask: and(near, expandDims(greaterEqual(places, 0), 0)),
    ...(scale !== undefined && { scale }),
  });
  return { o, state: { key: narrow(key, 2, T, all), value: narrow(value, 2, T, all) } };
}
