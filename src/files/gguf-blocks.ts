// What the bytes of a GGUF tensor stand for, by type. Numbers stand in blocks; a block has a scale `d` (float16), some
// a least value too, and K-quants a scale of few bits for each part of their 256 numbers.
// Layouts: https://github.com/ggml-org/ggml/blob/master/src/ggml-common.h; Kawrakow 2023,
// https://github.com/ggml-org/llama.cpp/pull/1684 (K-quants).
import { FileError } from "../errors.ts";
import type { GgufEntry } from "./gguf-types.ts";

/** Writes the numbers of one block of `bytes` at `at` into `out` at `to`. */
type Block = (bytes: Uint8Array, at: number, out: Float32Array, to: number) => void;

/** The float16 with these bits: sign, five of exponent, ten of fraction. */
function halfOf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
}

let halves: Float32Array | undefined;

/** The float16 whose two bytes stand at `at`. */
export function halfAt(bytes: Uint8Array, at: number): number {
  halves ??= Float32Array.from({ length: 1 << 16 }, (_, bits) => halfOf(bits));
  return halves[(bytes[at] as number) | ((bytes[at + 1] as number) << 8)] as number;
}

const floats = new DataView(new ArrayBuffer(4));

/** The number whose four bytes stand at `at`. */
function floatAt(bytes: Uint8Array, at: number): number {
  for (let i = 0; i < 4; i++) floats.setUint8(i, bytes[at + i] as number);
  return floats.getFloat32(0, true);
}

function bfloatAt(bytes: Uint8Array, at: number): number {
  floats.setUint32(0, (bytes[at] as number) * 0x10000 + (bytes[at + 1] as number) * 0x1000000, true);
  return floats.getFloat32(0, true);
}

/** 32 numbers of 4 bits: the lower halves of 16 bytes, then the upper. @param bits Fifth bits, 4 bytes of them. */
function nibbles(bytes: Uint8Array, at: number, bits?: number): (i: number) => number {
  return (i) => {
    const byte = bytes[at + (i % 16)] as number;
    const low = i < 16 ? byte & 15 : byte >> 4;
    return bits === undefined ? low : low + 16 * (((bytes[bits + (i >> 3)] as number) >> (i & 7)) & 1);
  };
}

/** `d · (code − middle)`. */
function symmetric(
  d: number,
  code: (i: number) => number,
  middle: number,
  out: Float32Array,
  to: number,
): void {
  for (let i = 0; i < 32; i++) out[to + i] = d * (code(i) - middle);
}

/** `d · code + m`, both steps rounded. */
function shifted(d: number, m: number, code: (i: number) => number, out: Float32Array, to: number): void {
  for (let i = 0; i < 32; i++) out[to + i] = Math.fround(d * code(i)) + m;
}

/** Scale and least value of 6 bits of part `j` of 8 in Q4_K and Q5_K, whose 12 bytes of them stand at `at`. */
export function sixBits(bytes: Uint8Array, at: number, j: number): readonly [scale: number, least: number] {
  const b = (i: number): number => bytes[at + i] as number;
  if (j < 4) return [b(j) & 63, b(j + 4) & 63];
  return [(b(j + 4) & 15) | ((b(j - 4) >> 6) << 4), (b(j + 4) >> 4) | ((b(j) >> 6) << 4)];
}

/** Code `i` of 256 in Q4_K: each 32 bytes hold 32 numbers in their lower halves and the next 32 in their upper. */
export function code4k(bytes: Uint8Array, at: number, i: number): number {
  const byte = bytes[at + 16 + 32 * (i >> 6) + (i & 31)] as number;
  return i & 32 ? byte >> 4 : byte & 15;
}

/** Code `i` of 256 in Q5_K, whose fifth bits stand before the rest: bit `j` of byte `i` is that of part `j`. */
export function code5k(bytes: Uint8Array, at: number, i: number): number {
  return code4k(bytes, at + 32, i) + 16 * (((bytes[at + 16 + (i & 31)] as number) >> (i >> 5)) & 1);
}

/** `d·scale · code − dmin·least`, with parts of 32. */
function parts(code: (bytes: Uint8Array, at: number, i: number) => number): Block {
  return (bytes, at, out, to) => {
    const [d, dmin] = [halfAt(bytes, at), halfAt(bytes, at + 2)];
    for (let j = 0; j < 8; j++) {
      const [scale, least] = sixBits(bytes, at + 4, j);
      const [step, low] = [Math.fround(d * scale), Math.fround(dmin * least)];
      for (let i = 32 * j; i < 32 * j + 32; i++) {
        out[to + i] = Math.fround(step * code(bytes, at, i)) - low;
      }
    }
  };
}

