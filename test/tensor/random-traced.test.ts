// Random numbers inside compiled functions.
import { describe, expect, test } from "vitest";
import { DtypeError, GraphError, OptionError } from "../../src/errors.ts";
import { dropout } from "../../src/nn/index.ts";
import * as t from "../../src/tensor/index.ts";
import { random } from "../../src/tensor/index.ts";
import { missingDevice, unless } from "../support/devices.ts";
import { list } from "../support/check.ts";

const key = random.key(20261127);

/** Every kind of draw, from a key of either kind. */
const DRAWS = (at: random.AnyKey): Record<string, t.Tensor> => ({
  uniform: random.uniform(at, [2, 5], { low: -1, high: 3 }),
  double: random.uniform(at, [5], { dtype: "float64" }),
  half: random.normal(at, [5], { dtype: "float16" }),
  normal: random.normal(at, [3, 3], { mean: 1, std: 2 }),
  truncated: random.truncatedNormal(at, [7]),
  coins: random.bernoulli(at, 0.3, [33]),
  few: random.bernoulli(at, 0.3, [33], { bits: 8 }),
  none: random.normal(at, [0, 2]),
});

const draws = (at: t.Tensor): Record<string, t.Tensor> => ({
  ...DRAWS(at),
  order: random.permutation(at, 11),
  child: random.fold(at, "w"),
  grandchild: random.uniform(random.fold(random.split(at, 3)[2] as t.Tensor, 5), [4]),
});

async function expectDraws(got: Record<string, t.Tensor>, of: random.Key): Promise<void> {
  const grandchild = random.fold(random.split(of, 3)[2] as random.Key, 5);
  const expected = {
    ...DRAWS(of),
    order: t.tensor(Int32Array.from(random.permutation(of, 11))),
    child: random.traced(random.fold(of, "w")),
    grandchild: random.uniform(grandchild, [4]),
  };
  for (const [name, x] of Object.entries(expected)) {
    expect([got[name]?.dtype, got[name]?.shape], name).toEqual([x.dtype, x.shape]);
    expect(await got[name]?.data(), name).toEqual(await x.data());
  }
}

/** What is not asked of a GPU. */
function narrow(of: random.Key): Record<string, t.Tensor> {
  return Object.fromEntries(
    Object.entries(DRAWS(of)).filter(([name]) => name === "double" || name === "half"),
  );
}

const webgpu = await missingDevice("webgpu");

describe.each([
  ["cpu", false],
  ["webgpu", webgpu],
] as const)("%s", (device, missing) => {
  test.skipIf(missing !== false)(
    `a traced key gives the bits of the plain key, other keys others, and all are one program${unless(missing)}`,
    async () => {
      let traces = 0;
      const fn = t.compile(
        (at: t.Tensor): Record<string, t.Tensor> => {
          traces++;
          const all = draws(at);
          // No GPU has float64, and float16 only some.
          return device === "cpu" ? all : { ...all, double: t.zeros([1]), half: t.zeros([1]) };
        },
        { device },
      );
      const seen = new Set<string>();
      for (const of of [key, random.key(0), random.fold(key, 7), random.key(2 ** 53 - 1)]) {
        const got = await fn(random.traced(of));
        await expectDraws(device === "cpu" ? got : { ...got, ...narrow(of) }, of);
        expect(await (await fn(random.traced(of)))["normal"]?.data()).toEqual(await got["normal"]?.data());
        seen.add(String(await got["uniform"]?.data()));
      }
      expect(seen.size).toBe(4);
      expect(traces).toBe(1);
      await fn.release();
    },
  );
});

test("a key whose words are known draws at once", async () => {
  await expectDraws(draws(random.traced(key)), key);
  expect(random.uniform(random.traced(key), [2]).op).toBe("data");
});

test("a key of the state moves on inside the program", async () => {
  const step = t.compile(
    (s: { key: t.Tensor; x: t.Tensor }) => ({
      key: random.fold(s.key, 1),
      x: s.x.add(random.normal(s.key, [3])),
    }),
    { donate: [0] },
  );
  let state = { key: random.traced(key), x: t.zeros([3]) };
  let [at, x] = [key, [0, 0, 0]];
  for (let i = 0; i < 4; i++) {
    state = await step(state);
    const noise = await list(random.normal(at, [3]));
    x = x.map((v, j) => Math.fround(v + (noise[j] ?? 0)));
    at = random.fold(at, 1);
  }
  expect(await list(state.x)).toEqual(x);
  expect(await list(state.key)).toEqual(await list(random.traced(at)));
  await step.release();
});

