// The nearest Monarch matrix: Dao et al. 2022, section 3.3 and theorem 1, https://arxiv.org/abs/2204.00595, for square
// matrices with one product a slice; the same argument for any blocks, where slices have a higher rank.
import { OptionError } from "../errors.ts";
import { checkShapes, svd, type Tensor, tensor } from "../tensor/index.ts";
import { monarch, type MonarchConfig, type MonarchParams } from "./monarch.ts";

/** The nearest matrix of a form, and what was lost: `‖W − M‖²` and `‖W‖²`, sums of squares. */
export interface Projected {
  readonly params: MonarchParams;
  readonly lost: number;
  readonly total: number;
}

/**
 * The Monarch matrix nearest to `W` in the sum of squares. The numbers `c` between both factors belong to one slice each, that of
 * rows `s·l + l′` for `l′ = c mod l` and of columns of block `k = ⌊c/q⌋`; slices tile `W`, so the best of rank `q/l` for every
 * one of them (Eckart and Young) is the best of all.
 * @param w `[out, in]`. @throws OptionError for sizes that no such blocks divide.
 */
export async function projectMonarch(w: Tensor, config: MonarchConfig): Promise<Projected> {
  const { O, I } = checkShapes("projectMonarch", { w: [w, "O I"] });
  const { left, right } = monarch.parameters(config, O, I, 1);
  const [l = 1, s = 1, r = 1] = left?.shape ?? [];
  const [k = 1, q = 1, p = 1] = right?.shape ?? [];
  const values = Array.from(await w.data(), Number);
  if (values.some((x) => !Number.isFinite(x))) {
    throw new OptionError("projectMonarch: w must be finite, got a value that is NaN or infinite.");
  }
  const [L, R] = [new Float64Array(l * s * r), new Float64Array(k * q * p)];
  let lost = 0;
  for (let block = 0; block < k; block++) {
    for (let way = 0; way < l; way++) {
      const slice = Float64Array.from(
        { length: s * p },
        (_, i) => values[(Math.floor(i / p) * l + way) * I + block * p + (i % p)] ?? 0,
      );
      const { u, s: sizes, v } = await svd(tensor(slice, { shape: [s, p] }));
      const [us, ss, vs] = await Promise.all(
        [u, sizes, v].map(async (x) => Array.from(await x.data(), Number)),
      );
      const [U, S, V] = [us ?? [], ss ?? [], vs ?? []];
      // Numbers between of this slice, in their order.
      const between = Array.from({ length: q }, (_, j) => block * q + j).filter((c) => c % l === way);
      between.forEach((c, rank) => {
        const root = Math.sqrt(S[rank] ?? 0);
        for (let i = 0; i < s; i++)
          L[(way * s + i) * r + Math.floor(c / l)] = root * (U[i * S.length + rank] ?? 0);
        for (let j = 0; j < p; j++) R[(block * q + (c % q)) * p + j] = root * (V[j * S.length + rank] ?? 0);
      });
      for (const sigma of S.slice(between.length)) lost += sigma * sigma;
    }
  }
  const { dtype } = w;
  return {
    params: { left: tensor(L, { shape: [l, s, r], dtype }), right: tensor(R, { shape: [k, q, p], dtype }) },
    lost,
    total: values.reduce((sum, x) => sum + x * x, 0),
  };
}
