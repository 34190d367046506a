// Attention one query and one key at a time over plain arrays.
import type { Arr } from "./array.ts";

/** Row `t` of head `h` of batch `b` of `[B, H, T, D]`. */
export function row(x: Arr, b: number, h: number, t: number): number[] {
  const [, H = 1, T = 1, D = 1] = x.shape;
  const start = ((b * H + h) * T + t) * D;
  return x.data.slice(start, start + D);
}

/** `Σⱼ wᵢⱼ vⱼ / Σⱼ wᵢⱼ` for weights from a rule. */
export function mix(
  q: Arr,
  k: Arr,
  v: Arr,
  weight: (q: number[], k: number[], at: { b: number; h: number; i: number; j: number }) => number,
): Arr {
  const [B = 1, H = 1, T = 1] = q.shape;
  const [S = 1, E = 1] = v.shape.slice(2);
  const data: number[] = [];
  for (let b = 0; b < B; b++)
    for (let h = 0; h < H; h++)
      for (let i = 0; i < T; i++) {
        const o = Array<number>(E).fill(0);
        let total = 0;
        for (let j = 0; j < S; j++) {
          const w = weight(row(q, b, h, i), row(k, b, h, j), { b, h, i, j });
          total += w;
          row(v, b, h, j).forEach((x, e) => (o[e] = (o[e] ?? 0) + w * x));
        }
        data.push(...o.map((x) => x / total));
      }
  return { shape: [B, H, T, E], data };
}

export function inner(a: readonly number[], b: readonly number[]): number {
  return a.reduce((s, x, i) => s + x * (b[i] ?? NaN), 0);
}

/** `x Wᵀ` for one vector and a matrix `[out, in]`. */
export function times(w: Arr, x: readonly number[]): number[] {
  const [O = 1, I = 1] = w.shape;
  return Array.from({ length: O }, (_, o) => inner(w.data.slice(o * I, (o + 1) * I), x));
}

export function rms(x: readonly number[], gain: Arr): number[] {
  const square = Math.sqrt(x.reduce((s, v) => s + v * v, 0) / x.length + 1e-6);
  return x.map((v, i) => (v / square) * (gain.data[i] ?? NaN));
}

/** Index of the nearest row of head `h` of a codebook `[H, K, D]`. */
export function nearest(codebook: Arr, h: number, x: readonly number[]): number {
  const [, K = 1, D = 1] = codebook.shape;
  let best = 0;
  let least = Infinity;
  for (let s = 0; s < K; s++) {
    let d = 0;
    for (let n = 0; n < D; n++) d += ((x[n] ?? NaN) - (codebook.data[(h * K + s) * D + n] ?? NaN)) ** 2;
    if (d < least) [best, least] = [s, d];
  }
  return best;
}
