// Heusel et al. 2017, "GANs trained by a two time-scale update rule", https://arxiv.org/abs/1706.08500; the distance of two
// Gaussians: Dowson and Landau 1982, https://doi.org/10.1016/0047-259X(82)90077-X
import { checkShapes, eigh, evaluate, matmul, sqrt, type Tensor } from "../tensor/index.ts";

/** Mean `[D]` and covariance `[D, D]` (biased) of features. */
export interface FeatureMoments {
  readonly mean: Tensor;
  readonly covariance: Tensor;
}

/** Moments of features in float64. @param x `[N, D]`. */
export function featureMoments(x: Tensor): FeatureMoments {
  const { N } = checkShapes("featureMoments", { x: [x, "N D"] });
  const wide = x.cast("float64");
  const mean = wide.mean({ axis: 0 });
  const centred = wide.sub(mean);
  return { mean, covariance: matmul(centred.transpose(), centred).div(N) };
}

/** Square root of a symmetric matrix without negative eigenvalues; small negative ones count as zero. */
async function root(x: Tensor): Promise<{ matrix: Tensor; trace: Tensor }> {
  const { values, vectors } = await eigh(x);
  const roots = sqrt(values.relu());
  return { matrix: matmul(vectors.mul(roots), vectors, { transposeB: true }), trace: roots.sum() };
}

/** Fréchet distance of Gaussians, `‖μ₁ − μ₂‖² + tr(C₁ + C₂ − 2 (C₁^½ C₂ C₁^½)^½)`; 0 for equal moments. */
export async function frechetDistance(a: FeatureMoments, b: FeatureMoments): Promise<number> {
  checkShapes("frechetDistance", {
    "mean of a": [a.mean, "D"],
    "mean of b": [b.mean, "D"],
    "covariance of a": [a.covariance, "D D"],
    "covariance of b": [b.covariance, "D D"],
  });
  const half = (await root(a.covariance)).matrix;
  const { trace } = await root(matmul(matmul(half, b.covariance), half));
  const traces = trace.mul(-2).add(diagonalSum(a.covariance)).add(diagonalSum(b.covariance));
  const all = await evaluate(a.mean.sub(b.mean).square().sum().add(traces));
  return Math.max(0, await all.item());
}

function diagonalSum(x: Tensor): Tensor {
  return x.tril().triu().sum();
}
