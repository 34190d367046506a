// Blocks of 32 numbers in 8 or 4 bits, from the definition: one scale a block, codes as whole numbers around a middle.

/** Codes (not packed) and scales of one row. The number of largest magnitude has the lowest code. */
export function nbitRow(
  row: readonly number[],
  bits: 4 | 8,
): { readonly codes: number[]; readonly scales: number[]; readonly back: number[] } {
  const middle = 2 ** (bits - 1);
  const codes: number[] = [];
  const scales: number[] = [];
  for (let b = 0; b < row.length; b += 32) {
    const block = row.slice(b, b + 32);
    const most = block.reduce((a, x) => (Math.abs(x) > Math.abs(a) ? x : a), 0);
    const scale = Math.fround(-most / middle);
    scales.push(scale);
    for (const x of block) {
      let best = middle;
      // Of all codes the nearest, the higher one where two are as near.
      if (scale !== 0) {
        best = 0;
        for (let c = 0; c < 2 * middle; c++) {
          if (Math.abs(x - scale * (c - middle)) <= Math.abs(x - scale * (best - middle))) best = c;
        }
      }
      codes.push(best);
    }
  }
  return { codes, scales, back: codes.map((c, i) => (scales[Math.floor(i / 32)] ?? 0) * (c - middle)) };
}
