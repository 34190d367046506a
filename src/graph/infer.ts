// Types of results from types of inputs, op by op. Every mistake of a caller surfaces here, while the program
// is being built and long before a session starts.
import { DtypeError, OptionError, ShapeError } from "../errors.ts";
import { addDims, type Dim, divideDims, mulDims, type Shape, sizeOf, subDims } from "./dim.ts";
import { type Dtype, isFloat } from "./dtype.ts";
import { type OpAttributes, type OpName, type Type, typeOf, type Value } from "./value.ts";

type Inference<K extends OpName> = (
  inputs: readonly Type[],
  attributes: OpAttributes[K],
  op: string,
) => Type[];

/** `[2, 3]` as text. */
export function showShape(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

/** Axis counted from the front. @throws ShapeError when out of range. */
export function axisOf(where: string, axis: number, rank: number): number {
  const at = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(at) || at < 0 || at >= rank) {
    throw new ShapeError(`${where}: axis must be in [${-rank}, ${rank}), got ${axis}.`);
  }
  return at;
}

/** The shape both broadcast to, as in numpy. @throws ShapeError naming the two sizes that clash. */
export function broadcastShapes(where: string, a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  const out: Dim[] = [];
  for (let i = 1; i <= rank; i++) {
    const x = a[a.length - i] ?? 1;
    const y = b[b.length - i] ?? 1;
    if (x !== y && x !== 1 && y !== 1) {
      throw new ShapeError(
        `${where}: shapes must broadcast, got ${showShape(a)} and ${showShape(b)} (axis −${i}: ${x} against ${y}).`,
      );
    }
    out.unshift(x === 1 ? y : x);
  }
  return out;
}

function only(inputs: readonly Type[], op: string, index = 0): Type {
  const type = inputs[index];
  if (type === undefined) throw new ShapeError(`${op}: input ${index} is missing.`);
  return type;
}

function requireFloat(op: string, type: Type): void {
  if (!isFloat(type.dtype)) {
    throw new DtypeError(`${op}: input must be a float type, got ${type.dtype}. Use cast first.`);
  }
}

function requireNumber(op: string, type: Type): void {
  if (type.dtype === "bool") throw new DtypeError(`${op}: input must be numeric, got bool. Use cast first.`);
}

/** For ops that ONNX does not define on bytes. */
function requireArithmetic(op: string, type: Type): void {
  requireNumber(op, type);
  if (type.dtype === "uint8") {
    throw new DtypeError(`${op}: input must be a float type, int32 or int64, got uint8. Use cast first.`);
  }
}

function requireInteger(op: string, what: string, type: Type): void {
  if (type.dtype !== "int32" && type.dtype !== "int64") {
    throw new DtypeError(`${op}: ${what} must be int32 or int64, got ${type.dtype}. Use cast first.`);
  }
}

function requireSame(op: string, a: Type, b: Type): void {
  if (a.dtype !== b.dtype) {
    throw new DtypeError(`${op}: dtypes must be equal, got ${a.dtype} and ${b.dtype}. Use cast first.`);
  }
}

const unary =
  (check: typeof requireFloat) =>
  (inputs: readonly Type[], _: unknown, op: string): Type[] => {
    const x = only(inputs, op);
    check(op, x);
    return [x];
  };
const float = unary(requireFloat);
const numeric = unary(requireNumber);

const same = (inputs: readonly Type[], _: unknown, op: string): Type[] => [only(inputs, op)];

const pair =
  (check: typeof requireFloat, result?: Dtype) =>
  (inputs: readonly Type[], _: unknown, op: string): Type[] => {
    const a = only(inputs, op);
    const b = only(inputs, op, 1);
    requireSame(op, a, b);
    check(op, a);
    return [{ dtype: result ?? a.dtype, shape: broadcastShapes(op, a.shape, b.shape) }];
  };
const arithmetic = pair(requireNumber);
const ordering = pair(requireNumber, "bool");

const logical = (inputs: readonly Type[], _: unknown, op: string): Type[] => {
  for (const t of inputs) {
    if (t.dtype !== "bool") throw new DtypeError(`${op}: inputs must be bool, got ${t.dtype}.`);
  }
  return [{ dtype: "bool", shape: broadcastShapes(op, only(inputs, op).shape, only(inputs, op, 1).shape) }];
};

