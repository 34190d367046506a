// Numbers that carry their derivatives: value, gradient in n inputs, derivative along one direction, and the gradient
// of that derivative (a row of Hessian times direction). Fike and Alonso 2011, "hyper-dual numbers".

/** A number with derivatives; `null` and 0 where it does not depend on the inputs. */
export interface Dual {
  readonly v: number;
  /** `∂v/∂xᵢ`. */
  readonly d: Float64Array | null;
  /** `∂v/∂x · direction`. */
  readonly t: number;
  /** `∂t/∂xᵢ`. */
  readonly h: Float64Array | null;
  /** Whether `v` is free of rounding, so that a comparison with it can be trusted. */
  readonly exact: boolean;
}

/** A number that depends on no input. */
export function constant(v: number): Dual {
  return { v, d: null, t: 0, h: null, exact: true };
}

/** How arithmetic rounds in one run of a reference. */
export interface Rounding {
  /** Relative size of a rounding of each dtype. */
  readonly unit: Readonly<Record<string, number>>;
  /** Absolute error that functions such as `sin` may have beside it in float32. */
  readonly loose: number;
  /** Next number in [−1, 1): where in its interval a result falls; always 0 in the run without rounding. */
  readonly next: () => number;
  /** Called where a decision is closer than rounding can tell. */
  readonly fragile: () => void;
}

export type Partials1 = readonly [f: number, f1: number, f2: number];
export type Partials2 = readonly [f: number, fa: number, fb: number, faa: number, fab: number, fbb: number];

/** Arithmetic on duals, rounded as `dtype` rounds. */
export interface Arithmetic {
  one(x: Dual, partials: Partials1, exact?: boolean, loose?: boolean): Dual;
  two(a: Dual, b: Dual, partials: Partials2): Dual;
  add(a: Dual, b: Dual): Dual;
  sub(a: Dual, b: Dual): Dual;
  mul(a: Dual, b: Dual): Dual;
  div(a: Dual, b: Dual): Dual;
  sum(xs: readonly Dual[]): Dual;
  /** `a − b` for a decision by its sign. */
  compare(a: Dual, b: Dual): number;
  /** An absolute error that a function may have. */
  slack(): number;
  /** The same number as another dtype would hold it. */
  round(x: Dual, to: (v: number) => number): Dual;
}

type Vector = Float64Array | null;

function combine(terms: readonly (readonly [number, Vector])[]): Vector {
  let out: Vector = null;
  for (const [factor, vector] of terms) {
    if (vector === null || factor === 0) continue;
    out ??= new Float64Array(vector.length);
    for (let i = 0; i < vector.length; i++) out[i] = (out[i] ?? 0) + factor * (vector[i] ?? 0);
  }
  return out;
}

/** Arithmetic of `dtype` under `rounding`. */
export function arithmetic(dtype: string, rounding: Rounding): Arithmetic {
  const unit = rounding.unit[dtype] ?? 0;
  const slack = dtype === "float32" ? rounding.loose : 0;
  const error = (): number => slack * rounding.next();
  const near = (x: number): number => x * (1 + unit * rounding.next());
  const nearAll = (x: Vector): Vector => {
    if (x === null || unit === 0) return x;
    return x.map((value) => near(value));
  };
  const finish = (v: number, d: Vector, t: number, h: Vector): Dual => ({
    v: near(v),
    d: nearAll(d),
    t: near(t),
    h: nearAll(h),
    exact: unit === 0,
  });
  const one: Arithmetic["one"] = (x, [f, f1, f2], exact = false, loose = false) => {
    const d = combine([[f1, x.d]]);
    const h = combine([
      [f2 * x.t, x.d],
      [f1, x.h],
    ]);
    if (exact) return { v: f, d, t: f1 * x.t, h, exact: x.exact };
    return finish(f + (loose ? error() : 0), d, f1 * x.t, h);
  };
  const two: Arithmetic["two"] = (a, b, [f, fa, fb, faa, fab, fbb]) =>
    finish(
      f,
      combine([
        [fa, a.d],
        [fb, b.d],
      ]),
      fa * a.t + fb * b.t,
      combine([
        [faa * a.t + fab * b.t, a.d],
        [fab * a.t + fbb * b.t, b.d],
        [fa, a.h],
        [fb, b.h],
      ]),
    );
  const add: Arithmetic["add"] = (a, b) => two(a, b, [a.v + b.v, 1, 1, 0, 0, 0]);
  return {
    one,
    two,
    add,
    sub: (a, b) => two(a, b, [a.v - b.v, 1, -1, 0, 0, 0]),
    mul: (a, b) => two(a, b, [a.v * b.v, b.v, a.v, 0, 1, 0]),
    div(a, b) {
      const r = 1 / b.v;
      const f = a.v / b.v;
      return two(a, b, [f, r, -f * r, 0, -r * r, 2 * f * r * r]);
    },
    sum(xs) {
      const [first, ...rest] = xs;
      return first === undefined ? constant(0) : rest.reduce(add, first);
    },
    compare(a, b) {
      const gap = a.v - b.v;
      const sure = a === b || (a.exact && b.exact);
      if (!sure && Math.abs(gap) <= 512 * unit * (1 + Math.abs(a.v) + Math.abs(b.v))) rounding.fragile();
      return gap;
    },
    slack: error,
    round(x, to) {
      const v = to(x.v);
      if (Object.is(v, x.v)) return x;
      return { ...finish(v, x.d, x.t, x.h), v: near(v) };
    },
  };
}
