// ONNX Runtime's CPU has no float64 kernels for some functions. Here they are built from those it has, exact to a few
// units of the last place over the whole range of their argument, so that derivatives can be checked in double
// precision. (`gelu` far to the left is exact beside 1, not beside itself; so are angles beyond 2·10⁸.)
import type { Emitter, Ref } from "./emitter.ts";
import type { Type } from "./value.ts";

type Unary = (k: Kit, x: Ref) => Ref;

/** Arithmetic on one shape in float64. */
interface Kit {
  readonly emit: Emitter;
  readonly node: (opType: string, ...inputs: Ref[]) => Ref;
  readonly number: (value: number) => Ref;
  /** `yes` where `a < b`, else `no` (also for NaN). */
  readonly whereLess: (a: Ref, b: Ref, yes: Ref, no: Ref) => Ref;
}

const horner = (k: Kit, x: Ref, coefficients: readonly number[]): Ref => {
  const [last, ...rest] = coefficients.toReversed();
  return rest.reduce((y, c) => k.node("Add", k.node("Mul", y, x), k.number(c)), k.number(last ?? 0));
};

/** Points and weights of Gauss–Legendre quadrature on `[0, 1]`, by Newton's method on the Legendre polynomial. */
function quadrature(count: number): { points: number[]; weights: number[] } {
  const points: number[] = [];
  const weights: number[] = [];
  for (let i = 0; i < count; i++) {
    let x = Math.cos((Math.PI * (i + 0.75)) / (count + 0.5));
    let slope = 1;
    for (let round = 0; round < 8; round++) {
      let [before, here] = [1, x];
      for (let n = 2; n <= count; n++)
        [before, here] = [here, ((2 * n - 1) * x * here - (n - 1) * before) / n];
      slope = (count * (x * here - before)) / (x * x - 1);
      x -= here / slope;
    }
    points.push((1 + x) / 2);
    weights.push(1 / ((1 - x * x) * slope * slope));
  }
  return { points, weights };
}

const ERF = quadrature(40);

/** `erf x = 2x/√π ∫₀¹ e^{−x²t²} dt` by quadrature, exact to rounding for `|x| ≤ 6`; 1 beyond. */
const erf: Unary = (k, x) => {
  const small = k.node("Max", k.node("Min", x, k.number(6)), k.number(-6));
  const { emit } = k;
  const { dtype, shape } = x.type;
  const vector = (values: readonly number[]): Ref => emit.vector(values, dtype);
  const column: Type = { dtype, shape: [...shape, 1] };
  const table: Type = { dtype, shape: [...shape, ERF.points.length] };
  const square = emit.node("Unsqueeze", [k.node("Mul", small, small), emit.ints([-1])], column);
  const exponent = emit.node("Mul", [square, vector(ERF.points.map((t) => -t * t))], table);
  const heights = vector(ERF.weights.map((w) => (2 / Math.sqrt(Math.PI)) * w));
  const weighted = emit.node("Mul", [emit.node("Exp", [exponent], table), heights], table);
  const integral = emit.node("ReduceSum", [weighted, emit.ints([-1])], x.type, {
    attributes: { keepdims: { int: 0 } },
  });
  return k.node("Mul", small, integral);
};

/** `atan` on `[−1, 1]`: halves the angle three times by `x ← x / (1 + √(1 + x²))`, then the Taylor series. */
const smallAtan: Unary = (k, x) => {
  let y = x;
  for (let i = 0; i < 3; i++) {
    const root = k.node("Sqrt", k.node("Add", k.node("Mul", y, y), k.number(1)));
    y = k.node("Div", y, k.node("Add", root, k.number(1)));
  }
  const terms = Array.from({ length: 20 }, (_, n) => (n % 2 === 0 ? 1 : -1) / (2 * n + 1));
  return k.node("Mul", k.node("Mul", y, horner(k, k.node("Mul", y, y), terms)), k.number(8));
};

/** π/2 beyond its nearest double. */
const HALF_PI_REST = 6.123233995736766e-17;

/** Beyond 1, `±π/2 − atan(1/x)`. */
const atan: Unary = (k, x) => {
  const one = k.number(1);
  const size = k.node("Abs", x);
  const inner = smallAtan(k, k.whereLess(one, size, k.node("Div", one, x), x));
  const side = (value: number): Ref => k.whereLess(x, k.number(0), k.number(-value), k.number(value));
  const outer = k.node("Add", k.node("Sub", side(Math.PI / 2), inner), side(HALF_PI_REST));
  return k.whereLess(one, size, outer, inner);
};

/** `√((1 − x)(1 + x))`, which loses nothing near ±1. */
const cathetus: Unary = (k, x) =>
  k.node("Sqrt", k.node("Mul", k.node("Sub", k.number(1), x), k.node("Add", k.number(1), x)));

