// The theory of SGD on logistic regressions in float64: every line of every proof, on sample paths and over all of them.
import { array, assert, double, integer, property, tuple } from "fast-check";
import { describe, expect, test } from "vitest";
import golden from "../golden/sgd-theory.json" with { type: "json" };
import {
  averageBound,
  averageLines,
  causalRate,
  constantRates,
  gradientAwareLines,
  hindsightRates,
  lastBound,
  lastIterateRates,
  lastLines,
  lastMonotoneBound,
  lastMonotoneLines,
  type Line,
  linearRates,
  lineHolds,
  logisticRegression,
  meanLoss,
  minimiser,
  type Paths,
  rootRates,
  runSgd,
  unboundedBound,
  unboundedLines,
  weightedBound,
} from "../../src/optim/index.ts";
import { numbers, seedOf } from "../support/numbers.ts";

/** Rows of length 1, so that no gradient is longer, with labels by a plane and some noise. */
function rowsOf(count: number, width: number, seed: string): { rows: number[][]; labels: number[] } {
  const next = numbers(seedOf(seed));
  const plane = Array.from({ length: width }, next);
  const rows = Array.from({ length: count }, () => {
    const a = Array.from({ length: width }, next);
    const length = Math.hypot(...a);
    return a.map((v) => v / length);
  });
  const labels = rows.map((a) =>
    a.reduce((sum, v, i) => sum + v * (plane[i] ?? 0), 0) + 0.6 * next() > 0 ? 1 : -1,
  );
  return { rows, labels };
}

function expectLines(lines: readonly Line[]): void {
  expect(lines.length).toBeGreaterThan(0);
  expect(lines.filter((line) => !lineHolds(line))).toEqual([]);
}

const valueOf = (lines: readonly Line[], says: string): Line => {
  const line = lines.find((l) => l.says === says);
  if (line === undefined) throw new Error(`no line says ${says}`);
  return line;
};

describe("I, on every sample path", () => {
  const { rows, labels } = rowsOf(200, 5, "regression");
  const problem = logisticRegression(rows, labels, 3);
  const start = [0, 0, 0, 0, 0];
  const best = minimiser(problem, start, 0.25, 1500);

  test.each([
    ["constant", constantRates],
    ["one over the root", rootRates],
    ["linear", linearRates],
  ])("%s rates: all lines hold, for the best parameters and for others", (_, ratesOf) => {
    const rates = ratesOf({ steps: 300, distance: 6, gradient: 1 });
    for (const seed of ["a", "b", "c"]) {
      const next = numbers(seedOf(`path ${seed}`));
      const examples = rates.map(() => Math.floor(((next() + 1) / 2) * 200) % 200);
      const run = runSgd(problem, start, rates, examples);
      for (const other of [best, [1, -1, 0, 2, 0.5], start])
        expectLines(averageLines(run, other, { diameter: 6, gradient: 1 }));
    }
  });

  test("regret falls like the root of the steps, and the last parameters are best under linear decay", () => {
    const excess = (steps: number, ratesOf: typeof constantRates): { regret: number; last: number } => {
      const rates = ratesOf({ steps, distance: 6, gradient: 1 });
      const next = numbers(seedOf("long"));
      const run = runSgd(
        problem,
        start,
        rates,
        rates.map(() => Math.floor(((next() + 1) / 2) * 200) % 200),
      );
      const regret = valueOf(averageLines(run, best, { diameter: 6, gradient: 1 }), "I: average loss").left;
      return { regret, last: meanLoss(problem, run.thetas[steps - 1] ?? []) - meanLoss(problem, best) };
    };
    const [short, long, linear] = [
      excess(100, constantRates),
      excess(6400, constantRates),
      excess(6400, linearRates),
    ];
    expect(long.regret).toBeLessThan(short.regret / 3);
    expect(linear.last).toBeLessThan(long.last);
  });

  test("rates that rise are refused", () => {
    const run = runSgd(problem, start, [0.1, 0.2], [0, 1]);
    expect(() => averageLines(run, best, { diameter: 6, gradient: 1 })).toThrow(
      "averageLines: rates must be above 0 and never rise, got 0.2 at step 2.",
    );
  });
});

