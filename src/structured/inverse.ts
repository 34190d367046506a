// Dao et al. 2022, section 3.1: a Monarch matrix with square blocks is inverted block by block.
// https://arxiv.org/abs/2204.00595
import { OptionError } from "../errors.ts";
import {
  at,
  checkShapes,
  iota,
  matmul,
  mulDims,
  oneHot,
  permute,
  reshape,
  solve,
  stack,
  type Tensor,
} from "../tensor/index.ts";
import type { MonarchParams } from "./monarch.ts";

/**
 * The inverses of all blocks, for `applyInverse`: `W⁻¹ = right⁻¹ Pᵀ left⁻¹ Pᵀ`, as fast as `W`.
 * @throws OptionError for blocks that are not square, and for singular ones.
 */
export async function invertMonarch({ left, right }: MonarchParams): Promise<MonarchParams> {
  const { l, s, r, k, q, p } = checkShapes("invertMonarch", {
    left: [left, "l s r"],
    right: [right, "k q p"],
  });
  if (s !== r || q !== p) {
    throw new OptionError(`invertMonarch: blocks must be square, got [${s}, ${r}] and [${q}, ${p}].`);
  }
  const inverted = async (x: Tensor, count: number, n: number): Promise<Tensor> =>
    stack(
      await Promise.all(
        Array.from({ length: count }, (_, i) => solve(at(x, i), oneHot(iota(n), n, { dtype: x.dtype }))),
      ),
    );
  return { left: await inverted(left, l, s), right: await inverted(right, k, q) };
}

/** The `x` of `W x = y`, row by row. @param inverse Of `invertMonarch`. @param y `[…, n]`. @returns `[…, n]`. */
export function applyInverse({ left, right }: MonarchParams, y: Tensor): Tensor {
  const { L, S, K, Q } = checkShapes("applyInverse", { left: [left, "L S S"], right: [right, "K Q Q"] });
  const before = y.shape.slice(0, -1);
  if (y.shape.at(-1) !== S * L || L * S !== K * Q) {
    throw new OptionError(
      `applyInverse: y must have ${L * S} numbers in its last axis, got ${y.shape.at(-1)}.`,
    );
  }
  const N = mulDims(...before);
  const ways = permute(reshape(y, [N, S, L]), [2, 0, 1]); // [L, N, S]
  const between = permute(matmul(ways, left, { transposeB: true }), [1, 2, 0]); // [N, S, L]
  const blocks = permute(reshape(between, [N, K, Q]), [1, 0, 2]); // [K, N, Q]
  const x = matmul(blocks, right, { transposeB: true });
  return reshape(permute(x, [1, 0, 2]), [...before, K * Q]);
}
