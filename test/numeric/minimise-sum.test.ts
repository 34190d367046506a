import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  firstAlgorithm,
  integerSqrt,
  integerSqrtUp,
  minimiseSum,
  secondAlgorithm,
  thirdAlgorithm,
} from "../../src/numeric/index.ts";
import { leastSumByTrial } from "../reference/least-sum.ts";

/** Spec §4: N, the least sum, and the N ≤ 20,000 for which the first algorithm is printed wrong. */
const PUBLISHED: readonly (readonly [bigint, bigint])[] = [
  [98n, 21n],
  [127n, 24n],
  [130n, 23n],
  [500n, 45n],
  [997n, 68n],
  [1000n, 65n],
  [4999n, 149n],
  [9973n, 206n],
  [99_999n, 640n],
  [10n ** 9n + 7n, 63_257n],
  [10n ** 12n + 39n, 2_000_039n],
  [10n ** 15n + 37n, 63_245_811n],
];

describe("integer square root", () => {
  test("at squares and beside them, up to 2^200", () => {
    for (let bits = 0; bits <= 100; bits++) {
      for (const root of [1n << BigInt(bits), (1n << BigInt(bits)) + 1n, (1n << BigInt(bits)) - 1n]) {
        const n = root * root;
        expect(integerSqrt(n)).toBe(root);
        expect(integerSqrtUp(n)).toBe(root);
        expect(integerSqrt(n + 1n)).toBe(root === 0n ? 1n : root);
        if (n > 0n) {
          expect(integerSqrt(n - 1n)).toBe(root - 1n);
          expect(integerSqrtUp(n + 1n)).toBe(root + 1n);
        }
      }
    }
  });

  test("is the largest root that is not too large, for any size", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 1n << 2200n }), (n) => {
        const r = integerSqrt(n);
        return r * r <= n && (r + 1n) * (r + 1n) > n;
      }),
    );
    expect(() => integerSqrt(-1n)).toThrow("integerSqrt: n must be ≥ 0, got -1.");
  });
});

describe("N = ab + c", () => {
  test("is the least sum by trial of every pair, for 0 ≤ N ≤ 3,000, by the second and third algorithm too", () => {
    for (let n = 0; n <= 3000; n++) {
      const N = BigInt(n);
      const right = BigInt(leastSumByTrial(n));
      expect(minimiseSum(N).sum, String(n)).toBe(right);
      if (n < 4) continue;
      expect(secondAlgorithm(N).sum, String(n)).toBe(right);
      expect(thirdAlgorithm(N).sum, String(n)).toBe(right);
    }
  });

  test.each(PUBLISHED)("S(%s) = %s", (N, sum) => {
    const found = minimiseSum(N);
    expect(found.sum).toBe(sum);
    expect(found.second).toMatchObject({ sum });
    expect(found.firstCured).toMatchObject({ sum });
  });

  test("the first algorithm as printed fails for 28 N from 4 to 20,000, 21 of them above 100; mended for none", () => {
    const wrong: number[] = [];
    for (let n = 4; n <= 20_000; n++) {
      const N = BigInt(n);
      const { sum } = thirdAlgorithm(N);
      if (firstAlgorithm(N).sum !== sum) wrong.push(n);
      expect(firstAlgorithm(N, "cured").sum, String(n)).toBe(sum);
    }
    expect(wrong.length).toBe(28);
    expect(wrong.filter((n) => n > 100).length).toBe(21);
    expect(wrong.slice(0, 7)).toEqual([8, 18, 19, 32, 33, 34, 98]);
  });

  test("its certificate holds: a whole triple, and no sum below 2√N", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 4n, max: 10n ** 16n }), (N) => {
        const { a, b, c, sum, bound } = minimiseSum(N, { mostSteps: 1e5 });
        expect(a * b + c).toBe(N);
        expect(a <= b && a >= 0n && c >= 0n).toBe(true);
        expect(a + b + c).toBe(sum);
        expect(bound).toBe(sum);
        expect(sum * sum >= 4n * N).toBe(true);
        // One more on N costs at most one more.
        expect(minimiseSum(N + 1n, { mostSteps: 1e5 }).sum <= sum + 1n).toBe(true);
      }),
      { numRuns: 25 },
    );
  });

  test("the second and third agree on large numbers, where floating roots would not", () => {
    for (const N of [(1n << 62n) - 1n, 10n ** 18n + 9n, (10n ** 9n + 7n) ** 2n + 1n]) {
      const found = minimiseSum(N, { mostSteps: 1e6 });
      expect(found.first).toHaveProperty("predicted");
      expect(found.second).toMatchObject({ sum: found.sum });
    }
  });

  test("N = 0 … 3 are themselves", () => {
    for (const N of [0n, 1n, 2n, 3n]) expect(minimiseSum(N)).toMatchObject({ a: 0n, b: 0n, c: N, sum: N });
  });

  test("what cannot be answered is refused at once", () => {
    expect(() => minimiseSum(-1n)).toThrow("minimiseSum: N must be a whole number ≥ 0, got -1.");
    expect(() => minimiseSum(10n ** 99_999n)).toThrow("(100000 digits)");
    expect(() => minimiseSum(10n ** 40n)).toThrow("at most 1e+9 sums to try, got 2.0e+10");
  });
});
