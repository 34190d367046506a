import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import * as a from "../../src/attention/index.ts";
import { alibi, rerope, rope, windowMask } from "../../src/position/index.ts";
import {
  at,
  compile,
  type Compiled,
  concat,
  type Dtype,
  evaluate,
  grad,
  iota,
  narrow,
  random,
  sum,
  type Tensor,
  tensor,
} from "../../src/tensor/index.ts";
import type { Arr } from "../reference/array.ts";
import { inner, mix, nearest, row } from "../reference/attention.ts";
import { Checks, expectClose, pair, sample } from "../support/check.ts";
import { expectGradients } from "../support/differences.ts";

interface Golden {
  readonly tolerance: number;
  readonly vq: Record<"q" | "k" | "v" | "codebook" | "bias" | "o", Arr> & { readonly codes: number[] };
}
const golden = JSON.parse(
  readFileSync(new URL("../golden/attention.json", import.meta.url), "utf8"),
) as Golden;

const D = 4;
const numbersOf = async (x: Tensor): Promise<number[]> => Array.from(await x.data(), Number);
const draw = (T: number, name: string, dtype: Dtype = "float64", H = 2): { x: Tensor; ref: Arr } =>
  sample([1, H, T, D], { seed: name, low: -1, high: 1, dtype });
const token = (x: Tensor, t: number): Tensor => narrow(x, 2, t, t + 1);

type Kernel = (q: Tensor, k: Tensor, v: Tensor) => Tensor;
/** A linear-time form on the features of a Performer. */
const performer =
  (projection: a.PerformerProjection, form: Kernel): Kernel =>
  (q, k, v) => {
    const f = a.performerPair(q, k, { projection });
    return form(f.q, f.k, v);
  };

const feature = (x: number): number => (x > 0 ? x + 1 : Math.exp(x));
const weight = (x: number[], y: number[]): number => inner(x.map(feature), y.map(feature));
const early = (x: Tensor): Tensor => narrow(x, 2, 0, 4);

/** Runs a compiled step along `T` tokens and compares with rows of the parallel form. */
async function expectSteps<S>(
  step: Compiled<[Tensor, Tensor, Tensor, S], { o: Tensor; state: S }>,
  state: S,
  [q, k, v]: readonly [Tensor, Tensor, Tensor],
  parallel: Tensor,
  tolerance = 1e-12,
): Promise<void> {
  const T = Number(q.shape[2]);
  const outputs: number[][] = [];
  for (let t = 0; t < T; t++) {
    const { o, state: next } = await step(token(q, t), token(k, t), token(v, t), state);
    state = next;
    outputs.push(await numbersOf(o));
  }
  const all = await numbersOf(parallel);
  const [H, E] = [Number(q.shape[1]), Number(v.shape[3])];
  for (const [t, o] of outputs.entries()) {
    const expected = Array.from({ length: H }, (_, h) =>
      all.slice((h * T + t) * E, (h * T + t + 1) * E),
    ).flat();
    expectClose(o, expected, tolerance, `token ${t}`);
  }
  await step.release();
}

