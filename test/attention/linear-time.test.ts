import { describe, expect, test } from "vitest";
import * as a from "../../src/attention/index.ts";
import { alibi, rerope, rope, windowMask } from "../../src/position/index.ts";
import {
  compile,
  concat,
  evaluate,
  grad,
  iota,
  narrow,
  random,
  sum,
  type Tensor,
  tensor,
} from "../../src/tensor/index.ts";
import { inner, mix } from "../reference/attention.ts";
import { Checks, expectClose, sample } from "../support/check.ts";
import { expectGradients } from "../support/differences.ts";
import { D, numbersOf, draw, token, performer, weight, early, expectSteps } from "./support.ts";

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
