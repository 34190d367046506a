// Functions of one number with their first and second derivatives.
import { type Arithmetic, constant, type Dual } from "./dual.ts";
import { erf } from "./functions.ts";

type Options = Readonly<Record<string, unknown>>;
type Unary = (x: Dual, n: Arithmetic, options: Options) => Dual;

/** A smooth function by value and two derivatives; `loose` where GPUs may be off by an absolute error. */
const smooth =
  (f: (x: number) => readonly [number, number, number], loose = false): Unary =>
  (x, n) =>
    n.one(x, f(x.v), false, loose);

const even = (x: number): number => {
  const r = Math.round(x);
  return Math.abs(x % 1) === 0.5 && r % 2 !== 0 ? r - 1 : r;
};

/** A step function: the decision is at `edge(x)`. */
const steps =
  (f: (x: number) => number, edge: (x: number) => number): Unary =>
  (x, n) => {
    n.compare(x, constant(edge(x.v)));
    return { ...constant(f(x.v)), exact: true };
  };

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const two = 2 / Math.sqrt(Math.PI);

const erfOf = smooth((x) => {
  const slope = two * Math.exp(-x * x);
  return [erf(x), slope, -2 * x * slope];
}, true);
// Derivatives of these two are taken from the value, with the error that it has.
const tanhOf: Unary = (x, n) => {
  const y = Math.tanh(x.v) + n.slack();
  const slope = 1 - y * y;
  return n.one(x, [y, slope, -2 * y * slope]);
};
const sigmoidOf: Unary = (x, n) => {
  const s = sigmoid(x.v) + n.slack();
  return n.one(x, [s, s * (1 - s), s * (1 - s) * (1 - 2 * s)]);
};

export const UNARY: Readonly<Record<string, Unary>> = {
  neg: (x, n) => n.one(x, [-x.v, -1, 0], true),
  abs: (x, n) => {
    const side = Math.sign(n.compare(x, constant(0)));
    return n.one(x, [Math.abs(x.v), side, 0], true);
  },
  sign: (x, n) => constant(Math.sign(n.compare(x, constant(0))) + 0),
  floor: steps(Math.floor, Math.round),
  ceil: steps(Math.ceil, Math.round),
  round: steps(even, (x) => Math.floor(x) + 0.5),
  relu: (x, n) => (n.compare(x, constant(0)) > 0 ? x : constant(0)),
  exp: smooth((x) => [Math.exp(x), Math.exp(x), Math.exp(x)], true),
  log: smooth((x) => [Math.log(x), 1 / x, -1 / (x * x)], true),
  sqrt: smooth((x) => [Math.sqrt(x), 0.5 / Math.sqrt(x), -0.25 / (x * Math.sqrt(x))]),
  rsqrt: smooth((x) => [1 / Math.sqrt(x), -0.5 / (x * Math.sqrt(x)), 0.75 / (x * x * Math.sqrt(x))]),
  square: (x, n) => n.mul(x, x),
  sin: smooth((x) => [Math.sin(x), Math.cos(x), -Math.sin(x)], true),
  cos: smooth((x) => [Math.cos(x), -Math.sin(x), -Math.cos(x)], true),
  tan: smooth((x) => {
    const y = Math.tan(x);
    return [y, 1 + y * y, 2 * y * (1 + y * y)];
  }, true),
  asin: smooth((x) => [Math.asin(x), 1 / Math.sqrt(1 - x * x), x / (1 - x * x) ** 1.5], true),
  acos: smooth((x) => [Math.acos(x), -1 / Math.sqrt(1 - x * x), -x / (1 - x * x) ** 1.5], true),
  atan: smooth((x) => [Math.atan(x), 1 / (1 + x * x), (-2 * x) / (1 + x * x) ** 2], true),
  sinh: smooth((x) => [Math.sinh(x), Math.cosh(x), Math.sinh(x)], true),
  cosh: smooth((x) => [Math.cosh(x), Math.sinh(x), Math.cosh(x)], true),
  tanh: tanhOf,
  asinh: smooth((x) => [Math.asinh(x), 1 / Math.sqrt(x * x + 1), -x / (x * x + 1) ** 1.5], true),
  acosh: smooth((x) => [Math.acosh(x), 1 / Math.sqrt(x * x - 1), -x / (x * x - 1) ** 1.5], true),
  atanh: smooth((x) => [Math.atanh(x), 1 / (1 - x * x), (2 * x) / (1 - x * x) ** 2], true),
  erf: erfOf,
  sigmoid: sigmoidOf,
  softplus: smooth((x) => {
    const s = sigmoid(x);
    return [Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))), s, s * (1 - s)];
  }, true),
  silu: (x, n, options) => n.mul(x, sigmoidOf(x, n, options)),
  gelu(x, n, options) {
    const half = (y: Dual): Dual => n.mul(constant(0.5), n.mul(x, n.add(constant(1), y)));
    if (options["approximate"] !== "tanh") {
      return half(erfOf(n.mul(x, constant(Math.SQRT1_2)), n, options));
    }
    const cube = n.mul(constant(0.044715), n.mul(x, n.mul(x, x)));
    return half(tanhOf(n.mul(constant(Math.sqrt(2 / Math.PI)), n.add(x, cube)), n, options));
  },
};
