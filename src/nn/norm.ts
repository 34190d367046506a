import { layerNorm, rmsNorm, type Tensor } from "../tensor/index.ts";

/** Gain `[C]`; a bias `[C]` makes it a layer norm with offset. */
export interface NormParams {
  readonly weight: Tensor;
  readonly bias?: Tensor;
}

/** `rms`: divide by the root mean square. `layer`: subtract the mean first. */
export type NormKind = "rms" | "layer";

/** Normalises the last axis of `x` `[…, C]`. */
export function norm(kind: NormKind, { weight, bias }: NormParams, x: Tensor, epsilon: number): Tensor {
  return kind === "rms"
    ? rmsNorm(x, { scale: weight, epsilon })
    : layerNorm(x, { scale: weight, bias, epsilon });
}
