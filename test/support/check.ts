// Comparing tensors with references. A batch of checks runs as one program, because every program costs a session.
import { expect } from "vitest";
import { cast, type Dtype, evaluate, type Tensor, tensor } from "../../src/tensor/index.ts";
import { type Arr, count } from "../reference/array.ts";
import { numbers, seedOf } from "./numbers.ts";
import { TOLERANCE } from "./tolerance.ts";

/** Fails unless `got` is within `tolerance · (1 + |expected|)` of `expected`, element by element. */
export function expectClose(
  got: ArrayLike<number | bigint>,
  expected: ArrayLike<number>,
  tolerance: number,
  what = "values",
): void {
  expect(got.length, `${what}: length`).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) {
    const g = Number(got[i]);
    const e = Number(expected[i]);
    const fine = Object.is(g, e) || g === e || Math.abs(g - e) <= tolerance * (1 + Math.abs(e));
    if (!fine) expect.fail(`${what}: element ${i} must be ${e} within ${tolerance}, got ${g}.`);
  }
}

/** Compares a computed tensor, its shape and its dtype with a reference. */
export async function expectTensor(
  x: Tensor,
  expected: Arr,
  { dtype = x.dtype, tolerance = TOLERANCE[dtype], what = x.op }: Expectation = {},
): Promise<void> {
  expect(x.dtype, `${what}: dtype`).toBe(dtype);
  expect([...x.shape], `${what}: shape`).toEqual([...expected.shape]);
  expectClose(await x.data(), expected.data, tolerance, what);
}

interface Expectation {
  readonly dtype?: Dtype;
  readonly tolerance?: number;
  readonly what?: string;
}

/** Many comparisons in one program. */
export class Checks {
  private readonly rows: { what: string; x: Tensor; expected: Arr; tolerance: number }[] = [];

  /** Adds a comparison. */
  add(what: string, x: Tensor, expected: Arr, tolerance: number = TOLERANCE[x.dtype]): void {
    this.rows.push({ what, x, expected, tolerance });
  }

  /** Runs all; when the program is refused, names the row that is to blame. */
  async run(): Promise<void> {
    expect(this.rows.length).toBeGreaterThan(0);
    try {
      await evaluate(this.rows.map((r) => r.x));
    } catch (error) {
      for (const { what, x } of this.rows) {
        await x.data().catch((e: unknown) => {
          throw new Error(`${what}: ${e instanceof Error ? e.message : String(e)}`, { cause: error });
        });
      }
      throw error;
    }
    for (const { what, x, expected, tolerance } of this.rows) {
      await expectTensor(x, expected, { what, tolerance });
    }
  }
}

/** A tensor and the same numbers as a plain array, rounded as the dtype rounds them. */
export function sample(
  shape: readonly number[],
  {
    seed = shape.join(),
    low = -2,
    high = 2,
    dtype = "float64",
  }: { seed?: string; low?: number; high?: number; dtype?: Dtype } = {},
): { x: Tensor; ref: Arr } {
  const next = numbers(seedOf(seed));
  const whole = dtype.includes("int") || dtype === "bool";
  const raw = Array.from({ length: count(shape) }, () => low + ((next() + 1) / 2) * (high - low));
  return pair(shape, whole ? raw.map(Math.floor) : raw, dtype);
}

/** The same given numbers as a tensor and as a plain array. */
export function pair(
  shape: readonly number[],
  values: readonly number[],
  dtype: Dtype = "float64",
): { x: Tensor; ref: Arr } {
  const typed = tensor(Float64Array.from(values), { shape, dtype });
  const host = typed.storage?.host ?? new Float64Array();
  return { x: typed, ref: { shape, data: Array.from(host as ArrayLike<number>, Number) } };
}

/** `x` as float64, for comparing several dtypes under one tolerance. */
export function wide(x: Tensor): Tensor {
  return cast(x, "float64");
}

/** The elements of `x` as numbers. */
export async function list(x: Tensor): Promise<number[]> {
  return Array.from(await x.data(), Number);
}
