// Shapes: the same elements in another order, or a part of them.
import { DtypeError, ShapeError } from "../errors.ts";
import { type Dim, sameShape } from "../graph/dim.ts";
import { axisOf, showShape } from "../graph/infer.ts";
import { show } from "./arguments.ts";
import type { Span } from "./methods.ts";
import { apply, requireTensor, type Tensor } from "./tensor.ts";

export type { Span };

/** The same elements in row-major order under another shape; one size may be −1. */
export function reshape(x: Tensor, shape: readonly Dim[]): Tensor {
  requireTensor("reshape", "x", x);
  return x.reshape(shape);
}

/** Swaps axes `a` and `b`; by default the last two. */
export function transpose(x: Tensor, a = -2, b = -1): Tensor {
  requireTensor("transpose", "x", x);
  return x.transpose(a, b);
}

/** Axis `i` of the result is axis `order[i]` of `x`. */
export function permute(x: Tensor, order: readonly number[]): Tensor {
  requireTensor("permute", "x", x);
  return x.permute(order);
}

/** `x` repeated along axes of size 1 (and new leading axes) up to `shape`. */
export function broadcastTo(x: Tensor, shape: readonly Dim[]): Tensor {
  requireTensor("broadcastTo", "x", x);
  return x.broadcastTo(shape);
}

/** A new axis of size 1 at `axis`. */
export function expandDims(x: Tensor, axis: number): Tensor {
  requireTensor("expandDims", "x", x);
  return x.expandDims(axis);
}

/** Without the axes `axes`, which must have size 1. */
export function squeeze(x: Tensor, ...axes: number[]): Tensor {
  requireTensor("squeeze", "x", x);
  return x.squeeze(...axes);
}

/**
 * Part of `x`, one span per axis; missing spans keep the whole axis.
 * @example slice(x, {}, { start: 1 }, { start: 0, end: 4, step: 2 }); // x[:, 1:, 0:4:2]
 */
export function slice(x: Tensor, ...spans: readonly Span[]): Tensor {
  requireTensor("slice", "x", x);
  return x.slice(...spans);
}

/** `[start, end)` of one axis. */
export function narrow(x: Tensor, axis: number, start: Dim, end: Dim): Tensor {
  requireTensor("narrow", "x", x);
  return x.narrow(axis, start, end);
}

/** The axis `axis` backwards. */
export function flip(x: Tensor, axis = -1): Tensor {
  requireTensor("flip", "x", x);
  return x.flip(axis);
}

/** Tensors joined along `axis` (default 0). */
export function concat(xs: readonly Tensor[], axis = 0): Tensor {
  if (!Array.isArray(xs)) throw new DtypeError(`concat: xs must be an array of tensors, got ${show(xs)}.`);
  const [first] = xs;
  if (xs.length === 0) throw new ShapeError("concat: at least one tensor is needed, got 0.");
  requireTensor("concat", "tensor 0", first);
  return xs.length === 1 ? first : apply("concat", xs, { axis: axisOf("concat", axis, first.rank) });
}

/** Tensors of one shape joined along a new axis. */
export function stack(xs: readonly Tensor[], axis = 0): Tensor {
  if (!Array.isArray(xs)) throw new DtypeError(`stack: xs must be an array of tensors, got ${show(xs)}.`);
  const [first] = xs;
  if (xs.length === 0) throw new ShapeError("stack: at least one tensor is needed, got 0.");
  xs.forEach((x, i) => {
    requireTensor("stack", `tensor ${i}`, x);
    if (i > 0 && first && !sameShape(first.shape, x.shape)) {
      throw new ShapeError(
        `stack: tensor ${i} must be ${showShape(first.shape)} as the first, got ${showShape(x.shape)}.`,
      );
    }
  });
  const rank = first?.rank ?? 0;
  const at = axisOf("stack", axis, rank + 1);
  // Side by side on the axis that is there, and then two axes of it: one op for all parts.
  if (first && at < rank && xs.length > 1) {
    return reshape(concat(xs, at), [...first.shape.slice(0, at), xs.length, ...first.shape.slice(at)]);
  }
  return concat(
    xs.map((x) => expandDims(x, at)),
    at,
  );
}

/** `x` cut along `axis` into parts of the given sizes, or into `sizes` equal parts. */
export function split(x: Tensor, sizes: number | readonly number[], axis = 0): Tensor[] {
  requireTensor("split", "x", x);
  const at = axisOf("split", axis, x.rank);
  const total = x.shape[at];
  if (typeof total !== "number")
    throw new ShapeError(`split: axis ${at} must have a known size, got ${total}.`);
  const parts = typeof sizes === "number" ? Array.from({ length: sizes }, () => total / sizes) : sizes;
  if (parts.reduce((a, b) => a + b, 0) !== total || parts.some((p) => !Number.isInteger(p))) {
    throw new ShapeError(`split: sizes must add up to ${total}, got [${parts.join(", ")}].`);
  }
  let start = 0;
  return parts.map((size) => {
    start += size;
    return narrow(x, at, start - size, start);
  });
}

/** `x` with `value` (default 0) around it: one `[before, after]` per axis. */
export function pad(x: Tensor, amounts: readonly (readonly [number, number])[], value = 0): Tensor {
  requireTensor("pad", "x", x);
  return x.pad(amounts, value);
}

/** Elements on and below the diagonal of the last two axes, zeros above. */
export function tril(x: Tensor, diagonal = 0): Tensor {
  requireTensor("tril", "x", x);
  return x.tril(diagonal);
}

/** Elements on and above the diagonal of the last two axes, zeros below. */
export function triu(x: Tensor, diagonal = 0): Tensor {
  requireTensor("triu", "x", x);
  return x.triu(diagonal);
}
