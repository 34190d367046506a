// Dao et al. 2022, "Monarch", section 3.1. https://arxiv.org/abs/2204.00595
// Rectangular form and order of the output as in the authors' code (blockdiag_butterfly_multiply); Su 2024,
// https://kexue.fm/archives/10249
import { OptionError } from "../errors.ts";
import type { LinearMap, Parameter } from "../nn/index.ts";
import {
  checkShapes,
  iota,
  matmul,
  mulDims,
  oneHot,
  permute,
  reshape,
  type Tensor,
  transpose,
} from "../tensor/index.ts";

/**
 * Two factors of diagonal blocks. `right` `[k, q, p]` maps block `k` of the `k·p` numbers of the input to `q` numbers;
 * `left` `[l, s, r]` maps every `l`-th of these `k·q = l·r` to `s` of the output:
 * `W[s·l + l′, k·p + p′] = Σ left[l′, s, ⌊c/l⌋] · right[k, c mod q, p′]` over `c` with `⌊c/q⌋ = k` and `c mod l = l′`.
 * The paper's square case of `n = m·b` is `right` `[m, b, b]` and `left` `[b, m, m]`, with one `c` for each pair.
 */
export type MonarchParams = {
  readonly left: Tensor;
  readonly right: Tensor;
};

/** `k = blocks` of `right`, and `l = leftBlocks` of `left` (default: as many). Four make half of a square matrix. */
export interface MonarchConfig {
  readonly type: "monarch";
  readonly blocks: number;
  readonly leftBlocks?: number;
}

/** Structured matrices of `O(n²/blocks)` numbers; the width between the factors is the smaller of both outer ones. */
export const monarch: LinearMap<MonarchConfig, MonarchParams> = {
  type: "monarch",
  leaf: "left",
  parameters({ blocks: k, leftBlocks: l = k }, out, from, std) {
    const inner = Math.min(out, from);
    const whole = (n: number): boolean => Number.isSafeInteger(n) && n >= 1;
    if (!whole(k) || !whole(l)) {
      throw new OptionError(`monarch: blocks and leftBlocks must be whole numbers ≥ 1, got ${k} and ${l}.`);
    }
    if (from % k !== 0 || out % l !== 0 || inner % (k * l) !== 0) {
      throw new OptionError(
        `monarch: blocks=${k} must divide the ${from} numbers of the input, leftBlocks=${l} the ${out} of the output, and their product the smaller of both, got remainders ${from % k}, ${out % l} and ${inner % (k * l)}.`,
      );
    }
    // Each number of the dense form is a sum of as many products as a slice has rank.
    const factor = Math.sqrt(std / Math.sqrt(inner / (k * l)));
    const leaf = (...shape: number[]): Parameter => ({ shape, init: { std: factor } });
    return { left: leaf(l, out / l, inner / l), right: leaf(k, inner / k, from / k) };
  },
  apply: applyMonarch,
  toDense({ left, right }) {
    const I = Number(right.shape[0]) * Number(right.shape[2]);
    return transpose(applyMonarch({ left, right }, oneHot(iota(I), I, { dtype: left.dtype })));
  },
};

/** `x Wᵀ` as two batched products with a transposition between them and one behind. @param x `[…, k·p]`. */
function applyMonarch({ left, right }: MonarchParams, x: Tensor): Tensor {
  const { L, S, R, K, Q, P } = checkShapes("monarch", { left: [left, "L S R"], right: [right, "K Q P"] });
  if (L * R !== K * Q) {
    throw new OptionError(`monarch: left must take the ${K * Q} numbers that right gives, got ${L * R}.`);
  }
  const before = x.shape.slice(0, -1);
  if (x.shape.at(-1) !== K * P) {
    throw new OptionError(`monarch: x must have ${K * P} numbers in its last axis, got ${x.shape.at(-1)}.`);
  }
  const N = mulDims(...before);
  const blocks = permute(reshape(x, [N, K, P]), [1, 0, 2]); // [K, N, P]
  const between = matmul(blocks, right, { transposeB: true }); // [K, N, Q]
  const strided = permute(reshape(permute(between, [1, 0, 2]), [N, R, L]), [2, 0, 1]); // [L, N, R]
  const y = matmul(strided, left, { transposeB: true }); // [L, N, S]
  return reshape(permute(y, [1, 2, 0]), [...before, S * L]);
}
