// From the closed op set to ONNX operators: one rule per op. A rule may look at what made its inputs (`from`)
// and at repeated numbers (`splat`) to emit less.
import { GraphError } from "../errors.ts";
import { addDims, type Dim, sameShape, type Shape } from "./dim.ts";
import { castNumber, isFloat } from "./dtype.ts";
import type { Emitter, Ref } from "./emitter.ts";
import { COMPOSE } from "./lower-composed.ts";
import { lowerFloat64 } from "./lower-float64.ts";
import { lowerFused } from "./lower-fused.ts";
import {
  lowerAddAlongAxis,
  lowerGather,
  lowerScatterAdd,
  lowerTakeAlongAxis,
  lowerTopK,
} from "./lower-index.ts";
import { lowerIntegerDiv, lowerIntegerPow } from "./lower-integer.ts";
import { lowerMatmul, productPlusVector } from "./lower-product.ts";
import { lowerLayerNorm, lowerLogSoftmax, lowerRmsNorm } from "./lower-normalise.ts";
import {
  lowerArgMax,
  lowerArgMin,
  lowerLogSumExp,
  lowerMax,
  lowerMean,
  lowerMin,
  lowerProd,
  lowerSum,
} from "./lower-reduce.ts";
import { lowerScan } from "./lower-scan.ts";
import { at, castTo, int, ints, iotaOf, lowerBody, type Lowering, reshapeTo, type Rule } from "./lowering.ts";
import {
  attributesOf,
  type OpAttributes,
  type OpName,
  reach,
  type Type,
  typeOf,
  type Value,
} from "./value.ts";

/** Lowers everything that `roots` reach and returns their refs. */
export function lower(low: Lowering, roots: readonly Value[]): Ref[] {
  const values = reach(roots, (v) => low.done.has(v));
  for (const v of values) {
    if (v.op !== "item") continue;
    const [owner] = v.inputs;
    if (owner) low.used.set(owner, (low.used.get(owner) ?? new Set()).add(attributesOf(v, "item").index));
  }
  for (const v of values) {
    // A rule may have lowered more than its own value.
    if (low.done.has(v)) continue;
    low.done.set(v, lowerValue(low, v));
    low.made.push(v);
  }
  return roots.map((v) => refOf(low, v));
}

/** First output of a lowered value. */
export function refOf(low: Lowering, value: Value): Ref {
  const ref = low.done.get(value)?.[0];
  if (ref === undefined) {
    throw new GraphError(
      `${value.op} is used outside of the function it belongs to. Pass it as an argument.`,
    );
  }
  return ref;
}

/** Ops whose other outputs say something about the elements of the first. */
const EMPTIES: ReadonlySet<OpName> = new Set<OpName>(["layerNorm", "rmsNorm"]);

function lowerValue(low: Lowering, value: Value): readonly Ref[] {
  const outputs = value.inputs[0] && value.op === "item" ? low.done.get(value.inputs[0]) : undefined;
  if (outputs) {
    const ref = outputs[attributesOf(value, "item").index];
    if (ref === undefined) throw new GraphError("item of a value without outputs");
    return [ref];
  }
  // ONNX Runtime's kernels disagree about tensors without elements; none is needed. Statistics of none are NaN.
  if (value.outputs[0]?.shape.includes(0) && EMPTIES.has(value.op)) {
    return value.outputs.map((t) => low.emit.filled(t.shape.includes(0) ? 0 : NaN, t));
  }
  if (value.outputs.length > 0 && value.outputs.every((t) => t.shape.includes(0))) {
    return value.outputs.map((t) => low.emit.filled(0, t));
  }
  const table = low.target.composed.has(value.op) ? COMPOSE : LOWER;
  const rule = table[value.op] as Rule<unknown> | undefined;
  if (rule === undefined) throw new GraphError(`${value.op} cannot stand here. Pass it as an argument.`);
  const result = rule({
    value,
    inputs: value.inputs.map((v) => refOf(low, v)),
    attributes: value.attributes,
    type: typeOf(value),
    low,
    emit: low.emit,
  });
  return Array.isArray(result) ? (result as readonly Ref[]) : [result as Ref];
}

const one =
  (opType: string): Rule<OpAttributes["exp"]> =>
  (r) => {
    const x = at(r.inputs, 0);
    if (r.value.op === "neg" && x.splat !== undefined) return r.emit.filled(-x.splat, r.type);
    if (x.type.dtype === "float64") {
      const precise = lowerFloat64(r.emit, r.value.op, x);
      if (precise) return precise;
    }
    return r.emit.node(opType, [x], r.type);
  };

/** A repeated number as a scalar where the other operand alone gives the shape. */
function lean(emit: Emitter, x: Ref, others: readonly Ref[], shape: Shape): Ref {
  return x.splat !== undefined && others.some((o) => sameShape(o.type.shape, shape))
    ? emit.scalar(x.splat, x.type.dtype)
    : x;
}

