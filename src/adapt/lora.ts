// Hu et al. 2021, "LoRA", section 4.1. https://arxiv.org/abs/2106.09685; Su 2023, https://kexue.fm/archives/9590
// Scale by the root of the rank: Kalajdzievski 2023, "rsLoRA", section 3. https://arxiv.org/abs/2312.03732
//
// Orientation, here and in every file of this room. The article writes row vectors, `Y = X (W0 + s·A·B)`; files and PEFT
// store the transposes: `weight` `[O, I]`, `lora_A` `[r, I]` (the input side, the article's Aᵀ), `lora_B` `[O, r]` (the
// output side, the article's Bᵀ). So the article's A is their lora_A, and its B is their lora_B.
import { OptionError } from "../errors.ts";
import type { EmbeddingParams, LinearMap, MapParams, Parameter } from "../nn/index.ts";
import { checkShapes, full, gather, matmul, random, type Tensor, transpose } from "../tensor/index.ts";

/**
 * A base that stays, and a change of low rank: `W = W0 + s (lora_B · lora_A − lora_B0 · lora_A0)`. What the factors began
 * with is taken off where it is not zero, so that the start is exactly the base.
 */
export type LoraParams = {
  /** `[O, I]`; never changed. */
  readonly weight: Tensor;
  /** `[r, I]`. */
  readonly lora_A: Tensor;
  /** `[O, r]`. */
  readonly lora_B: Tensor;
  /** `s`, a scalar. */
  readonly lora_scale: Tensor;
  /** What both factors began with; absent where their product was zero. */
  readonly lora_A0?: Tensor;
  readonly lora_B0?: Tensor;
};

/** Rank, and the numerator of the scale. */
export interface LoraSize {
  /** `r`, at most the smaller side of the matrix. */
  readonly rank: number;
  /** Default: the rank. */
  readonly alpha?: number;
  /** rsLoRA: the scale is `alpha/√r` instead of `alpha/r`. */
  readonly root?: boolean;
}

export interface LoraConfig extends LoraSize {
  readonly type: "lora";
}

/** `s = alpha/r`, or `alpha/√r` (rsLoRA). */
export function loraScale({ rank, alpha = rank, root = false }: LoraSize): number {
  return alpha / (root ? Math.sqrt(rank) : rank);
}

/** @throws OptionError for a rank that a matrix of `out` by `from` numbers cannot have, and a bad alpha. */
export function checkLora({ rank, alpha = rank }: LoraSize, out: number, from: number): void {
  const most = Math.min(out, from);
  if (!Number.isSafeInteger(rank) || rank < 1 || rank > most) {
    throw new OptionError(
      `lora: rank must be a whole number from 1 to ${most}, the smaller side of [${out}, ${from}], got ${rank}.`,
    );
  }
  if (!Number.isFinite(alpha) || alpha <= 0) {
    throw new OptionError(`lora: alpha must be a number above 0, got ${alpha}.`);
  }
}

/**
 * The factors and the scale for a matrix of `from` numbers to `out`: `lora_A` uniform in ±1/√from, `lora_B` zero, so that
 * the change begins with zero.
 */
export function loraFactors(
  size: LoraSize,
  out: number,
  from: number,
): Record<"lora_A" | "lora_B" | "lora_scale", Parameter> {
  checkLora(size, out, from);
  const bound = 1 / Math.sqrt(from);
  return {
    lora_A: {
      shape: [size.rank, from],
      init: (key, shape) => random.uniform(key, shape, { low: -bound, high: bound }),
    },
    lora_B: { shape: [out, size.rank], init: "zeros" },
    lora_scale: { shape: [], init: () => full([], loraScale(size)), by: "nothing" },
  };
}

/** A matrix that is not trained beside two thin ones that are. */
export const lora: LinearMap<LoraConfig, LoraParams> = {
  type: "lora",
  leaf: "lora_A",
  parameters: (config, out, from, std) => ({
    weight: { shape: [out, from], init: { std }, by: "nothing" },
    ...loraFactors(config, out, from),
  }),
  apply(params, x) {
    checkFactors(params, params.weight);
    return matmul(x, params.weight, { transposeB: true }).add(loraChange(params, x));
  },
  toDense: (params) => params.weight.add(loraDelta(params)),
};

