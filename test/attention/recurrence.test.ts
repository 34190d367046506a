import { describe, expect, test } from "vitest";
import * as a from "../../src/attention/index.ts";
import { rerope, rope } from "../../src/position/index.ts";
import { evaluate, iota, narrow, softmax, type Tensor, tensor } from "../../src/tensor/index.ts";
import { inner } from "../reference/attention.ts";
import { expectClose, pair, sample } from "../support/check.ts";

const draw = (name: string, T = 7): Tensor => sample([1, 2, T, 4], { seed: name }).x;
const numbersOf = async (x: Tensor): Promise<number[]> => Array.from(await x.data(), Number);

describe("attention as a recurrence", () => {
  test("one key at a time equals all at once, with any position", async () => {
    const [q, k, v] = [draw("q"), draw("k"), draw("v")];
    const at = iota(7);
    const pairs = [rope(), rerope({ window: 2 })].map((position) => {
      const options = { position, queryPositions: at, keyPositions: at };
      return { slow: a.recurrentAttention(q, k, v, options), fast: a.attend(q, k, v, options) };
    });
    for (const { slow, fast } of await evaluate(pairs))
      expectClose(await slow.data(), await numbersOf(fast), 1e-12);
  });

  test("keys may come in any order and in parts; parts merge associatively; scores of ±500 do not overflow", async () => {
    const { x: scores } = sample([1, 1, 3, 6], { seed: "s", low: -500, high: 500 });
    const { x: v } = sample([1, 1, 6, 2], { seed: "v" });
    const empty = a.emptyAccumulator(scores, 2);
    const part = (from: number, to: number): a.Accumulator =>
      a.absorb(empty, narrow(scores, 3, from, to), narrow(v, 2, from, to));
    const [x, y, z] = [part(0, 1), part(1, 4), part(4, 6)];
    const whole = a.finish(a.absorb(empty, scores, v));
    const results = await evaluate([
      a.finish(a.merge(a.merge(x, y), z)),
      a.finish(a.merge(x, a.merge(y, z))),
      a.finish(
        a.absorb(
          a.absorb(z, narrow(scores, 3, 1, 4), narrow(v, 2, 1, 4)),
          narrow(scores, 3, 0, 1),
          narrow(v, 2, 0, 1),
        ),
      ),
      whole,
    ]);
    const expected = await numbersOf(results[3] as Tensor);
    expect(expected.every(Number.isFinite)).toBe(true);
    for (const r of results) expectClose(await r.data(), expected, 1e-12);
    const all = await numbersOf(scores);
    const values = await numbersOf(v);
    const slow = Array.from({ length: 3 }, (_, t) => {
      const s = all.slice(t * 6, t * 6 + 6);
      const top = Math.max(...s);
      const e = s.map((value) => Math.exp(value - top));
      const total = e.reduce((p, c) => p + c, 0);
      return [0, 1].map((d) => e.reduce((p, c, j) => p + (c * (values[j * 2 + d] ?? 0)) / total, 0));
    }).flat();
    expectClose(expected, slow, 1e-12);
  });
});

describe("the recursive stack", () => {
  const D = 3;
  const matrices = [0, 1, 2].map((l) =>
    ["q", "k", "v", "o"].map((n) => sample([D, D], { seed: `${n}${l}`, low: -1, high: 1 }).ref.data),
  );
  const apply = (w: readonly number[], x: readonly number[]): number[] =>
    Array.from({ length: D }, (_, r) => inner(w.slice(r * D, r * D + D), x));
  const layers = matrices.map(
    ([wq = [], wk = [], wv = [], wo = []]): a.RecursiveLayer => ({
      query: (x) => apply(wq, x),
      key: (x) => apply(wk, x),
      value: (x) => apply(wv, x),
      output: (x, mixed) => apply(wo, mixed).map((y, i) => Math.tanh(y + (x[i] ?? 0))),
    }),
  );
  const embeddings = sample([8, D], { seed: "text" }).ref.data;
  const embedding = (i: number): number[] => embeddings.slice((i - 1) * D, i * D);

  /** The stack layer by layer over the whole text. */
  function whole(n: number, depth: number): number[][] {
    let xs = Array.from({ length: n }, (_, t) => embedding(t + 1));
    for (const layer of layers.slice(0, depth)) {
      xs = xs.map((x, i) => {
        const q = layer.query(x);
        const e = xs.slice(0, i + 1).map((y) => Math.exp(inner(q, layer.key(y)) / Math.sqrt(D)));
        const total = e.reduce((s, v) => s + v, 0);
        const mixed = Array.from({ length: D }, (_, d) =>
          e.reduce((s, w, j) => s + (w * (layer.value(xs[j] ?? [])[d] ?? 0)) / total, 0),
        );
        return [...layer.output(x, mixed)];
      });
    }
    return xs;
  }

  test("gives the batched stack's vectors; reads are C(i + ℓ − 1, ℓ) and accumulators never more than ℓ", () => {
    const reads: number[] = [];
    for (const depth of [1, 2, 3]) {
      const expected = whole(7, depth);
      for (let i = 1; i <= 7; i++) {
        const got = a.recursiveStack(layers.slice(0, depth), embedding, i);
        expectClose(got.vector, expected[i - 1] ?? [], 1e-14, `${depth} layers at ${i}`);
        let binomial = 1;
        for (let n = 1; n <= depth; n++) binomial = (binomial * (i + depth - n)) / n;
        expect(got.reads).toBe(Math.round(binomial));
        expect(got.accumulators).toBe(Math.min(i, depth));
        if (depth === 3) reads.push(got.reads);
      }
    }
    expect(reads).toEqual([1, 4, 10, 20, 35, 56, 84]);
    expect(() => a.recursiveStack(layers, embedding, 0)).toThrow(
      "recursiveStack: position must be a whole number ≥ 1, got 0.",
    );
  });

  test("large scores do not overflow", () => {
    const loud = layers.map(
      (layer): a.RecursiveLayer => ({ ...layer, query: (x) => layer.query(x).map((y) => 500 * y) }),
    );
    expect(a.recursiveStack(loud, embedding, 5).vector.every(Number.isFinite)).toBe(true);
  });
});

