// Su Jianlin 2023, "A small puzzle: N = ab + c with the least a + b + c", https://kexue.fm/archives/9775: natural
// a ≤ b and c ≥ 0 with N = ab + c, and S = a + b + c as small as can be. The article's three algorithms, side by side.
//
// With p = a + b and q = b − a of one parity, ab = (p² − q²)/4, so that 4S = 4N + q² + 4 − (p − 2)²: for every sum p
// the least q that keeps c ≥ 0 is best, q = ⌈√(p² − 4N)⌉ of p's parity, and there are about N^¼ sums to try.
import { OptionError } from "../errors.ts";
import { integerSqrt, integerSqrtUp } from "./integer-root.ts";

/** N = ab + c, and S = a + b + c. */
export interface Triple {
  readonly a: bigint;
  readonly b: bigint;
  readonly c: bigint;
  readonly sum: bigint;
}

/** What an algorithm found, after looking at `steps` pairs. */
export interface Attempt extends Triple {
  readonly steps: number;
}

/** An algorithm that would take too long: how many pairs it would look at, at most. */
export interface Refusal {
  readonly predicted: number;
}

/** The least sum, why nothing smaller exists, and what each algorithm made of it. */
export interface LeastSum extends Triple {
  /**
   * S ≥ a + b, so that no pair of sum above `bound` is better: every sum from ⌈2√N⌉ to it was tried. Sums below 2√N
   * leave S ≥ N − p²/4 + p, least at their largest.
   */
  readonly bound: bigint;
  readonly first: Attempt | Refusal;
  /** The first with its start mended. */
  readonly firstCured: Attempt | Refusal;
  readonly second: Attempt | Refusal;
  readonly third: Attempt | Refusal;
}

/** An algorithm that would look at more pairs than this is refused. */
export const MOST_STEPS = 1e9;

/**
 * The least S = a + b + c over N = ab + c by all three algorithms.
 * @param N ≥ 0.
 * @throws OptionError for N < 0, and when even the third algorithm would look at more than `mostSteps` pairs.
 * @example
 * minimiseSum(1000n).sum; // 65n = 27 + 37 + 1
 */
export function minimiseSum(N: bigint, { mostSteps = MOST_STEPS }: { mostSteps?: number } = {}): LeastSum {
  if (N < 0n) throw new OptionError(`minimiseSum: N must be a whole number ≥ 0, got ${short(N)}.`);
  const allowed = (predicted: number, run: () => Attempt): Attempt | Refusal =>
    predicted <= mostSteps ? run() : { predicted };
  const third = allowed(predictedThird(N), () => thirdAlgorithm(N));
  if ("predicted" in third) {
    throw new OptionError(
      `minimiseSum: N must leave at most ${mostSteps.toExponential(0)} sums to try, got ${Number.isFinite(third.predicted) ? third.predicted.toExponential(1) : "more than 1e+77"} for N = ${short(N)}. Take N below about 10^${Math.floor(4 * Math.log10(mostSteps / 2))}.`,
    );
  }
  const { a, b, c, sum } = least(third, trivial(N));
  return {
    a,
    b,
    c,
    sum,
    bound: sum,
    first: allowed(predictedFirst(N), () => firstAlgorithm(N)),
    firstCured: allowed(predictedFirst(N), () => firstAlgorithm(N, "cured")),
    second: allowed(predictedThird(N), () => secondAlgorithm(N)),
    third,
  };
}

/**
 * The first algorithm, O(√N): a from √(N/2) to √N, b = ⌊N/a⌋. As printed the lower end is left out, which loses the
 * best pair for 28 N between 4 and 20,000 (8, 18, 19, … 882, …); the cure begins at ⌊√⌊N/2⌋⌋.
 *
 * b and c follow from those of a − 1 without a division, so that all numbers stay below 2√N and are exact.
 */
