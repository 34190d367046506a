// Integer arithmetic that the runtime would end the process for, round, or saturate. Everything wraps, as `+` does.
import { OptionError } from "../errors.ts";
import type { Emitter, Ref } from "./emitter.ts";
import { at, castTo, int, type Rule, type RuleInput } from "./lowering.ts";
import type { OpAttributes, Type } from "./value.ts";

/** Comparison with a number. */
function is(emit: Emitter, opType: string, x: Ref, value: number): Ref {
  return emit.node(opType, [x, emit.scalar(value, x.type.dtype)], { dtype: "bool", shape: x.type.shape });
}

/**
 * `a / b`, towards zero. Processors trap on a divisor of 0 and on the lowest number divided by −1: the latter is taken
 * as a change of sign, which wraps, and the former is refused, by a gather that fails.
 */
export const lowerIntegerDiv: Rule<OpAttributes["div"]> = (r) => {
  const { emit, type } = r;
  const [a, b] = [at(r.inputs, 0), at(r.inputs, 1)];
  const zero = emit.scalar(0, type.dtype);
  if (b.splat === 0) {
    throw new OptionError(`div: divisor must not be 0 for ${type.dtype}, got 0. Cast to a float type first.`);
  }
  if (b.splat === -1) return emit.node("Sub", [zero, emit.node("Add", [a, castZero(r, b)], type)], type);
  if (b.splat !== undefined) return emit.node("Div", [a, b], type);
  const one = emit.scalar(1, type.dtype);
  const zeros = is(emit, "Equal", b, 0);
  const minus = is(emit, "Equal", b, -1);
  const axes = b.type.shape.map((_, i) => i);
  const some = emit.node(
    "ReduceMax",
    [castTo(emit, zeros, "int32"), emit.ints(axes)],
    { dtype: "int32", shape: [] },
    { attributes: { keepdims: int(0) } },
  );
  const fine = emit.node(
    "Gather",
    [emit.vector([1], type.dtype), some],
    { dtype: type.dtype, shape: [] },
    {
      attributes: { axis: int(0) },
      requirement: `div: divisor must not be 0 for ${type.dtype}`,
    },
  );
  const bool: Type = { dtype: "bool", shape: b.type.shape };
  const safe = emit.node("Where", [emit.node("Or", [zeros, minus], bool), one, b], b.type);
  const quotient = emit.node("Div", [a, emit.node("Mul", [safe, fine], b.type)], type);
  return emit.node("Where", [minus, emit.node("Sub", [zero, quotient], type), quotient], type);
};

/** Zeros of the shape of `b`, so that `a + 0` has the shape of both. */
function castZero({ emit, type }: RuleInput<unknown>, b: Ref): Ref {
  return emit.filled(0, { dtype: type.dtype, shape: b.type.shape });
}

/** Bits of an exponent that can matter: the powers of any int64 repeat or vanish after fewer than 2⁶³ steps. */
const BITS = { int32: 31, int64: 63 } as const;

/**
 * `a ^ b` by squaring, exact and wrapping. Negative exponents truncate as division does: to 0 but for bases of ±1.
 */
export const lowerIntegerPow: Rule<OpAttributes["pow"]> = (r) => {
  const { emit, type } = r;
  const [a, b] = [at(r.inputs, 0), at(r.inputs, 1)];
  const whole = (x: Ref): Ref => emit.node("Add", [x, castZero(r, b)], type);
  const one = emit.scalar(1, type.dtype);
  if (b.splat !== undefined && b.splat >= 0) {
    let result: Ref | undefined;
    let square = a;
    for (let e = b.splat; e > 0; e = Math.floor(e / 2)) {
      if (e % 2 === 1) result = result ? emit.node("Mul", [result, square], a.type) : square;
      if (e > 1) square = emit.node("Mul", [square, square], a.type);
    }
    return result ? whole(result) : emit.filled(1, type);
  }
  const two = emit.scalar(2, type.dtype);
  const exponent = emit.node("Abs", [b], b.type);
  let [result, square, rest] = [emit.filled(1, type), a, exponent];
  for (let bit = 0; bit < BITS[type.dtype as keyof typeof BITS]; bit++) {
    const half = emit.node("Div", [rest, two], b.type);
    const odd = is(
      emit,
      "Greater",
      emit.node("Sub", [rest, emit.node("Mul", [half, two], b.type)], b.type),
      0,
    );
    result = emit.node("Mul", [result, emit.node("Where", [odd, square, one], type)], type);
    square = emit.node("Mul", [square, square], a.type);
    rest = half;
  }
  const unit = is(emit, "Equal", emit.node("Abs", [a], a.type), 1);
  const kept = emit.node("Or", [unit, is(emit, "GreaterOrEqual", b, 0)], {
    dtype: "bool",
    shape: type.shape,
  });
  return emit.node("Where", [kept, result, emit.scalar(0, type.dtype)], type);
};
