import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { OptionError } from "../../src/errors.ts";
import { random, type Tensor } from "../../src/tensor/index.ts";
import { normalProbability, normalQuantile } from "../../src/tensor/normal-quantile.ts";
import { erf } from "../reference/functions.ts";

const list = async (x: Tensor): Promise<number[]> => Array.from(await x.data(), Number);
const average = (v: ArrayLike<number>): number => Array.from(v).reduce((a, b) => a + b, 0) / v.length;

describe("Philox4x32-10", () => {
  // Known answers published with the authors' Random123 library (kat_vectors).
  test.each([
    ["00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"],
    ["ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"],
    ["243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"],
  ])("counter %s key %s gives %s", (counter, key, expected) => {
    const read = (s: string): number[] => s.split(" ").map((w) => Number.parseInt(w, 16));
    const out = random.philox(
      read(counter) as [number, number, number, number],
      read(key) as [number, number],
    );
    expect(out.map((w) => w.toString(16).padStart(8, "0")).join(" ")).toBe(expected);
  });

  test("agrees with 64-bit arithmetic on any counter and key", () => {
    const word = fc.nat(0xffffffff);
    fc.assert(
      fc.property(fc.tuple(word, word, word, word), fc.tuple(word, word), (counter, key) => {
        let [a, b, c, d] = counter.map(BigInt) as [bigint, bigint, bigint, bigint];
        let [k, l] = key.map(BigInt) as [bigint, bigint];
        const mask = 0xffffffffn;
        for (let i = 0; i < 10; i++) {
          const [p, q] = [a * 0xd2511f53n, c * 0xcd9e8d57n];
          [a, b, c, d] = [(q >> 32n) ^ b ^ k, q & mask, (p >> 32n) ^ d ^ l, p & mask];
          [k, l] = [(k + 0x9e3779b9n) & mask, (l + 0xbb67ae85n) & mask];
        }
        expect(random.philox(counter, key)).toEqual([a, b, c, d].map(Number));
      }),
      { seed: 20261122, numRuns: 300 },
    );
  });

  test("a stream is its blocks, wherever it starts", () => {
    const key = random.key(7);
    const all = random.words(key, 22);
    expect(random.words(key, 10, 3)).toEqual(all.subarray(12));
    expect([...all.subarray(4, 8)]).toEqual(random.philox([1, 0, 0, 0], key));
    const far = random.words(key, 4, 2 ** 32 + 5);
    expect([...far]).toEqual(random.philox([5, 1, 0, 0], key));
  });
});

describe("keys", () => {
  test("children differ from each other and from the parent, and are plain data", () => {
    const parent = random.key(1234567890123);
    const keys = [parent, ...random.split(parent, 100), random.fold(parent, "w"), random.fold(parent, "v")];
    expect(new Set(keys.map(String)).size).toBe(keys.length);
    expect(JSON.parse(JSON.stringify(parent))).toEqual(parent);
    expect(random.split(parent)).toHaveLength(2);
    expect(random.fold(parent, 1)).toEqual(random.split(parent)[1]);
  });

  test("a seed that is no whole number is refused", () => {
    expect(() => random.key(1.5)).toThrow(
      new OptionError("random.key: seed must be a whole number ≥ 0 below 2^53, got 1.5."),
    );
    expect(() => random.key(-1)).toThrow(OptionError);
  });
});

