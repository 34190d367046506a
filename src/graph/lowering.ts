// What the rules of lowering share: the state of one lowering, and the few nodes that many of them need.
import { GraphError } from "../errors.ts";
import { type Dim, sameShape, type Shape } from "./dim.ts";
import { type Dtype, DTYPES, hostArray } from "./dtype.ts";
import type { Emitter, Ref } from "./emitter.ts";
import type { OnnxAttribute } from "./onnx.ts";
import type { Target } from "./target.ts";
import type { Body, Type, Value } from "./value.ts";

/** State of one lowering. */
export interface Lowering {
  readonly emit: Emitter;
  readonly target: Target;
  /** Outputs of values already lowered. */
  readonly done: Map<Value, readonly Ref[]>;
  /** Output indices that something reads, per value with several outputs. */
  readonly used: Map<Value, Set<number>>;
  /** Values in the order in which they were lowered, so that those of a body can be forgotten again. */
  readonly made: Value[];
  /** Lowers what `roots` reach, as far as it is not done yet. */
  readonly lower: (roots: readonly Value[]) => Ref[];
}

/** What a rule sees: a value, its inputs as lowered, and the state of the lowering. */
export interface RuleInput<A> {
  readonly value: Value;
  readonly inputs: readonly Ref[];
  readonly attributes: A;
  readonly type: Type;
  readonly low: Lowering;
  readonly emit: Emitter;
}

export type Rule<A> = (r: RuleInput<A>) => Ref | readonly Ref[];

/** Input `index` of a rule. */
export function at(inputs: readonly Ref[], index: number): Ref {
  const ref = inputs[index];
  if (ref === undefined) throw new GraphError(`input ${index} is missing`);
  return ref;
}

export const ints = (values: readonly number[]): OnnxAttribute => ({ ints: values });
/** An integer attribute. */
export const int = (value: number): OnnxAttribute => ({ int: value });

/** `x` as `dtype`. */
export function castTo(emit: Emitter, x: Ref, dtype: Dtype): Ref {
  if (x.type.dtype === dtype) return x;
  return emit.node(
    "Cast",
    [x],
    { dtype, shape: x.type.shape },
    { attributes: { to: int(DTYPES[dtype].code) } },
  );
}

/** `x` under another shape. */
export function reshapeTo(emit: Emitter, x: Ref, shape: Shape): Ref {
  if (sameShape(x.type.shape, shape)) return x;
  if (x.splat !== undefined) return emit.filled(x.splat, { dtype: x.type.dtype, shape });
  // A reshape of a reshape is one reshape.
  const source = x.from?.opType === "Reshape" ? (x.from.inputs[0] ?? x) : x;
  if (sameShape(source.type.shape, shape)) return source;
  const unknown = shape.filter((d) => typeof d === "string").length;
  const to = unknown === 1 ? emit.ints(shape.map((d) => (typeof d === "string" ? -1 : d))) : emit.dims(shape);
  const type: Type = { dtype: x.type.dtype, shape };
  // −1 cannot be told from 0 elements, and a size that is 0 in this call would mean its like in the source.
  return emit.node(
    "Reshape",
    [source, to],
    type,
    shape.includes(0) || unknown > 1 ? { attributes: { allowzero: int(1) } } : {},
  );
}

/** `0, 1, …, size − 1`. */
export function iotaOf(emit: Emitter, size: Dim, dtype: Dtype): Ref {
  if (typeof size === "number") {
    const numbers = Array.from({ length: size }, (_, i) => i);
    return emit.initializer(hostArray(numbers, dtype), { dtype, shape: [size] });
  }
  const end = emit.node("Squeeze", [emit.dims([size])], { dtype: "int64", shape: [] });
  const range = emit.node("Range", [emit.scalar(0, "int64"), end, emit.scalar(1, "int64")], {
    dtype: "int64",
    shape: [size],
  });
  return castTo(emit, range, dtype);
}

/**
 * The results of `body` on `inputs`. Whoever lowers a body does it here, and may do it any number of times, in any
 * scope: its values are forgotten afterwards, and nodes that turn out equal are emitted once all the same.
 */
export function lowerBody(low: Lowering, body: Body, inputs: readonly Ref[]): Ref[] {
  const before = body.parameters.map((p) => low.done.get(p));
  const start = low.made.length;
  body.parameters.forEach((p, i) => low.done.set(p, [at(inputs, i)]));
  const results = low.lower(body.results);
  for (const v of low.made.splice(start)) low.done.delete(v);
  body.parameters.forEach((p, i) => {
    const outer = before[i];
    if (outer) low.done.set(p, outer);
    else low.done.delete(p);
  });
  return results;
}
