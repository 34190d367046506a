// ONNX Runtime's CPU has no float64 kernels for some functions. Here they are built from those it has, exact to
// a few units of the last place, so that derivatives can be checked in double precision.
import type { Emitter, Ref } from "./emitter.ts";
import type { Type } from "./value.ts";

type Unary = (k: Kit, x: Ref) => Ref;

/** Arithmetic on one shape in float64. */
interface Kit {
  readonly emit: Emitter;
  readonly node: (opType: string, ...inputs: Ref[]) => Ref;
  readonly number: (value: number) => Ref;
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

/** Halves the angle three times by `x ← x / (1 + √(1 + x²))`, then the Taylor series. */
const atan: Unary = (k, x) => {
  let y = x;
  for (let i = 0; i < 3; i++) {
    const root = k.node("Sqrt", k.node("Add", k.node("Mul", y, y), k.number(1)));
    y = k.node("Div", y, k.node("Add", root, k.number(1)));
  }
  const terms = Array.from({ length: 20 }, (_, n) => (n % 2 === 0 ? 1 : -1) / (2 * n + 1));
  return k.node("Mul", k.node("Mul", y, horner(k, k.node("Mul", y, y), terms)), k.number(8));
};

const asin: Unary = (k, x) =>
  atan(k, k.node("Div", x, k.node("Sqrt", k.node("Sub", k.number(1), k.node("Mul", x, x)))));

/** `sin` and `cos` through `x = r + n·π/2` with a Taylor series on `|r| ≤ π/4`. */
const trigonometric =
  (shift: number): Unary =>
  (k, x) => {
    const n = k.node("Round", k.node("Mul", x, k.number(2 / Math.PI)));
    // π/2 in three parts, so that n · part is exact for moderate n.
    let r = x;
    for (const part of [1.5707963267341256, 6.077100506303966e-11, 2.0222662487959506e-21]) {
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

const sin = trigonometric(0);
const cos = trigonometric(1);

const exponentials = (k: Kit, x: Ref): [Ref, Ref] => [k.node("Exp", x), k.node("Exp", k.node("Neg", x))];

const PRECISE: Readonly<Record<string, Unary>> = {
  erf,
  atan,
  asin,
  acos: (k, x) => k.node("Sub", k.number(Math.PI / 2), asin(k, x)),
  sin,
  cos,
  tan: (k, x) => k.node("Div", sin(k, x), cos(k, x)),
  sinh: (k, x) => {
    const [a, b] = exponentials(k, x);
    return k.node("Mul", k.node("Sub", a, b), k.number(0.5));
  },
  cosh: (k, x) => {
    const [a, b] = exponentials(k, x);
    return k.node("Mul", k.node("Add", a, b), k.number(0.5));
  },
  asinh: (k, x) => {
    const size = k.node("Abs", x);
    const root = k.node("Sqrt", k.node("Add", k.node("Mul", x, x), k.number(1)));
    return k.node("Mul", k.node("Sign", x), k.node("Log", k.node("Add", size, root)));
  },
  acosh: (k, x) =>
    k.node("Log", k.node("Add", x, k.node("Sqrt", k.node("Sub", k.node("Mul", x, x), k.number(1))))),
  atanh: (k, x) =>
    k.node(
      "Mul",
      k.node("Log", k.node("Div", k.node("Add", k.number(1), x), k.node("Sub", k.number(1), x))),
      k.number(0.5),
    ),
  // ONNX Runtime has a kernel, but fuses `x · sigmoid(x)` into one that it lacks in float64.
  sigmoid: (k, x) => {
    const decay = k.node("Exp", k.node("Neg", x));
    return k.node("Div", k.number(1), k.node("Add", decay, k.number(1)));
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
    const tail = k.node("Log", k.node("Add", k.node("Exp", k.node("Neg", k.node("Abs", x))), k.number(1)));
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
  };
  return rule?.(kit, x);
}