const FOLD: Partial<Record<OpName, (a: number, b: number) => number>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
};

/** Whether `y = x` for `x ∘ splat`. */
function neutral(op: OpName, splat: number | undefined, left: boolean): boolean {
  if (splat === undefined) return false;
  if (op === "add") return splat === 0;
  if (op === "sub") return Object.is(splat, 0) && !left;
  if (op === "mul") return splat === 1;
  return op === "div" && splat === 1 && !left;
}

/** `x · (s · t)` for `(x · s) · t` with single numbers `s`, `t` that are computed: one pass over `x`, not two. */
function reassociate(emit: Emitter, a: Ref, b: Ref, type: Type): Ref | undefined {
  if (b.type.shape.length !== 0 || a.from?.opType !== "Mul" || !sameShape(a.type.shape, type.shape))
    return undefined;
  const [x, s] = a.from.inputs;
  if (!x || s?.type.shape.length !== 0 || x.type.shape.length === 0) return undefined;
  return emit.node("Mul", [x, emit.node("Mul", [s, b], { dtype: type.dtype, shape: [] })], type);
}

const two =
  (opType: string, op: OpName): Rule<OpAttributes["add"]> =>
  (r) => {
    const a = at(r.inputs, 0);
    const b = at(r.inputs, 1);
    const { shape, dtype } = r.type;
    const fold = FOLD[op];
    const float = dtype === "float32" || dtype === "float64";
    if (fold && a.splat !== undefined && b.splat !== undefined && float) {
      return r.emit.filled(fold(a.splat, b.splat), r.type);
    }
    if (neutral(op, b.splat, false) && sameShape(a.type.shape, shape)) return a;
    if (neutral(op, a.splat, true) && sameShape(b.type.shape, shape)) return b;
    if (op === "add") {
      const product = productPlusVector(r.emit, a, b, r.type) ?? productPlusVector(r.emit, b, a, r.type);
      if (product) return product;
    }
    // Of two repeated numbers only one may become a scalar.
    const x = lean(r.emit, a, [b], shape);
    const y = lean(r.emit, b, [x], shape);
    return (op === "mul" && reassociate(r.emit, x, y, r.type)) || r.emit.node(opType, [x, y], r.type);
  };

const divide = two("Div", "div");

const alongAxis =
  (opType: string): Rule<OpAttributes["softmax"]> =>
  (r) =>
    r.emit.node(opType, r.inputs, r.type, { attributes: { axis: int(r.attributes.axis) } });

const INT64_MIN = -(2 ** 62);

/** What was put at `[start, end)` when `x` was put together along `axis`, if it is exactly one tensor. */
function concatenated(x: Ref, axis: number, start: Dim, end: Dim): Ref | undefined {
  const along = x.from?.opType === "Concat" ? x.from.attributes["axis"] : undefined;
  if (!along || !("int" in along) || along.int !== axis) return undefined;
  let at: Dim = 0;
  for (const part of x.from?.inputs ?? []) {
    const next: Dim = addDims(at, part.type.shape[axis] ?? 1);
    if (at === start && next === end) return part;
    at = next;
  }
  return undefined;
}

/** Parts up to this number are joined by one operator: opening a model takes the square of an operator's inputs. */
const PARTS = 64;

/** `parts` side by side along `axis`; many in groups first. */
function joined(emit: Emitter, parts: readonly Ref[], axis: number, type: Type): Ref {
  const attributes = { axis: int(axis) };
  if (parts.length <= PARTS) return emit.node("Concat", parts, type, { attributes });
  const size = Math.ceil(parts.length / Math.ceil(parts.length / PARTS));
  const groups: Ref[] = [];
  for (let i = 0; i < parts.length; i += size) {
    const group = parts.slice(i, i + size);
    const length = addDims(...group.map((p) => p.type.shape[axis] ?? 1));
    const shape = type.shape.map((d, j) => (j === axis ? length : d));
    groups.push(emit.node("Concat", group, { dtype: type.dtype, shape }, { attributes }));
  }
  return joined(emit, groups, axis, type);
}