describe("II to IV, over all sample paths", () => {
  const { rows, labels } = rowsOf(3, 2, "three");
  // Both labels with one row, so that there is a best.
  const problem = logisticRegression([...rows.slice(0, 2), rows[0] ?? []], [1, labels[1] ?? 1, -1]);
  const start = [1.5, -1];
  const best = minimiser(
    logisticRegression([...rows.slice(0, 2), rows[0] ?? []], [1, labels[1] ?? 1, -1], 4),
    start,
    0.25,
  );
  const T = 6;
  const options = { best, loss: (theta: readonly number[]) => meanLoss(problem, theta), gradient: 1 };
  const distance = Math.hypot(...best.map((v, i) => v - (start[i] ?? 0)));
  const allPaths = (rates: readonly number[]): Paths =>
    Array.from({ length: 3 ** T }, (_, code) => ({
      weight: 3 ** -T,
      run: runSgd(
        problem,
        start,
        rates,
        rates.map((__, t) => Math.floor(code / 3 ** t) % 3),
      ),
    }));
  const kinds = { steps: T, distance, gradient: 1 };

  test.each([
    ["constant", constantRates(kinds)],
    ["one over the root", rootRates(kinds)],
    ["of the last iterate", lastIterateRates(kinds)],
    ["linear", linearRates(kinds)],
  ])("%s rates: every line of II, III and IV holds", (_, rates) => {
    const paths = allPaths(rates);
    expectLines(unboundedLines(paths, options));
    expectLines(lastMonotoneLines(paths, options));
    expectLines(lastLines(paths, options));
    const [three, four] = [lastMonotoneLines(paths, options), lastLines(paths, options)];
    expect(valueOf(three, "III: last loss").left).toBeCloseTo(valueOf(four, "IV: last loss").left, 14);
  });

  test("IV and the weighted average hold at any rates; III says where they rise", () => {
    const rates = [0.1, 0.5, 0.3, 0.8, 0.2, 0.4];
    const paths = allPaths(rates);
    expectLines(lastLines(paths, options));
    expectLines(unboundedLines(paths, options));
    expect(unboundedLines(paths, options).map(({ says }) => says)).not.toContain("II: average");
    expect(() => lastMonotoneLines(paths, options)).toThrow("lastMonotoneLines: rates must be above 0");
  });

  test("a line that is false is seen", () => {
    const paths = allPaths(constantRates(kinds));
    const wrong = lastLines(paths, { ...options, loss: (theta) => 100 * meanLoss(problem, theta) });
    expect(wrong.every((line) => lineHolds(line))).toBe(false);
    expect(lineHolds({ says: "", left: 1, right: 1 - 1e-6, equal: true })).toBe(false);
    expect(lineHolds({ says: "", left: 1, right: 1 - 1e-6 })).toBe(false);
  });
});

describe("rates and bounds", () => {
  const norm = double({ min: 0.1, max: 10, noNaN: true });

  test("V: closed forms in hindsight and from the past", () => {
    assert(
      property(array(norm, { minLength: 2, maxLength: 60 }), norm, (norms, R) => {
        expectLines(gradientAwareLines(norms, R));
      }),
      { numRuns: 200 },
    );
  });

  test("V: rates in hindsight beat any other of their kind", () => {
    assert(
      property(array(tuple(norm, norm), { minLength: 2, maxLength: 20 }), norm, (pairs, R) => {
        const [norms, others] = [pairs.map(([G]) => G), pairs.map(([, rate]) => rate)];
        const squares = norms.map((G) => G * G);
        const best = weightedBound(hindsightRates(2, norms, R), squares, R);
        expect(best).toBeLessThanOrEqual(weightedBound(others, squares, R) * (1 + 1e-12));
        const one = others.map(() => others[0] ?? 1);
        expect(averageBound(hindsightRates(1, norms, R), squares, R)).toBeLessThanOrEqual(
          averageBound(one, squares, R) * (1 + 1e-12),
        );
        expect(lastMonotoneBound(hindsightRates(3, norms, R), squares, R)).toBeLessThanOrEqual(
          lastMonotoneBound(one, squares, R) * (1 + 1e-12),
        );
      }),
    );
  });

  test("IV: linear decay is of the order 1/√T at every length, and 2√2·RG/√T bounds it", () => {
    assert(
      property(integer({ min: 1, max: 400 }), norm, norm, (steps, distance, gradient) => {
        const rates = linearRates({ steps, distance, gradient });
        const bound = lastBound(
          rates,
          rates.map(() => gradient ** 2),
          distance,
        );
        expect(bound).toBeLessThanOrEqual((2 * Math.SQRT2 * distance * gradient) / Math.sqrt(steps) + 1e-9);
      }),
    );
  });

  test("V: part IV's rates warm up where gradients fall, end above 0, and lower the bound", () => {
    const norms = Array.from({ length: 200 }, (_, t) => 1 + 4 * Math.exp(-t / 20));
    const squares = norms.map((G) => G * G);
    const rates = hindsightRates(4, norms, 1);
    expect((rates[30] ?? 0) / (rates[0] ?? 1)).toBeGreaterThan(5);
    expect(rates.at(-1)).toBe((rates.at(-2) ?? 0) / 2);
    const linear = linearRates({ steps: 200, distance: 1, gradient: Math.max(...norms) });
    expect(lastBound(rates, squares, 1)).toBeLessThan(lastBound(linear, squares, 1));
    expect(causalRate(4, [2, 1], 1, 3)).toBeCloseTo((1 / Math.sqrt(1.25)) * 0.5, 12);
  });

  test("numpy has the same bounds and rates", () => {
    const { norms, rates, distance } = golden;
    const squares = norms.map((G) => G * G);
    const close = (got: readonly number[], wanted: readonly number[]): void => {
      expect(got).toHaveLength(wanted.length);
      wanted.forEach((w, i) => expect(got[i]).toBeCloseTo(w, 12));
    };
    const found = [averageBound, unboundedBound, weightedBound, lastMonotoneBound, lastBound];
    close(
      found.map((bound) => bound(rates, squares, distance)),
      golden.bounds,
    );
    for (const part of [1, 2, 3, 4] as const) {
      close(hindsightRates(part, norms, distance), golden.hindsight[part - 1] ?? []);
      close(
        norms.map((_, t) => causalRate(part, norms.slice(0, t + 1), distance, norms.length)),
        golden.causal[part - 1] ?? [],
      );
    }
  });
});
