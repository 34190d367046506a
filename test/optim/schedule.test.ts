// Schedules: inside a graph, as data, and the two against each other.
import { array, assert, double, integer, property, uniqueArray } from "fast-check";
import { describe, expect, test } from "vitest";
import {
  betweenKnots,
  causalRate,
  linearDecay,
  parseSchedule,
  piecewiseLinear,
  rateFactor,
  type RatePlace,
  scheduleConfig,
  warmupStableDecay,
} from "../../src/optim/index.ts";
import { evaluate, tensor } from "../../src/tensor/index.ts";
import { rateAt, trainSettings } from "../../src/train/settings.ts";

const STEPS = [0, 1, 4, 5, 6, 30, 39, 40, 41, 49];

describe("in a graph and on the host they are one", () => {
  const span = { peak: 0.3, steps: 50, warmup: 5 };
  test.each([
    ["linear", linearDecay(span)],
    ["wsd:decay=0.25", warmupStableDecay({ ...span, decay: 0.25 })],
    [
      "piecewise:5=1,40=0.5,50=0",
      piecewiseLinear([
        [40, 0.15],
        [5, 0.3],
        [50, 0],
      ]),
    ],
  ] as const)("%s", async (text, schedule) => {
    const warmup = text.startsWith("piecewise") ? {} : { warmup: 5 };
    const s = trainSettings({ steps: 50, rate: 0.3, schedule: parseSchedule(text), ...warmup });
    const inside = await evaluate(STEPS.map((step) => schedule(tensor(step))));
    for (const [i, step] of STEPS.entries())
      expect(rateAt(s, step)).toBeCloseTo((await inside[i]?.item()) ?? Number.NaN, 6);
  });

  test("linear decay is the theory's: α(1 − t/(T + 1))", () => {
    const s = trainSettings({ steps: 9, rate: 1, warmup: 0, schedule: { type: "linear" } });
    for (let t = 1; t <= 9; t++) expect(rateAt(s, t - 1)).toBeCloseTo(1 - t / 10, 12);
  });

  test("Tiger's dictionary: from 0 unless a knot is there, in any order, constant after the last", () => {
    const knots: [number, number][] = [
      [10, 1],
      [20, 0.1],
    ];
    expect([0, 5, 10, 15, 20, 99].map((t) => betweenKnots(knots, t))).toEqual([0, 0.5, 1, 0.55, 0.1, 0.1]);
    expect(betweenKnots([[0, 1]], 7)).toBe(1);
    assert(
      property(
        uniqueArray(integer({ min: 0, max: 50 }), { minLength: 1, maxLength: 6 }),
        array(double({ min: 0, max: 2, noNaN: true }), { minLength: 6, maxLength: 6 }),
        (steps, values) => {
          const all = steps.map((step, i): [number, number] => [step, values[i] ?? 0]);
          for (const [step, value] of all) expect(betweenKnots(all, step)).toBeCloseTo(value, 12);
          const most = Math.max(...all.map(([, value]) => value));
          for (let t = 0; t < 60; t++) expect(betweenKnots(all, t)).toBeLessThanOrEqual(most + 1e-12);
        },
      ),
    );
  });
});

