// Every segmentation of a short byte string, one by one: the slow truth about encoding and sampling.

export interface Weighted {
  readonly bytes: readonly number[];
  readonly logProb: number;
}

/** All segmentations of `bytes` into `pieces`, as lists of piece indices. */
export function segmentations(bytes: readonly number[], pieces: readonly Weighted[], from = 0): number[][] {
  if (from === bytes.length) return [[]];
  const result: number[][] = [];
  pieces.forEach((piece, id) => {
    if (piece.bytes.length === 0 || from + piece.bytes.length > bytes.length) return;
    if (!piece.bytes.every((b, i) => bytes[from + i] === b)) return;
    for (const rest of segmentations(bytes, pieces, from + piece.bytes.length)) result.push([id, ...rest]);
  });
  return result;
}

/** Σ ln p of a segmentation. */
export function scoreOf(ids: readonly number[], pieces: readonly Weighted[]): number {
  return ids.reduce((sum, id) => sum + (pieces[id]?.logProb ?? NaN), 0);
}

/** Probability of each segmentation under `exp(α score)`. */
export function probabilities(
  all: readonly number[][],
  pieces: readonly Weighted[],
  alpha: number,
): number[] {
  const weights = all.map((ids) => Math.exp(alpha * scoreOf(ids, pieces)));
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((w) => w / sum);
}

/** Pearson's χ² of counts against probabilities. */
export function chiSquare(counts: readonly number[], p: readonly number[]): number {
  const n = counts.reduce((a, b) => a + b, 0);
  return counts.reduce((sum, c, i) => sum + (c - n * (p[i] ?? 0)) ** 2 / (n * (p[i] ?? 0)), 0);
}