/** An extreme of nothing is none: refuses an axis without elements, where a result would stand. */
function requireElements(op: string, x: Shape, at: ReadonlySet<number>): void {
  if (x.some((d, i) => !at.has(i) && d === 0) || !x.some((d, i) => at.has(i) && d === 0)) return;
  throw new ShapeError(`${op}: reduced axes must hold an element, got ${showShape(x)}.`);
}

const reductionOf =
  (check: typeof requireFloat, ofNothing = true) =>
  (
    inputs: readonly Type[],
    { axes, keep }: { readonly axes: readonly number[]; readonly keep: boolean },
    op: string,
  ): Type[] => {
    const x = only(inputs, op);
    check(op, x);
    if (!ofNothing) requireElements(op, x.shape, new Set(axes));
    const at = new Set(axes.map((a) => axisOf(op, a, x.shape.length)));
    const shape = keep ? x.shape.map((d, i) => (at.has(i) ? 1 : d)) : x.shape.filter((_, i) => !at.has(i));
    return [{ dtype: x.dtype, shape }];
  };

const argReduction = (inputs: readonly Type[], { axis }: { readonly axis: number }, op: string): Type[] => {
  const x = only(inputs, op);
  requireNumber(op, x);
  const at = axisOf(op, axis, x.shape.length);
  requireElements(op, x.shape, new Set([at]));
  return [{ dtype: "int32", shape: x.shape.filter((_, i) => i !== at) }];
};

const alongLast = (inputs: readonly Type[], { axis }: { readonly axis: number }, op: string): Type[] => {
  const x = only(inputs, op);
  requireFloat(op, x);
  axisOf(op, axis, x.shape.length);
  return [x];
};

/** Checks that `vector` is `[C]` where `x` is `[…, C]`. */
function requireVector(op: string, what: string, vector: Type, x: Type): void {
  requireSame(op, x, vector);
  const width = x.shape.at(-1);
  if (vector.shape.length !== 1 || vector.shape[0] !== width) {
    throw new ShapeError(`${op}: ${what} must be [C=${width}], got ${showShape(vector.shape)}.`);
  }
}

/** Number of steps of `start, start+step, …` before `end`. */
function sliceLength(start: Dim, end: Dim, step: number): Dim {
  const span = step > 0 ? subDims(end, start) : subDims(start, end);
  const stride = Math.abs(step);
  if (typeof span === "number") return Math.max(0, Math.ceil(span / stride));
  const length = stride === 1 ? span : divideDims(span, stride);
  if (length === undefined) {
    throw new ShapeError(`slice: length ${span} must be a multiple of the step ${stride}.`);
  }
  return length;
}

