// Rows of numbers in 8 or 4 bits: blocks of 32, each with a scale of its own, symmetric around the middle code.

/** Numbers of a block. */
export const BLOCK = 32;

/**
 * Codes and scales of the rows of `w` `[N, K]`: `w ≈ scale · (code − 2^(bits−1))`. The number of largest magnitude in
 * a block gets the lowest code, which has no partner above.
 */
export function quantizeRows(
  w: Float32Array,
  N: number,
  K: number,
  bits: 4 | 8,
): { codes: Uint8Array; scales: Float32Array } {
  const blocks = Math.ceil(K / BLOCK);
  const middle = 1 << (bits - 1);
  const bytes = (BLOCK * bits) / 8;
  // Absent numbers at the end of a row are zeros.
  const codes = new Uint8Array(N * blocks * bytes).fill(bits === 8 ? middle : middle * 17);
  const scales = new Float32Array(N * blocks);
  for (let n = 0; n < N; n++) {
    for (let b = 0; b < blocks; b++) {
      const start = n * K + b * BLOCK;
      const end = Math.min(start + BLOCK, (n + 1) * K);
      let extreme = 0;
      for (let i = start; i < end; i++) {
        const x = w[i] as number;
        if (Math.abs(x) > Math.abs(extreme)) extreme = x;
      }
      const scale = Math.fround(extreme / -middle);
      scales[n * blocks + b] = scale;
      const at = (n * blocks + b) * bytes;
      for (let i = start; i < end; i++) {
        const q =
          scale === 0
            ? middle
            : Math.min(2 * middle - 1, Math.max(0, Math.round((w[i] as number) / scale) + middle));
        const k = i - start;
        if (bits === 8) codes[at + k] = q;
        else {
          const byte = codes[at + (k >> 1)] as number;
          codes[at + (k >> 1)] = k % 2 === 0 ? (byte & 0xf0) | q : (byte & 0x0f) | (q << 4);
        }
      }
    }
  }
  return { codes, scales };
}