describe("windows", () => {
  const w = 3;

  test("equal dense attention under the window's mask: any position, length, grouping", async () => {
    const checks: { window: Tensor; dense: Tensor }[] = [];
    for (const T of [1, 3, 10]) {
      for (const position of [rope(), alibi(), rerope({ window: 2 })]) {
        const [q, k, v] = [draw(T, "q").x, draw(T, "k", "float64", 1).x, draw(T, "v", "float64", 1).x];
        const places = iota(T);
        const mask = windowMask(places, places, { window: w });
        checks.push({
          window: a.windowAttention(q, k, v, { position, window: w }),
          dense: a.attend(q, k, v, { position, queryPositions: places, keyPositions: places, mask }),
        });
      }
    }
    for (const { window, dense } of await evaluate(checks)) {
      expectClose(await window.data(), await numbersOf(dense), 1e-12);
    }
  });

  test("any number of tokens at a time, with a state of constant size", async () => {
    const T = 10;
    for (const position of [rope(), alibi(), rerope({ window: 2 })]) {
      const [q, k, v] = [draw(T, "q").x, draw(T, "k", "float64", 1).x, draw(T, "v", "float64", 1).x];
      const options = { position, window: w };
      const whole = await numbersOf(a.windowAttention(q, k, v, options));
      for (const sizes of [Array<number>(T).fill(1), [2, 5, 1, 2], [T]]) {
        let state = a.windowState([1, 1, D, D], w, { dtype: "float64" });
        let at = 0;
        for (const size of sizes) {
          const part = (x: Tensor): Tensor => narrow(x, 2, at, at + size);
          const queryPositions = iota(size).add(at);
          const out = await evaluate(
            a.windowStep(part(q), part(k), part(v), state, { ...options, queryPositions }),
          );
          state = out.state;
          expect(state.key.shape).toEqual([1, 1, w, D]);
          const rows = (h: number): number[] => whole.slice((h * T + at) * D, (h * T + at + size) * D);
          expectClose(await out.o.data(), [...rows(0), ...rows(1)], 1e-11, `${at} of ${sizes.join()}`);
          at += size;
        }
      }
    }
  });
});

describe("linear attention", () => {
  test("equals sums over keys, causal for any block and over all keys", async () => {
    const [q, k, v] = [draw(10, "q"), draw(10, "k"), draw(10, "v")];
    const [fq, fk] = [a.eluPlusOne(q.x), a.eluPlusOne(k.x)];
    const checks = new Checks();
    checks.add("all", a.linearAttention(fq, fk, v.x), mix(q.ref, k.ref, v.ref, weight));
    const causal = mix(q.ref, k.ref, v.ref, (x, y, { i, j }) => (j <= i ? weight(x, y) : 0));
    for (const block of [1, 3, 5, 64]) {
      checks.add(`block ${block}`, a.causalLinearAttention(fq, fk, v.x, { block }), causal);
    }
    await checks.run();
  });

  test("one token at a time", async () => {
    const [q, k, v] = [draw(7, "q").x, draw(7, "k").x, draw(7, "v").x];
    const step = compile((x: Tensor, y: Tensor, z: Tensor, s: a.LinearState) =>
      a.linearStep(a.eluPlusOne(x), a.eluPlusOne(y), z, s),
    );
    const start = a.linearState([1, 2, D, D], { dtype: "float64" });
    const whole = a.causalLinearAttention(a.eluPlusOne(q), a.eluPlusOne(k), v, { block: 2 });
    await expectSteps(step, start, [q, k, v], whole);
  });
});

