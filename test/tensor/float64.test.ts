// Functions in float64 against those of JavaScript, over all magnitudes.
import { describe, expect, test } from "vitest";
import * as t from "../../src/tensor/index.ts";
import { list } from "../support/check.ts";
import { numbers, seedOf } from "../support/numbers.ts";

const functions: Readonly<Record<string, unknown>> = { ...t };

const logistic = (x: number): number => {
  const decay = Math.exp(-Math.abs(x));
  return (x < 0 ? decay : 1) / (1 + decay);
};

const FUNCTIONS: readonly [keyof typeof t, (x: number) => number][] = [
  ["exp", Math.exp],
  ["log", Math.log],
  ["sqrt", Math.sqrt],
  ["sin", Math.sin],
  ["cos", Math.cos],
  ["tan", Math.tan],
  ["asin", Math.asin],
  ["acos", Math.acos],
  ["atan", Math.atan],
  ["sinh", Math.sinh],
  ["cosh", Math.cosh],
  ["tanh", Math.tanh],
  ["asinh", Math.asinh],
  ["acosh", Math.acosh],
  ["atanh", Math.atanh],
  ["sigmoid", logistic],
  ["softplus", (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))],
  ["silu", (x) => x * logistic(x)],
];

/** Angles beyond this are not turned back exactly. */
const LARGEST_ANGLE = 2e8;

const EDGES = [
  0,
  -0,
  NaN,
  1,
  0.5,
  1 + 2 ** -40,
  1 - 2 ** -40,
  1e-10,
  1e-300,
  1e200,
  Number.MAX_VALUE,
  Infinity,
];
const ARGUMENTS = [
  ...EDGES.flatMap((x) => [x, -x]),
  ...[37, 50, 709.9, 710, 745, 800, Math.PI, Math.PI / 2, 1e5, 1e8, 1.9e8].flatMap((x) => [x, -x]),
  ...Array.from({ length: 81 }, (_, i) => 2 ** (i - 40)).flatMap((x) => [1.37 * x, -2.71 * x]),
];

describe.each(FUNCTIONS)("%s", (name, f) => {
  test("is right to a few units of the last place", async () => {
    const next = numbers(seedOf(name));
    const angle = name === "sin" || name === "cos" || name === "tan";
    const xs = [
      ...ARGUMENTS,
      ...Array.from({ length: 200 }, (_, i) => next() * ([1, 5, 30, 800][i % 4] ?? 1)),
    ].filter((x) => !angle || !(Math.abs(x) > LARGEST_ANGLE && Number.isFinite(x)));
    const op = functions[name] as (x: t.Tensor) => t.Tensor;
    const got = await list(op(t.tensor(Float64Array.from(xs))));
    xs.forEach((x, i) => {
      const [g, e] = [got[i] as number, f(x)];
      const fine = Object.is(g, e) || g === e || Math.abs(g - e) <= 1e-15 * Math.abs(e);
      if (!fine) expect.fail(`${name}(${x}) must be ${e}, got ${g}.`);
    });
  });
});

test("factors keep all their digits, also beside a product", async () => {
  const x = t.tensor([[1 / 3, -2.7]], { dtype: "float64" });
  const w = t.tensor([[0.1], [Math.PI]], { dtype: "float64" });
  const product = (1 / 3) * 0.1 - 2.7 * Math.PI;
  const all = await t.evaluate([
    t.matmul(x.div(3), w),
    t.matmul(x.mul(0.1), w),
    t.matmul(x, w.mul(1 / 7)),
    t.matmul(x, w).mul(0.1),
    t.matmul(x, w, { scale: 0.1 }),
    t.matmul(t.transpose(w), x.mul(1 / 3), { transposeB: true }),
  ]);
  const expected = [product / 3, product * 0.1, product / 7, product * 0.1, product * 0.1, product / 3];
  for (const [i, y] of all.entries()) {
    const got = await y.item();
    expect(Math.abs(got - (expected[i] as number)), `product ${i}`).toBeLessThan(1e-14);
  }
});

test("factors that float32 does not hold keep infinities", async () => {
  const x = t.tensor([Infinity, -Infinity, Number.MAX_VALUE], { dtype: "float64" });
  expect(await list(x.mul(0.1))).toEqual([Infinity, -Infinity, Number.MAX_VALUE * 0.1]);
  expect(await list(t.mul(-0.3, x))).toEqual([-Infinity, Infinity, Number.MAX_VALUE * -0.3]);
});

test("angles beyond that are right beside 1", async () => {
  const xs = [2.1e8, -3e8, 1e9, 1e15, -1e30, 1e300, Number.MAX_VALUE];
  const x = t.tensor(xs, { dtype: "float64" });
  for (const [f, op] of [
    [Math.sin, t.sin],
    [Math.cos, t.cos],
  ] as const) {
    const got = await list(op(x));
    xs.forEach((v, i) => expect(Math.abs((got[i] ?? NaN) - f(v))).toBeLessThan(1e-15));
  }
});

test("logSoftmax of a row with NaN or ∞ is NaN, of close large numbers exact", async () => {
  const rows = (...all: number[][]): t.Tensor => t.logSoftmax(t.tensor(all, { dtype: "float64" }));
  expect(await list(rows([1, NaN], [Infinity, 2], [-Infinity, -Infinity]))).toEqual(Array(6).fill(NaN));
  expect(await list(rows([-Infinity, 3]))).toEqual([-Infinity, 0]);
  const [low = 0, high = 0] = await list(rows([1e12, 1e12 + 1]));
  expect(high).toBeCloseTo(-Math.log1p(Math.exp(-1)), 14);
  expect(low).toBeCloseTo(high - 1, 14);
});
