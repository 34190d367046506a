import { gather, type Tensor } from "../tensor/index.ts";

/** A table `[V, C]`. */
export interface EmbeddingParams {
  readonly weight: Tensor;
}

/** Rows of the table. @param ids `[…]`, int32 in `[0, V)`. @returns `[…, C]`. */
export function embedding({ weight }: EmbeddingParams, ids: Tensor): Tensor {
  return gather(weight, ids, 0, { what: "embedding: ids" });
}
