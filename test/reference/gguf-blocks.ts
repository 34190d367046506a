// Quantised blocks read bit by bit: each number's bits are named by their places in the block, least significant
// first, and its scale by formula. Slow, and nothing is shared with what it checks.

const bit = (bytes: Uint8Array, n: number): number => ((bytes[n >> 3] ?? 0) >> (n & 7)) & 1;

/** The whole number whose bits stand at `places`, lowest first. */
const bits = (bytes: Uint8Array, places: readonly number[]): number =>
  places.reduce((sum, place, k) => sum + bit(bytes, place) * 2 ** k, 0);

/** `width` bits from bit `from` of byte `byte` on. */
const field = (bytes: Uint8Array, byte: number, from: number, width: number): number =>
  bits(
    bytes,
    Array.from({ length: width }, (_, k) => 8 * byte + from + k),
  );

const signed = (bytes: Uint8Array, byte: number): number => {
  const n = field(bytes, byte, 0, 8);
  return n < 128 ? n : n - 256;
};

/** A float16 by its sign, exponent and fraction. */
function half(bytes: Uint8Array, byte: number): number {
  const [fraction, exponent] = [field(bytes, byte, 0, 10), field(bytes, byte + 1, 2, 5)];
  const sign = field(bytes, byte + 1, 7, 1) ? -1 : 1;
  if (exponent === 31) return fraction ? Number.NaN : sign * Infinity;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** Numbers of one block, in double precision. */
export const REFERENCE: Readonly<
  Record<string, { block: number; bytes: number; read(b: Uint8Array): number[] }>
> = {
  Q8_0: { block: 32, bytes: 34, read: (b) => list(32, (i) => half(b, 0) * signed(b, 2 + i)) },
  Q4_0: { block: 32, bytes: 18, read: (b) => list(32, (i) => half(b, 0) * (four(b, 2, i) - 8)) },
  Q4_1: { block: 32, bytes: 20, read: (b) => list(32, (i) => half(b, 0) * four(b, 4, i) + half(b, 2)) },
  Q5_0: {
    block: 32,
    bytes: 22,
    read: (b) => list(32, (i) => half(b, 0) * (four(b, 6, i) + 16 * bit(b, 16 + i) - 16)),
  },
  Q5_1: {
    block: 32,
    bytes: 24,
    read: (b) => list(32, (i) => half(b, 0) * (four(b, 8, i) + 16 * bit(b, 32 + i)) + half(b, 2)),
  },
  Q2_K: {
    block: 256,
    bytes: 84,
    read: (b) =>
      list(256, (i) => {
        const part = Math.floor(i / 16);
        const [h, r] = [Math.floor(i / 128), i % 128];
        const q = field(b, 16 + 32 * h + (r % 32), 2 * Math.floor(r / 32), 2);
        return half(b, 80) * field(b, part, 0, 4) * q - half(b, 82) * field(b, part, 4, 4);
      }),
  },
  Q3_K: {
    block: 256,
    bytes: 110,
    read: (b) =>
      list(256, (i) => {
        const part = Math.floor(i / 16);
        const [h, r] = [Math.floor(i / 128), i % 128];
        const q = field(b, 32 + 32 * h + (r % 32), 2 * Math.floor(r / 32), 2);
        const isWhole = bit(b, 8 * (i % 32) + Math.floor(i / 32));
        const scale =
          field(b, 96 + (part % 8), part < 8 ? 0 : 4, 4) +
          16 * field(b, 104 + (part % 4), 2 * Math.floor(part / 4), 2);
        return half(b, 108) * (scale - 32) * (q - (isWhole ? 0 : 4));
      }),
  },
  Q4_K: { block: 256, bytes: 144, read: (b) => list(256, (i) => sixBit(b, i, packed(b, 16, i))) },
  Q5_K: {
    block: 256,
    bytes: 176,
    read: (b) =>
      list(256, (i) =>
        sixBit(b, i, packed(b, 48, i) + 16 * bit(b, 8 * (16 + (i % 32)) + Math.floor(i / 32))),
      ),
  },
  Q6_K: {
    block: 256,
    bytes: 210,
    read: (b) =>
      list(256, (i) => {
        const [h, r] = [Math.floor(i / 128), i % 128];
        const low = field(b, 64 * h + (r % 64), r < 64 ? 0 : 4, 4);
        const high = field(b, 128 + 32 * h + (r % 32), 2 * Math.floor(r / 32), 2);
        return half(b, 208) * signed(b, 192 + Math.floor(i / 16)) * (low + 16 * high - 32);
      }),
  },
};

const list = (n: number, of: (i: number) => number): number[] => Array.from({ length: n }, (_, i) => of(i));

/** Number `i` of 32 whose lower half of bytes come first. */
function four(b: Uint8Array, from: number, i: number): number {
  return field(b, from + (i % 16), i < 16 ? 0 : 4, 4);
}

/** Number `i` of 256, 64 at a time. */
function packed(b: Uint8Array, from: number, i: number): number {
  return field(b, from + 32 * Math.floor(i / 64) + (i % 32), i % 64 < 32 ? 0 : 4, 4);
}

/** Scale and least value of 6 bits: the first four whole, the last four in 4 bits and 2 of the first four's bytes. */
function sixBit(b: Uint8Array, i: number, q: number): number {
  const part = Math.floor(i / 32);
  const places = (byte: number, from: number, width: number): number[] =>
    list(width, (k) => 8 * byte + from + k);
  const scale =
    part < 4 ? places(4 + part, 0, 6) : [...places(8 + part, 0, 4), ...places(4 + part - 4, 6, 2)];
  const least = part < 4 ? places(8 + part, 0, 6) : [...places(8 + part, 4, 4), ...places(4 + part, 6, 2)];
  return half(b, 0) * bits(b, scale) * q - half(b, 2) * bits(b, least);
}
