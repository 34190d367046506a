import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as p from "../../src/position/index.ts";
import { tensor, type Tensor, where, tril, ones, cast } from "../../src/tensor/index.ts";
import { inner, plainFrequencies, scoreTable, turned } from "../reference/position.ts";
import { Checks, sample } from "../support/check.ts";
import { expectGradients } from "../support/differences.ts";

const at = (positions: readonly number[]): Tensor => tensor(Array.from(positions), { dtype: "int32" });
const LAYOUTS = ["half", "interleaved"] as const;

describe("rope", () => {
  test("equals turning each vector, in both layouts, any base, part of the head, at T = 1 and odd lengths", async () => {
    const checks = new Checks();
    for (const layout of LAYOUTS) {
      for (const [base, fraction] of [
        [10_000, 1],
        [500, 0.5],
      ] as const) {
        for (const T of [1, 7]) {
          const D = 12;
          const q = sample([2, 3, T, D], { seed: "q" });
          const k = sample([2, 3, 7, D], { seed: "k" });
          const i = Array.from({ length: T }, (_, t) => 30 + t);
          const j = Array.from({ length: 7 }, (_, s) => 30 + s - (7 - T));
          const theta = plainFrequencies(D * fraction, base);
          const x = p.rope({ base, layout, fraction }).scores(q.x, k.x, at(i), at(j), 0.3);
          const rule = (a: number[], b: number[], m: number, n: number): number =>
            0.3 * inner(turned(a, m, theta, layout), turned(b, n, theta, layout));
          checks.add(`${layout} ${base} ${fraction} ${T}`, x, scoreTable(q.ref, k.ref, i, j, rule));
        }
      }
    }
    await checks.run();
  });

  test("keeps norms, depends on the difference of positions only, and layouts are permutations", async () => {
    const D = 10;
    const T = 5;
    const q = sample([1, 2, T, D], { seed: "q" });
    const k = sample([1, 2, T, D], { seed: "k" });
    const i = [0, 1, 2, 3, 4];
    const shifted = i.map((m) => m + 1000);
    const theta = p.ropeFrequencies(D, 10_000);
    const turnedQ = p.rotate(q.x, at(i), theta);
    const rope = p.rope();
    const plain = await rope.scores(q.x, k.x, at(i), at(i), 1).data();
    const later = await rope.scores(q.x, k.x, at(shifted), at(shifted), 1).data();
    for (let n = 0; n < plain.length; n++) expect(Number(later[n])).toBeCloseTo(Number(plain[n]), 9);
    const length = (data: ArrayLike<number | bigint>, t: number): number =>
      Math.hypot(...Array.from({ length: D }, (_, d) => Number(data[t * D + d])));
    const before = q.ref.data;
    const after = await turnedQ.data();
    for (let t = 0; t < 2 * T; t++) expect(length(after, t)).toBeCloseTo(length(before, t), 12);
    // Numbers of pair i: (i, i + D/2) in one layout, (2i, 2i + 1) in the other.
    const order = Array.from({ length: D }, (_, d) => (d % 2 === 0 ? d / 2 : (D + d - 1) / 2));
    const shuffle = (data: ArrayLike<number | bigint>): number[] =>
      Array.from({ length: 2 * T * D }, (_, n) => Number(data[Math.floor(n / D) * D + (order[n % D] ?? 0)]));
    const mixed = tensor(Float64Array.from(shuffle(before)), { shape: [1, 2, T, D] });
    const other = await p.rotate(mixed, at(i), theta, "interleaved").data();
    expect(Array.from(other, Number)).toEqual(shuffle(after));
  });

  test("has the derivative of its definition, as have its relatives", async () => {
    const q = sample([1, 2, 3, 4], { seed: "q" }).x;
    const k = sample([1, 2, 3, 4], { seed: "k" }).x;
    const i = at([4, 5, 6]);
    const row = (name: string, position: p.Position) => ({
      name,
      at: [q, k],
      f: (a: Tensor, b: Tensor) => position.scores(a, b, i, i, 0.3),
    });
    await expectGradients([
      row("rope", p.rope({ base: 50, fraction: 0.5, layout: "interleaved" })),
      row("rerope", p.rerope({ window: 2, base: 50 })),
      row("leaky", p.leakyRerope({ window: 1, leak: 0.25, base: 50 })),
      row("dynamic", p.dynamicNtk({ trainingLength: 3, base: 50 })),
      row("alibi", p.alibi()),
      row("log", p.logScaledAfter(p.rope(), { trainingLength: 5 })),
      row("key norm", p.keyNormalised(p.rope())),
      row("cosine", p.cosineAttention(p.rope(), { count: "causal" })),
    ]);
  });

  test("rejects what makes no rotation, with both numbers", () => {
    const q = sample([1, 1, 2, 5]).x;
    expect(() => p.rope().scores(q, q, at([0, 1]), at([0, 1]), 1)).toThrow(
      "rope: fraction of head width must be even, got 5 of 5.",
    );
    expect(() => p.rope({ base: 1 })).toThrow("rope: base must be above 1, got 1.");
    expect(() => p.rope({ fraction: 0 })).toThrow("rope: fraction must be in (0, 1], got 0.");
    expect(() => p.rope({ bse: 3 } as object)).toThrow('rope: option "bse" is unknown. Did you mean base?');
    const even = sample([1, 1, 2, 6]).x;
    expect(() => p.rope().scores(even, even, at([0, 1, 2]), at([0, 1]), 1)).toThrow(
      "rotate: positions must be [T=2], got [3].",
    );
  });
});

