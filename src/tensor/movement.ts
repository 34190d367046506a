// Shapes: the same elements in another order, or a part of them.
import { checkOptions, DtypeError, OptionError, ShapeError } from "../errors.ts";
import { type Dim, sameShape } from "../graph/dim.ts";
import { axisOf, resolveShape, showShape } from "../graph/infer.ts";
import { requireFits, requireShape, requireWhole, show } from "./arguments.ts";
import { apply, requireTensor, type Tensor } from "./tensor.ts";

/** The same elements in row-major order under another shape; one size may be −1. */
export function reshape(x: Tensor, shape: readonly Dim[]): Tensor {
  requireTensor("reshape", "x", x);
  const to = resolveShape(x.shape, shape);
  return sameShape(to, x.shape) ? x : apply("reshape", [x], { shape: to });
}

/** Swaps axes `a` and `b`; by default the last two. */
export function transpose(x: Tensor, a = -2, b = -1): Tensor {
  requireTensor("transpose", "x", x);
  const order = x.shape.map((_, i) => i);
  const i = axisOf("transpose", a, x.rank);
  const j = axisOf("transpose", b, x.rank);
  order[i] = j;
  order[j] = i;
  return permute(x, order);
}

/** Axis `i` of the result is axis `order[i]` of `x`. */
export function permute(x: Tensor, order: readonly number[]): Tensor {
  requireTensor("permute", "x", x);
  const at = order.map((a) => axisOf("permute", a, x.rank));
  return at.every((a, i) => a === i) && at.length === x.rank ? x : apply("transpose", [x], { order: at });
}

/** `x` repeated along axes of size 1 (and new leading axes) up to `shape`. */
export function broadcastTo(x: Tensor, shape: readonly Dim[]): Tensor {
  requireTensor("broadcastTo", "x", x);
  requireShape("broadcastTo", shape);
  return sameShape(x.shape, shape) ? x : apply("broadcast", [x], { shape: [...shape] });
}

/** A new axis of size 1 at `axis`. */
export function expandDims(x: Tensor, axis: number): Tensor {
  requireTensor("expandDims", "x", x);
  const at = axisOf("expandDims", axis, x.rank + 1);
  return reshape(x, [...x.shape.slice(0, at), 1, ...x.shape.slice(at)]);
}

/** Without the axes `axes`, which must have size 1. */
export function squeeze(x: Tensor, ...axes: number[]): Tensor {
  requireTensor("squeeze", "x", x);
  const at = new Set(axes.map((a) => axisOf("squeeze", a, x.rank)));
  for (const a of at) {
    if (x.shape[a] !== 1) throw new ShapeError(`squeeze: axis ${a} must have size 1, got ${x.shape[a]}.`);
  }
  return reshape(
    x,
    x.shape.filter((_, i) => !at.has(i)),
  );
}

/** A part of one axis: `[start, end)` by `step`; counted from the end when negative. */
export interface Span {
  readonly start?: Dim;
  readonly end?: Dim;
  readonly step?: number;
}

/**
 * Part of `x`, one span per axis; missing spans keep the whole axis.
 * @example slice(x, {}, { start: 1 }, { start: 0, end: 4, step: 2 }); // x[:, 1:, 0:4:2]
 */
export function slice(x: Tensor, ...spans: readonly Span[]): Tensor {
  requireTensor("slice", "x", x);
  if (spans.length > x.rank) {
    throw new ShapeError(`slice: at most ${x.rank} spans fit ${showShape(x.shape)}, got ${spans.length}.`);
  }
  const starts: Dim[] = [];
  const ends: Dim[] = [];
  const steps: number[] = [];
  x.shape.forEach((size, i) => {
    const span = spans[i] ?? {};
    checkOptions("slice", span, ["start", "end", "step"]);
    const { start = 0, end = size, step = 1 } = span;
    if (!Number.isInteger(step) || step < 1) {
      throw new OptionError(
        `slice: step must be a whole number ≥ 1, got ${step}. Use flip to reverse an axis.`,
      );
    }
    starts.push(bound("start", start, size));
    ends.push(bound("end", end, size));
    steps.push(step);
  });
  const whole = x.shape.every((size, i) => starts[i] === 0 && ends[i] === size && steps[i] === 1);
  return whole ? x : apply("slice", [x], { starts, ends, steps });
}

/** A bound of a span within `[0, size]`; symbolic bounds are taken as they are. */
function bound(what: string, at: Dim, size: Dim): Dim {
  if (typeof at === "string") return at;
  requireWhole("slice", what, at);
  if (typeof size !== "number") {
    if (at < 0) throw new ShapeError(`slice: a bound from the end needs a known size, got ${at} of ${size}.`);
    return at;
  }
  return Math.min(size, Math.max(0, at < 0 ? at + size : at));
}

/** `[start, end)` of one axis. */
export function narrow(x: Tensor, axis: number, start: Dim, end: Dim): Tensor {
  requireTensor("narrow", "x", x);
  const at = axisOf("narrow", axis, x.rank);
  return slice(x, ...x.shape.slice(0, at + 1).map((_, i) => (i === at ? { start, end } : {})));
}

/** The axis `axis` backwards. */
export function flip(x: Tensor, axis = -1): Tensor {
  requireTensor("flip", "x", x);
  const at = axisOf("flip", axis, x.rank);
  const size = x.shape[at];
  if (typeof size !== "number") throw new ShapeError(`flip: axis ${at} must have a known size, got ${size}.`);
  return apply("slice", [x], {
    starts: x.shape.map((_, i) => (i === at ? size - 1 : 0)),
    ends: x.shape.map((d, i) => (i === at ? -1 : d)),
    steps: x.shape.map((_, i) => (i === at ? -1 : 1)),
  });
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
  requireFits("pad", "value", value, x.dtype);
  if (!Array.isArray(amounts) || amounts.some((a) => !Array.isArray(a) || a.length !== 2)) {
    throw new OptionError(`pad: amounts must be one [before, after] per axis, got ${show(amounts)}.`);
  }
  for (const n of amounts.flat()) requireWhole("pad", "amounts", n);
  if (amounts.every(([a, b]) => a === 0 && b === 0) && amounts.length === x.rank) return x;
  return apply("pad", [x], { before: amounts.map((a) => a[0]), after: amounts.map((a) => a[1]), value });
}

/** Elements on and below the diagonal of the last two axes, zeros above. */
export function tril(x: Tensor, diagonal = 0): Tensor {
  requireWhole("tril", "diagonal", diagonal);
  return apply("triangle", [x], { part: "lower", diagonal });
}

/** Elements on and above the diagonal of the last two axes, zeros below. */
export function triu(x: Tensor, diagonal = 0): Tensor {
  requireWhole("triu", "diagonal", diagonal);
  return apply("triangle", [x], { part: "upper", diagonal });
}
