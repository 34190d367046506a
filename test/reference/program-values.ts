// Arrays of duals, and what several references share.
import { indices } from "./array.ts";
import { type Arithmetic, arithmetic, constant, type Dual, type Rounding } from "./dual.ts";
import { f16round } from "@petamoriken/float16";
import { isFloatKind, type Kind, type Outcome, type Val } from "./program.ts";

export type Call = (values: readonly Val[]) => Val[];
export type Reference = (args: readonly unknown[], rounding: Rounding, call: Call) => Outcome;
export type Options = Readonly<Record<string, unknown>>;

/** The element at `index` of an array that broadcasts to the index's shape. */
export function pick(x: Val, index: readonly number[]): Dual {
  let at = 0;
  const lead = index.length - x.shape.length;
  x.shape.forEach((size, axis) => {
    at = at * size + (size === 1 ? 0 : (index[lead + axis] ?? 0));
  });
  const value = x.data[at];
  if (value === undefined) throw new RangeError(`no element ${index.join()} in ${x.shape.join()}`);
  return value;
}

export function build(dtype: Kind, shape: readonly number[], f: (index: readonly number[]) => Dual): Val {
  return { dtype, shape, data: indices(shape).map(f) };
}

/** Nothing but zeros. */
export function zeros(dtype: Kind, shape: readonly number[]): Val {
  return build(dtype, shape, () => constant(0));
}

export const whole = (y: Val): Outcome => ({ "": y });
export const axisOf = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);
export const val = (x: unknown): Val => x as Val;

/** How each dtype holds a number. */
export const HOLD: Readonly<Record<Kind, (v: number) => number>> = {
  float16: f16round,
  float32: Math.fround,
  float64: (v) => v,
  int32: (v) => Math.trunc(v) + 0,
  int64: (v) => Math.trunc(v) + 0,
  uint8: (v) => Math.trunc(v) + 0,
  bool: (v) => Number(v !== 0),
};
export const isFloat = (dtype: Kind): boolean => isFloatKind(dtype);

/** The better of two; ties share. */
export function better(a: Dual, b: Dual, n: Arithmetic, sign: number): Dual {
  const gap = sign * n.compare(a, b);
  if (gap !== 0) return gap > 0 ? a : b;
  return shared([a, b]);
}

/** Equal numbers as one whose derivatives are their mean. */
export function shared(ties: readonly Dual[]): Dual {
  const [first] = ties;
  if (first === undefined) throw new RangeError("the extreme of nothing");
  if (ties.length === 1) return first;
  const mean = (of: (x: Dual) => Float64Array | null): Float64Array | null => {
    const present = ties.map(of).filter((x) => x !== null);
    const [one] = present;
    return one ? one.map((_, i) => present.reduce((s, x) => s + (x[i] ?? 0), 0) / ties.length) : null;
  };
  return {
    ...first,
    d: mean((x) => x.d),
    t: ties.reduce((s, x) => s + x.t, 0) / ties.length,
    h: mean((x) => x.h),
  };
}

/** A tensor, or a number that adopts the dtype of its partner. */
export function operands(a: unknown, b: unknown): [Val, Val] {
  const dtype = typeof a === "number" ? val(b).dtype : val(a).dtype;
  const of = (x: unknown): Val =>
    typeof x === "number" ? { dtype, shape: [], data: [constant(HOLD[dtype](x))] } : val(x);
  return [of(a), of(b)];
}

const FLOATS: readonly Kind[] = ["float16", "float32", "float64"];

/** `x` as another dtype. */
export function castTo(x: Val, to: Kind, rounding: Rounding): Val {
  const coarser = isFloat(to) && isFloat(x.dtype) && FLOATS.indexOf(to) < FLOATS.indexOf(x.dtype);
  const n = arithmetic(coarser ? to : "exact", rounding);
  const decide = arithmetic(x.dtype, rounding);
  const data = x.data.map((v) => {
    if (isFloat(to)) return isFloat(x.dtype) ? n.round(v, HOLD[to]) : constant(v.v);
    if (isFloat(x.dtype)) decide.compare(v, constant(to === "bool" ? 0 : Math.round(v.v)));
    return constant(HOLD[to](v.v));
  });
  return { dtype: to, shape: x.shape, data };
}

export type Fold = (xs: readonly Dual[], dtype: Val["dtype"], rounding: Rounding) => Dual;

/** The elements that are the extreme, as one. */
export function extreme(sign: number): Fold {
  return (xs, dtype, rounding) => {
    const n = arithmetic(dtype, rounding);
    const [first] = xs;
    if (first === undefined) throw new RangeError("the extreme of nothing");
    const best = xs.reduce((a, b) => (sign * (b.v - a.v) > 0 ? b : a), first);
    return shared(xs.filter((x) => x === best || n.compare(x, best) === 0));
  };
}