const asin: Unary = (k, x) => atan(k, k.node("Div", x, cathetus(k, x)));

/** `2 atan √((1 − x)/(1 + x))`. */
const acos: Unary = (k, x) => {
  const ratio = k.node("Div", k.node("Sub", k.number(1), x), k.node("Add", k.number(1), x));
  return k.node("Mul", atan(k, k.node("Sqrt", ratio)), k.number(2));
};

/** `log(1 + x)`: with `u = 1 + x` as rounded, `log(u) · x / (u − 1)` makes up for the rounding (Kahan). */
const log1p: Unary = (k, x) => {
  const u = k.node("Add", x, k.number(1));
  const exact = k.node("Mul", k.node("Log", u), k.node("Div", x, k.node("Sub", u, k.number(1))));
  // Two terms of the series where x is small, so that u − 1 is never 0; where x is large, u is as good.
  const series = k.node("Mul", x, k.node("Sub", k.number(1), k.node("Mul", x, k.number(0.5))));
  const small = k.whereLess(k.node("Abs", x), k.number(2 ** -30), series, exact);
  return k.whereLess(k.number(2 ** 54), x, k.node("Log", u), small);
};

/** An odd function by its values on `|x|`. */
const odd =
  (positive: Unary): Unary =>
  (k, x) => {
    const y = positive(k, k.node("Abs", x));
    return k.whereLess(x, k.number(0), k.node("Neg", y), y);
  };

const LARGE = 2 ** 28;

/** π/2 = 7074237752028440 · 2⁻⁵² + …, cut into parts of 25 bits. */
const QUARTER_TURN = partsOf(0x1921fb54442d18469898cc51701b839a252049c1114cf98en, 188, 25, 5);

/** `digits · 2^−scale` as `count` doubles of `bits` bits each, the last with what is left of its own. */
function partsOf(digits: bigint, scale: number, bits: number, count: number): number[] {
  const parts: number[] = [];
  let rest = digits;
  for (let i = 0; i < count; i++) {
    const shift = BigInt(Math.max(0, rest.toString(2).length - bits));
    const top = (rest >> shift) << shift;
    parts.push(Number(top) * 2 ** -scale);
    rest -= top;
  }
  return parts;
}

/** `sin` and `cos` through `x = r + n·π/2` with a Taylor series on `|r| ≤ π/4`. */
const near =
  (shift: number): Unary =>
  (k, x) => {
    const n = k.node("Round", k.node("Mul", x, k.number(2 / Math.PI)));
    // π/2 in parts of 25 bits, so that n · part is exact for n below 2²⁷.
    let r = x;
    for (const part of QUARTER_TURN) {
      r = k.node("Sub", r, k.node("Mul", n, k.number(part)));
    }
    const r2 = k.node("Mul", r, r);
    const sinTerms: number[] = [];
    const cosTerms: number[] = [];
    let factorial = 1;
    for (let i = 0; i < 20; i++) {
      if (i > 0) factorial *= i;
      const sign = Math.floor(i / 2) % 2 === 0 ? 1 : -1;
      (i % 2 === 0 ? cosTerms : sinTerms).push(sign / factorial);
    }
    const sine = k.node("Mul", r, horner(k, r2, sinTerms));
    const cosine = horner(k, r2, cosTerms);
    // Quadrant m = (n + shift) mod 4: sin r, cos r, −sin r, −cos r.
    const m = k.node("Add", n, k.number(shift));
    const half = k.node("Floor", k.node("Mul", m, k.number(0.5)));
    const odd = k.node("Sub", m, k.node("Mul", half, k.number(2)));
    const quarter = k.node("Floor", k.node("Mul", half, k.number(0.5)));
    const sign = k.node(
      "Sub",
      k.number(1),
      k.node("Mul", k.node("Sub", half, k.node("Mul", quarter, k.number(2))), k.number(2)),
    );
    const value = k.node("Add", sine, k.node("Mul", odd, k.node("Sub", cosine, sine)));
    return k.node("Mul", sign, value);
  };

/** Beyond 2²⁷ quarter turns ONNX Runtime's kernel for `sin` is right; near 0 and π it can lose the last places. */
const FAR = 2e8;

const sin: Unary = (k, x) => k.whereLess(k.node("Abs", x), k.number(FAR), near(0)(k, x), k.node("Sin", x));

/** There by `1 − 2 sin²(x/2)`. */
const cos: Unary = (k, x) => {
  const half = k.node("Sin", k.node("Mul", x, k.number(0.5)));
  const far = k.node("Sub", k.number(1), k.node("Mul", k.node("Mul", half, half), k.number(2)));
  return k.whereLess(k.node("Abs", x), k.number(FAR), near(1)(k, x), far);
};

