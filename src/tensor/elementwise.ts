// Elementwise functions. Operands broadcast as in numpy; a number takes the dtype of the tensor beside it, which has to
// hold it: a fraction beside integers is refused.
import { OptionError } from "../errors.ts";
import type { Dtype } from "../graph/dtype.ts";
import type { OpName } from "../graph/value.ts";
import { requireDtype, requireFits, show } from "./arguments.ts";
import {
  apply,
  type BinaryName,
  binary,
  type Operand,
  operand,
  requireTensor,
  type Tensor,
} from "./tensor.ts";

type Unary = (x: Tensor) => Tensor;
type Binary = (a: Operand, b: Operand) => Tensor;

const unary =
  (op: UnaryName): Unary =>
  (x) =>
    apply(op, [x], {});
const two =
  (op: BinaryName): Binary =>
  (a, b) =>
    binary(op, a, b);

type UnaryName = Extract<
  OpName,
  | "neg"
  | "abs"
  | "sign"
  | "floor"
  | "ceil"
  | "round"
  | "exp"
  | "log"
  | "sqrt"
  | "sin"
  | "cos"
  | "tan"
  | "asin"
  | "acos"
  | "atan"
  | "sinh"
  | "cosh"
  | "tanh"
  | "asinh"
  | "acosh"
  | "atanh"
  | "erf"
  | "sigmoid"
  | "softplus"
  | "relu"
  | "silu"
  | "not"
>;

/** `a + b`. */
export const add: Binary = two("add");
/** `a − b`. */
export const sub: Binary = two("sub");
/** `a · b`. */
export const mul: Binary = two("mul");
/** `a / b`; int32 and int64 truncate, and refuse a divisor of 0. */
export const div: Binary = two("div");
/** `a ^ b`. */
export const pow: Binary = two("pow");
/** The smaller of each pair. */
export const minimum: Binary = two("min");
/** The larger of each pair. */
export const maximum: Binary = two("max");
/** `a = b`, as bool. */
export const equal: Binary = two("equal");
/** `a ≠ b`, as bool. */
export const notEqual: Binary = (a, b) => not(equal(a, b));
/** `a < b`, as bool. */
export const less: Binary = two("less");
/** `a ≤ b`, as bool. */
export const lessEqual: Binary = two("lessEqual");
/** `a > b`, as bool. */
export const greater: Binary = two("greater");
/** `a ≥ b`, as bool. */
export const greaterEqual: Binary = two("greaterEqual");
/** Both, of bools. */
export const and: Binary = two("and");
/** Either, of bools. */
export const or: Binary = two("or");
/** Exactly one, of bools. */
export const xor: Binary = two("xor");

/** `−x`. */
export const neg: Unary = unary("neg");
/** `|x|`; derivative 0 at 0. */
export const abs: Unary = unary("abs");
/** −1, 0 or 1; derivative 0. */
export const sign: Unary = unary("sign");
/** Largest integer ≤ x; derivative 0. */
export const floor: Unary = unary("floor");
/** Smallest integer ≥ x; derivative 0. */
export const ceil: Unary = unary("ceil");
/** Nearest integer, ties to even; derivative 0. */
export const round: Unary = unary("round");
/** `eˣ`. */
export const exp: Unary = unary("exp");
/** Natural logarithm. */
export const log: Unary = unary("log");
/** `√x`. */
export const sqrt: Unary = unary("sqrt");
/** `1/√x`. */
export const rsqrt: Unary = (x) => div(1, sqrt(x));
/** `x²`. */
export const square: Unary = (x) => mul(x, x);
export const sin: Unary = unary("sin");
export const cos: Unary = unary("cos");
export const tan: Unary = unary("tan");
export const asin: Unary = unary("asin");
export const acos: Unary = unary("acos");
export const atan: Unary = unary("atan");
export const sinh: Unary = unary("sinh");
export const cosh: Unary = unary("cosh");
export const tanh: Unary = unary("tanh");
export const asinh: Unary = unary("asinh");
export const acosh: Unary = unary("acosh");
export const atanh: Unary = unary("atanh");
/** `2/√π ∫₀ˣ e^{−t²} dt`. */
export const erf: Unary = unary("erf");
/** `1 / (1 + e^{−x})`. */
export const sigmoid: Unary = unary("sigmoid");
/** `log(1 + eˣ)`. */
export const softplus: Unary = unary("softplus");
/** `max(x, 0)`; derivative 0 at 0. */
export const relu: Unary = unary("relu");
/** `x · sigmoid(x)`. */
export const silu: Unary = unary("silu");
/** Logical not. */
export const not: Unary = unary("not");

/**
 * Gaussian error linear unit, `x Φ(x)`. Hendrycks and Gimpel 2016, https://arxiv.org/abs/1606.08415
 * @param approximate `none` uses erf; `tanh` uses `½x(1 + tanh(√(2/π)(x + 0.044715x³)))`, as GPT-2 does.
 */
export function gelu(x: Tensor, { approximate = "none" }: { approximate?: "none" | "tanh" } = {}): Tensor {
  if (approximate !== "none" && approximate !== "tanh") {
    throw new OptionError(`gelu: approximate must be none or tanh, got ${show(approximate)}.`);
  }
  return apply("gelu", [x], { approximate });
}

/** `a` where `condition` holds, else `b`. */
export function where(condition: Tensor, a: Operand, b: Operand): Tensor {
  return apply("where", [condition, operand("where", "a", a, [b]), operand("where", "b", b, [a])], {});
}

/** `x` held within `[low, high]`. */
export function clip(x: Tensor, low: number, high: number): Tensor {
  requireTensor("clip", "x", x);
  requireFits("clip", "low", low, x.dtype);
  requireFits("clip", "high", high, x.dtype);
  return minimum(maximum(x, low), high);
}

/** `x` as another dtype: floats truncate towards zero to integers, anything but 0 is true. */
export function cast(x: Tensor, dtype: Dtype): Tensor {
  requireTensor("cast", "x", x);
  requireDtype("cast", dtype);
  return x.dtype === dtype ? x : apply("cast", [x], { to: dtype });
}
