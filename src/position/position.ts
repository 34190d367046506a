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
  /**
   * Where the scores are a plain product, `scale · q′ k′ᵀ`: the queries and keys to multiply, of the same shapes.
   * Attention then works on parts of them without turning a key twice.
   */
  product?(
    q: Tensor,
    k: Tensor,
    queryPositions: Tensor,
    keyPositions: Tensor,
  ): { readonly q: Tensor; readonly k: Tensor };
}

/** A position whose scores are the product of transformed queries and keys. */
export function productPosition(product: NonNullable<Position["product"]>): Position {
  return {
    product,
    scores(q, k, queryPositions, keyPositions, scale) {
      const turned = product(q, k, queryPositions, keyPositions);
      return matmul(turned.q, turned.k, { transposeB: true, scale });
    },
  };
}
