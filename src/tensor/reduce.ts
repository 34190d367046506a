// Reductions over one, several or all axes.
import { checkOptions } from "../errors.ts";
import { mulDims } from "../graph/dim.ts";
import { axisOf, calledName } from "../graph/infer.ts";
import { cast, equal, greater, mul, not, sqrt, square, sub } from "./elementwise.ts";
import { reshape } from "./movement.ts";
import { apply, requireTensor, Tensor } from "./tensor.ts";

/** `axis`: one axis, several, or all when absent; `keep` leaves reduced axes with size 1 (default false). */
export interface ReduceOptions {
  readonly axis?: number | readonly number[];
  readonly keep?: boolean;
}

type ReduceName = "sum" | "mean" | "reduceMax" | "reduceMin" | "prod" | "logSumExp";

/** The axes to reduce, in their order. */
function axesOf(where: string, x: Tensor, options: ReduceOptions): number[] {
  requireTensor(where, "x", x);
  checkOptions(where, options, ["axis", "keep"]);
  const { axis } = options;
  const chosen = axis === undefined ? x.shape.map((_, i) => i) : Array.isArray(axis) ? axis : [axis];
  return [...new Set(chosen.map((a: number) => axisOf(where, a, x.rank)))].sort((a, b) => a - b);
}

function reduce(op: ReduceName, x: Tensor, options: ReduceOptions): Tensor {
  const axes = axesOf(calledName(op), x, options);
  const { keep = false } = options;
  return axes.length === 0 && op !== "logSumExp" ? x : apply(op, [x], { axes, keep });
}

/** `Σ x`. */
export const sum = (x: Tensor, options: ReduceOptions = {}): Tensor => reduce("sum", x, options);
/** Arithmetic mean; NaN of no elements. */
export const mean = (x: Tensor, options: ReduceOptions = {}): Tensor => reduce("mean", x, options);
/** Largest element, NaN if any is; where several tie, the derivative is shared equally. */
export const max = (x: Tensor, options: ReduceOptions = {}): Tensor => reduce("reduceMax", x, options);
/** Smallest element, NaN if any is; where several tie, the derivative is shared equally. */
export const min = (x: Tensor, options: ReduceOptions = {}): Tensor => reduce("reduceMin", x, options);
/** `Π x`. */
export const prod = (x: Tensor, options: ReduceOptions = {}): Tensor => reduce("prod", x, options);
/** `log Σ eˣ`, without overflow. */
export const logSumExp = (x: Tensor, options: ReduceOptions = {}): Tensor => reduce("logSumExp", x, options);

/** Biased variance, `mean((x − mean x)²)`. */
export function variance(x: Tensor, options: ReduceOptions = {}): Tensor {
  requireTensor("variance", "x", x);
  return mean(square(sub(x, mean(x, { ...options, keep: true }))), options);
}

/** `√Σ x²`. */
export function norm(x: Tensor, options: ReduceOptions = {}): Tensor {
  return sqrt(sum(square(x), options));
}

/** True where all elements are true (anything but 0), as where there are none. */
export function all(x: Tensor, options: ReduceOptions = {}): Tensor {
  // The number of those that are false, which no elements have none of.
  return equal(sum(cast(not(cast(x, "bool")), "int32"), options), 0);
}

/** True where any element is true (anything but 0). */
export function any(x: Tensor, options: ReduceOptions = {}): Tensor {
  return greater(sum(cast(cast(x, "bool"), "int32"), options), 0);
}

/** Index of the first largest element along `axis` (default the last), int32; of NaN where there is one. Not differentiable. */
export function argMax(x: Tensor, { axis = -1 }: { axis?: number } = {}): Tensor {
  requireTensor("argMax", "x", x);
  return apply("argMax", [x], { axis: axisOf("argMax", axis, x.rank) });
}

/** Index of the first smallest element along `axis` (default the last), int32; of NaN where there is one. Not differentiable. */
export function argMin(x: Tensor, { axis = -1 }: { axis?: number } = {}): Tensor {
  requireTensor("argMin", "x", x);
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
  requireTensor("cumSum", "x", x);
  return apply("cumSum", [x], { axis: axisOf("cumSum", axis, x.rank), exclusive, reverse });
}

/** `Σ a·b` over all elements. */
export function dot(a: Tensor, b: Tensor): Tensor {
  requireTensor("dot", "a", a);
  requireTensor("dot", "b", b);
  const size = mulDims(...a.shape);
  return sum(mul(reshape(a, [size]), reshape(b, [size])));
}
