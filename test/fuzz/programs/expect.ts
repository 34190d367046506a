// What a program must give, and how far rounding may carry it: the reference runs once as it is and several times with
// every result moved at random within its rounding; how far those runs part is what rounding can do.
import { arithmetic, constant, type Dual, type Rounding } from "../../reference/dual.ts";
import { isFloatKind, type Program, runProgram, type Val, width } from "../../reference/program.ts";
import { WEIGHTS } from "./build.ts";
import { randomOf } from "./random.ts";

/** Numbers with the error that each may have. */
export interface Expected {
  readonly what: string;
  readonly values: readonly number[];
  readonly errors: readonly number[];
}

/** How a device rounds. */
export interface Precision {
  readonly float16: number;
  readonly float32: number;
  readonly float64: number;
  /** Absolute error that functions such as `sin` may have. */
  readonly loose: number;
}

/** Some roundings of the last place for each op, since kernels sum in other orders than the reference. */
export const HOST: Precision = { float16: 2 ** -8, float32: 2 ** -21, float64: 2 ** -44, loose: 2 ** -22 };
/** WebGPU allows sine and its like 2⁻¹¹, and exponentials some places. */
export const GPU: Precision = { float16: 2 ** -8, float32: 2 ** -19, float64: 2 ** -44, loose: 2 ** -10 };

const RUNS = 4;

/** Everything that is compared, as named lists of numbers. */
function numbersOf(program: Program, rounding: Rounding): { what: string; values: number[] }[] {
  const scope = runProgram(program, rounding);
  const results = program.results.map((id) => scope.get(id) as Val);
  const out = results.map((y, i) => ({ what: `result ${i}`, values: y.data.map((x) => x.v) }));
  const floats = results.filter((y) => isFloatKind(y.dtype));
  const n = width(program.inputs);
  const inputs = program.inputs.filter((x) => isFloatKind(x.dtype));
  if (floats.length === 0 || inputs.length === 0) return out;
  const dtype = floats.some((y) => y.dtype === "float64") ? "float64" : "float32";
  const a = arithmetic(dtype, rounding);
  const loss = a.sum(
    floats.map((y, i): Dual => {
      const terms = y.data.map((x) => a.add(x, a.mul(constant(0.5), a.mul(x, x))));
      return a.mul(constant(WEIGHTS[i % WEIGHTS.length] ?? 1), a.sum(terms));
    }),
  );
  floats.forEach((y, i) => out.push({ what: `tangent ${i}`, values: y.data.map((x) => x.t) }));
  for (const [what, all] of [
    ["gradient", loss.d ?? new Float64Array(n)],
    ["curvature", loss.h ?? new Float64Array(n)],
  ] as const) {
    let at = 0;
    inputs.forEach((x, i) => {
      out.push({ what: `${what} ${i}`, values: [...all.subarray(at, at + x.values.length)] });
      at += x.values.length;
    });
  }
  return out;
}

/** What `program` must give on a device of this precision. */
export function expectationOf(program: Program, precision: Precision): Expected[] {
  const quiet: Rounding = { unit: {}, loose: 0, next: () => 0, fragile: () => undefined };
  const base = numbersOf(program, quiet);
  const runs = Array.from({ length: RUNS }, (_, k) => {
    const random = randomOf(1_000_003 * (k + 1));
    const { float16, float32, float64 } = precision;
    const unit = { float16, float32, float64 };
    return numbersOf(program, { ...quiet, unit, loose: precision.loose, next: () => random.next() });
  });
  const text = JSON.stringify(program);
  const coarse =
    precision[(["float16", "float32"] as const).find((dtype) => text.includes(dtype)) ?? "float64"];
  return base.map(({ what, values }, i) => {
    const scale = Math.max(0, ...values.map(Math.abs));
    const isWhole = what.startsWith("result") && values.every(Number.isInteger);
    const errors = values.map((v, j) => {
      const gaps = runs.map((run) => Math.abs((run[i]?.values[j] ?? NaN) - v));
      const spread = gaps.some(Number.isNaN) ? Infinity : Math.max(...gaps);
      if (isWhole && spread === 0) return 0;
      return 6 * spread + 8 * coarse * (Math.abs(v) + (what.startsWith("result") ? 0 : 1 + scale));
    });
    return { what, values, errors };
  });
}