/** One rule per op. */
const LOWER: { readonly [K in OpName]?: Rule<OpAttributes[K]> } = {
  constant: (r) => r.emit.scalar(r.attributes.value, r.attributes.dtype),
  iota: (r) => iotaOf(r.emit, r.attributes.size, r.attributes.dtype),
  random: (r) => r.emit.draw(at(r.inputs, 0), r.attributes, r.type),
  neg: one("Neg"),
  abs: one("Abs"),
  // The kernel for float16 makes 0 of NaN.
  sign: (r) =>
    r.type.dtype === "float16"
      ? castTo(
          r.emit,
          r.emit.node("Sign", [castTo(r.emit, at(r.inputs, 0), "float32")], { ...r.type, dtype: "float32" }),
          "float16",
        )
      : one("Sign")(r),
  floor: one("Floor"),
  ceil: one("Ceil"),
  round: one("Round"),
  exp: one("Exp"),
  log: one("Log"),
  sqrt: one("Sqrt"),
  sin: one("Sin"),
  cos: one("Cos"),
  tan: one("Tan"),
  asin: one("Asin"),
  acos: one("Acos"),
  atan: one("Atan"),
  sinh: one("Sinh"),
  cosh: one("Cosh"),
  tanh: one("Tanh"),
  asinh: one("Asinh"),
  acosh: one("Acosh"),
  atanh: one("Atanh"),
  erf: one("Erf"),
  sigmoid: one("Sigmoid"),
  softplus: one("Softplus"),
  relu: one("Relu"),
  silu: (r) => {
    const x = at(r.inputs, 0);
    if (r.low.target.fused.has("QuickGelu") && r.type.dtype === "float32") {
      return r.emit.node("QuickGelu", [x], r.type, {
        domain: "com.microsoft",
        attributes: { alpha: { float: 1 } },
      });
    }
    const gate = r.type.dtype === "float64" ? lowerFloat64(r.emit, "sigmoid", x) : undefined;
    return r.emit.node("Mul", [x, gate ?? r.emit.node("Sigmoid", [x], r.type)], r.type);
  },
  gelu: (r) => {
    const x = at(r.inputs, 0);
    const { approximate } = r.attributes;
    if (x.type.dtype === "float64") {
      const precise = lowerFloat64(r.emit, approximate === "tanh" ? "geluTanh" : "gelu", x);
      if (precise) return precise;
    }
    return r.emit.node("Gelu", [x], r.type, { attributes: { approximate: { text: approximate } } });
  },
  not: one("Not"),
  cast: (r) => {
    const x = at(r.inputs, 0);
    const number = x.splat === undefined ? undefined : castNumber(x.splat, r.attributes.to);
    return number === undefined ? castTo(r.emit, x, r.attributes.to) : r.emit.filled(number, r.type);
  },
  add: two("Add", "add"),
  sub: two("Sub", "sub"),
  mul: two("Mul", "mul"),
  div: (r) => (isFloat(r.type.dtype) ? divide(r) : lowerIntegerDiv(r)),
  pow: (r) => {
    if (!isFloat(r.type.dtype)) return lowerIntegerPow(r);
    const a = at(r.inputs, 0);
    const b = at(r.inputs, 1);
    if (b.splat === 1 && sameShape(a.type.shape, r.type.shape)) return a;
    if (b.splat === 2 && sameShape(a.type.shape, r.type.shape)) return r.emit.node("Mul", [a, a], r.type);
    const x = lean(r.emit, a, [b], r.type.shape);
    return r.emit.node("Pow", [x, lean(r.emit, b, [x], r.type.shape)], r.type);
  },
  min: two("Min", "min"),
  max: two("Max", "max"),
  equal: two("Equal", "equal"),
  less: two("Less", "less"),
  lessEqual: two("LessOrEqual", "lessEqual"),
  greater: two("Greater", "greater"),
  greaterEqual: two("GreaterOrEqual", "greaterEqual"),
  and: two("And", "and"),
  or: two("Or", "or"),
  xor: two("Xor", "xor"),
  where: (r) => {
    const condition = at(r.inputs, 0);
    const a = at(r.inputs, 1);
    const b = at(r.inputs, 2);
    const { shape, dtype } = r.type;
    if (dtype === "bool") {
      // ONNX Runtime's Where does not choose between bools.
      const [x, y] = [castTo(r.emit, a, "int32"), castTo(r.emit, b, "int32")];
      return castTo(r.emit, r.emit.node("Where", [condition, x, y], { dtype: "int32", shape }), "bool");
    }
    const yes = lean(r.emit, a, [condition, b], shape);
    return r.emit.node("Where", [condition, yes, lean(r.emit, b, [condition, yes], shape)], r.type);
  },
  sum: lowerSum,
  mean: lowerMean,
  reduceMax: lowerMax,
  reduceMin: lowerMin,
  prod: lowerProd,
  logSumExp: lowerLogSumExp,
  argMax: lowerArgMax,
  argMin: lowerArgMin,
  cumSum: (r) =>
    r.emit.node("CumSum", [at(r.inputs, 0), r.emit.scalar(r.attributes.axis, "int64")], r.type, {
      attributes: {
        exclusive: int(Number(r.attributes.exclusive)),
        reverse: int(Number(r.attributes.reverse)),
      },
    }),
  matmul: lowerMatmul,
  reshape: (r) => reshapeTo(r.emit, at(r.inputs, 0), r.type.shape),
  transpose: (r) => {
    const x = at(r.inputs, 0);
    if (x.splat !== undefined) return r.emit.filled(x.splat, r.type);
    const inner = x.from?.opType === "Transpose" ? x.from.attributes["perm"] : undefined;
    const source = inner ? x.from?.inputs[0] : undefined;
    if (inner && source && "ints" in inner) {
      const order = r.attributes.order.map((i) => inner.ints[i] ?? 0);
      if (order.every((a, i) => a === i)) return source;
      return r.emit.node("Transpose", [source], r.type, { attributes: { perm: ints(order) } });
    }
    return r.emit.node("Transpose", [x], r.type, { attributes: { perm: ints(r.attributes.order) } });
  },
  broadcast: (r) => {
    const x = at(r.inputs, 0);
    if (x.splat !== undefined) return r.emit.filled(x.splat, r.type);
    return r.emit.node("Expand", [x, r.emit.dims(r.type.shape)], r.type);
  },
  slice: (r) => {
    const { starts, ends, steps } = r.attributes;
    const x = at(r.inputs, 0);
    if (x.splat !== undefined) return r.emit.filled(x.splat, r.type);
    const axes = steps.flatMap((step, i) =>
      starts[i] === 0 && ends[i] === x.type.shape[i] && step === 1 ? [] : [i],
    );
    const pick = <T>(list: readonly T[], otherwise: T): T[] => axes.map((i) => list[i] ?? otherwise);
    const [axis = 0, ...more] = axes;
    const [start = 0, end = 0] = [starts[axis], ends[axis]];
    const single = more.length === 0 && steps[axis] === 1;
    const whole = single ? concatenated(x, axis, start, end) : undefined;
    if (whole) return whole;
    const ending = pick(ends, 0).map((e): Dim => (e === -1 ? INT64_MIN : e));
    const cut = r.emit.node(
      "Slice",
      [x, r.emit.dims(pick(starts, 0)), r.emit.dims(ending), r.emit.ints(axes), r.emit.ints(pick(steps, 1))],
      r.type,
    );
    return single ? { ...cut, part: { of: x, axis, start, end } } : cut;
  },
  concat: (r) => joined(r.emit, r.inputs, r.attributes.axis, r.type),
  pad: (r) => {
    const { before, after, value } = r.attributes;
    return r.emit.node(
      "Pad",
      [at(r.inputs, 0), r.emit.ints([...before, ...after]), r.emit.scalar(value, r.type.dtype)],
      r.type,
    );
  },
  triangle: (r) => {
    const { part, diagonal } = r.attributes;
    return r.emit.node("Trilu", [at(r.inputs, 0), r.emit.scalar(diagonal, "int64")], r.type, {
      attributes: { upper: int(Number(part === "upper")) },
    });
  },
  gather: lowerGather,
  takeAlongAxis: lowerTakeAlongAxis,
  scatterAdd: lowerScatterAdd,
  addAlongAxis: lowerAddAlongAxis,
  topK: lowerTopK,
  softmax: alongAxis("Softmax"),
  logSoftmax: (r) => (r.type.dtype === "float64" ? lowerLogSoftmax(r) : alongAxis("LogSoftmax")(r)),
  layerNorm: lowerLayerNorm,
  rmsNorm: lowerRmsNorm,
  fused: lowerFused,
  alias: (r) => at(r.inputs, 0),
  stopGradient: (r) => at(r.inputs, 0),
  barrier: (r) => {
    // `where(¬(s < s), x, 0)` with one element `s` of the signal: no optimiser may drop it or move it earlier.
    const { emit } = r;
    const signal = at(r.inputs, 1);
    const axes = signal.type.shape.map((_, i) => i);
    const corner = emit.node(
      "Slice",
      [signal, emit.ints(axes.map(() => 0)), emit.ints(axes.map(() => 1)), emit.ints(axes)],
      { dtype: signal.type.dtype, shape: axes.map(() => 1) },
    );
    const scalar: Type = { dtype: "float32", shape: [] };
    // A sum, since a length that is not known yet may turn out to be 0.
    const s =
      axes.length === 0
        ? castTo(emit, signal, "float32")
        : emit.node("ReduceSum", [castTo(emit, corner, "float32"), emit.ints(axes)], scalar, {
            attributes: { keepdims: int(0) },
          });
    const bool: Type = { dtype: "bool", shape: [] };
    const holds = emit.node("Not", [emit.node("Less", [s, s], bool)], bool);
    return emit.node("Where", [holds, at(r.inputs, 0), emit.scalar(0, r.type.dtype)], r.type);
  },
  custom: (r) => r.inputs.slice(0, r.attributes.outputs),
  recompute: (r) => lowerBody(r.low, r.attributes.body, r.inputs),
  scan: (r) => lowerScan(r.low, r.value, r.inputs, r.attributes),
};
