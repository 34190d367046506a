// Reductions over one, several or all axes.
import { mulDims } from "../graph/dim.ts";
import { mul } from "./elementwise.ts";
import type { CumSumOptions, ReduceOptions } from "./methods.ts";
import { reshape } from "./movement.ts";
import { requireTensor, type Tensor } from "./tensor.ts";

export type { ReduceOptions };

type Reduction = (x: Tensor, options?: ReduceOptions) => Tensor;

const reduction =
  (
    name: "sum" | "mean" | "max" | "min" | "prod" | "logSumExp" | "variance" | "norm" | "all" | "any",
  ): Reduction =>
  (x, options = {}) => {
    requireTensor(name, "x", x);
    return x[name](options);
  };

/** `Σ x`. */
export const sum: Reduction = reduction("sum");
/** Arithmetic mean; NaN of no elements. */
export const mean: Reduction = reduction("mean");
/** Largest element, NaN if any is; where several tie, the derivative is shared equally. */
export const max: Reduction = reduction("max");
/** Smallest element, NaN if any is; where several tie, the derivative is shared equally. */
export const min: Reduction = reduction("min");
/** `Π x`. */
export const prod: Reduction = reduction("prod");
/** `log Σ eˣ`, without overflow. */
export const logSumExp: Reduction = reduction("logSumExp");
/** Biased variance, `mean((x − mean x)²)`. */
export const variance: Reduction = reduction("variance");
/** `√Σ x²`. */
export const norm: Reduction = reduction("norm");
/** True where all elements are true (anything but 0), as where there are none. */
export const all: Reduction = reduction("all");
/** True where any element is true (anything but 0). */
export const any: Reduction = reduction("any");

/** Index of the first largest element along `axis` (default the last), int32; of NaN where there is one. Not differentiable. */
export function argMax(x: Tensor, options: { axis?: number } = {}): Tensor {
  requireTensor("argMax", "x", x);
  return x.argMax(options);
}

/** Index of the first smallest element along `axis` (default the last), int32; of NaN where there is one. Not differentiable. */
export function argMin(x: Tensor, options: { axis?: number } = {}): Tensor {
  requireTensor("argMin", "x", x);
  return x.argMin(options);
}

/** Running sum along `axis` (default the last); `exclusive` leaves out the element itself, `reverse` runs from the end. */
export function cumSum(x: Tensor, options: CumSumOptions = {}): Tensor {
  requireTensor("cumSum", "x", x);
  return x.cumSum(options);
}

/** `Σ a·b` over all elements. */
export function dot(a: Tensor, b: Tensor): Tensor {
  requireTensor("dot", "a", a);
  requireTensor("dot", "b", b);
  const size = mulDims(...a.shape);
  return sum(mul(reshape(a, [size]), reshape(b, [size])));
}