describe("distributions", () => {
  const key = random.key(42);

  test("one key gives the same bits for ever", async () => {
    expect(await list(random.uniform(key, [4], { dtype: "float64" }))).toMatchInlineSnapshot(`
      [
        0.6129598811894158,
        0.07323173744158384,
        0.9877186509145105,
        0.5139061469711166,
      ]
    `);
    expect(await list(random.normal(key, [4], { dtype: "float64" }))).toMatchInlineSnapshot(`
      [
        0.2870419004300949,
        -1.45213714704503,
        2.248211634222632,
        0.034864603124465175,
      ]
    `);
    expect([...random.permutation(key, 8)]).toMatchInlineSnapshot(`
      [
        1,
        0,
        6,
        2,
        7,
        3,
        5,
        4,
      ]
    `);
    expect(await list(random.uniform(key, [2]))).toEqual(await list(random.uniform(key, [2])));
  });

  test.each(["float16", "float32", "float64"] as const)(
    "uniform %s stays within its bounds and fills them",
    async (dtype) => {
      const x = random.uniform(key, [50_000], { low: -1, high: 3, dtype });
      expect(x.dtype).toBe(dtype);
      const v = await list(x);
      const counts = Array.from({ length: 8 }, () => 0);
      for (const value of v) {
        expect(value >= -1 && value < 3).toBe(true);
        const bin = Math.floor((value + 1) * 2);
        counts[bin] = (counts[bin] ?? 0) + 1;
      }
      // χ² with 7 degrees of freedom is above 29.9 once in ten thousand.
      const expected = v.length / 8;
      expect(counts.reduce((sum, c) => sum + (c - expected) ** 2 / expected, 0)).toBeLessThan(29.9);
    },
  );

  test("normal has its mean, deviation, skewness and kurtosis, and no correlation of neighbours", async () => {
    const v = await list(random.normal(key, [200_000], { mean: 3, std: 2 }));
    const m = average(v);
    const moment = (p: number): number => average(v.map((x) => ((x - m) / 2) ** p));
    expect(Math.abs(m - 3)).toBeLessThan(0.02);
    expect(Math.abs(moment(2) - 1)).toBeLessThan(0.015);
    expect(Math.abs(moment(3))).toBeLessThan(0.03);
    expect(Math.abs(moment(4) - 3)).toBeLessThan(0.1);
    const lagged = average(v.slice(1).map((x, i) => ((x - m) * ((v[i] ?? 0) - m)) / 4));
    expect(Math.abs(lagged)).toBeLessThan(0.01);
  });

  test("truncatedNormal stays inside and keeps the shape between", async () => {
    const v = await list(random.truncatedNormal(key, [50_000], { mean: 1, std: 0.5 }));
    expect(Math.min(...v)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...v)).toBeLessThanOrEqual(2);
    // Variance of N(0, 1) between −2 and 2: 1 − 4 φ(2) / (2Φ(2) − 1).
    const phi = Math.exp(-2) / Math.sqrt(2 * Math.PI);
    const variance = 1 - (4 * phi) / erf(Math.SQRT2);
    const measured = average(v.map((x) => ((x - 1) / 0.5) ** 2));
    expect(Math.abs(measured - variance)).toBeLessThan(0.02);
    expect(() => random.truncatedNormal(key, [1], { low: 1, high: 1 })).toThrow(
      new OptionError("random.truncatedNormal: low must be below high, got 1 and 1."),
    );
  });

  test("bernoulli and categorical follow their probabilities", async () => {
    const coins = random.bernoulli(key, 0.3, [50_000]);
    expect(coins.dtype).toBe("bool");
    expect(Math.abs(average(await list(coins)) - 0.3)).toBeLessThan(0.01);
    expect(average(await list(random.bernoulli(key, 1, [100])))).toBe(1);
    expect(average(await list(random.bernoulli(key, 0, [100])))).toBe(0);
    const weights = [1, 0, 5, 4];
    const picks = random.categorical(key, weights, [50, 1000]);
    expect([picks.dtype, picks.shape]).toEqual(["int32", [50, 1000]]);
    const counts = [0, 0, 0, 0];
    for (const i of await list(picks)) counts[i] = (counts[i] ?? 0) + 1;
    counts.forEach((c, i) => expect(Math.abs(c / 50_000 - (weights[i] ?? 0) / 10)).toBeLessThan(0.01));
    expect(counts[1]).toBe(0);
    expect(() => random.categorical(key, [1, -1], [1])).toThrow(
      new OptionError("random.categorical: weights must be finite and ≥ 0, got -1 at 1."),
    );
    expect(() => random.categorical(key, [0], [1])).toThrow("weights must not all be 0");
    expect(() => random.bernoulli(key, 1.5, [1])).toThrow(
      new OptionError("random.bernoulli: p must be in [0, 1], got 1.5."),
    );
    expect(() => random.normal(key, [1], { dtype: "int32" })).toThrow(
      new OptionError("random.normal: dtype must be a float type, got int32."),
    );
  });

  test("permutation holds every number once and each place is equally likely", () => {
    const places = Array.from({ length: 5 }, () => 0);
    for (const k of random.split(key, 5000)) {
      const order = random.permutation(k, 5);
      expect([...order].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4]);
      const place = order.indexOf(3);
      places[place] = (places[place] ?? 0) + 1;
    }
    for (const c of places) expect(Math.abs(c / 5000 - 0.2)).toBeLessThan(0.025);
    expect(random.permutation(key, 0)).toHaveLength(0);
  });
});

test("the normal quantile inverts Φ to rounding, in both tails", () => {
  const phi = (x: number): number => (1 + erf(x / Math.SQRT2)) / 2;
  for (let p = 0.001; p < 1; p += 0.001) {
    expect(Math.abs(phi(normalQuantile(p)) - p)).toBeLessThan(2e-15);
    expect(normalQuantile(1 - p)).toBeCloseTo(-normalQuantile(p), 11);
  }
  // Deep tails against values of Φ⁻¹ that follow from Φ(−x) ~ φ(x)/x (1 − 1/x² + 3/x⁴ − …), by its inverse.
  for (const x of [6, 10, 20, 37]) {
    let fraction = x;
    for (let k = 400; k >= 1; k--) fraction = x + k / fraction;
    const tail = Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI) / fraction;
    expect(Math.abs(normalQuantile(tail) / -x - 1)).toBeLessThan(1e-14);
  }
  for (const x of [-2, -0.5, 0, 1, 3]) expect(Math.abs(normalProbability(x) - phi(x))).toBeLessThan(2e-15);
});
