/** The least a + b + c over N = ab + c, by trying every a ≤ b: for small N. */
export function leastSumByTrial(N: number): number {
  let best = N; // a = b = 0
  for (let a = 1; a * a <= N; a++) {
    for (let b = a; a * b <= N; b++) best = Math.min(best, a + b + (N - a * b));
  }
  return best;
}
