import { describe, expect, test } from "vitest";
import { DtypeError, OptionError, ShapeError } from "../../src/errors.ts";
import * as t from "../../src/tensor/index.ts";
import { type Arr, build, get } from "../reference/array.ts";
import { Checks, expectClose, pair, sample } from "../support/check.ts";

type T = t.Tensor;
const eye = (n: number): Arr => build([n, n], ([i, j]) => Number(i === j));
const gram = (x: T): T => t.matmul(x, x, { transposeA: true });
/** The projector on the columns of an orthonormal matrix, which no choice of signs or order changes. */
const projector = (x: T): T => t.matmul(x, x, { transposeB: true });
const list = async (x: T): Promise<number[]> => Array.from(await x.data(), Number);

const SHAPES = [
  [1, 1],
  [7, 7],
  [9, 4],
  [4, 9],
  [1, 5],
];

describe.each([
  ["float64", 1e-12],
  ["float32", 1e-5],
] as const)("%s", (dtype, tolerance) => {
  test("svd: orthonormal factors, ordered values, the matrix back", async () => {
    const checks = new Checks();
    for (const shape of SHAPES) {
      const x = sample(shape, { dtype });
      const { u, s, v } = await t.svd(x.x);
      const rank = Math.min(...shape);
      expect([u.dtype, s.dtype, v.dtype]).toEqual([dtype, dtype, dtype]);
      expect([u.shape, s.shape, v.shape]).toEqual([[shape[0], rank], [rank], [shape[1], rank]]);
      const values = await list(s);
      expect(values).toEqual([...values].sort((a, b) => b - a));
      expect(Math.min(...values)).toBeGreaterThanOrEqual(0);
      checks.add("u", gram(u), eye(rank), tolerance);
      checks.add("v", gram(v), eye(rank), tolerance);
      checks.add("x", t.matmul(u.mul(s), v, { transposeB: true }), x.ref, tolerance);
    }
    await checks.run();
  });

  test("qr: orthonormal, upper triangular with a diagonal that is not negative", async () => {
    const checks = new Checks();
    for (const shape of [
      [7, 7],
      [9, 4],
      [3, 1],
    ]) {
      const x = sample(shape, { dtype });
      const { q, r } = await t.qr(x.x);
      const n = shape[1] ?? 1;
      checks.add("q", gram(q), eye(n), tolerance);
      checks.add("x", t.matmul(q, r), x.ref, tolerance);
      checks.add("r", r, { shape: [n, n], data: await list(t.triu(r)) }, 0);
      for (let i = 0; i < n; i++) expect((await list(r))[i * n + i]).toBeGreaterThanOrEqual(0);
    }
    await checks.run();
  });

  test("eigh: ascending values, orthonormal vectors, the matrix back", async () => {
    const a = sample([6, 6], { dtype });
    const symmetric = build([6, 6], ([i = 0, j = 0]) => (get(a.ref, [i, j]) + get(a.ref, [j, i])) / 2);
    const { values, vectors } = await t.eigh(a.x);
    const sorted = await list(values);
    expect(sorted).toEqual([...sorted].sort((p, q) => p - q));
    const checks = new Checks();
    checks.add("vectors", gram(vectors), eye(6), tolerance);
    checks.add("x", t.matmul(vectors.mul(values), vectors, { transposeB: true }), symmetric, tolerance);
    await checks.run();
  });

  test("solve: square systems, several right sides, least squares", async () => {
    const checks = new Checks();
    const a = sample([5, 5], { dtype, seed: "a" }).x;
    const x = sample([5, 2], { dtype, seed: "x" });
    checks.add("square", await t.solve(a, t.matmul(a, x.x)), x.ref, tolerance * 100);
    const vector = t.reshape(t.narrow(x.x, 1, 0, 1), [5]);
    const single = await t.solve(a, t.reshape(t.matmul(a, t.reshape(vector, [5, 1])), [5]));
    checks.add("vector", single, { shape: [5], data: await list(vector) }, tolerance * 100);
    const tall = sample([9, 3], { dtype, seed: "tall" }).x;
    const b = sample([9], { dtype, seed: "b" }).x;
    const best = await t.solve(tall, b);
    const residual = t.matmul(tall, t.reshape(best, [3, 1])).sub(t.reshape(b, [9, 1]));
    checks.add(
      "normal equations",
      t.matmul(tall, residual, { transposeA: true }),
      build([3, 1], () => 0),
      tolerance * 10,
    );
    await checks.run();
  });
});