describe("Performer", () => {
  const projection = a.performerProjection(random.key(5), D, { features: 6 });
  const performerAttention = performer(projection, a.linearAttention);
  const causalPerformerAttention = performer(projection, a.causalLinearAttention);

  test("directions are orthogonal in groups of D, with lengths as if independent", async () => {
    const { directions, largest } = a.performerProjection(random.key(1), 8, { features: 12 });
    const x = await numbersOf(directions);
    const vector = (r: number): number[] => x.slice(r * 8, r * 8 + 8);
    for (let r = 0; r < 8; r++) {
      for (let s = 0; s < r; s++) expect(Math.abs(inner(vector(r), vector(s)))).toBeLessThan(1e-12);
    }
    const free = await numbersOf(
      a.performerProjection(random.key(1), 8, { features: 12, kind: "independent" }).directions,
    );
    for (let r = 0; r < 12; r++) {
      expect(Math.hypot(...vector(r))).toBeCloseTo(Math.hypot(...free.slice(r * 8, r * 8 + 8)), 10);
      expect(Math.hypot(...vector(r)) ** 2).toBeLessThanOrEqual(largest + 1e-9);
    }
  });

  test("both forms equal sums over features, and padding tokens or later ones change nothing", async () => {
    const [q, k, v] = [draw(9, "q"), draw(9, "k"), draw(9, "v")];
    const w = await numbersOf(projection.directions);
    const phi = (x: number[]): number[] => {
      const y = x.map((value) => value / D ** 0.25);
      return Array.from({ length: 6 }, (_, r) =>
        Math.exp(inner(w.slice(r * D, r * D + D), y) - inner(y, y) / 2),
      );
    };
    const checks = new Checks();
    const product = (x: number[], y: number[]): number => inner(phi(x), phi(y));
    checks.add("all", performerAttention(q.x, k.x, v.x), mix(q.ref, k.ref, v.ref, product));
    const causal = mix(q.ref, k.ref, v.ref, (x, y, { i, j }) => (j <= i ? product(x, y) : 0));
    checks.add("causal", causalPerformerAttention(q.x, k.x, v.x), causal);
    await checks.run();
    const part = causalPerformerAttention(early(q.x), early(k.x), early(v.x));
    const whole = early(causalPerformerAttention(q.x, k.x, v.x));
    expectClose(await part.data(), await numbersOf(whole), 1e-13);
  });

  test("one token at a time", async () => {
    const [q, k, v] = [draw(5, "q").x, draw(5, "k").x, draw(5, "v").x];
    const step = compile((x: Tensor, y: Tensor, z: Tensor, s: a.LinearState) => {
      const f = a.performerPair(x, y, { projection });
      return a.linearStep(f.q, f.k, z, s);
    });
    const start = a.linearState([1, 2, 6, D], { dtype: "float64" });
    await expectSteps(step, start, [q, k, v], causalPerformerAttention(q, k, v));
  });

  test("features are positive, unbiased, of the predicted variance, and better the more there are", async () => {
    const q = [0.3, -0.2, 0.4, 0.1];
    const k = [0.1, 0.5, -0.3, 0.2];
    const x = tensor(Float64Array.from([...q, ...k]), { shape: [1, 1, 2, D] });
    const M = 8;
    const draws = 400;
    const all = Array.from({ length: draws }, (_, n) =>
      a.performerProjection(random.key(n), D, { features: M, kind: "independent" }),
    );
    const directions = concat(
      all.map((p) => p.directions),
      0,
    );
    const phi = await numbersOf(a.performerFeatures(x, { directions, largest: 0 }));
    expect(Math.min(...phi)).toBeGreaterThan(0);
    // Features of every draw lie side by side, divided by √(draws · M) instead of √M.
    const estimates = Array.from({ length: draws }, (_, n) => {
      const part = (of: number): number[] => phi.slice(of * draws * M + n * M, of * draws * M + n * M + M);
      return inner(part(0), part(1)) * draws;
    });
    const truth = Math.exp(inner(q, k));
    const mean = estimates.reduce((s, e) => s + e, 0) / draws;
    const variance = estimates.reduce((s, e) => s + (e - mean) ** 2, 0) / (draws - 1);
    const both = q.map((value, i) => value + (k[i] ?? 0));
    const predicted = (truth ** 2 * (Math.exp(inner(both, both)) - 1)) / M;
    expect(Math.abs(mean / truth - 1)).toBeLessThan(4 * Math.sqrt(predicted / draws));
    expect(variance / predicted).toBeGreaterThan(0.7);
    expect(variance / predicted).toBeLessThan(1.4);
    // Error of attention itself.
    const [a0, b0, c0] = [draw(16, "q"), draw(16, "k"), draw(16, "v")];
    const exact = mix(a0.ref, b0.ref, c0.ref, (y, z) => Math.exp(inner(y, z) / 2)).data;
    const errors = await Promise.all(
      [4, 64, 1024].map(async (features) => {
        const p = a.performerProjection(random.key(9), D, { features });
        const got = await numbersOf(performer(p, a.linearAttention)(a0.x, b0.x, c0.x));
        return Math.sqrt(got.reduce((s, g, i) => s + (g - (exact[i] ?? 0)) ** 2, 0) / got.length);
      }),
    );
    expect(errors[1]).toBeLessThan(errors[0] ?? 0);
    expect(errors[2]).toBeLessThan(errors[1] ?? 0);
    expect(errors[2]).toBeLessThan(0.02);
  });
});

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