/** One entry per op. */
export const INFER: { readonly [K in OpName]: Inference<K> } = {
  constant: (_, { dtype }) => [{ dtype, shape: [] }],
  data: () => [],
  input: () => [],
  argument: () => [],
  iota: (_, { size, dtype }) => [{ dtype, shape: [size] }],
  random: (_, { dtype, shape }) => [{ dtype, shape }],
  neg: unary(requireArithmetic),
  abs: numeric,
  sign: numeric,
  floor: float,
  ceil: float,
  round: float,
  exp: float,
  log: float,
  sqrt: float,
  sin: float,
  cos: float,
  tan: float,
  asin: float,
  acos: float,
  atan: float,
  sinh: float,
  cosh: float,
  tanh: float,
  asinh: float,
  acosh: float,
  atanh: float,
  erf: float,
  sigmoid: float,
  softplus: float,
  relu: float,
  silu: float,
  gelu: float,
  not: (inputs, _, op) => {
    const x = only(inputs, op);
    if (x.dtype !== "bool") throw new DtypeError(`not: input must be bool, got ${x.dtype}.`);
    return [x];
  },
  cast: (inputs, { to }, op) => [{ dtype: to, shape: only(inputs, op).shape }],
  add: arithmetic,
  sub: arithmetic,
  mul: arithmetic,
  div: (inputs, attributes, op) => {
    const [type] = arithmetic(inputs, attributes, op);
    if (type?.dtype !== "uint8") return type ? [type] : [];
    throw new DtypeError("div: input must be a float type, int32 or int64, got uint8. Use cast first.");
  },
  pow: pair(requireArithmetic),
  min: arithmetic,
  max: arithmetic,
  equal: pair(() => {}, "bool"),
  less: ordering,
  lessEqual: ordering,
  greater: ordering,
  greaterEqual: ordering,
  and: logical,
  or: logical,
  xor: logical,
  where: (inputs, _, op) => {
    const condition = only(inputs, op);
    const a = only(inputs, op, 1);
    const b = only(inputs, op, 2);
    if (condition.dtype !== "bool") {
      throw new DtypeError(`where: condition must be bool, got ${condition.dtype}.`);
    }
    requireSame(op, a, b);
    const shape = broadcastShapes(op, condition.shape, broadcastShapes(op, a.shape, b.shape));
    return [{ dtype: a.dtype, shape }];
  },
  sum: reductionOf(requireArithmetic),
  mean: reductionOf(requireFloat),
  reduceMax: reductionOf(requireNumber, false),
  reduceMin: reductionOf(requireNumber, false),
  prod: reductionOf(requireArithmetic),
  logSumExp: reductionOf(requireFloat),
  argMax: argReduction,
  argMin: argReduction,
  cumSum: (inputs, { axis }, op) => {
    const x = only(inputs, op);
    requireArithmetic(op, x);
    axisOf(op, axis, x.shape.length);
    return [x];
  },
  matmul: (inputs, { transposeA, transposeB }, op) => {
    const a = only(inputs, op);
    const b = only(inputs, op, 1);
    requireSame(op, a, b);
    requireArithmetic(op, a);
    if (a.shape.length < 2 || b.shape.length < 2) {
      throw new ShapeError(
        `matmul: both operands must have rank ≥ 2, got ${showShape(a.shape)} and ${showShape(b.shape)}.`,
      );
    }
    const [m, k1] = lastTwo(a.shape, transposeA);
    const [k2, n] = lastTwo(b.shape, transposeB);
    if (k1 !== k2) {
      const flags = `${transposeA ? ", first transposed" : ""}${transposeB ? ", second transposed" : ""}`;
      throw new ShapeError(
        `matmul: inner sizes must be equal, got ${k1} and ${k2} from ${showShape(a.shape)} and ${showShape(b.shape)}${flags}.`,
      );
    }
    const batch = broadcastShapes(op, a.shape.slice(0, -2), b.shape.slice(0, -2));
    return [{ dtype: a.dtype, shape: [...batch, m, n] }];
  },
  reshape: (inputs, { shape }, op) => {
    const x = only(inputs, op);
    if (sizeOf(x.shape) !== sizeOf(shape)) {
      throw new ShapeError(
        `reshape: ${showShape(shape)} must hold ${sizeOf(x.shape)} elements as ${showShape(x.shape)} does, got ${sizeOf(shape)}.`,
      );
    }
    return [{ dtype: x.dtype, shape }];
  },
  transpose: (inputs, { order }, op) => {
    const x = only(inputs, op);
    if (order.length !== x.shape.length || new Set(order).size !== order.length) {
      throw new ShapeError(
        `permute: order must permute the ${x.shape.length} axes of ${showShape(x.shape)}, got ${showShape(order)}.`,
      );
    }
    return [{ dtype: x.dtype, shape: order.map((a) => x.shape[axisOf(op, a, x.shape.length)] ?? 1) }];
  },
  broadcast: (inputs, { shape }, op) => {
    const x = only(inputs, op);
    const out = broadcastShapes(op, x.shape, shape);
    if (out.length !== shape.length || out.some((d, i) => d !== shape[i])) {
      throw new ShapeError(`broadcastTo: ${showShape(x.shape)} must broadcast to ${showShape(shape)}.`);
    }
    return [{ dtype: x.dtype, shape }];
  },
  slice: (inputs, { starts, ends, steps }, op) => {
    const x = only(inputs, op);
    return [
      {
        dtype: x.dtype,
        shape: x.shape.map((_, i) => sliceLength(starts[i] ?? 0, ends[i] ?? 0, steps[i] ?? 1)),
      },
    ];
  },
  concat: (inputs, { axis }, op) => {
    const first = only(inputs, op);
    const at = axisOf(op, axis, first.shape.length);
    for (const t of inputs) {
      requireSame(op, first, t);
      if (t.shape.length !== first.shape.length || t.shape.some((d, i) => i !== at && d !== first.shape[i])) {
        throw new ShapeError(
          `concat: shapes must agree outside axis ${at}, got ${showShape(first.shape)} and ${showShape(t.shape)}.`,
        );
      }
    }
    const total = addDims(...inputs.map((t) => t.shape[at] ?? 0));
    return [{ dtype: first.dtype, shape: first.shape.map((d, i) => (i === at ? total : d)) }];
  },
  pad: (inputs, { before, after }, op) => {
    const x = only(inputs, op);
    if (before.length !== x.shape.length || after.length !== x.shape.length) {
      throw new ShapeError(
        `pad: one pair per axis of ${showShape(x.shape)} is needed, got ${before.length}.`,
      );
    }
    if ([...before, ...after].some((n) => n < 0)) {
      throw new OptionError(`pad: amounts must be ≥ 0, got ${showShape(before)} and ${showShape(after)}.`);
    }
    return [{ dtype: x.dtype, shape: x.shape.map((d, i) => addDims(d, before[i] ?? 0, after[i] ?? 0)) }];
  },
  triangle: (inputs, { part }, op) => {
    const x = only(inputs, op);
    const called = part === "lower" ? "tril" : "triu";
    if (x.shape.length < 2) throw new ShapeError(`${called}: rank must be ≥ 2, got ${showShape(x.shape)}.`);
    return [x];
  },
  gather: (inputs, { axis }, op) => {
    const x = only(inputs, op);
    const indices = only(inputs, op, 1);
    requireInteger(op, "indices", indices);
    const at = axisOf(op, axis, x.shape.length);
    return [{ dtype: x.dtype, shape: [...x.shape.slice(0, at), ...indices.shape, ...x.shape.slice(at + 1)] }];
  },
  takeAlongAxis: (inputs, { axis }, op) => {
    const x = only(inputs, op);
    const indices = only(inputs, op, 1);
    requireInteger(op, "indices", indices);
    requireAlong(op, x.shape, indices.shape, axisOf(op, axis, x.shape.length));
    return [{ dtype: x.dtype, shape: indices.shape }];
  },
  scatterAdd: (inputs, _, op) => {
    const target = only(inputs, op);
    const indices = only(inputs, op, 1);
    const updates = only(inputs, op, 2);
    requireInteger(op, "indices", indices);
    requireSame(op, target, updates);
    const expected = [...indices.shape, ...target.shape.slice(1)];
    if (updates.shape.length !== expected.length || updates.shape.some((d, i) => d !== expected[i])) {
      throw new ShapeError(
        `scatterAdd: updates must be ${showShape(expected)}, got ${showShape(updates.shape)}.`,
      );
    }
    return [target];
  },
  addAlongAxis: (inputs, { axis }, op) => {
    const target = only(inputs, op);
    const indices = only(inputs, op, 1);
    const updates = only(inputs, op, 2);
    requireInteger(op, "indices", indices);
    requireSame(op, target, updates);
    requireAlong(op, target.shape, indices.shape, axisOf(op, axis, target.shape.length));
    if (updates.shape.some((d, i) => d !== indices.shape[i])) {
      throw new ShapeError(
        `addAlongAxis: updates must be ${showShape(indices.shape)} as the indices, got ${showShape(updates.shape)}.`,
      );
    }
    return [target];
  },
  topK: (inputs, { axis, k }, op) => {
    const x = only(inputs, op);
    requireNumber(op, x);
    const at = axisOf(op, axis, x.shape.length);
    const size = x.shape[at];
    const least = size === 0 ? 0 : 1;
    if (!Number.isInteger(k) || k < least || (typeof size === "number" && k > size)) {
      throw new OptionError(`topK: k must be between ${least} and ${size}, got ${k}.`);
    }
    const shape = x.shape.map((d, i) => (i === at ? k : d));
    return [
      { dtype: x.dtype, shape },
      { dtype: "int32", shape },
    ];
  },
  softmax: alongLast,
  logSoftmax: alongLast,
  layerNorm: (inputs, _, op) => {
    const x = only(inputs, op);
    requireFloat(op, x);
    requireVector(op, "scale", only(inputs, op, 1), x);
    requireVector(op, "bias", only(inputs, op, 2), x);
    const statistic: Type = { dtype: x.dtype, shape: [...x.shape.slice(0, -1), 1] };
    return [x, statistic, statistic];
  },
  rmsNorm: (inputs, _, op) => {
    const x = only(inputs, op);
    requireFloat(op, x);
    requireVector(op, "scale", only(inputs, op, 1), x);
    return [x, { dtype: x.dtype, shape: [...x.shape.slice(0, -1), 1] }];
  },
  fused: (_, { body }) => body.results.map(typeOf),
  item: () => [],
  alias: same,
  stopGradient: same,
  barrier: same,
  custom: (inputs, { outputs }) => inputs.slice(0, outputs),
  recompute: (_, { body }) => body.results.map(typeOf),
  scan: (inputs, { body, carries, length }) => {
    const results = body.results.map(typeOf);
    const final = results.slice(0, carries);
    final.forEach((t, i) => {
      const start = only(inputs, "scan", i);
      if (
        start.dtype !== t.dtype ||
        start.shape.length !== t.shape.length ||
        start.shape.some((d, j) => d !== t.shape[j])
      ) {
        throw new ShapeError(
          `scan: carry ${i} must keep its type, got ${start.dtype} ${showShape(start.shape)} before and ${t.dtype} ${showShape(t.shape)} after the step.`,
        );
      }
    });
    const stack = (t: Type): Type => ({ dtype: t.dtype, shape: [length, ...t.shape] });
    // Final carries, stacked results, and the stacked carries before each step (for derivatives).
    return [...final, ...results.slice(carries).map(stack), ...final.map(stack)];
  },
};

