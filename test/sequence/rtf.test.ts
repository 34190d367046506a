// Rational transfer functions: the lists of the paper and of the article, in float64.
import { array, assert, double, property } from "fast-check";
import { describe, expect, test } from "vitest";
import {
  checkPoles,
  montel,
  poleModuli,
  rationalInit,
  rationalOf,
  rtf,
  rtfKernel,
  rtfLeastDenominator,
  rtfPrefill,
  rtfReadout,
  rtfState,
  rtfSteps,
  stateSpaceOf,
} from "../../src/sequence/index.ts";
import { evaluate, grad, narrow, random, sum, type Tensor, tensor } from "../../src/tensor/index.ts";
import { companion, kernel, recurrence, solved, transposed, withoutPower } from "../reference/sequence.ts";
import { expectClose, list, sample } from "../support/check.ts";
import golden from "../golden/sequence.json" with { type: "json" };

/** Coefficients with poles of one modulus, in conjugate pairs at some angles: real polynomials. */
function withPoles(modulus: number, angles: readonly number[]): number[] {
  return angles
    .reduce<number[]>(
      (p, angle) => {
        const q = [1, -2 * modulus * Math.cos(angle), modulus * modulus];
        return Array.from({ length: p.length + 2 }, (_, i) =>
          q.reduce((total, c, j) => total + c * (p[i - j] ?? 0), 0),
        );
      },
      [1],
    )
    .slice(1);
}

const row = (x: readonly number[]): Tensor => tensor(Float64Array.from(x), { shape: [1, x.length] });

describe.each([
  ["order 4, length 16", 0.9, [0.3, 1.1], 16],
  ["order 6, an odd length", 0.97, [0.3, 1.4, 2.9], 63],
  ["order 2, slow poles", 0.99, [0.7], 300],
  ["order just below the length", 0.5, [0.4, 2], 5],
])("%s", (_, modulus, angles, L) => {
  const a = withPoles(modulus, angles);
  const b = sample([1, a.length], { seed: "b", low: -1, high: 1 });
  const params = { a: row(a), b: b.x };
  const A = companion(a);
  const e1 = a.map((__, i) => Number(i === 0));

  test("the kernel is the response of the recurrence with the exact correction", async () => {
    const [K, c] = [
      await list(rtfKernel(params, { length: L })),
      await list(rtfReadout(params, { length: L })),
    ];
    expectClose(K, recurrence(a, c, 0, [1, ...Array.from({ length: L - 1 }, () => 0)]).y, 1e-9);
    expectClose(c, solved(transposed(withoutPower(A, L)), b.ref.data as number[]), 1e-9);
  });

  test("without a correction all later rounds fold onto the kernel", async () => {
    const K = await list(rtfKernel(params, { length: L }));
    const rounds = Math.ceil(40 / -Math.log(modulus) / L);
    const long = kernel(A, e1, b.ref.data as number[], L * (rounds + 1));
    const folded = K.map((__, t) => long.filter((___, i) => i % L === t).reduce((x, y) => x + y, 0));
    expectClose(K, folded, 1e-11);
  });

  test("coefficients and state spaces are the same thing both ways", async () => {
    const space = await stateSpaceOf({
      a: tensor(Float64Array.from(a)),
      b: tensor(Float64Array.from(b.ref.data)),
    });
    const back = await rationalOf(space);
    expectClose(await list(back.a), a, 1e-12);
    expectClose(await list(back.b), b.ref.data, 1e-12);
  });
});

test("the released code's untransposed system gives another row, and another kernel", async () => {
  const [a, L] = [withPoles(0.97, [0.3, 1.4]), 64];
  const b = sample([1, 4], { seed: "b", low: -1, high: 1 });
  const K = await list(rtfKernel({ a: row(a), b: b.x }, { length: L }));
  const impulse = [1, ...Array.from({ length: L - 1 }, () => 0)];
  const worst = (c: number[]): number =>
    Math.max(...recurrence(a, c, 0, impulse).y.map((y, t) => Math.abs(y - (K[t] ?? Number.NaN))));
  const system = withoutPower(companion(a), L);
  expect(worst(solved(transposed(system), b.ref.data as number[]))).toBeLessThan(1e-11);
  expect(worst(solved(system, b.ref.data as number[]))).toBeGreaterThan(0.01);
});

