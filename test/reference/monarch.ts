// The dense form of a Monarch matrix, one number at a time.

/** `W` `[s·l, k·p]`, row by row. @param left `[l, s, r]`. @param right `[k, q, p]`. */
export function monarchMatrix(
  [l, s, r]: readonly [number, number, number],
  left: ArrayLike<number>,
  [k, q, p]: readonly [number, number, number],
  right: ArrayLike<number>,
): number[] {
  const rows: number[] = [];
  for (let out = 0; out < s * l; out++) {
    for (let from = 0; from < k * p; from++) {
      let sum = 0;
      for (let c = 0; c < k * q; c++) {
        if (c % l !== out % l || Math.floor(c / q) !== Math.floor(from / p)) continue;
        const a = left[((out % l) * s + Math.floor(out / l)) * r + Math.floor(c / l)] ?? Number.NaN;
        const b = right[(Math.floor(from / p) * q + (c % q)) * p + (from % p)] ?? Number.NaN;
        sum += a * b;
      }
      rows.push(sum);
    }
  }
  return rows;
}
