// The contract of the room: how a query and a key score each other.
import { matmul, type Tensor } from "../tensor/index.ts";

/** Scores of queries against keys, before mask and softmax. Keys arrive unrotated. */
export interface Position {
  /**
   * @param q Queries `[B, H, T, D]`. @param k Keys `[B, H, S, D]`.
   * @param queryPositions `[T]`, int32. @param keyPositions `[S]`, int32.
   * @param scale Factor of the scores, usually `1/√D`.
   * @returns `[B, H, T, S]`.
   */
  scores(q: Tensor, k: Tensor, queryPositions: Tensor, keyPositions: Tensor, scale: number): Tensor;
  /** Present where the scores are a product of queries and keys that are each turned by their own place alone. */
  readonly turn?: Turns;
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
  query(q: Tensor, positions: Tensor): Tensor;
  key(k: Tensor, positions: Tensor): Tensor;
}

/** A position whose scores are the product of turned queries and keys. */
export function productPosition(turn: Turns): Position {
  return {
    turn,
    scores: (q, k, queryPositions, keyPositions, scale) =>
      matmul(turn.query(q, queryPositions), turn.key(k, keyPositions), { transposeB: true, scale }),
  };
}