test("what is computed again for a derivative draws the same numbers", async () => {
  const noisy = t.checkpoint((x: t.Tensor, at: t.Tensor) =>
    x
      .mul(random.normal(at, [4]))
      .exp()
      .sum(),
  );
  const gradient = t.grad((x: t.Tensor, at: t.Tensor) => noisy(x, at));
  const x = t.tensor([0.1, -0.2, 0.3, 0.4]);
  const z = await list(random.normal(key, [4]));
  const values = await list(x);
  const expected = z.map((v, i) => v * Math.exp(v * (values[i] ?? 0)));
  const fn = t.compile(gradient);
  for (const got of [await fn(x, random.traced(key)), gradient(x, random.traced(key))]) {
    (await list(got)).forEach((g, i) => expect(g).toBeCloseTo(expected[i] ?? NaN, 5));
  }
  await fn.release();
});

test("symbolic sizes draw as many numbers as a call has", async () => {
  const fn = t.compile((x: t.Tensor, at: t.Tensor) => x.add(random.uniform(at, x.shape)), {
    symbolic: (name) => (name === "0" ? ["B", 3] : undefined),
  });
  for (const rows of [1, 4]) {
    const got = await fn(t.zeros([rows, 3]), random.traced(key));
    expect(await list(got)).toEqual(await list(random.uniform(key, [rows, 3])));
  }
  await fn.release();
});

test("a loop draws outside; a key that changes inside is refused", async () => {
  const xs = t.zeros([5, 2]);
  const fn = t.compile(
    (at: t.Tensor) =>
      t.scan(
        (c: t.Tensor, z: t.Tensor) => [c.add(z), c] as const,
        xs.sum({ axis: 0 }),
        random.normal(at, [5, 2]),
      ).carry,
  );
  const noise = await list(random.normal(key, [5, 2]));
  const expected = [0, 1].map((j) =>
    [0, 1, 2, 3, 4].reduce((s, i) => Math.fround(s + (noise[2 * i + j] ?? 0)), 0),
  );
  expect(await list(await fn(random.traced(key)))).toEqual(expected);
  await fn.release();
  const inside = t.compile(
    (at: t.Tensor) =>
      t.scan((k: t.Tensor, x: t.Tensor) => [random.fold(k, 1), x.add(random.normal(k, [2]))] as const, at, xs)
        .ys,
  );
  await expect(inside(random.traced(key))).rejects.toThrow(
    new GraphError(
      "random: key must be an argument of the compiled function, or folded from one, got one that a loop makes. Draw outside of the loop, for all steps at once.",
    ),
  );
});

test("what is no key, and an export, are refused", async () => {
  const fn = t.compile((at: t.Tensor) => random.normal(at, [2]));
  await expect(fn(t.zeros([3]))).rejects.toThrow(
    new DtypeError("random: key must be int32 [2], got float32 [3]. Make it with random.traced."),
  );
  await expect(t.exportOnnx((at: t.Tensor) => random.normal(at, [2]), [random.traced(key)])).rejects.toThrow(
    new OptionError(
      "exportOnnx: fn must not draw random numbers, got 1 draws from a traced key. Take the numbers as an argument.",
    ),
  );
  expect(() => random.bernoulli(key, 0.5, [1], { bits: 16 as 8 })).toThrow(
    new OptionError("random.bernoulli: bits must be 8 or 32, got 16."),
  );
  expect(() => random.permutation(key, -1)).toThrow(OptionError);
});

/** `sup |F(x) − x|` of numbers that should be uniform. */
function kolmogorovSmirnov(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const n = sorted.length;
  return Math.max(...sorted.map((x, i) => Math.max((i + 1) / n - x, x - i / n)));
}

/** `Σ (count − n/bins)² / (n/bins)`. */
function chiSquare(bins: number, places: readonly number[]): number {
  const counts = Array.from({ length: bins }, () => 0);
  for (const p of places) counts[p] = (counts[p] ?? 0) + 1;
  const mean = places.length / bins;
  return counts.reduce((s, c) => s + (c - mean) ** 2 / mean, 0);
}