/** @throws ShapeError unless factors fit `W0` `[O, I]`; one pair for all texts, or one for each (`[B, r, I]`). */
export function checkFactors(
  { lora_A, lora_B }: Pick<LoraParams, "lora_A" | "lora_B">,
  weight: Tensor,
): void {
  const each = lora_A.rank === 3 ? "B~ " : "";
  checkShapes("lora", {
    weight: [weight, "O I"],
    lora_A: [lora_A, `${each}r I`],
    lora_B: [lora_B, `${each}O r`],
  });
}

/** `s (x lora_Aᵀ lora_Bᵀ − x lora_A0ᵀ lora_B0ᵀ)`, `[…, O]`: zero bit by bit at the start. @param x `[…, I]`. */
export function loraChange(
  { lora_A, lora_B, lora_scale, lora_A0, lora_B0 }: Omit<LoraParams, "weight">,
  x: Tensor,
): Tensor {
  const side = (a: Tensor, b: Tensor): Tensor =>
    matmul(matmul(x, a, { transposeB: true }).mul(lora_scale), b, { transposeB: true });
  const now = side(lora_A, lora_B);
  return lora_A0 && lora_B0 ? now.sub(side(lora_A0, lora_B0)) : now;
}

/** `s (lora_B · lora_A − lora_B0 · lora_A0)`, `[O, I]`. */
export function loraDelta({
  lora_A,
  lora_B,
  lora_scale,
  lora_A0,
  lora_B0,
}: Omit<LoraParams, "weight">): Tensor {
  const now = matmul(lora_B, lora_A);
  return (lora_A0 && lora_B0 ? now.sub(matmul(lora_B0, lora_A0)) : now).mul(lora_scale);
}

/** A table `[V, C]`, and a change of low rank where it has one: `lora_embedding_A` `[r, V]`, `lora_embedding_B` `[C, r]`. */
export interface TableParams extends EmbeddingParams {
  readonly lora_embedding_A?: Tensor;
  readonly lora_embedding_B?: Tensor;
  readonly lora_scale?: Tensor;
}

/** Factors and scale for a table of `rows` by `width`, as PEFT has them: `lora_embedding_A` zero, `lora_embedding_B` normal. */
export function tableFactors(size: LoraSize, rows: number, width: number): Record<string, Parameter> {
  checkLora(size, rows, width);
  return {
    lora_embedding_A: { shape: [size.rank, rows], init: "zeros" },
    lora_embedding_B: { shape: [width, size.rank], init: { std: 1 } },
    lora_scale: { shape: [], init: () => full([], loraScale(size)), by: "nothing" },
  };
}

/** Rows of the changed table. @param ids `[…]`, int32 in `[0, V)`. @returns `[…, C]`. */
export function tableRows(params: TableParams, ids: Tensor): Tensor {
  const rows = gather(params.weight, ids, 0, { what: "embedding: ids" });
  const change = tableChange({ ...params }, ids);
  return change ? rows.add(change) : rows;
}

/** What a table's factors add to the rows that are read, `[…, C]`; nothing where it has none. */
export function tableChange(params: MapParams, ids: Tensor): Tensor | undefined {
  const { lora_embedding_A: A, lora_embedding_B: B, lora_scale } = params;
  if (!A || !B || !lora_scale) return undefined;
  checkShapes("lora", { lora_embedding_A: [A, "r V"], lora_embedding_B: [B, "C r"] });
  return matmul(gather(transpose(A), ids).mul(lora_scale), B, { transposeB: true });
}

/** `s (lora_embedding_B · lora_embedding_A)ᵀ`, `[V, C]`. */
export function tableDelta({
  lora_embedding_A: A,
  lora_embedding_B: B,
  lora_scale,
}: Omit<TableParams, "weight">): Tensor {
  if (!A || !B || !lora_scale)
    throw new OptionError("lora: a table's change must have both factors and a scale.");
  return matmul(A, B, { transposeA: true, transposeB: true }).mul(lora_scale);
}
