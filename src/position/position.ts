// The contract of the room: how a query and a key score each other.
import { expandDims, less, matmul, type Tensor, where } from "../tensor/index.ts";
import type { Turn } from "./rotary.ts";

/** Scores of queries against keys, before mask and softmax. Keys arrive unrotated. */
export interface Position {
  /**
   * @param q Queries `[B, H, T, D]`. @param k Keys `[B, H, S, D]`.
   * @param queryPositions `[T]`, int32. @param keyPositions `[S]`, int32.
   * @param scale Factor of the scores, usually `1/√D`.
   * @returns `[B, H, T, S]`.
   */
  readonly scores: (
    q: Tensor,
    k: Tensor,
    queryPositions: Tensor,
    keyPositions: Tensor,
    scale: number,
  ) => Tensor;
  /** Present where the scores are a product of queries and keys that are each turned by their own place alone. */
  readonly turn?: Turns;
  /** Present where there are two such products, and the distance decides which of them counts. */
  readonly byDistance?: TurnsByDistance;
  /** Present where scores depend on all keys in view (a base that follows the context): never score part of them. */
  readonly whole?: true;
}

/** `inner` with other scores, which depend on all keys where those of `inner` do. */
export function rescored(inner: Position, scores: Position["scores"]): Position {
  return { scores, ...(inner.whole && { whole: true as const }) };
}

/**
 * How queries and keys are turned, any number of heads at a time, so that the scores are `scale · q′ k′ᵀ`. Attention
 * then turns each key once: before it multiplies parts of them, and before a cache keeps them.
 */
export interface Turns {
  readonly query: Turn;
  readonly key: Turn;
}

/** Turns for distances below `window`, and for those from there on. */
export interface TurnsByDistance {
  readonly near: Turns;
  readonly far: Turns;
  readonly window: number;
}

/** `near` where a key is less than `window` tokens before the query (or after it), `far` elsewhere: `[…, T, S]`. */
export function chooseByDistance(
  near: Tensor,
  far: Tensor,
  queryPositions: Tensor,
  keyPositions: Tensor,
  window: number,
): Tensor {
  const distance = expandDims(queryPositions, 1).sub(expandDims(keyPositions, 0)); // [T, S]
  return where(less(distance, window), near, far);
}

/** A position whose scores are one of two products, as distance decides. */
export function positionByDistance(byDistance: TurnsByDistance): Position {
  const { near, far, window } = byDistance;
  const [a, b] = [productPosition(near), productPosition(far)];
  return {
    byDistance,
    scores: (q, k, i, j, scale) =>
      chooseByDistance(a.scores(q, k, i, j, scale), b.scores(q, k, i, j, scale), i, j, window),
  };
}

/** A position whose scores are the product of turned queries and keys. */
export function productPosition(turn: Turns): Position {
  return {
    turn,
    scores: (q, k, queryPositions, keyPositions, scale) =>
      matmul(turn.query(q, queryPositions), turn.key(k, keyPositions), { transposeB: true, scale }),
  };
}