test("known singular values, repeated and zero ones included", async () => {
  const { s } = await t.svd(pair([3, 2], [3, 0, 0, 4, 0, 0]).x);
  expectClose(await s.data(), [4, 3], 1e-14);
  const flat = await t.svd(t.ones([4, 3], { dtype: "float64" }));
  expectClose(await flat.s.data(), [Math.sqrt(12), 0, 0], 1e-12);
  const none = await t.svd(t.zeros([2, 2], { dtype: "float64" }));
  expectClose(await none.s.data(), [0, 0], 0);
  const one = await t.eigh(t.tensor([[2]], { dtype: "float64" }));
  expect(await one.values.data()).toEqual(Float64Array.of(2));
});

describe("randomizedSvd", () => {
  const key = t.random.key(3);
  /** A matrix with the given singular values. */
  const made = async (rows: number, columns: number, values: readonly number[]): Promise<T> => {
    const { q: u } = await t.qr(sample([rows, values.length], { seed: "u" }).x);
    const { q: v } = await t.qr(sample([columns, values.length], { seed: "v" }).x);
    return t.evaluate(t.matmul(u.mul(pair([values.length], values).x), v, { transposeB: true }));
  };

  test("is exact where the rank is", async () => {
    const x = await made(60, 40, [9, 5, 5, 1]);
    const exact = await t.svd(x);
    const got = await t.randomizedSvd(x, 4, key);
    const checks = new Checks();
    checks.add("s", got.s, { shape: [4], data: [9, 5, 5, 1] }, 1e-12);
    for (const side of ["u", "v"] as const) {
      const expected = projector(t.narrow(exact[side], 1, 0, 4));
      const shape = expected.shape as number[];
      checks.add(side, projector(got[side]), { shape, data: await list(expected) }, 1e-11);
    }
    checks.add(
      "x",
      t.matmul(got.u.mul(got.s), got.v, { transposeB: true }),
      { shape: [60, 40], data: await list(x) },
      1e-12,
    );
    await checks.run();
  });

  test("finds the leading space of a full matrix whose values fall slowly, better with more iterations", async () => {
    const values = Array.from({ length: 50 }, (_, i) => 1 / (1 + i));
    const x = await made(80, 50, values);
    const exact = projector(t.narrow((await t.svd(x)).v, 1, 0, 5));
    const errors: number[] = [];
    for (const iterations of [0, 2, 6]) {
      const { v } = await t.randomizedSvd(x, 5, key, { iterations });
      errors.push(await t.norm(projector(v).sub(exact)).item());
    }
    const [none = 0, two = 0, six = 0] = errors;
    expect(two).toBeLessThan(none);
    expect(six).toBeLessThan(two);
    expect(six).toBeLessThan(1e-4);
  });

  test("is determined by its key and works in float32 at full rank", async () => {
    const x = sample([7, 5], { dtype: "float32" }).x;
    const a = await t.randomizedSvd(x, 5, key);
    const b = await t.randomizedSvd(x, 5, key);
    expect(await list(a.u)).toEqual(await list(b.u));
    expectClose(await a.s.data(), await list((await t.svd(x)).s), 1e-5);
  });
});

test("refusals name the function and what it got", async () => {
  const x = t.ones([2, 3]);
  await expect(t.svd(t.ones([2]))).rejects.toThrow(
    new ShapeError("svd: input must be a matrix [M, N], got [2]."),
  );
  await expect(t.svd(t.zeros([2, 2], { dtype: "int32" }))).rejects.toThrow(
    new DtypeError("svd: input must be a float type, got int32. Use cast first."),
  );
  await expect(t.svd(t.full([2, 2], Number.NaN))).rejects.toThrow(
    new OptionError("svd: input must be finite, got a value that is NaN or infinite."),
  );
  await expect(t.qr(x)).rejects.toThrow("qr: matrix must have at least as many rows as columns, got [2, 3].");
  await expect(t.eigh(x)).rejects.toThrow(new ShapeError("eigh: matrix must be square, got [2, 3]."));
  await expect(t.solve(t.ones([2, 2]), t.ones([2]))).rejects.toThrow(
    new OptionError("solve: a must have full rank, got a singular matrix. Use svd."),
  );
  await expect(t.solve(t.ones([2, 2]), t.ones([3]))).rejects.toThrow(
    "solve: b must be [M=2] or [M=2, K], got [3].",
  );
  await expect(t.randomizedSvd(x, 3, t.random.key(0))).rejects.toThrow(
    new OptionError("randomizedSvd: rank must be between 1 and 2, got 3."),
  );
});
