import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import * as a from "../../src/attention/index.ts";
import {
  at,
  concat,
  evaluate,
  grad,
  narrow,
  random,
  sum,
  type Tensor,
  tensor,
} from "../../src/tensor/index.ts";
import type { Arr } from "../reference/array.ts";
import { rerope } from "../../src/position/index.ts";
import { inner, mix, nearest, row } from "../reference/attention.ts";
import { atDistance, plainFrequencies } from "../reference/position.ts";
import { Checks, expectClose, pair } from "../support/check.ts";
import { D, numbersOf } from "./support.ts";

interface Golden {
  readonly tolerance: number;
  readonly vq: Record<"q" | "k" | "v" | "codebook" | "bias" | "o", Arr> & { readonly codes: number[] };
}
const golden = JSON.parse(
  readFileSync(new URL("../golden/attention.json", import.meta.url), "utf8"),
) as Golden;

describe("Transformer-VQ", () => {
  const g = golden.vq;
  const of = (name: "q" | "k" | "v" | "codebook" | "bias"): Tensor => pair(g[name].shape, g[name].data).x;
  const codebook = of("codebook");
  const [q, k, v] = [of("q"), of("k"), of("v")];
  // There column d is for distance d; here the oldest comes first.
  const reach = Number(g.bias.shape[3]);
  const oldestFirst = g.bias.data.map((_, n) => {
    const column = n % reach;
    return g.bias.data[n - column + (reach - 1 - column)] ?? NaN;
  });
  const bias = pair(g.bias.shape, oldestFirst).x;
  const T = 11;

  test("the linear form equals quadratic attention over quantised keys, with bias, for any block", async () => {
    const quantized = a.quantizeKeys(k, codebook);
    expect(await numbersOf(quantized.codes)).toEqual(g.codes);
    const codes = g.codes;
    const hard = (h: number, j: number): number[] =>
      row({ ...g.codebook, shape: [1, ...g.codebook.shape] }, 0, h, codes[h * T + j] ?? 0);
    const plain = mix(g.q, g.k, g.v, (x, _, { h, i, j }) =>
      j <= i ? Math.exp(inner(x, hard(h, j)) / 2) : 0,
    );
    const checks = new Checks();
    checks.add(
      "golden",
      a.vqAttention(q, quantized.keys, quantized.codes, v, { codebook, block: 3, bias }),
      g.o,
      golden.tolerance,
    );
    for (const block of [1, 2, 4, 11, 64]) {
      checks.add(
        `block ${block}`,
        a.vqAttention(q, quantized.keys, quantized.codes, v, { codebook, block }),
        plain,
      );
      // Blocks longer than the reach of the bias change nothing.
      if (block < reach - 1) continue;
      checks.add(
        `block ${block} with bias`,
        a.vqAttention(q, quantized.keys, quantized.codes, v, { codebook, block, bias }),
        g.o,
        golden.tolerance,
      );
    }
    const all = mix(g.q, g.k, g.v, (x, _, { h, j }) => Math.exp(inner(x, hard(h, j)) / 2));
    checks.add("encoder", a.vqEncoderAttention(q, quantized.codes, v, { codebook }), all);
    const loss = Array.from({ length: T }, (_, t) =>
      [0, 1].reduce(
        (s, h) => s + row(g.k, 0, h, t).reduce((e, x, d) => e + (x - (hard(h, t)[d] ?? 0)) ** 2, 0),
        0,
      ),
    );
    checks.add("commitment", quantized.commitment, {
      shape: [],
      data: [loss.reduce((s, x) => s + x, 0) / T],
    });
    await checks.run();
    const slow = [0, 1].flatMap((h) =>
      Array.from({ length: T }, (_, t) => nearest(g.codebook, h, row(g.k, 0, h, t))),
    );
    expect(slow).toEqual(g.codes);
  });

  test("with ReRoPE it equals quadratic attention under clipped distances, in both forms", async () => {
    const [window, theta] = [3, plainFrequencies(D, 10_000)];
    const { keys, codes } = a.quantizeKeys(k, codebook);
    const hard = (h: number, j: number): number[] =>
      row({ ...g.codebook, shape: [1, ...g.codebook.shape] }, 0, h, g.codes[h * T + j] ?? 0);
    const expected = mix(g.q, g.k, g.v, (x, _, { h, i, j }) =>
      j > i ? 0 : Math.exp(atDistance(x, hard(h, j), Math.min(i - j, window), theta, "half") / 2),
    );
    const { byDistance: turns } = rerope({ window });
    if (!turns) throw new Error("ReRoPE without turns");
    const checks = new Checks();
    for (const block of [3, 4, 64]) {
      checks.add(`block ${block}`, a.vqAttention(q, keys, codes, v, { codebook, block, turns }), expected);
    }
    await checks.run();
    const whole = await numbersOf(a.vqAttention(q, keys, codes, v, { codebook, block: 3, turns }));
    let state = a.vqState([1, 2, 5, D, 3], { block: 3, dtype: "float64" });
    for (const [from, to] of [
      [0, 1],
      [1, 6],
      [6, T],
    ] as const) {
      const part = (x: Tensor): Tensor => narrow(x, 2, from, to);
      const out = await evaluate(a.vqStep(part(q), part(keys), part(v), state, { codebook, turns }));
      state = out.state;
      const rows = (h: number): number[] => whole.slice((h * T + from) * 3, (h * T + to) * 3);
      expectClose(await out.o.data(), [...rows(0), ...rows(1)], 1e-12, `from ${from}`);
    }
    expect(() => a.vqAttention(q, keys, codes, v, { codebook, block: 2, turns })).toThrow(
      "turns must have a window of at most the block, 2, got 3.",
    );
    expect(() => a.vqAttention(q, keys, codes, v, { codebook, block: 8, turns, bias })).toThrow(
      "turns must stand alone, got a bias beside them.",
    );
  });

  test("any number of tokens at a time, with bias and a state of constant size", async () => {
    const { codes, keys } = await evaluate(a.quantizeKeys(k, codebook));
    const whole = await numbersOf(a.vqAttention(q, keys, codes, v, { codebook, block: 3, bias }));
    for (const sizes of [Array<number>(T).fill(1), [2, 6, 1, 2], [T]]) {
      let state = a.vqState([1, 2, 5, D, 3], { block: 3, dtype: "float64" });
      let at = 0;
      for (const size of sizes) {
        const part = (x: Tensor): Tensor => narrow(x, 2, at, at + size);
        const next = await evaluate(
          a.vqStep(part(q), part(keys), part(v), state, { codebook, bias: part(bias) }),
        );
        state = next.state;
        const expected = [0, 1].flatMap((h) => whole.slice((h * T + at) * 3, (h * T + at + size) * 3));
        expectClose(await next.o.data(), expected, 1e-11, `${at} of ${sizes.join()}`);
        at += size;
      }
      const counted = (await numbersOf(state.count)).reduce((s, c) => s + c, 0);
      expect(counted).toBe(2 * (T - 3)); // both heads: all but the last three tokens are in the cache
    }
  });

  test("query heads may share keys, in both forms", async () => {
    const one = (x: Tensor): Tensor => narrow(x, 1, 0, 1);
    const book = narrow(codebook, 0, 0, 1);
    const [k1, v1] = [one(k), one(v)];
    const { keys, codes } = a.quantizeKeys(k1, book);
    const twice = (x: Tensor): Tensor => concat([x, x], 1);
    const options = { codebook: book, block: 3, bias };
    const grouped = a.vqAttention(q, keys, codes, v1, options);
    const repeated = a.vqAttention(q, twice(keys), twice(codes), twice(v1), {
      ...options,
      codebook: concat([book, book], 0),
    });
    const start = a.vqState([1, 1, 5, D, 3], { block: 3, dtype: "float64" });
    const { o } = a.vqStep(q, keys, v1, start, options);
    const got = await evaluate({ grouped, repeated, o });
    expectClose(await got.grouped.data(), await numbersOf(got.repeated), 1e-12);
    expectClose(await got.o.data(), await numbersOf(got.repeated), 1e-11);
  });

  test("a code for every key is ordinary attention", async () => {
    const own = at(k, 0); // [H, T, D]: each head's keys are its codes
    const { keys, codes } = a.quantizeKeys(k, own);
    const exact = mix(g.q, g.k, g.v, (x, y, { i, j }) => (j <= i ? Math.exp(inner(x, y) / 2) : 0));
    const checks = new Checks();
    checks.add("all codes", a.vqAttention(q, keys, codes, v, { codebook: own, block: 2 }), exact);
    await checks.run();
  });

  test("the book follows its keys: moving averages by code", async () => {
    const state = a.codebookState(codebook);
    const codes = tensor(g.codes, { shape: [1, 2, T], dtype: "int32" });
    const next = await evaluate(a.updateCodebook(state, a.codeSums(k, codes, 5), { decay: 0.75 }));
    const [H, K] = [2, 5];
    const counts = Array<number>(H * K).fill(0.75);
    const sums = g.codebook.data.map((x) => 0.75 * x);
    for (let h = 0; h < H; h++)
      for (let t = 0; t < T; t++) {
        const code = h * K + (g.codes[h * T + t] ?? 0);
        counts[code] = (counts[code] ?? 0) + 0.25;
        row(g.k, 0, h, t).forEach((x, d) => (sums[code * D + d] = (sums[code * D + d] ?? 0) + 0.25 * x));
      }
    expectClose(await next.count.data(), counts, 1e-12);
    expectClose(await next.sum.data(), sums, 1e-12);
    const book = await numbersOf(a.codebookOf(next));
    expectClose(
      book,
      sums.map((x, n) => x / (counts[Math.floor(n / D)] ?? 1)),
      1e-12,
    );
    expect(a.codesInUse([4, 4, 4, 4])).toBeCloseTo(4, 12);
    expect(a.codesInUse([9, 0, 0])).toBe(1);
    expect(() => a.updateCodebook(state, state, { decay: 1 })).toThrow("decay must be in [0, 1), got 1.");
  });

  test("codes out of use begin anew beside those in use, by their keys", async () => {
    const [K, width] = [6, 3];
    const count = [8, 0.1, 24, 0.2, 3, 0.7]; // mean 6: codes 1 and 3 are out of use, code 5 is not
    const codes = Array.from({ length: K * width }, (_, i) => 10 * Math.floor(i / width) + (i % width));
    const state = {
      sum: tensor(
        codes.map((c, i) => c * (count[Math.floor(i / width)] ?? 0)),
        { shape: [1, K, width], dtype: "float64" },
      ),
      count: tensor(count, { shape: [1, K], dtype: "float64" }),
    };
    const next = await evaluate(a.dealUnusedCodes(state));
    const book = await numbersOf(a.codebookOf(next));
    const total = count.reduce((x, y) => x + y);
    const counts = count.map((c) => (c < 0.6 ? 1.2 : c));
    expectClose(await next.count.data(), counts, 1e-12);
    count.forEach((c, j) => {
      // The code in which the quantile falls.
      let beside = 0;
      for (let left = ((j + 0.5) / K) * total; left >= (count[beside] ?? 0); beside++)
        left -= count[beside] ?? 0;
      const [at, near] = c < 0.6 ? [beside, 0.5] : [j, 1e-12];
      for (let d = 0; d < width; d++) {
        const far = Math.abs((book[j * width + d] ?? 0) - (codes[at * width + d] ?? 0));
        expect(far).toBeLessThan(near);
        if (c < 0.6) expect(far).toBeGreaterThan(0);
      }
    });
  });

  test("of many codes most are soon in use, although all keys begin with one", async () => {
    const K = 32;
    let state = a.codebookState(random.normal(random.key(2), [1, K, D], { std: 0.01 }));
    state = { sum: state.sum.mul(0.01), count: state.count.mul(0.01) };
    for (let step = 0; step < 40; step++) {
      const keys = random.normal(random.fold(random.key(3), step), [1, 1, 256, D]).add(3);
      const chosen = a.nearestCodes(keys, a.codebookOf(state));
      state = await evaluate(a.dealUnusedCodes(a.updateCodebook(state, a.codeSums(keys, chosen, K))));
    }
    expect(a.codesInUse(await numbersOf(state.count))).toBeGreaterThan(K / 2);
  });

  test("derivatives pass straight to the keys, and through the cache only when asked", async () => {
    const { codes } = a.quantizeKeys(k, codebook);
    const slope = (cacheGradient: "flow" | "stop"): Tensor =>
      grad((x: Tensor) => {
        const last = narrow(
          a.vqAttention(q, k, codes, x, { codebook, block: 2, cacheGradient }),
          2,
          T - 1,
          T,
        );
        return sum(last);
      })(v);
    const straight = grad((x: Tensor) => sum(a.quantizeKeys(x, codebook).keys.mul(k)))(k);
    const got = await evaluate({ flow: slope("flow"), stop: slope("stop"), straight });
    const flow = await numbersOf(got.flow);
    const stop = await numbersOf(got.stop);
    // Token 0 is in the cache for the last query, token T − 1 is not.
    expect(flow[0]).toBeGreaterThan(0);
    expect(stop[0]).toBe(0);
    expect(stop[(T - 1) * 3]).toBeCloseTo(flow[(T - 1) * 3] ?? 0, 12);
    expectClose(await got.straight.data(), g.k.data, 1e-12);
  });
});
