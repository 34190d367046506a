// Matrices in 8 or 4 bits by blocks of a row, as ONNX Runtime's MatMulNBits and llama.cpp's Q8_0 and Q4_0 have them.
// Frantar et al. 2022, "GPTQ", section 2 (round to nearest). https://arxiv.org/abs/2210.17323
import { OptionError } from "../errors.ts";
import type { LinearMap } from "../nn/index.ts";
import {
  abs,
  cast,
  checkShapes,
  expandDims,
  type Dim,
  full,
  fused,
  gather,
  matmul,
  max,
  maximum,
  mulDims,
  random,
  reshape,
  round,
  stack,
  sum,
  type Tensor,
  tensor,
} from "../tensor/index.ts";
import { BLOCK, quantizeRows } from "./rows.ts";

/**
 * Codes `[O, I/32, 4·bits]`, uint8 (of 4 bits two a byte, the lower half first), scales `[O, I/32]`, and where a file
 * has blocks that are not symmetric (Q4_1, Q4_K …) what each block is shifted by, `[O, I/32]`.
 */
export type NbitParams = {
  readonly codes: Tensor;
  readonly scales: Tensor;
  readonly offsets?: Tensor;
};

export interface NbitConfig {
  readonly type: "nbit";
  readonly bits: 4 | 8;
}

/** `W = scale · (code − 2^(bits−1)) + offset`. Codes do not learn; derivatives reach what it is applied to, and the scales. */
export const nbit: LinearMap<NbitConfig, NbitParams> = {
  type: "nbit",
  leaf: "codes",
  parameters({ bits }, out, from, std) {
    if (bits !== 4 && bits !== 8) throw new OptionError(`nbit: bits must be 4 or 8, got ${String(bits)}.`);
    if (from % BLOCK !== 0) {
      throw new OptionError(`nbit: the input must be a multiple of ${BLOCK} numbers, got ${from}.`);
    }
    const blocks = from / BLOCK;
    // Codes are uniform at first; 2^bits steps have a deviation of 2^bits/√12.
    const scale = (std * Math.sqrt(12)) / 2 ** bits;
    return {
      codes: {
        shape: [out, blocks, (BLOCK * bits) / 8],
        init: (key, shape) =>
          tensor(
            Uint8Array.from(
              random.uniforms(
                key,
                shape.reduce((a, b) => a * b, 1),
              ),
              (u) => 256 * u,
            ),
            {
              shape,
            },
          ),
        dtype: "uint8",
        by: "nothing",
      },
      scales: { shape: [out, blocks], init: (_, shape) => full(shape, scale), by: "nothing" },
    };
  },
  apply({ codes, scales, offsets }, x) {
    const bits = bitsOf(codes);
    const y = fused(
      { name: "matMulNBits", bits, ...(offsets && { whole: true }) },
      [x, codes, scales],
      (a, c, s) => matmul(a, dequantised(c, s), { transposeB: true }),
    );
    if (offsets === undefined) return y;
    // What is the same for all numbers of a block meets the sum of what they are multiplied by.
    const blocks = reshape(x, [...x.shape.slice(0, -1), offsets.shape[1] ?? 0, BLOCK]);
    return y.add(matmul(sum(blocks, { axis: -1 }), offsets, { transposeB: true }));
  },
  toDense: (params) => shifted(params),
  rows({ codes, scales, offsets }, ids) {
    const V = codes.shape[0] ?? 0;
    const flat = reshape(ids, [ids.shape.reduce<Dim>((a, b) => mulDims(a, b), 1)]);
    const of = (t: Tensor): Tensor => gather(t, flat, 0, { what: `embedding: ids of ${String(V)} rows` });
    const rows = shifted({ codes: of(codes), scales: of(scales), ...(offsets && { offsets: of(offsets) }) });
    return reshape(rows, [...ids.shape, rows.shape[1] ?? 0]);
  },
};

/**
 * `x Wᵀ` to 16 bits of `x`, where the kernel takes 8: what its rounding leaves goes through it a second time. For the
 * last product of a model, whose errors decide between tokens that are nearly as probable.
 */
export function applyTwice(params: NbitParams, x: Tensor): Tensor {
  const blocks = reshape(x, [...x.shape.slice(0, -1), params.codes.shape[1] ?? 0, BLOCK]);
  const step = maximum(max(abs(blocks), { axis: -1, keep: true }).div(127), LEAST);
  const rounded = reshape(round(blocks.div(step)).mul(step), x.shape);
  return nbit.apply(params, rounded).add(nbit.apply(params, x.sub(rounded)));
}

/** A step that divides zeros. */
const LEAST = 1e-30;

/** `W` `[O, I]`. */
function shifted({ codes, scales, offsets }: NbitParams): Tensor {
  const w = dequantised(codes, scales);
  if (offsets === undefined) return w;
  const { O, N } = checkShapes("nbit", { offsets: [offsets, "O~ N"] });
  return reshape(reshape(w, [O, N, BLOCK]).add(expandDims(offsets, -1)), w.shape);
}

/** The nearest codes of a matrix `[O, I]`, row-major. @throws OptionError unless 32 divides `I`. */
export function toNbit(w: Float32Array, out: number, from: number, bits: 4 | 8): NbitParams {
  const { codes: c, scales: s } = nbit.parameters({ type: "nbit", bits }, out, from, 1);
  const { codes, scales } = quantizeRows(w, out, from, bits);
  return {
    codes: tensor(codes, { shape: c?.shape ?? [] }),
    scales: tensor(scales, { shape: s?.shape ?? [] }),
  };
}

function bitsOf(codes: Tensor): 4 | 8 {
  const bytes = codes.shape[2];
  if (bytes === BLOCK) return 8;
  if (bytes === BLOCK / 2) return 4;
  throw new OptionError(`nbit: codes must have 16 or 32 bytes a block, got ${bytes ?? "none"}.`);
}

/** `[O, I]`, of the dtype of the scales. */
function dequantised(codes: Tensor, scales: Tensor): Tensor {
  const { O, N } = checkShapes("nbit", { codes: [codes, "O~ N M"], scales: [scales, "O~ N"] });
  const bits = bitsOf(codes);
  const bytes = cast(codes, "int32");
  const high = bytes.div(16);
  const each = bits === 8 ? bytes : reshape(stack([bytes.sub(high.mul(16)), high], -1), [O, N, BLOCK]);
  const steps = cast(each.sub(2 ** (bits - 1)), scales.dtype);
  return reshape(steps.mul(expandDims(scales, -1)), [O, N * BLOCK]);
}
