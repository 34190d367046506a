// What single rules promise beyond their trajectories: positivity, the closed form of gains, directions of one size.
import { array, assert, asyncProperty, type Arbitrary, double } from "fast-check";
import { describe, expect, test } from "vitest";
import {
  applyUpdates,
  constantRate,
  eg,
  metaGain,
  funnelledGain,
  muon,
  orthogonalise,
  type Transform,
} from "../../src/optim/index.ts";
import { compile, evaluate, matmul, svd, type Tensor, tensor, transpose } from "../../src/tensor/index.ts";
import { numbers, seedOf } from "../support/numbers.ts";

type Params = { readonly x: Tensor };
type Rule = Transform<Params, Record<string, unknown>>;
const values = async (t: Tensor): Promise<number[]> => Array.from(await t.data(), Number);

/** `x` after one step with gradient `g`. */
async function after(rule: Rule, x: Tensor, g: Tensor): Promise<number[]> {
  const { updates } = rule.update({ x: g }, rule.init({ x }), { x });
  return values(applyUpdates({ x }, updates).x);
}

describe("exponentiated gradient", () => {
  const big = double({ min: -1e6, max: 1e6, noNaN: true });
  const four = (of: Arbitrary<number>): Arbitrary<number[]> => array(of, { minLength: 4, maxLength: 4 });

  test.each(["float32", "float64"] as const)(
    "keeps positive numbers positive at any rate, %s",
    async (dtype) => {
      const step = compile((x: Tensor, g: Tensor) => {
        const rule = eg<Params>(constantRate(1));
        return applyUpdates({ x }, rule.update({ x: g }, rule.init({ x }), { x }).updates);
      });
      const start = double({ min: 1e-3, max: 10, noNaN: true });
      await assert(
        asyncProperty(four(start), four(big), async (x, g) => {
          const next = await values((await step(tensor(x, { dtype }), tensor(g, { dtype }))).x);
          expect(next.every((v) => v > 0 && Number.isFinite(v))).toBe(true);
          const before = await values(tensor(x, { dtype }));
          next.forEach((v, i) => {
            expect(Math.sign(v - (before[i] ?? 0)) * Math.sign(g[i] ?? 0)).toBeLessThanOrEqual(0);
          });
        }),
        { numRuns: 40 },
      );
    },
  );

  test("leaves exact zeros at zero, and moves them where numbers are signed", async () => {
    const [x, g] = [tensor([0, 0.5]), tensor([-3, 0])];
    expect(await after(eg(constantRate(1)), x, g)).toEqual([0, 0.5]);
    const [first, second] = await after(eg(constantRate(1), { form: "signed", beta: 0.1 }), x, g);
    expect(first).toBeCloseTo(0.1 * Math.sinh(3), 5);
    expect(second).toBe(0.5);
  });

  test("on distributions every row stays one, and a constant in the gradient changes nothing", async () => {
    const step = compile((x: Tensor, g: Tensor) => {
      const rule = eg<Params>(constantRate(1), { form: "simplex" });
      return applyUpdates({ x }, rule.update({ x: g }, rule.init({ x }), { x }).updates);
    });
    await assert(
      asyncProperty(four(double({ min: 0.01, max: 1, noNaN: true })), four(big), async (w, g) => {
        const sum = w.reduce((a, b) => a + b);
        const x = tensor(Float64Array.from(w, (v) => v / sum));
        const next = await values((await step(x, tensor(Float64Array.from(g)))).x);
        expect(next.every((v) => v > 0)).toBe(true);
        expect(next.reduce((a, b) => a + b)).toBeCloseTo(1, 12);
        const shifted = await values((await step(x, tensor(Float64Array.from(g, (v) => v + 1024)))).x);
        next.forEach((v, i) => expect(shifted[i]).toBeCloseTo(v, 8));
      }),
      { numRuns: 30 },
    );
  });

  test("far above β a signed number moves in proportion, far below it by β times the gradient", async () => {
    const g = tensor(new Float64Array([0.2, 0.2, 0.2]));
    const rule = eg<Params>(constantRate(0.5), { form: "signed", beta: 1e-3 });
    const [up = 0, down = 0, small = 0] = await after(rule, tensor(new Float64Array([5, -5, 1e-8])), g);
    expect(up).toBeCloseTo(5 * Math.exp(-0.1), 6);
    expect(down).toBeCloseTo(-5 * Math.exp(0.1), 6);
    expect(small).toBeCloseTo(1e-8 - 1e-3 * Math.sinh(0.1), 9);
  });

  test("refuses a limit and a β that are no sizes", () => {
    expect(() => eg(constantRate(1), { limit: 0 })).toThrow("eg: limit must be a number above 0, got 0.");
    expect(() => eg(constantRate(1), { beta: Number.NaN })).toThrow(
      "eg: beta must be a number above 0, got NaN.",
    );
  });
});

