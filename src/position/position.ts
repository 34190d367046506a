// The contract of the room: how a query and a key score each other.
import type { Tensor } from "../tensor/index.ts";

/** Scores of queries against keys, before mask and softmax. Keys arrive unrotated. */
export interface Position {
  /**
   * @param q Queries `[B, H, T, D]`. @param k Keys `[B, H, S, D]`.
   * @param queryPositions `[T]`, int32. @param keyPositions `[S]`, int32.
   * @param scale Factor of the scores, usually `1/√D`.
   * @returns `[B, H, T, S]`.
   */
  scores(q: Tensor, k: Tensor, queryPositions: Tensor, keyPositions: Tensor, scale: number): Tensor;
}