describe("parallel and step form", () => {
  const [B, C, L] = [2, 4, 12];
  const a = [withPoles(0.8, [0.5]), withPoles(0.6, [2])];
  const params = {
    a: tensor(Float64Array.from(a.flat()), { shape: [2, 2] }), // two groups of two channels
    b: sample([C, 2], { seed: "b" }).x,
    h0: sample([C], { seed: "h0" }).x,
  };

  test.each([1, 2, 3, 7, 12, 13, 40])("agree at each of %i places, beyond the length too", async (T) => {
    const u = sample([B, T, C], { seed: `u${T}` });
    const steps = rtfSteps(params, u.x, rtfState(params, B), { length: L });
    const got = await evaluate({
      whole: rtf(params, u.x, { length: L }),
      steps: steps.y,
      state: steps.state,
      filled: rtfPrefill(params.a, u.x),
    });
    const c = await list(rtfReadout(params, { length: L }));
    const h0 = await list(params.h0);
    const [expected, states]: [number[], number[]] = [[], []];
    for (let n = 0; n < B * C; n++) {
      const [batch, channel] = [Math.floor(n / C), n % C];
      const signal = Array.from({ length: T }, (_, t) => u.ref.data[(batch * T + t) * C + channel] ?? 0);
      const { y, state } = recurrence(
        a[Math.floor(channel / 2)] ?? [],
        c.slice(2 * channel, 2 * channel + 2),
        h0[channel] ?? 0,
        signal,
      );
      y.forEach((value, t) => (expected[(batch * T + t) * C + channel] = value));
      states.push(...state);
    }
    expectClose(await got.whole.data(), expected, 1e-11, "parallel");
    expectClose(await got.steps.data(), expected, 1e-11, "steps");
    expectClose(await got.state.data(), states, 1e-11, "state");
    expectClose(await got.filled.data(), states, 1e-11, "prefill");
  });

  test("a text goes on from the state that a prompt leaves", async () => {
    const u = sample([B, 9, C], { seed: "prompt" }).x;
    const state = rtfPrefill(params.a, narrow(u, 1, 0, 5));
    const rest = rtfSteps(params, narrow(u, 1, 5, 9), state, { length: L }).y;
    const all = narrow(rtf(params, u, { length: L }), 1, 5, 9);
    expectClose(await list(rest), await list(all), 1e-12);
  });

  test("gradients of both forms are those of central differences", async () => {
    const u = sample([1, 5, C], { seed: "u" }).x;
    const w = sample([1, 5, C], { seed: "w" }).x;
    const whole = (p: typeof params) => sum(rtf(p, u, { length: L }).mul(w));
    const steps = (p: typeof params) => sum(rtfSteps(p, u, rtfState(p, 1), { length: L }).y.mul(w));
    const both = await evaluate([grad(whole)(params), grad(steps)(params)]);
    for (const name of ["a", "b", "h0"] as const) {
      const values = await list(params[name]);
      const at = (i: number, by: number): Tensor => {
        const moved = Float64Array.from(values, (x, j) => (i === j ? x + by : x));
        return whole({ ...params, [name]: tensor(moved, { shape: params[name].shape as number[] }) });
      };
      const slopes = await evaluate(values.map((_, i) => at(i, 1e-5).sub(at(i, -1e-5)).mul(5e4)));
      const expected = await Promise.all(slopes.map((x) => x.item()));
      for (const g of both) expectClose(await list(g[name]), expected.map(Number), 1e-8, name);
    }
  });
});

test("no denominator is a filter of d taps", async () => {
  const b = sample([3, 4], { seed: "taps" });
  const K = await list(
    rtfKernel({ a: tensor(new Float64Array(4), { shape: [1, 4] }), b: b.x }, { length: 9 }),
  );
  const taps = Array.from({ length: 3 }, (_, c) => [...b.ref.data.slice(4 * c, 4 * c + 4), 0, 0, 0, 0, 0]);
  expectClose(K, taps.flat(), 1e-14);
});

