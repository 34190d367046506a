// Ops built from other operators, for places that have no kernel for their own. All of them are exact.
import type { Emitter, Ref } from "./emitter.ts";
import { GPU } from "./lower-gpu.ts";
import { castTo, iotaOf, type Rule, reshapeTo } from "./lowering.ts";
import type { OpAttributes, OpName, Type } from "./value.ts";

interface Composition<A> {
  readonly emit: Emitter;
  readonly inputs: readonly Ref[];
  readonly attributes: A;
  readonly type: Type;
}
type Compose<A> = (c: Composition<A>) => Ref;

function operands({ inputs }: { inputs: readonly Ref[] }): [Ref, Ref] {
  const [a, b] = inputs;
  if (a === undefined) throw new Error("an op without operands cannot be composed");
  return [a, b ?? a];
}

const boolean = ({ shape }: Type): Type => ({ dtype: "bool", shape });
/** `[x > 0] − [x < 0]`. */
const sign: Compose<OpAttributes["sign"]> = (c) => {
  const { emit, type } = c;
  const [x] = operands(c);
  const zero = emit.scalar(0, type.dtype);
  const above = castTo(emit, emit.node("Greater", [x, zero], boolean(type)), type.dtype);
  const below = castTo(emit, emit.node("Less", [x, zero], boolean(type)), type.dtype);
  return emit.node("Sub", [above, below], type);
};

/** `⌊x⌋`, plus one when the rest is above one half, or is one half and `⌊x⌋` is odd. */
const round: Compose<OpAttributes["round"]> = (c) => {
  const { emit, type } = c;
  const [x] = operands(c);
  const number = (value: number): Ref => emit.scalar(value, type.dtype);
  const low = emit.node("Floor", [x], type);
  const rest = emit.node("Sub", [x, low], type);
  const half = emit.node("Floor", [emit.node("Mul", [low, number(0.5)], type)], type);
  const odd = emit.node("Sub", [low, emit.node("Mul", [half, number(2)], type)], type); // 0 or 1
  const above = castTo(emit, emit.node("Greater", [rest, number(0.5)], boolean(type)), type.dtype);
  const tie = castTo(emit, emit.node("Equal", [rest, number(0.5)], boolean(type)), type.dtype);
  const up = emit.node("Add", [above, emit.node("Mul", [tie, odd], type)], type);
  return emit.node("Add", [low, up], type);
};

const not = (emit: Emitter, x: Ref): Ref => emit.node("Not", [x], x.type);

/** `¬(¬a ∧ ¬b)`. */
const or: Compose<OpAttributes["or"]> = (c) => {
  const [a, b] = operands(c);
  return not(c.emit, c.emit.node("And", [not(c.emit, a), not(c.emit, b)], c.type));
};

/** `(a ∨ b) ∧ ¬(a ∧ b)`. */
const xor: Compose<OpAttributes["xor"]> = (c) => {
  const [a, b] = operands(c);
  const both = c.emit.node("And", [a, b], c.type);
  return c.emit.node("And", [or(c), not(c.emit, both)], c.type);
};

/** The least index whose element equals the extreme; runtimes return int64, which devices lack. */
const argument =
  (reduce: "ReduceMax" | "ReduceMin"): Compose<OpAttributes["argMax"]> =>
  (c) => {
    const { emit, attributes, type } = c;
    const [x] = operands(c);
    const { axis } = attributes;
    const { shape } = x.type;
    const size = shape[axis] ?? 1;
    const one: Type = { dtype: x.type.dtype, shape: shape.map((d, i) => (i === axis ? 1 : d)) };
    const extreme = emit.node(reduce, [x, emit.ints([axis])], one, { attributes: { keepdims: { int: 1 } } });
    const hit = emit.node("Equal", [x, extreme], { dtype: "bool", shape });
    const aligned = shape.map((d, i) => (i === axis ? d : 1));
    const indices = reshapeTo(emit, iotaOf(emit, size, "int32"), aligned);
    const beyond = emit.scalar(2 ** 31 - 1, "int32");
    const candidates = emit.node("Where", [hit, indices, beyond], { dtype: "int32", shape });
    return emit.node("ReduceMin", [candidates, emit.ints([axis])], type, {
      attributes: { keepdims: { int: 0 } },
    });
  };

/** `x − logSumExp x`. */
const logSoftmax: Compose<OpAttributes["logSoftmax"]> = (c) => {
  const { emit, type, attributes } = c;
  const [x] = operands(c);
  const { axis } = attributes;
  const one: Type = { dtype: type.dtype, shape: type.shape.map((d, i) => (i === axis ? 1 : d)) };
  const total = emit.node("ReduceLogSumExp", [x, emit.ints([axis])], one, {
    attributes: { keepdims: { int: 1 } },
  });
  return emit.node("Sub", [x, total], type);
};

/** One rule per op that a target may ask to be composed. */
export const COMPOSE: { readonly [K in OpName]?: Rule<OpAttributes[K]> } = {
  ...GPU,
  sign,
  round,
  or,
  xor,
  argMax: argument("ReduceMax"),
  argMin: argument("ReduceMin"),
  logSoftmax,
};
