// Picking, placing and ordering elements by index. Indices are int32 or int64 and must be in `[0, size)`: others, negative
// ones included, end the run with an `OptionError`.
import { axisOf } from "../graph/infer.ts";
import { cast, equal } from "./elementwise.ts";
import { expandDims, reshape } from "./movement.ts";
import type { Dim } from "../graph/dim.ts";
import type { Dtype } from "../graph/dtype.ts";
import { requireWhole } from "./arguments.ts";
import { apply, iota, item, requireTensor, type Tensor } from "./tensor.ts";
import { ShapeError } from "../errors.ts";

/** Options of picking by index. */
export interface IndexOptions {
  /** What the indices are to the caller, for the message about one that is out of range: `"crossEntropy: targets"`. */
  readonly what?: string;
}

/** Slices of `x` along `axis` (default 0): `[…, indices…, …]`. */
export function gather(x: Tensor, indices: Tensor, axis = 0, { what }: IndexOptions = {}): Tensor {
  requireTensor("gather", "x", x);
  return apply("gather", [x, indices], { axis: axisOf("gather", axis, x.rank), ...(what && { what }) });
}

/** `y[…, i, …] = x[…, indices[…, i, …], …]` along `axis` (default the last). */
export function takeAlongAxis(x: Tensor, indices: Tensor, axis = -1, { what }: IndexOptions = {}): Tensor {
  requireTensor("takeAlongAxis", "x", x);
  return apply("takeAlongAxis", [x, indices], {
    axis: axisOf("takeAlongAxis", axis, x.rank),
    ...(what && { what }),
  });
}

/** `target` `[N, …]` with rows of `updates` `[indices…, …]` added at `indices` along axis 0; repeats add up. */
export function scatterAdd(target: Tensor, indices: Tensor, updates: Tensor): Tensor {
  return apply("scatterAdd", [target, indices, updates], {});
}

/** `target` with each element of `updates` added at its index along `axis` (default the last). */
export function addAlongAxis(target: Tensor, indices: Tensor, updates: Tensor, axis = -1): Tensor {
  requireTensor("addAlongAxis", "target", target);
  return apply("addAlongAxis", [target, indices, updates], {
    axis: axisOf("addAlongAxis", axis, target.rank),
  });
}

/** `[…, classes]` with 1 at each index and 0 elsewhere; float32 by default. */
export function oneHot(indices: Tensor, classes: Dim, { dtype = "float32" }: { dtype?: Dtype } = {}): Tensor {
  requireTensor("oneHot", "indices", indices);
  if (typeof classes !== "string") requireWhole("oneHot", "classes", classes, 0);
  return cast(equal(expandDims(indices, -1), iota(classes, { dtype: indices.dtype })), dtype);
}

/** The `k` largest (or smallest) along `axis`, sorted, and their int32 indices; NaN counts as +∞. */
export function topK(
  x: Tensor,
  k: number,
  { axis = -1, largest = true }: { axis?: number; largest?: boolean } = {},
): { values: Tensor; indices: Tensor } {
  requireTensor("topK", "x", x);
  const both = apply("topK", [x], { k, axis: axisOf("topK", axis, x.rank), largest });
  return { values: item(both, 0), indices: item(both, 1) };
}

/** `x` in ascending order along `axis` (default the last), and where each element came from. */
export function sort(x: Tensor, { axis = -1 }: { axis?: number } = {}): { values: Tensor; indices: Tensor } {
  requireTensor("sort", "x", x);
  const at = axisOf("sort", axis, x.rank);
  const size = x.shape[at];
  if (typeof size !== "number") throw new ShapeError(`sort: axis ${at} must have a known size, got ${size}.`);
  return topK(x, size, { axis: at, largest: false });
}

/** Row `index` of `x` along `axis`, without that axis. */
export function at(x: Tensor, index: number, axis = 0): Tensor {
  requireTensor("at", "x", x);
  requireWhole("at", "index", index);
  const a = axisOf("at", axis, x.rank);
  const size = x.shape[a];
  const i = index < 0 && typeof size === "number" ? index + size : index;
  if (i < 0 || (typeof size === "number" && i >= size)) {
    throw new ShapeError(`at: index must be in [${-Number(size)}, ${size}), got ${index}.`);
  }
  const part = apply("slice", [x], {
    starts: x.shape.map((_, j) => (j === a ? i : 0)),
    ends: x.shape.map((d, j) => (j === a ? i + 1 : d)),
    steps: x.shape.map(() => 1),
  });
  return reshape(part, [...x.shape.slice(0, a), ...x.shape.slice(a + 1)]);
}
