// Reductions. ONNX Runtime adds up long rows one number after the other in the type of the elements, adds integers
// through float64, and passes NaN over in a maximum; here long sums run in blocks, integers wrap as in `+`, and NaN stays.
import { mulDims, type Shape } from "./dim.ts";
import type { Emitter, Ref } from "./emitter.ts";
import { at, castTo, int, ints, reshapeTo, type Rule, type RuleInput } from "./lowering.ts";
import { isFloat } from "./dtype.ts";
import type { OpAttributes, Type } from "./value.ts";

type Reduction = OpAttributes["sum"];
type Input = RuleInput<Reduction>;

/** Sums of more elements than this run in blocks: float32 then keeps six digits at any length. */
const LONG = 1 << 16;
const BLOCK = 1 << 10;
/** A block of fewer elements is not worth a pass of its own. */
const SHORTEST = 1 << 5;

const INTEGERS: ReadonlySet<string> = new Set(["int32", "int64"]);

const withSize = (shape: Shape, axis: number, ...sizes: number[]): Shape => [
  ...shape.slice(0, axis),
  ...sizes,
  ...shape.slice(axis + 1),
];

/** One operator over `axis`, which is gone afterwards. */
function over(emit: Emitter, opType: string, x: Ref, axis: number): Ref {
  const type: Type = { dtype: x.type.dtype, shape: withSize(x.type.shape, axis) };
  return emit.node(opType, [x, emit.ints([axis])], type, { attributes: { keepdims: int(0) } });
}

/** Reduced axes side by side as one: the tensor, and the axes that are left to reduce. */
function merged(emit: Emitter, x: Ref, axes: readonly number[]): { x: Ref; axes: number[] } {
  const shape: (readonly [size: Shape[number], reduced: boolean])[] = [];
  x.type.shape.forEach((d, i) => {
    const last = shape.at(-1);
    if (axes.includes(i) && last?.[1]) shape[shape.length - 1] = [mulDims(last[0], d), true];
    else shape.push([d, axes.includes(i)]);
  });
  const left = shape.flatMap(([, reduced], i) => (reduced ? [i] : []));
  return {
    x: reshapeTo(
      emit,
      x,
      shape.map(([d]) => d),
    ),
    axes: left,
  };
}

/** The places `[start, end)` of `axis`. */
function cut(emit: Emitter, x: Ref, axis: number, start: number, end: number): Ref {
  if (start === 0 && end === x.type.shape[axis]) return x;
  const type: Type = { dtype: x.type.dtype, shape: withSize(x.type.shape, axis, end - start) };
  return emit.node("Slice", [x, emit.ints([start]), emit.ints([end]), emit.ints([axis])], type);
}

/** What `inner` makes of blocks of `axis` of `size`, side by side on that axis; a shorter last block by itself. */
function inBlocks(emit: Emitter, x: Ref, axis: number, inner: (x: Ref, axis: number) => Ref): Ref {
  const size = Number(x.type.shape[axis]);
  const block = blockOf(size);
  const whole = size - (size % block);
  const rows = reshapeTo(
    emit,
    cut(emit, x, axis, 0, whole),
    withSize(x.type.shape, axis, whole / block, block),
  );
  const sums = inner(rows, axis + 1);
  if (whole === size) return sums;
  const last = inner(cut(emit, x, axis, whole, size), axis);
  const one = reshapeTo(emit, last, withSize(x.type.shape, axis, 1));
  const shape = withSize(x.type.shape, axis, whole / block + 1);
  return emit.node(
    "Concat",
    [sums, one],
    { dtype: x.type.dtype, shape },
    { attributes: { axis: int(axis) } },
  );
}

/** The largest size of equal blocks, or `BLOCK` where none is worth it. */
function blockOf(size: number): number {
  for (let b = BLOCK; b >= SHORTEST; b--) if (size % b === 0) return b;
  return BLOCK;
}

/** Reduces `axis` of a known size by `inner`, in blocks of blocks where it is long. */
function longAxis(emit: Emitter, x: Ref, axis: number, inner: (x: Ref, axis: number) => Ref): Ref {
  let y = x;
  if (Number(x.type.shape[axis]) > LONG)
    while (Number(y.type.shape[axis]) > BLOCK) y = inBlocks(emit, y, axis, inner);
  return inner(y, axis);
}

/** Reduces all of `axes`, the last first. */
function axisByAxis(r: Input, x: Ref, inner: (x: Ref, axis: number) => Ref): Ref {
  const { x: flat, axes } = merged(r.emit, x, r.attributes.axes);
  return axes.toReversed().reduce((y, axis) => longAxis(r.emit, y, axis, inner), flat);
}

/** How many elements meet in one; undefined where that is not known yet. */
function count(r: Input): number | undefined {
  const n = mulDims(...r.attributes.axes.map((a) => at(r.inputs, 0).type.shape[a] ?? 1));
  return typeof n === "number" ? n : undefined;
}

/** One operator for the whole reduction. */
function plain(r: Input, opType: string, x = at(r.inputs, 0), type = r.type): Ref {
  const { axes, keep } = r.attributes;
  return r.emit.node(opType, [x, r.emit.ints(axes)], type, { attributes: { keepdims: int(Number(keep)) } });
}

/** A sum or a logarithm of a sum, in blocks where many elements meet. */
const adding =
  (opType: string): Rule<Reduction> =>
  (r) => {
    const x = at(r.inputs, 0);
    const n = count(r);
    if (n === undefined || n <= LONG || !isFloat(r.type.dtype)) return plain(r, opType);
    const wide = r.type.dtype === "float16" ? castTo(r.emit, x, "float32") : x;
    const y = axisByAxis(r, wide, (part, axis) => over(r.emit, opType, part, axis));
    return castTo(r.emit, reshapeTo(r.emit, y, r.type.shape), r.type.dtype);
  };

