// Reductions over one, several or all axes.
import { mulDims } from "../graph/dim.ts";
import { axisOf, calledName } from "../graph/infer.ts";
import { cast, mul, sqrt, square, sub } from "./elementwise.ts";
import { reshape } from "./movement.ts";
import { apply, Tensor } from "./tensor.ts";

/** `axis`: one axis, several, or all when absent; `keep` leaves reduced axes with size 1 (default false). */
export interface ReduceOptions {
  readonly axis?: number | readonly number[];
  readonly keep?: boolean;
}

type ReduceName = "sum" | "mean" | "reduceMax" | "reduceMin" | "prod" | "logSumExp";

function reduce(op: ReduceName, x: Tensor, { axis, keep = false }: ReduceOptions): Tensor {
  const chosen = axis === undefined ? x.shape.map((_, i) => i) : typeof axis === "number" ? [axis] : axis;
  const axes = [...new Set(chosen.map((a) => axisOf(calledName(op), a, x.rank)))].sort((a, b) => a - b);
  return axes.length === 0 && op !== "logSumExp" ? x : apply(op, [x], { axes, keep });
}

/** `Σ x`. */
export const sum = (x: Tensor, options: ReduceOptions = {}): Tensor => reduce("sum", x, options);
/** Arithmetic mean. */
export const mean = (x: Tensor, options: ReduceOptions = {}): Tensor => reduce("mean", x, options);
/** Largest element; where several tie, the derivative is shared equally. */
export const max = (x: Tensor, options: ReduceOptions = {}): Tensor => reduce("reduceMax", x, options);
/** Smallest element; where several tie, the derivative is shared equally. */
export const min = (x: Tensor, options: ReduceOptions = {}): Tensor => reduce("reduceMin", x, options);
/** `Π x`. */
export const prod = (x: Tensor, options: ReduceOptions = {}): Tensor => reduce("prod", x, options);
/** `log Σ eˣ`, without overflow. */
export const logSumExp = (x: Tensor, options: ReduceOptions = {}): Tensor => reduce("logSumExp", x, options);

/** Biased variance, `mean((x − mean x)²)`. */
export function variance(x: Tensor, options: ReduceOptions = {}): Tensor {
  return mean(square(sub(x, mean(x, { ...options, keep: true }))), options);
}

/** `√Σ x²`. */
export function norm(x: Tensor, options: ReduceOptions = {}): Tensor {
  return sqrt(sum(square(x), options));
}

/** True where all elements are true. */
export function all(x: Tensor, options: ReduceOptions = {}): Tensor {
  return cast(min(cast(x, "int32"), options), "bool");
}

/** True where any element is true. */
export function any(x: Tensor, options: ReduceOptions = {}): Tensor {
  return cast(max(cast(x, "int32"), options), "bool");
}

/** Index of the first largest element along `axis` (default the last), int32. Not differentiable. */
export function argMax(x: Tensor, { axis = -1 }: { axis?: number } = {}): Tensor {
  return apply("argMax", [x], { axis: axisOf("argMax", axis, x.rank) });
}

/** Index of the first smallest element along `axis` (default the last), int32. Not differentiable. */
export function argMin(x: Tensor, { axis = -1 }: { axis?: number } = {}): Tensor {
  return apply("argMin", [x], { axis: axisOf("argMin", axis, x.rank) });
}

/** Running sum along `axis`; `exclusive` leaves out the element itself, `reverse` runs from the end. */
export function cumSum(
  x: Tensor,
  {
    axis = -1,
    exclusive = false,
    reverse = false,
  }: { axis?: number; exclusive?: boolean; reverse?: boolean } = {},
): Tensor {
  return apply("cumSum", [x], { axis: axisOf("cumSum", axis, x.rank), exclusive, reverse });
}

/** `Σ a·b` over all elements. */
export function dot(a: Tensor, b: Tensor): Tensor {
  const size = mulDims(...a.shape);
  return sum(mul(reshape(a, [size]), reshape(b, [size])));
}