describe("gradient", () => {
  const place = (norms: readonly number[]): RatePlace => ({
    step: norms.length,
    steps: 20,
    warmup: 0,
    time: 0,
    norms,
  });

  test("begins at the rate, whatever the first gradient, and follows the theory from the past", () => {
    for (const part of [1, 2, 3, 4]) {
      const schedule = scheduleConfig({ type: "gradient", part, memory: 0 });
      const end = part === 4 ? (t: number) => 1 - t / 21 : () => 1;
      expect(rateFactor(schedule, place([]))).toBe(end(1));
      // With memory 0 the next norm is foreseen as the last one; units do not count.
      for (const unit of [1, 1000]) {
        const norms = [3, 2, 4].map((G) => G * unit);
        const foreseen = [3, 3, 2, 4].map((G) => G / 3);
        const rate = causalRate(part === 4 ? 2 : (part as 1 | 2 | 3), foreseen, 1, 1);
        expect(rateFactor(schedule, place(norms))).toBeCloseTo(rate * end(4), 12);
      }
    }
  });

  test("2 warms up while gradients fall, 1 never rises, zeros do no harm", () => {
    const norms = Array.from({ length: 15 }, (_, t) => 10 * 0.8 ** t);
    const factors = (part: number): number[] =>
      norms.map((_, t) =>
        rateFactor(scheduleConfig({ type: "gradient", part, memory: 0.5 }), place(norms.slice(0, t))),
      );
    const two = factors(2);
    expect(two.at(-1)).toBeGreaterThan((two[1] ?? 0) * 3);
    const one = factors(1);
    expect(one.every((f, t) => t === 0 || f <= (one[t - 1] ?? 0))).toBe(true);
    expect(Number.isFinite(rateFactor(scheduleConfig({ type: "gradient" }), place([0, 0, 1, 0])))).toBe(true);
  });
});

describe("bad input", () => {
  test.each([
    [
      "cosin",
      'schedule: type must be one of cosine, constant, linear, wsd, piecewise, gradient, got "cosin".',
    ],
    ["wsd:decay=2", "schedule: wsd: decay must be a number between 0.001 and 1, got 2."],
    ["wsd:decay", 'schedule: "decay" of "wsd:decay" must be field=number.'],
    ["linear:x=1", 'schedule: linear: option "x" is unknown'],
    ["piecewise", "schedule: piecewise: knots must be step=factor, one or more, got none."],
    ["piecewise:1.5=1", 'knots must be a whole step and a factor, both at least 0, got "1.5=1".'],
    ["piecewise:5=-1", 'got "5=-1"'],
    ["gradient:part=5", "schedule: gradient: part must be a whole number between 1 and 4, got 5."],
    ["a:b:c", "schedule: text must be name:field=number,…"],
  ])("%s", (text, message) => {
    expect(() => parseSchedule(text)).toThrow(message);
  });

  test("functions refuse spans and knots that cannot be", () => {
    expect(() => linearDecay({ peak: 1, steps: 3, warmup: 4 })).toThrow(
      "linearDecay: warmup must be between 0 and steps=3, got 4.",
    );
    expect(() => warmupStableDecay({ peak: 1, steps: 3, decay: 0 })).toThrow("decay must be above 0");
    for (const knots of [
      [],
      [[-1, 1]],
      [
        [1, 1],
        [1, 2],
      ],
    ] as const)
      expect(() => piecewiseLinear(knots as never)).toThrow("piecewiseLinear: knots must be");
    expect(() => trainSettings({ minutes: 1, schedule: parseSchedule("piecewise:5=1") })).toThrow(
      "train: minutes must be absent beside schedule piecewise",
    );
  });
});

test("a schedule has its own end, and knots say all of the warm-up", () => {
  expect(trainSettings({ rate: 1 })).toMatchObject({ floor: 0.1, warmup: 100, schedule: { type: "cosine" } });
  expect(trainSettings({ rate: 1, schedule: { type: "linear" } })).toMatchObject({ floor: 0, warmup: 100 });
  expect(trainSettings({ rate: 1, schedule: parseSchedule("piecewise:5=1") }).warmup).toBe(0);
  const constant = trainSettings({ rate: 1, steps: 50, schedule: { type: "constant" } });
  expect([0, 5, 30, 49].map((t) => rateAt(constant, t))).toEqual([1 / 6, 1, 1, 1]);
  const timed = trainSettings({ rate: 1, steps: 50, warmup: 0, minutes: 1, schedule: { type: "wsd" } });
  expect(rateAt(timed, 5, 54)).toBeCloseTo(0.5, 12);
});