test("streams inside a compiled function are as random as they should be", async () => {
  const n = 20_000;
  const fn = t.compile((at: t.Tensor) => {
    const [a, b, c, d] = random.split(at, 4) as [t.Tensor, t.Tensor, t.Tensor, t.Tensor];
    return {
      uniform: random.uniform(a, [n]),
      // Φ of normals is uniform.
      normal: random.normal(b, [n]).mul(Math.SQRT1_2).erf().add(1).mul(0.5),
      kept: dropout(t.ones([n]), c, 0.25),
      order: random.permutation(d, 64),
    };
  });
  const calls = [];
  for (let i = 0; i < 3; i++) calls.push(await fn(random.traced(random.fold(key, i))));
  await fn.release();
  // 1.95/√n is passed once in a thousand.
  for (const got of calls) {
    for (const name of ["uniform", "normal"] as const) {
      const values = await list(got[name]);
      expect(kolmogorovSmirnov(values), name).toBeLessThan(1.95 / Math.sqrt(n));
      // Neighbours fill the square: 64 cells, χ² with 63 degrees of freedom is above 103 once in a thousand.
      const cells = values.flatMap((x, i) =>
        i % 2 === 0 ? [Math.floor(x * 8) * 8 + Math.floor((values[i + 1] ?? 0) * 8)] : [],
      );
      expect(chiSquare(64, cells), name).toBeLessThan(103.4);
    }
    const kept = (await list(got.kept)).map((x) => Number(x !== 0));
    const rate = kept.reduce((a, b) => a + b, 0) / n;
    expect(Math.abs(rate - 0.75)).toBeLessThan(3.5 * Math.sqrt((0.25 * 0.75) / n));
    // Runs of two: 0.75², 0.75 · 0.25 twice, 0.25².
    const pairs = [0, 0, 0, 0];
    for (let i = 0; i < n; i += 2) {
      const at = (kept[i] ?? 0) * 2 + (kept[i + 1] ?? 0);
      pairs[at] = (pairs[at] ?? 0) + 1;
    }
    const expected = [0.0625, 0.1875, 0.1875, 0.5625].map((p) => (p * n) / 2);
    expect(pairs.reduce((s, c, i) => s + (c - (expected[i] ?? 0)) ** 2 / (expected[i] ?? 1), 0)).toBeLessThan(
      16.3,
    );
    expect((await list(got.order)).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 64 }, (_, i) => i),
    );
  }
  // Two calls have nothing in common.
  const [first, second] = await Promise.all(calls.slice(0, 2).map((c) => list(c.uniform)));
  const both = (first ?? []).map((x, i) => Math.floor(x * 8) * 8 + Math.floor((second?.[i] ?? 0) * 8));
  expect(chiSquare(64, both)).toBeLessThan(103.4);
});

test("coins of eight bits have the probability of those of 32, and know the ends", async () => {
  const n = 2 ** 18;
  for (const p of [0, 1e-3, 0.1, 1 / 3, 0.9, 0.9999, 1]) {
    const v = await list(random.bernoulli(random.fold(key, `p ${p}`), p, [n], { bits: 8 }));
    const rate = v.reduce((a, b) => a + b, 0) / n;
    expect(Math.abs(rate - p), String(p)).toBeLessThanOrEqual(3.5 * Math.sqrt((p * (1 - p)) / n));
  }
});

test("dropout keeps the mean, is differentiated as what it kept, and does nothing without a key", async () => {
  const x = t.tensor([1, 2, 3, 4, 5, 6, 7, 8]);
  expect(dropout(x, undefined, 0.5)).toBe(x);
  expect(dropout(x, key, 0)).toBe(x);
  const g = t.compile(t.grad((p: t.Tensor, at: t.Tensor) => dropout(p, at, 0.5).sum()));
  const y = await list(dropout(x, key, 0.5));
  expect(new Set(y.map((v, i) => v / (i + 1)))).toEqual(new Set([0, 2]));
  expect(await list(await g(x, random.traced(key)))).toEqual(y.map((v, i) => v / (i + 1)));
  await g.release();
  expect(() => dropout(x, key, 1)).toThrow(new OptionError("dropout: rate must be in [0, 1), got 1."));
  expect(() => dropout(x, key, NaN)).toThrow(OptionError);
});