describe("every linear-time member", () => {
  const projection = a.performerProjection(random.key(2), D, { features: 5 });
  const book = sample([2, 3, D], { seed: "book" }).x;
  type Form = (q: Tensor, k: Tensor, v: Tensor) => Tensor;
  const MEMBERS: readonly [string, Form][] = [
    ["window", (q, k, v) => a.windowAttention(q, k, v, { position: rope(), window: 2 })],
    ["linear", (q, k, v) => a.linearAttention(a.eluPlusOne(q), a.eluPlusOne(k), v)],
    [
      "causal linear",
      (q, k, v) => a.causalLinearAttention(a.eluPlusOne(q), a.eluPlusOne(k), v, { block: 2 }),
    ],
    ["performer", performer(projection, a.linearAttention)],
    ["causal performer", performer(projection, a.causalLinearAttention)],
    [
      "transformer-vq",
      (q, k, v) => {
        // Keys of the exact memory, as they are: the derivative of snapping is straight-through, not the slope.
        const { codes } = a.quantizeKeys(k, book);
        return a.vqAttention(q, k, codes, v, { codebook: book, block: 1 });
      },
    ],
  ];

  test("derivatives equal central differences", async () => {
    await expectGradients(
      MEMBERS.map(([name, f]) => ({ name, at: ["q", "k", "v"].map((x) => draw(3, x).x), f })),
      1e-7,
    );
  });

  test("keeps float32, finite gradients, T = 1 and odd lengths, the same twice; compiled equals evaluated", async () => {
    for (const T of [1, 7]) {
      const xs = ["q", "k", "v"].map((name) => draw(T, name, "float32").x) as [Tensor, Tensor, Tensor];
      const run = compile((q: Tensor, k: Tensor, v: Tensor) =>
        MEMBERS.map(([name, f]) => {
          const fit: Form = name === "transformer-vq" ? vq32 : f;
          return { o: fit(q, k, v), slope: grad((z: Tensor) => sum(fit(z, k, v)))(q) };
        }),
      );
      const first = await run(...xs);
      const second = await run(...xs);
      for (const [n, { o, slope }] of first.entries()) {
        const name = MEMBERS[n]?.[0] ?? "";
        expect(o.dtype, name).toBe("float32");
        expect(o.shape, name).toEqual([1, 2, T, D]);
        expect(await second[n]?.o.data(), name).toEqual(await o.data());
        for (const x of [...(await numbersOf(o)), ...(await numbersOf(slope))])
          expect(Number.isFinite(x), name).toBe(true);
      }
      await run.release();
    }
  });

  test("refuses what does not fit, with both sizes", () => {
    const [q, k, v] = [draw(4, "q").x, draw(3, "k").x, draw(4, "v").x];
    expect(() => MEMBERS[0]?.[1](q, k, v)).toThrow(
      "windowAttention: k must be [B=1, G=2, T=4, D=4], got [1, 2, 3, 4].",
    );
    for (const [name, f] of MEMBERS) expect(() => f(q, k, v), name).toThrow(/must be|axes/);
    expect(() => a.windowAttention(q, q, v, { position: rope(), window: 0 })).toThrow(
      "windowAttention: window must be a whole number ≥ 1, got 0.",
    );
    expect(() => a.performerProjection(random.key(0), 4, { features: 0 })).toThrow(
      "performerProjection: features must be a whole number ≥ 1, got 0.",
    );
    expect(() =>
      a.vqStep(
        token(q, 0),
        token(q, 0),
        token(v, 0),
        a.vqState([1, 2, 3, D, 3], { block: 2, dtype: "float64" }),
        { codebook: book },
      ),
    ).toThrow(/vqStep: state.value must be/);
  });

  const book32 = sample([2, 3, D], { seed: "book", dtype: "float32" }).x;
  const vq32: Form = (q, k, v) => {
    const { codes, keys } = a.quantizeKeys(k, book32);
    return a.vqAttention(q, keys, codes, v, { codebook: book32, block: 2 });
  };
});
