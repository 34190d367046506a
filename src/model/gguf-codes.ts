// Quantised tensors of GGUF as the codes of our own matrices: the same numbers, other places of the bits.
import { BLOCK } from "../quantize/index.ts";
import { code5k, halfAt, sixBits } from "../files/gguf-blocks.ts";
import type { GgufEntry } from "../files/gguf-types.ts";
import { type Tensor, tensor } from "../tensor/index.ts";

/** Leaves of a map of codes. */
export type Codes = { readonly codes: Tensor; readonly scales: Tensor; readonly offsets?: Tensor };

/** Arrays that blocks are written into; block `n` has its own scale and offset. */
interface Into {
  readonly codes: Uint8Array;
  readonly scales: Float32Array;
  readonly offsets: Float32Array;
}

interface Kept {
  readonly bits: 4 | 8;
  /** Blocks of 32 in one of the file's. */
  readonly parts: number;
  readonly shifted: boolean;
  /** Takes the file's block at `at` as blocks `n` to `n + parts`. */
  take(bytes: Uint8Array, at: number, n: number, into: Into): void;
}

/** 16 bytes of lower and upper halves that are 16 numbers apart, as neighbours. */
function pairUp(bytes: Uint8Array, at: number, codes: Uint8Array, to: number): void {
  for (let j = 0; j < 8; j++) {
    const [a, b] = [bytes[at + 2 * j] as number, bytes[at + 2 * j + 1] as number];
    codes[to + j] = (a & 15) | ((b & 15) << 4);
    codes[to + 8 + j] = (a >> 4) | (b & 0xf0);
  }
}

/** Codes of five bits and more in bytes, around 128. */
function five(
  bytes: Uint8Array,
  at: number,
  fifth: number,
  add: number,
  codes: Uint8Array,
  to: number,
): void {
  for (let i = 0; i < 32; i++) {
    const byte = bytes[at + (i & 15)] as number;
    const high = ((bytes[fifth + (i >> 3)] as number) >> (i & 7)) & 1;
    codes[to + i] = (i < 16 ? byte & 15 : byte >> 4) + 16 * high + add;
  }
}

/** The types whose numbers are `scale · code + offset` in blocks of 32 or of a multiple. */
const KEPT: Readonly<Record<string, Kept>> = {
  Q4_0: {
    bits: 4,
    parts: 1,
    shifted: false,
    take(bytes, at, n, { codes, scales }) {
      scales[n] = halfAt(bytes, at);
      pairUp(bytes, at + 2, codes, 16 * n);
    },
  },
  Q4_1: {
    bits: 4,
    parts: 1,
    shifted: true,
    take(bytes, at, n, { codes, scales, offsets }) {
      const d = halfAt(bytes, at);
      scales[n] = d;
      offsets[n] = halfAt(bytes, at + 2) + 8 * d;
      pairUp(bytes, at + 4, codes, 16 * n);
    },
  },
  Q5_0: {
    bits: 8,
    parts: 1,
    shifted: false,
    take(bytes, at, n, { codes, scales }) {
      scales[n] = halfAt(bytes, at);
      five(bytes, at + 6, at + 2, 128 - 16, codes, 32 * n);
    },
  },
  Q5_1: {
    bits: 8,
    parts: 1,
    shifted: true,
    take(bytes, at, n, { codes, scales, offsets }) {
      scales[n] = halfAt(bytes, at);
      offsets[n] = halfAt(bytes, at + 2);
      five(bytes, at + 8, at + 4, 128, codes, 32 * n);
    },
  },
  Q8_0: {
    bits: 8,
    parts: 1,
    shifted: false,
    take(bytes, at, n, { codes, scales }) {
      scales[n] = halfAt(bytes, at);
      for (let i = 0; i < 32; i++) codes[32 * n + i] = (bytes[at + 2 + i] as number) ^ 128;
    },
  },
  Q4_K: {
    bits: 4,
    parts: 8,
    shifted: true,
    take(bytes, at, n, { codes, scales, offsets }) {
      const [d, dmin] = [halfAt(bytes, at), halfAt(bytes, at + 2)];
      for (let j = 0; j < 8; j++) {
        const [scale, least] = sixBits(bytes, at + 4, j);
        scales[n + j] = d * scale;
        offsets[n + j] = 8 * d * scale - dmin * least;
        const from = at + 16 + 32 * (j >> 1);
        const shift = j & 1 ? 4 : 0;
        for (let i = 0; i < 16; i++) {
          const [a, b] = [bytes[from + 2 * i] as number, bytes[from + 2 * i + 1] as number];
          codes[16 * (n + j) + i] = ((a >> shift) & 15) | (((b >> shift) & 15) << 4);
        }
      }
    },
  },
  Q5_K: {
    bits: 8,
    parts: 8,
    shifted: true,
    take(bytes, at, n, { codes, scales, offsets }) {
      const [d, dmin] = [halfAt(bytes, at), halfAt(bytes, at + 2)];
      for (let j = 0; j < 8; j++) {
        const [scale, least] = sixBits(bytes, at + 4, j);
        scales[n + j] = d * scale;
        offsets[n + j] = -dmin * least;
      }
      for (let i = 0; i < 256; i++) codes[32 * n + i] = code5k(bytes, at, i) + 128;
    },
  },
};

/** Whether matrices of this type stay in codes. */
export function staysInCodes({ type, shape }: GgufEntry): boolean {
  return Object.hasOwn(KEPT, type.name) && shape.length === 2;
}

/** The codes of a matrix `[O, I]`. @param bytes Its rows; call only where `staysInCodes`. */
export function codesOf(bytes: Uint8Array, { type, shape }: GgufEntry): Codes {
  const kept = KEPT[type.name] as Kept;
  const { bits, parts, shifted } = kept;
  const [out, from] = shape as readonly [number, number];
  const blocks = (out * from) / BLOCK;
  const into: Into = {
    codes: new Uint8Array((blocks * BLOCK * bits) / 8),
    scales: new Float32Array(blocks),
    offsets: new Float32Array(shifted ? blocks : 0),
  };
  for (let n = 0, at = 0; n < blocks; n += parts, at += type.bytes) kept.take(bytes, at, n, into);
  const perRow = from / BLOCK;
  const one = (data: Float32Array): Tensor => tensor(data, { shape: [out, perRow], lend: true });
  return {
    codes: tensor(into.codes, { shape: [out, perRow, (BLOCK * bits) / 8], lend: true }),
    scales: one(into.scales),
    ...(shifted && { offsets: one(into.offsets) }),
  };
}
