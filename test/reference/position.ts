// Scores of queries against keys, one pair at a time over plain arrays.
import type { Arr } from "./array.ts";

export type Layout = "half" | "interleaved";

/** `b^(−2i/D)`. */
export function plainFrequencies(D: number, base: number): number[] {
  return Array.from({ length: D / 2 }, (_, i) => Math.pow(base, (-2 * i) / D));
}

/** A vector whose first `2 · theta.length` numbers are turned by `p · θ`. */
export function turned(x: readonly number[], p: number, theta: readonly number[], layout: Layout): number[] {
  const y = [...x];
  const n = theta.length;
  for (let i = 0; i < n; i++) {
    const first = layout === "half" ? i : 2 * i;
    const second = layout === "half" ? i + n : 2 * i + 1;
    const a = x[first] ?? NaN;
    const b = x[second] ?? NaN;
    const angle = p * (theta[i] ?? NaN);
    y[first] = a * Math.cos(angle) - b * Math.sin(angle);
    y[second] = a * Math.sin(angle) + b * Math.cos(angle);
  }
  return y;
}

export function inner(a: readonly number[], b: readonly number[]): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? NaN) * (b[i] ?? NaN);
  return sum;
}

/** `[B, H, T, S]` from a rule for one query and one key. */
export function scoreTable(
  q: Arr,
  k: Arr,
  queryPositions: readonly number[],
  keyPositions: readonly number[],
  rule: (q: number[], k: number[], i: number, j: number, h: number) => number,
): Arr {
  const [B = 1, H = 1, T = 1, D = 1] = q.shape;
  const S = k.shape[2] ?? 1;
  const row = (x: Arr, length: number, b: number, h: number, t: number): number[] => {
    const start = ((b * H + h) * length + t) * D;
    return x.data.slice(start, start + D);
  };
  const data: number[] = [];
  for (let b = 0; b < B; b++)
    for (let h = 0; h < H; h++)
      for (let t = 0; t < T; t++)
        for (let s = 0; s < S; s++)
          data.push(
            rule(row(q, T, b, h, t), row(k, S, b, h, s), queryPositions[t] ?? NaN, keyPositions[s] ?? NaN, h),
          );
  return { shape: [B, H, T, S], data };
}

/** The score of a query turned to a key at distance `P` behind it. */
export function atDistance(
  q: readonly number[],
  k: readonly number[],
  P: number,
  theta: readonly number[],
  layout: Layout,
): number {
  return inner(turned(q, P, theta, layout), k);
}
