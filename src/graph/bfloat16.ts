// bfloat16, the upper half of a float32. It is a format of files and borders: numbers in it are computed in float32, since
// runtimes have few kernels for it.

/** The float32 numbers whose upper halves are `bits`: exact. */
export function widenBfloat16(bits: Uint16Array): Float32Array {
  const words = new Uint32Array(bits.length);
  for (let i = 0; i < words.length; i++) words[i] = (bits[i] as number) << 16;
  return new Float32Array(words.buffer);
}

/** The bfloat16 numbers nearest to `values` as float32 holds them, ties to even; NaN stays NaN. */
export function roundBfloat16(values: ArrayLike<number>): Uint16Array {
  const single = Float32Array.from(values);
  const words = new Uint32Array(single.buffer);
  const bits = new Uint16Array(single.length);
  for (let i = 0; i < bits.length; i++) {
    const word = words[i] as number;
    const nan = (word & 0x7fffffff) > 0x7f800000;
    // Half of the last place less one, and one more where the kept part is odd. A NaN keeps a bit of its own.
    bits[i] = nan ? (word >>> 16) | 0x40 : (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
  }
  return bits;
}