export function firstAlgorithm(N: bigint, start: "printed" | "cured" = "printed"): Attempt {
  if (N < 1n) return { ...trivial(N), steps: 0 };
  const root = integerSqrt(N);
  const half = integerSqrt(N / 2n);
  const from = start === "cured" ? (half > 0n ? half : 1n) : half + 1n;
  const last = Number(root);
  let a = Number(from);
  let b = Number(N / from);
  let c = Number(N % from);
  let best = { a, b, c };
  let steps = 0;
  for (;;) {
    steps++;
    if (a + b + c < best.a + best.b + best.c) best = { a, b, c };
    if (a >= last) break;
    // N = ab + c = (a + 1)b + (c − b): take from b what brings c back to 0 ≤ c ≤ a.
    a++;
    const less = Math.max(0, Math.ceil((b - c) / a));
    c += less * a - b;
    b -= less;
  }
  return { ...triple(N, BigInt(best.a), BigInt(best.b)), steps };
}

/**
 * The second algorithm, O(N^¼): a = x − y, b = x + y with x and y whole, or both halves of odd numbers. For each m from
 * √N − ½ to √N + 3/2 + √(1 + 2√N) it tries x = m and x = m + ½ with the least y that keeps c = N + y² − x² ≥ 0.
 */
export function secondAlgorithm(N: bigint): Attempt {
  const root = integerSqrt(N);
  if (root * root === N) return { ...triple(N, root, root), steps: 0 };
  // Twice x and y are whole: p = 2x, q = 2y.
  let best = least(triple(N, root, root), ofSum(N, halfBelow(N), 1n));
  const last = root + 3n + integerSqrtUp(1n + 2n * (root + 1n));
  let steps = 0;
  for (let m = integerSqrtUp(4n * N) >> 1n; m <= last; m++) {
    for (const p of [2n * m, 2n * m + 1n]) {
      if (p * p < 4n * N) continue;
      steps++;
      best = least(best, ofSum(N, p, leastDifference(N, p)));
    }
  }
  return { ...best, steps };
}

/**
 * The third algorithm, O(N^¼) and shorter: p = a + b upward from 2√N, while p is not above the best sum so far (the
 * article ends at 2√N + 2 + √(1 + 4√N), which is never before).
 */
export function thirdAlgorithm(N: bigint): Attempt {
  const root = integerSqrt(N);
  if (root * root === N) return { ...triple(N, root, root), steps: 0 };
  const first = integerSqrt(4n * N);
  let best = ofSum(N, first, first & 1n);
  let steps = 0;
  for (let p = first + 1n; p <= best.sum; p++) {
    steps++;
    const next = ofSum(N, p, leastDifference(N, p));
    if (next.sum < best.sum) best = next;
  }
  return { ...best, steps };
}

/** The least q ≥ √(p² − 4N) of p's parity. */
function leastDifference(N: bigint, p: bigint): bigint {
  const q = integerSqrtUp(p * p - 4n * N);
  return (q ^ p) & 1n ? q + 1n : q;
}

/** The largest odd p with p² ≤ 4N: x = ⌊√N − ½⌋ + ½. */
function halfBelow(N: bigint): bigint {
  const p = integerSqrt(4n * N);
  return p & 1n ? p : p - 1n;
}

const ofSum = (N: bigint, p: bigint, q: bigint): Triple => triple(N, (p - q) / 2n, (p + q) / 2n);

function triple(N: bigint, a: bigint, b: bigint): Triple {
  const c = N - a * b;
  return { a, b, c, sum: a + b + c };
}

/** a = b = 0: right for N = 0 … 3, where the algorithms, which begin at a = 1, are not. */
const trivial = (N: bigint): Triple => triple(N, 0n, 0n);

const least = (x: Triple, y: Triple): Triple => {
  const { a, b, c, sum } = x.sum <= y.sum ? x : y;
  return { a, b, c, sum };
};

/** √N − √(N/2) numbers a. */
function predictedFirst(N: bigint): number {
  return (1 - Math.SQRT1_2) * rootOf(N) + 1;
}

/** 2 + √(1 + 4√N) sums p. */
function predictedThird(N: bigint): number {
  return 2 + Math.sqrt(1 + 4 * rootOf(N));
}

/** √N as a number, Infinity where it is beyond. Numbers of 10⁵ digits are not rooted to learn that. */
function rootOf(N: bigint): number {
  const about = Number(N);
  return Number.isFinite(about) ? Math.sqrt(about) : Infinity;
}

function short(N: bigint): string {
  const digits = String(N);
  return digits.length <= 40 ? digits : `${digits.slice(0, 12)}… (${digits.length} digits)`;
}
