// Products with constant matrices of few bits, through ONNX Runtime's `MatMulNBits`: rows in blocks of 32 numbers,
// each block with a scale of its own, symmetric around the middle code.
import type { Emitter, Ref } from "./emitter.ts";
import type { Target } from "./target.ts";
import type { Type } from "./value.ts";

const BLOCK = 32;

interface Product {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  readonly scale: number;
  readonly type: Type;
}

/** `a Wᵀ` with `W` `[N, K]` in few bits, when the target asks for it and `W` is a constant matrix. */
export function quantizedProduct(
  target: Target,
  emit: Emitter,
  a: Ref,
  w: Ref,
  { transposeA, transposeB, scale, type }: Product,
): Ref | undefined {
  const bits = target.weightBits;
  const [N, K] = w.type.shape;
  if (bits === undefined || !(w.data instanceof Float32Array) || w.type.shape.length !== 2) return undefined;
  if (transposeA || !transposeB || scale !== 1 || typeof N !== "number" || typeof K !== "number")
    return undefined;
  const { codes, scales } = quantizeRows(w.data, N, K, bits);
  const blocks = Math.ceil(K / BLOCK);
  const packed = emit.initializer(codes, { dtype: "uint8", shape: [N, blocks, (BLOCK * bits) / 8] });
  const factors = emit.initializer(scales, { dtype: "float32", shape: [N * blocks] });
  return emit.node("MatMulNBits", [a, packed, factors], type, {
    domain: "com.microsoft",
    attributes: {
      K: { int: K },
      N: { int: N },
      bits: { int: bits },
      block_size: { int: BLOCK },
      // Activations in 8 bits: products of integers.
      accuracy_level: { int: 4 },
    },
  });
}

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
