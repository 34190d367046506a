// Philox4x32-10: Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011,
// https://doi.org/10.1145/2063384.2063405. A key and a counter give 128 random bits, whatever was asked before.

/** 64 bits of seed, as two unsigned words; plain data, safe to store. */
export type Key = readonly [low: number, high: number];

/** Four unsigned words. */
export type Block = readonly [number, number, number, number];

const MULTIPLIER_0 = 0xd2511f53 | 0;
const MULTIPLIER_1 = 0xcd9e8d57 | 0;
const WEYL_0 = 0x9e3779b9 | 0;
const WEYL_1 = 0xbb67ae85 | 0;
const ROUNDS = 10;

/** High word of the product of two unsigned words, from products of halves; all values stay 32-bit integers. */
function mulHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = (Math.imul(aHigh, bLow) + (Math.imul(aLow, bLow) >>> 16)) | 0;
  const other = (Math.imul(aLow, bHigh) + (middle & 0xffff)) | 0;
  return (Math.imul(aHigh, bHigh) + (middle >>> 16) + (other >>> 16)) | 0;
}

/** Writes the block at counter `(c0, c1, c2, c3)` into `out` from `at` on. */
function write(out: Uint32Array, at: number, c0: number, c1: number, c2: number, c3: number, key: Key): void {
  let k0 = key[0] | 0;
  let k1 = key[1] | 0;
  for (let i = 0; i < ROUNDS; i++) {
    const high0 = mulHigh(MULTIPLIER_0, c0);
    const low0 = Math.imul(MULTIPLIER_0, c0);
    const high1 = mulHigh(MULTIPLIER_1, c2);
    const low1 = Math.imul(MULTIPLIER_1, c2);
    c0 = high1 ^ c1 ^ k0;
    c1 = low1;
    c2 = high0 ^ c3 ^ k1;
    c3 = low0;
    k0 = (k0 + WEYL_0) | 0;
    k1 = (k1 + WEYL_1) | 0;
  }
  out[at] = c0;
  out[at + 1] = c1;
  out[at + 2] = c2;
  out[at + 3] = c3;
}

/** The block of four words at `counter` under `key`. */
export function philox(counter: Block, key: Key): [number, number, number, number] {
  const out = new Uint32Array(4);
  const [c0, c1, c2, c3] = counter;
  write(out, 0, c0 | 0, c1 | 0, c2 | 0, c3 | 0, key);
  return [out[0] ?? 0, out[1] ?? 0, out[2] ?? 0, out[3] ?? 0];
}

/** `count` unsigned words of the stream of `key`, from block `start` on (a block is four words). */
export function words(key: Key, count: number, start = 0): Uint32Array {
  const out = new Uint32Array(Math.ceil(count / 4) * 4);
  for (let i = 0; i < out.length; i += 4) {
    const block = start + i / 4;
    write(out, i, block | 0, Math.floor(block / 2 ** 32) | 0, 0, 0, key);
  }
  return out.length === count ? out : out.subarray(0, count);
}
