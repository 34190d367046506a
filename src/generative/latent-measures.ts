// What a latent space holds. Active units and the bound of many samples: Burda, Grosse and Salakhutdinov 2015,
// https://arxiv.org/abs/1509.00519; mutual information: Hoffman and Johnson 2016, "ELBO surgery"
import { expandDims, greater, type Tensor } from "../tensor/index.ts";
import { type Gaussian, gaussianLogDensity, logMeanExp } from "./gaussian.ts";

/** How many dimensions have posterior means with a variance above `least` (default 0.01) over the data. @param mean `[N, D]`. */
export function activeUnits(mean: Tensor, least = 0.01): Tensor {
  return greater(mean.variance({ axis: 0 }), least)
    .cast("int32")
    .sum();
}

/**
 * Mutual information of data and code in nats, `mean_i (log q(z_i | x_i) − log (1/N) Σ_j q(z_i | x_j))`; at most `log N`.
 * @param q Posteriors of `N` examples. @param z A sample of each, `[N, D]`.
 */
export function mutualInformation(q: Gaussian, z: Tensor): Tensor {
  const own = gaussianLogDensity(q, z); // [N]
  const all = gaussianLogDensity(q, expandDims(z, 1)); // [N, N]: row i, posterior j
  return own.sub(logMeanExp(all, 1)).mean();
}

/** Mean over the data and dimensions of `μ` and of `μ² + σ²`: 0 and 1 where the aggregate is as the prior. */
export function aggregateMoments({ mean, logVariance }: Gaussian): { first: Tensor; second: Tensor } {
  return { first: mean.mean(), second: mean.square().add(logVariance.exp()).mean() };
}

/**
 * Bound of the negative log-likelihood in nats from `K` samples each, `−mean_b log (1/K) Σ_k w_kb`; the tighter the more.
 * @param logWeights `log p(x, z) − log q(z | x)`, `[K, B]`.
 */
export function importanceBound(logWeights: Tensor): Tensor {
  return logMeanExp(logWeights, 0).mean().neg();
}