test("scipy's impulse response, and its coefficients of S4's steps", async () => {
  const { A, B, C, a, b, length, kernel: expected } = golden.rtf;
  const space = {
    A: tensor(A, { dtype: "float64" }),
    B: tensor(B, { dtype: "float64" }),
    C: tensor(C, { dtype: "float64" }),
  };
  const got = await rationalOf(space);
  expectClose(await list(got.a), a, 1e-11);
  expectClose(await list(got.b), b, 1e-11);
  expectClose(await list(rtfKernel({ a: row(a), b: row(b) }, { length })), expected, 1e-11);
});

test("absolute values that add up to less than one keep every pole inside", async () => {
  const draws = random.normal(random.key(3), [40, 6], { dtype: "float64" });
  const inside = await list(montel(draws, tensor(new Float64Array(40))));
  for (let g = 0; g < 40; g++) expect(poleModuli(inside.slice(6 * g, 6 * g + 6))[0]).toBeLessThan(1);
  assert(
    property(array(double({ min: -1, max: 1, noNaN: true }), { minLength: 1, maxLength: 8 }), (given) => {
      const total = given.reduce((all, x) => all + Math.abs(x), 1e-3);
      expect(poleModuli(given.map((x) => x / total))[0]).toBeLessThan(1);
    }),
    { numRuns: 50 },
  );
});

test("first coefficients are zero, or within their bounds", async () => {
  const of = (init: "zero" | "xavier" | "montel") => list(rationalInit(init, random.key(1), [3, 16]));
  expect(Math.max(...(await of("zero")).map(Math.abs))).toBe(0);
  const largest = async (init: "xavier" | "montel") => Math.max(...(await of(init)).map(Math.abs));
  expect(await largest("xavier")).toBeLessThanOrEqual(1 / 4);
  expect(await largest("xavier")).toBeGreaterThan(1 / 8);
  expect(await largest("montel")).toBeLessThanOrEqual(1 / 16);
});

test("poles are known by their modulus, and those outside are refused with it", async () => {
  expectClose(poleModuli(withPoles(0.9, [0.3, 1.2])), [0.9, 0.9, 0.9, 0.9], 1e-9);
  await checkPoles(row(withPoles(0.9, [0.3])));
  const both = tensor(Float64Array.from([0, 0, ...withPoles(1.25, [1])]), { shape: [2, 2] });
  await expect(checkPoles(both)).rejects.toThrow(
    "rtf: poles of group 1 must lie inside the unit circle, got a largest modulus of 1.25000. Use montel.",
  );
});

test("the least denominator nears zero as a pole nears a root of unity", async () => {
  const least = (modulus: number) =>
    rtfLeastDenominator(row(withPoles(modulus, [Math.PI / 4])), { length: 16 }).item();
  const distance = (r: number, k: number): number =>
    Math.hypot(1 - r * Math.cos((Math.PI * k) / 8), r * Math.sin((Math.PI * k) / 8));
  for (const r of [0.5, 0.9, 0.999]) {
    const all = Array.from({ length: 16 }, (_, k) => distance(r, k - 2) * distance(r, k + 2));
    expect(await least(r)).toBeCloseTo(Math.min(...all), 9);
  }
  expect(await least(0.999)).toBeLessThan(0.002);
});

test("orders that reach the length and groups that do not divide are refused with both numbers", () => {
  const of = (groups: number, d: number) => ({ a: sample([groups, d]).x, b: sample([6, d]).x });
  expect(() => rtfKernel(of(1, 8), { length: 8 })).toThrow(
    "rtfKernel: length must be a whole number above the order 8, got 8.",
  );
  expect(() => rtfKernel(of(4, 3), { length: 8 })).toThrow(
    "rtfKernel: groups of a must divide the 6 channels of b, got 4.",
  );
});