describe("gains", () => {
  test("are exp(γ Σ g′g): the closed form of the article", async () => {
    const gamma = 0.03;
    const rule = metaGain<Params>(constantRate(0.1), { gamma, low: 1e-9, high: 1e9 });
    const next = numbers(seedOf("gains"));
    const gradients = Array.from({ length: 12 }, () => Float64Array.from({ length: 3 }, next));
    let state = rule.init({ x: tensor(new Float64Array(3)) });
    for (const g of gradients)
      ({ state } = rule.update({ x: tensor(g) }, state, { x: tensor(new Float64Array(3)) }));
    const { gain } = (await evaluate(state))["gain"] as { gain: Params };
    const sums = [0, 1, 2].map((i) =>
      gradients.reduce((sum, g, t) => sum + (g[i] ?? 0) * (gradients[t - 1]?.[i] ?? 0), 0),
    );
    (await values(gain.x)).forEach((v, i) => expect(v).toBeCloseTo(Math.exp(gamma * (sums[i] ?? 0)), 12));
  });

  test("stay within their bounds, and finite, for gradients of any size", async () => {
    const rule = metaGain<Params>(constantRate(0.1), { gamma: 1, low: 0.1, high: 7 });
    const x = tensor([0, 0]);
    let state = rule.init({ x });
    for (const sign of [1, 1, 1])
      ({ state } = rule.update({ x: tensor([sign * 1e15, 1e15 * sign]) }, state, { x }));
    const { gain } = (await evaluate(state))["gain"] as { gain: Params };
    expect(await values(gain.x)).toEqual([7, 7]);
    ({ state } = rule.update({ x: tensor([-1e15, 1e15]) }, state, { x }));
    const { gain: turned } = (await evaluate(state))["gain"] as { gain: Params };
    expect((await values(turned.x))[0]).toBeCloseTo(0.1, 6);
  });

  test("a rate a hundred times too small is mended by the funnel, and by plain descent is not", async () => {
    // ½ Σ h x², curvatures 0.1 … 10; the best fixed rate is near 0.2.
    const h = Float64Array.from({ length: 20 }, (_, i) => 0.1 * 100 ** (i / 19));
    const last = async (rule: Rule): Promise<number> => {
      const step = compile((x: Tensor, state: Record<string, unknown>) => {
        const done = rule.update({ x: x.mul(tensor(h)) }, state, { x });
        return { x: x.add(done.updates.x), state: done.state };
      });
      let now = {
        x: tensor(new Float64Array(20).fill(1)),
        state: await evaluate(rule.init({ x: tensor(h) })),
      };
      for (let t = 0; t < 400; t++) now = await step(now.x, now.state);
      const x = await values(now.x);
      return x.reduce((sum, v, i) => sum + ((h[i] ?? 0) * v * v) / 2, 0);
    };
    const rate = constantRate(0.001);
    const alone = await last(metaGain<Params>(rate, { gamma: 0 }));
    const gained = await last(
      funnelledGain<Params>(rate, { gamma: 0, whole: 0.02, momentum: 0, normalise: true }),
    );
    expect(alone).toBeGreaterThan(2);
    expect(gained).toBeLessThan(alone / 20);
  });
});

describe("Muon", () => {
  test.each([
    [5, 5],
    [3, 7],
    [8, 2],
  ])("turns a %i × %i matrix into one of singular values near 1, in its own directions", async (m, n) => {
    const next = numbers(seedOf(`muon ${m} ${n}`));
    const g = tensor(Float64Array.from({ length: m * n }, next), { shape: [m, n] });
    const { u, s, v } = await svd(g);
    const inside = await values(matmul(matmul(transpose(u), orthogonalise(g, 10)), v));
    const least = Math.min(m, n);
    expect((await values(s)).every((v) => v > 1e-3)).toBe(true);
    inside.forEach((v, at) => {
      if (Math.floor(at / least) === at % least) expect(Math.abs(v - 1)).toBeLessThan(0.35);
      else expect(Math.abs(v)).toBeLessThan(1e-9);
    });
  });

  test("moves matrices and no vector by it, and takes the role's word", async () => {
    const rule = muon<{ x: Tensor; b: Tensor }>(constantRate(1), { decay: 0 }, (name) =>
      name === "b" ? "table" : "matrix",
    );
    const g = tensor([
      [3, 0],
      [0, 4],
    ]);
    const params = { x: g, b: g };
    const { updates } = rule.update(params, rule.init(params), params);
    const [x, b] = [await values(updates.x), await values(updates.b)];
    // 0.2 √2 in every direction; Adam's first step is the sign.
    expect(Math.abs((x[0] ?? 0) / (-0.2 * Math.SQRT2) - 1)).toBeLessThan(0.35);
    expect(b[0]).toBeCloseTo(-1, 4);
    expect(x[1]).toBeCloseTo(0, 6);
  });
});