const BLOCKS: Readonly<Record<string, Block>> = {
  F32: (bytes, at, out, to) => void (out[to] = floatAt(bytes, at)),
  F16: (bytes, at, out, to) => void (out[to] = halfAt(bytes, at)),
  BF16: (bytes, at, out, to) => void (out[to] = bfloatAt(bytes, at)),
  Q8_0: (bytes, at, out, to) => {
    const code = (i: number): number => ((bytes[at + 2 + i] as number) << 24) >> 24;
    symmetric(halfAt(bytes, at), code, 0, out, to);
  },
  Q4_0: (bytes, at, out, to) => symmetric(halfAt(bytes, at), nibbles(bytes, at + 2), 8, out, to),
  Q4_1: (bytes, at, out, to) =>
    shifted(halfAt(bytes, at), halfAt(bytes, at + 2), nibbles(bytes, at + 4), out, to),
  Q5_0: (bytes, at, out, to) => symmetric(halfAt(bytes, at), nibbles(bytes, at + 6, at + 2), 16, out, to),
  Q5_1: (bytes, at, out, to) =>
    shifted(halfAt(bytes, at), halfAt(bytes, at + 2), nibbles(bytes, at + 8, at + 4), out, to),
  // 16 bytes of scale and least value (4 bits each), 64 of codes, d, dmin.
  Q2_K: (bytes, at, out, to) => {
    const [d, dmin] = [halfAt(bytes, at + 80), halfAt(bytes, at + 82)];
    for (let i = 0; i < 256; i++) {
      const scale = bytes[at + (i >> 4)] as number;
      const code = ((bytes[at + 16 + 32 * (i >> 7) + (i & 31)] as number) >> (2 * ((i >> 5) & 3))) & 3;
      out[to + i] = Math.fround(Math.fround(d * (scale & 15)) * code) - Math.fround(dmin * (scale >> 4));
    }
  },
  // 32 bytes of third bits, 64 of the lower two, 12 of scales, d.
  Q3_K: (bytes, at, out, to) => {
    const d = halfAt(bytes, at + 108);
    for (let i = 0; i < 256; i++) {
      const j = i >> 4;
      const low = ((bytes[at + 96 + (j & 7)] as number) >> (j < 8 ? 0 : 4)) & 15;
      const high = ((bytes[at + 104 + (j & 3)] as number) >> (2 * (j >> 2))) & 3;
      const code = ((bytes[at + 32 + 32 * (i >> 7) + (i & 31)] as number) >> (2 * ((i >> 5) & 3))) & 3;
      const third = ((bytes[at + (i & 31)] as number) >> (i >> 5)) & 1;
      out[to + i] = Math.fround(d * (low + 16 * high - 32)) * (code - 4 * (1 - third));
    }
  },
  Q4_K: parts(code4k),
  Q5_K: parts(code5k),
  // 128 bytes of lower halves, 64 of upper two bits, 16 scales (int8), d.
  Q6_K: (bytes, at, out, to) => {
    const d = halfAt(bytes, at + 208);
    for (let i = 0; i < 256; i++) {
      const [half, n] = [i >> 7, i & 127];
      const byte = bytes[at + 64 * half + (n & 63)] as number;
      const low = n < 64 ? byte & 15 : byte >> 4;
      const high = ((bytes[at + 128 + 32 * half + (n & 31)] as number) >> (2 * (n >> 5))) & 3;
      const scale = ((bytes[at + 192 + (i >> 4)] as number) << 24) >> 24;
      out[to + i] = Math.fround(d * scale) * (low + 16 * high - 32);
    }
  },
};

/** Names of the types that can be read. */
export const READABLE: readonly string[] = Object.keys(BLOCKS);

/** @throws FileError for types that can only be listed, with those that can be read. */
export function checkReadable(name: string, { type }: GgufEntry, file: string): void {
  if (Object.hasOwn(BLOCKS, type.name)) return;
  throw new FileError(
    `gguf: ${file}: tensor "${name}" must be one of ${READABLE.join(", ")} to be read, got ${type.name}. Take or make a file of another quantisation.`,
  );
}

/** The numbers of a tensor. @throws FileError as `checkReadable` does. */
export function dequantise(bytes: Uint8Array, name: string, entry: GgufEntry, file: string): Float32Array {
  checkReadable(name, entry, file);
  const { block, bytes: size, name: type } = entry.type;
  if (type === "F32" && bytes.byteOffset % 4 === 0) {
    return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  }
  const read = BLOCKS[type] as Block;
  const blocks = bytes.length / size;
  const out = new Float32Array(blocks * block);
  for (let b = 0; b < blocks; b++) read(bytes, b * size, out, b * block);
  return out;
}