const exponential =
  (sign: "Add" | "Sub"): Unary =>
  (k, size) => {
    const both = k.node(sign, k.node("Exp", size), k.node("Exp", k.node("Neg", size)));
    // eˣ overflows before eˣ/2 does.
    const root = k.node("Exp", k.node("Mul", size, k.number(0.5)));
    const far = k.node("Mul", k.node("Mul", root, k.number(0.5)), root);
    return k.whereLess(size, k.number(700), k.node("Mul", both, k.number(0.5)), far);
  };

const factorial = (n: number): number => (n < 2 ? 1 : n * factorial(n - 1));

/** The Taylor series below 1, where the exponentials cancel. */
const sinh: Unary = (k, size) => {
  const terms = Array.from({ length: 11 }, (_, n) => 1 / factorial(2 * n + 1));
  const series = k.node("Mul", size, horner(k, k.node("Mul", size, size), terms));
  return k.whereLess(size, k.number(1), series, exponential("Sub")(k, size));
};

/** `log(x + √(x² ± 1))` for large `x`, where the root is `x`. */
const farLog: Unary = (k, x) => k.node("Add", k.node("Log", x), k.number(Math.LN2));

const asinh: Unary = (k, size) => {
  const square = k.node("Mul", size, size);
  const root = k.node("Sqrt", k.node("Add", square, k.number(1)));
  const rest = k.node("Div", square, k.node("Add", root, k.number(1)));
  return k.whereLess(k.number(LARGE), size, farLog(k, size), log1p(k, k.node("Add", size, rest)));
};

const acosh: Unary = (k, x) => {
  const t = k.node("Sub", x, k.number(1));
  const root = k.node("Sqrt", k.node("Mul", t, k.node("Add", t, k.number(2))));
  const near = log1p(k, k.node("Add", t, root));
  const all = k.whereLess(k.number(LARGE), x, farLog(k, x), near);
  return k.whereLess(x, k.number(1), k.number(NaN), all);
};

/** `½ log1p(2x/(1 − x))`. */
const atanh: Unary = (k, size) => {
  const twice = k.node("Mul", size, k.number(2));
  const ratio = k.node("Div", twice, k.node("Sub", k.number(1), size));
  // 2x + 2x²/(1 − x), of which the first term is exact.
  const small = k.node("Add", twice, k.node("Mul", ratio, size));
  return k.node("Mul", log1p(k, k.whereLess(size, k.number(0.5), small, ratio)), k.number(0.5));
};

const PRECISE: Readonly<Record<string, Unary>> = {
  erf,
  atan,
  asin,
  acos,
  sin,
  cos,
  tan: (k, x) => k.node("Div", sin(k, x), cos(k, x)),
  sinh: odd(sinh),
  cosh: (k, x) => exponential("Add")(k, k.node("Abs", x)),
  asinh: odd(asinh),
  acosh,
  atanh: odd(atanh),
  // ONNX Runtime has a kernel, but fuses `x · sigmoid(x)` into one that it lacks in float64.
  sigmoid: (k, x) => {
    const decay = k.node("Exp", k.node("Neg", k.node("Abs", x)));
    const over = k.node("Add", decay, k.number(1));
    return k.node("Div", k.whereLess(x, k.number(0), decay, k.number(1)), over);
  },
  gelu: (k, x) => {
    const half = k.node("Mul", x, k.number(0.5));
    return k.node("Mul", half, k.node("Add", erf(k, k.node("Mul", x, k.number(Math.SQRT1_2))), k.number(1)));
  },
  geluTanh: (k, x) => {
    const x2 = k.node("Mul", x, x);
    const inner = k.node("Mul", x, k.node("Add", k.node("Mul", x2, k.number(0.044715)), k.number(1)));
    const t = k.node("Tanh", k.node("Mul", inner, k.number(Math.sqrt(2 / Math.PI))));
    return k.node("Mul", k.node("Mul", x, k.number(0.5)), k.node("Add", t, k.number(1)));
  },
  softplus: (k, x) => {
    // max(x, 0) + log(1 + e^{−|x|})
    const tail = log1p(k, k.node("Exp", k.node("Neg", k.node("Abs", x))));
    return k.node("Add", k.node("Max", x, k.number(0)), tail);
  },
};

/** `op` of a float64 `x` from other kernels, or `undefined` where ONNX Runtime has its own. */
export function lowerFloat64(emit: Emitter, op: string, x: Ref): Ref | undefined {
  const rule = PRECISE[op];
  const kit: Kit = {
    emit,
    node: (opType, ...inputs) => emit.node(opType, inputs, x.type),
    number: (value) => emit.scalar(value, "float64"),
    whereLess: (a, b, yes, no) => {
      const less = emit.node("Less", [a, b], { dtype: "bool", shape: x.type.shape });
      return emit.node("Where", [less, yes, no], x.type);
    },
  };
  return rule?.(kit, x);
}