describe("rerope family", () => {
  const D = 8;
  const T = 11;
  const theta = plainFrequencies(D, 100);
  const q = sample([1, 2, T, D], { seed: "q" });
  const k = sample([1, 2, T, D], { seed: "k" });
  const i = Array.from({ length: T }, (_, t) => 20 + t);
  const causal = (x: Tensor): Tensor => where(cast(tril(ones([T, T])), "bool"), x, 0);
  const clipped = (w: number, leak: number) => {
    return scoreTable(q.ref, k.ref, i, i, (a, b, m, n) => {
      const distance = m - n;
      if (distance < 0) return 0;
      const P = distance < w ? distance : w + (distance - w) / leak;
      return 0.5 * inner(turned(a, P, theta, "half"), b);
    });
  };

  test("scores are those of the clipped distance, in parallel and one query at a time", async () => {
    const checks = new Checks();
    for (const w of [1, 4, 11]) {
      const parallel = p.rerope({ window: w, base: 100 }).scores(q.x, k.x, at(i), at(i), 0.5);
      checks.add(`rerope ${w}`, causal(parallel), clipped(w, Infinity));
      for (const leak of [4, 1 / 16, 1e12]) {
        const leaky = p.leakyRerope({ window: w, leak, base: 100 }).scores(q.x, k.x, at(i), at(i), 0.5);
        checks.add(`leaky ${w} ${leak}`, causal(leaky), clipped(w, leak === 1e12 ? Infinity : leak), 1e-10);
      }
    }
    await checks.run();
    const single = new Checks();
    for (const [name, position, expected] of [
      ["rerope", p.rerope({ window: 3, base: 100 }), clipped(3, Infinity)],
      ["leaky", p.leakyRerope({ window: 3, leak: 4, base: 100 }), clipped(3, 4)],
    ] as const) {
      const last = sample([1, 2, 1, D], { seed: "q" }); // same stream, other use
      const rule = scoreTable(last.ref, k.ref, [i.at(-1) ?? 0], i, (a, b, m, n) => {
        const P = m - n < 3 ? m - n : name === "rerope" ? 3 : 3 + (m - n - 3) / 4;
        return 0.5 * inner(turned(a, P, theta, "half"), b);
      });
      expect(expected.shape).toEqual([1, 2, T, T]);
      single.add(name, position.scores(last.x, k.x, at([i.at(-1) ?? 0]), at(i), 0.5), rule);
    }
    await single.run();
  });

  test("a window of the whole length, or a leak of one, is RoPE; nothing depends on where the text stands", async () => {
    const rope = p.rope({ base: 100 }).scores(q.x, k.x, at(i), at(i), 0.5);
    const same = [
      p.rerope({ window: T, base: 100 }).scores(q.x, k.x, at(i), at(i), 0.5),
      p.leakyRerope({ window: 3, leak: 1, base: 100 }).scores(q.x, k.x, at(i), at(i), 0.5),
    ];
    const moved = at(i.map((m) => m + 500));
    const a = p.leakyRerope({ window: 3, leak: 7, base: 100 });
    const differences = [
      ...same.map((x) => x.sub(rope)),
      a.scores(q.x, k.x, moved, moved, 0.5).sub(a.scores(q.x, k.x, at(i), at(i), 0.5)),
    ];
    for (const x of differences) {
      for (const value of await x.data()) expect(Math.abs(Number(value))).toBeLessThan(1e-10);
    }
  });

  test("one query finds the keys within its window by position: gaps, any order, keys ahead", async () => {
    const { x: one, ref } = sample([1, 2, 1, D], { seed: "one" });
    const places = [9, 0, 20, 4, 3, 10, 8, 11, 2, 7, 1];
    const expected = scoreTable(ref, k.ref, [10], places, (a, b, m, n) =>
      m < n ? 0 : inner(turned(a, Math.min(m - n, 3), theta, "half"), b),
    );
    const ahead = places.map((n) => Number(n <= 10));
    const visible = tensor(Float64Array.from(ahead));
    const checks = new Checks();
    checks.add(
      "gaps",
      p
        .rerope({ window: 3, base: 100 })
        .scores(one, k.x, at([10]), at(places), 1)
        .mul(visible),
      expected,
    );
    await checks.run();
  });

  test("magnitude enters squared, in both forms", async () => {
    const plain = p.rerope({ window: 3, base: 100 });
    const loud = p.rerope({ window: 3, base: 100, magnitude: 1.3 });
    const one = sample([1, 2, 1, D], { seed: "one" }).x;
    const checks = [
      [loud.scores(q.x, k.x, at(i), at(i), 1), plain.scores(q.x, k.x, at(i), at(i), 1)],
      [loud.scores(one, k.x, at([40]), at(i), 1), plain.scores(one, k.x, at([40]), at(i), 1)],
    ] as const;
    for (const [x, y] of checks) {
      for (const value of await x.sub(y.mul(1.69)).data())
        expect(Math.abs(Number(value))).toBeLessThan(1e-11);
    }
  });

  test("inverse leaky: stretched beyond N/4 in training, plain RoPE at inference", async () => {
    const { training, inference } = p.inverseLeakyRerope({ trainingLength: 16, scale: 2, base: 100 });
    const checks = new Checks();
    checks.add("training", causal(training.scores(q.x, k.x, at(i), at(i), 0.5)), clipped(4, 1 / 4));
    checks.add("inference", causal(inference.scores(q.x, k.x, at(i), at(i), 0.5)), clipped(T, 1));
    await checks.run();
  });

  test("rejects a window of zero and a leak of zero", () => {
    expect(() => p.rerope({ window: 0 })).toThrow("rerope: window must be a whole number ≥ 1, got 0.");
    expect(() => p.leakyRerope({ window: 4, leak: 0 })).toThrow("leakyRerope: leak must be above 0, got 0.");
    expect(() => p.inverseLeakyRerope({ trainingLength: 64, scale: 0.5 })).toThrow(
      "inverseLeakyRerope: scale must be a number ≥ 1, got 0.5.",
    );
  });
});

test("positions may be fractions: interpolation turns as far at p as the trained model at p/s", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 6 }),
      fc.double({ min: 1, max: 16, noNaN: true }),
      async (half, s) => {
        const D = 2 * half;
        const slow = p.positionInterpolation({ scale: s })(D, 10_000);
        const theta = p.ropeFrequencies(D, 10_000);
        for (const m of [0, 1, 37]) {
          for (let n = 0; n < half; n++)
            expect(m * (slow[n] ?? 0)).toBeCloseTo((m / s) * (theta[n] ?? 0), 12);
        }
      },
    ),
    { seed: 5, numRuns: 30 },
  );
});