describe("concentration", () => {
  test("closed forms equal quadrature and the notes' values", () => {
    const table: readonly (readonly [a.ScoreMap, number, number, number])[] = [
      ["relu2", 1, 2, 0.51512],
      ["relu2", -1, 1, 0.205256],
      ["relu2", -2, 1, 0.0720063],
      ["relu2", 0, 1, 1 / Math.sqrt(6)],
      ["relu2", 3, 1, 0.85124],
      ["identity", 1, 2, 0.801043],
      ["identity", -1, 1, 0.824933],
      ["identity", 0, 1, Math.sqrt(2 / Math.PI)],
      ["exp", 0.7, 2, 0.135335],
    ];
    const maps = { exp: Math.exp, relu2: (x: number) => Math.max(x, 0) ** 2, identity: (x: number) => x };
    for (const [map, beta, gamma, expected] of table) {
      const closed = a.expectedConcentration(map, beta, gamma);
      expect(Math.abs(closed - expected), `${map} ${beta} ${gamma}`).toBeLessThan(6e-7);
      expect(a.measuredConcentration(maps[map], beta, gamma)).toBeCloseTo(closed, 8);
    }
    expect(a.decayConcentration(0.9, 50)).toBeCloseTo(0.613273, 6);
    expect(a.decayConcentration(0.99, 1000)).toBeCloseTo(0.446075, 6);
    expect(() => a.expectedConcentration("exp", 0, 0)).toThrow("gamma must be above 0, got 0.");
    expect(a.decayConcentration(1, 5)).toBe(1);
    expect(a.decayConcentration(1 - 1e-9, 5)).toBeCloseTo(1, 6);
    expect(() => a.decayConcentration(0, 5)).toThrow("lambda must be in (0, 1], got 0.");
    // Independent features are the general form with a multiple of the identity; the ratio of lengths is at most 1.
    const features = [0.3, 1.2, 0.5];
    const general = a.linearConcentration(
      features,
      [0.7, 0.7, 0.7],
      [
        [0.04, 0, 0],
        [0, 0.04, 0],
        [0, 0, 0.04],
      ],
    );
    expect(a.independentConcentration(features, 0.7, 0.2)).toBeCloseTo(general, 14);
    expect(a.independentConcentration([0, 2, 0], 1, 1)).toBeCloseTo(Math.SQRT1_2, 14); // one-hot: ‖q‖₂/‖q‖₁ = 1
    expect(() => a.independentConcentration(features, 0, 1)).toThrow("mean must be above 0");
  });

  test("linear attention with independent features", () => {
    const q = [1, 2, 0.5];
    const [mean, deviation] = [0.7, 0.4];
    const covariance = q.map((_, i) => q.map((__, j) => (i === j ? deviation ** 2 : 0)));
    const norms = [Math.hypot(...q), q.reduce((s, x) => s + x, 0)] as const;
    const expected = (1 + ((deviation / mean) * (norms[0] / norms[1])) ** 2) ** -0.5;
    expect(
      a.linearConcentration(
        q,
        q.map(() => mean),
        covariance,
      ),
    ).toBeCloseTo(expected, 14);
  });

  test("of rows: one when flat, 1/√n for one key, counted over what a query sees", async () => {
    const rows = [0.25, 0.25, 0.25, 0.25, 1, 0, 0, 0, 0.5, 0.5, 0, 0];
    const { x } = pair([1, 1, 3, 4], rows);
    const visible = tensor(Float64Array.from([4, 1, 2]));
    const got = await evaluate({ all: a.concentration(x), seen: a.concentration(x, visible) });
    expectClose(await got.all.data(), [1, 0.5, Math.SQRT1_2], 1e-14);
    expectClose(await got.seen.data(), [1, 1, 1], 1e-14);
    expect(() => a.concentration(x, tensor([1, 2]))).toThrow(
      "concentration: visible must be [T=3], got [2].",
    );
  });

  test("of a decaying row and of softmax over random keys, as predicted", async () => {
    const n = 50;
    const decay = Float64Array.from({ length: n }, (_, j) => 0.9 ** (n - j));
    const x = tensor(decay, { shape: [1, 1, 1, n] });
    expect(await a.concentration(x).item()).toBeCloseTo(a.decayConcentration(0.9, n), 12);
    // Rows of 4096 normal scores of deviation 1: S near e^(−1/2).
    const scores = sample([1, 1, 8, 4096], { seed: "normal", low: 0, high: 1 }).x;
    const uniform = await numbersOf(scores);
    const normal = uniform.map(
      (u, i) => Math.sqrt(-2 * Math.log(u + 1e-12)) * Math.cos(2 * Math.PI * (uniform[i ^ 1] ?? 0)),
    );
    const row = softmax(tensor(Float64Array.from(normal), { shape: [1, 1, 8, 4096] }));
    const mean = (await numbersOf(a.concentration(row))).reduce((s, v) => s + v / 8, 0);
    expect(mean).toBeGreaterThan(0.57);
    expect(mean).toBeLessThan(0.64);
  });
});