function lastTwo(shape: Shape, transposed: boolean): [Dim, Dim] {
  const a = shape.at(-2) ?? 1;
  const b = shape.at(-1) ?? 1;
  return transposed ? [b, a] : [a, b];
}

function requireAlong(op: string, x: Shape, indices: Shape, axis: number): void {
  if (indices.length !== x.length || indices.some((d, i) => i !== axis && d !== x[i])) {
    throw new ShapeError(
      `${op}: indices must agree with ${showShape(x)} outside axis ${axis}, got ${showShape(indices)}.`,
    );
  }
}

/** What users call an op, where its name in the graph is another. */
const CALLED: Partial<Record<OpName, string>> = {
  min: "minimum",
  max: "maximum",
  reduceMin: "min",
  reduceMax: "max",
  transpose: "permute",
  broadcast: "broadcastTo",
};

/** Name of `op` in messages. */
export function calledName(op: OpName): string {
  return CALLED[op] ?? op;
}

/** Types of the outputs of `op`. */
export function infer<K extends OpName>(
  op: K,
  inputs: readonly Value[],
  attributes: OpAttributes[K],
): Type[] {
  const rule = INFER[op] as Inference<K>;
  return rule(inputs.map(typeOf), attributes, calledName(op));
}

/** Shape after a reshape in which one size may be −1. */
export function resolveShape(from: Shape, to: readonly Dim[]): Shape {
  const fine = (d: Dim): boolean => typeof d === "string" || (Number.isSafeInteger(d) && d >= -1);
  if (!Array.isArray(to) || !to.every(fine) || to.indexOf(-1) !== to.lastIndexOf(-1)) {
    const got = Array.isArray(to) ? showShape(to) : String(to);
    throw new ShapeError(`reshape: shape must hold whole numbers ≥ 0 and at most one -1, got ${got}.`);
  }
  const unknown = to.indexOf(-1);
  if (unknown < 0) return to;
  const known = mulDims(...to.filter((_, i) => i !== unknown));
  const size = known === 0 ? undefined : divideDims(sizeOf(from), known);
  if (size === undefined) {
    throw new ShapeError(
      `reshape: ${showShape(to)} must divide ${sizeOf(from)} elements of ${showShape(from)}.`,
    );
  }
  return to.map((d, i) => (i === unknown ? size : d));
}