/** `x` against a column of ones over `axis`: integer products add exactly, and wrap. */
function exactSum(emit: Emitter, x: Ref, axis: number): Ref {
  const { shape, dtype } = x.type;
  const last = shape.length - 1;
  const order = [...shape.keys()].filter((i) => i !== axis).concat(axis);
  const moved: Type = { dtype, shape: order.map((i) => shape[i] ?? 1) };
  const rows = axis === last ? x : emit.node("Transpose", [x], moved, { attributes: { perm: ints(order) } });
  const n = Number(shape[axis]);
  const ones = emit.vector(
    Array.from({ length: n }, () => 1),
    dtype,
  );
  const flat = reshapeTo(emit, rows, [mulDims(...moved.shape.slice(0, -1)), n]);
  const sums = emit.node("MatMul", [flat, reshapeTo(emit, ones, [n, 1])], {
    dtype,
    shape: [flat.type.shape[0] ?? 1, 1],
  });
  return reshapeTo(emit, sums, moved.shape.slice(0, -1));
}

/** Products of halves until one element is left: exact for integers, which wrap. */
function exactProduct(emit: Emitter, x: Ref, axis: number): Ref {
  let y = x;
  for (let n = Number(y.type.shape[axis]); n > 1; n = Number(y.type.shape[axis])) {
    const half = n >> 1;
    const [low, high] = [cut(emit, y, axis, 0, half), cut(emit, y, axis, half, 2 * half)];
    const both = emit.node("Mul", [low, high], low.type);
    if (n % 2 === 0) y = both;
    else {
      const shape = withSize(y.type.shape, axis, half + 1);
      const rest = cut(emit, y, axis, n - 1, n);
      y = emit.node(
        "Concat",
        [both, rest],
        { dtype: y.type.dtype, shape },
        { attributes: { axis: int(axis) } },
      );
    }
  }
  return reshapeTo(emit, y, withSize(x.type.shape, axis));
}

/** Integers by `exact` on the host, where they would go through float64. */
const integers =
  (exact: (emit: Emitter, x: Ref, axis: number) => Ref, otherwise: Rule<Reduction>): Rule<Reduction> =>
  (r) => {
    const n = count(r);
    if (!INTEGERS.has(r.type.dtype) || n === undefined || n === 0 || !r.low.target.host) return otherwise(r);
    const y = axisByAxis(r, at(r.inputs, 0), (part, axis) => exact(r.emit, part, axis));
    return reshapeTo(r.emit, y, r.type.shape);
  };

/** An extreme; NaN where an element is. */
const extreme =
  (opType: string): Rule<Reduction> =>
  (r) => {
    const { emit, type } = r;
    const y = plain(r, opType);
    if (!isFloat(type.dtype) || !r.low.target.host) return y;
    // Of a sum of squares: only NaN makes it NaN, and nothing of the size of `x` is written.
    const squares = plain(r, "ReduceSumSquare");
    const nan = emit.node("IsNaN", [squares], { dtype: "bool", shape: type.shape });
    return emit.node("Where", [nan, emit.scalar(NaN, type.dtype), y], type);
  };

/** The first place of the extreme, as int32; NaN counts as the extreme. */
const place =
  (opType: string, beyond: number): Rule<OpAttributes["argMax"]> =>
  (r) => {
    const { emit } = r;
    const x = at(r.inputs, 0);
    const nan = (): Ref => emit.node("IsNaN", [x], { dtype: "bool", shape: x.type.shape });
    const seen =
      isFloat(x.type.dtype) && r.low.target.host
        ? emit.node("Where", [nan(), emit.scalar(beyond, x.type.dtype), x], x.type)
        : x;
    const wide = emit.node(
      opType,
      [seen],
      { dtype: "int64", shape: r.type.shape },
      { attributes: { axis: int(r.attributes.axis), keepdims: int(0) } },
    );
    return castTo(emit, wide, "int32");
  };

/** What no elements give: `Σ = 0`, `Π = 1`, `log Σ eˣ = −∞`, no mean; extremes are refused when the program is built. */
const ofNothing =
  (value: number, rule: Rule<Reduction>): Rule<Reduction> =>
  (r) =>
    count(r) === 0 ? r.emit.filled(value, r.type) : rule(r);

const mean: Rule<Reduction> = (r) => {
  const n = count(r);
  if (n === undefined || n <= LONG) return plain(r, "ReduceMean");
  const total = castTo(r.emit, at(r.inputs, 0), r.type.dtype === "float16" ? "float32" : r.type.dtype);
  const sums = axisByAxis(r, total, (part, axis) => over(r.emit, "ReduceSum", part, axis));
  const y = r.emit.node("Div", [sums, r.emit.scalar(n, sums.type.dtype)], sums.type);
  return castTo(r.emit, reshapeTo(r.emit, y, r.type.shape), r.type.dtype);
};

export const lowerSum: Rule<Reduction> = ofNothing(0, integers(exactSum, adding("ReduceSum")));
export const lowerMean: Rule<Reduction> = ofNothing(NaN, mean);
export const lowerProd: Rule<Reduction> = ofNothing(
  1,
  integers(exactProduct, (r) => plain(r, "ReduceProd")),
);
export const lowerLogSumExp: Rule<Reduction> = ofNothing(-Infinity, adding("ReduceLogSumExp"));
export const lowerMax: Rule<Reduction> = extreme("ReduceMax");
export const lowerMin: Rule<Reduction> = extreme("ReduceMin");
export const lowerArgMax: Rule<OpAttributes["argMax"]> = place("ArgMax", Infinity);
export const lowerArgMin: Rule<OpAttributes["argMin"]> = place("ArgMin", -Infinity);
