// Gaussians of independent dimensions, as posteriors of a variational auto-encoder are. Kingma and Welling 2013, appendix B.
// https://arxiv.org/abs/1312.6114
import { exp, log, logSumExp, type Tensor } from "../tensor/index.ts";

/** Independent Gaussians: a mean and the logarithm of a variance for each dimension, both `[…, D]`. */
export interface Gaussian {
  readonly mean: Tensor;
  readonly logVariance: Tensor;
}

const LOG_2PI = Math.log(2 * Math.PI);

/** Divergence from the standard normal in nats, `½ (μ² + σ² − log σ² − 1)` of each dimension, `[…, D]`. */
export function gaussianDivergence({ mean, logVariance }: Gaussian): Tensor {
  return mean.square().add(exp(logVariance)).sub(logVariance).sub(1).mul(0.5);
}

/** Log-density of `z` in nats, summed over the last axis. @param z Of a shape that broadcasts with the mean's. */
export function gaussianLogDensity({ mean, logVariance }: Gaussian, z: Tensor): Tensor {
  const squares = z.sub(mean).square().div(exp(logVariance));
  return squares.add(logVariance).add(LOG_2PI).mul(-0.5).sum({ axis: -1 });
}

/** Log-density of the standard normal, summed over the last axis. */
export function normalLogDensity(z: Tensor): Tensor {
  return z.square().add(LOG_2PI).mul(-0.5).sum({ axis: -1 });
}

/** `log (1/N) Σ eˣ` along `axis`, of whose `N` the size must be known. */
export function logMeanExp(x: Tensor, axis: number): Tensor {
  const N = Number(x.shape.at(axis));
  return logSumExp(x, { axis }).sub(Math.log(N));
}

/** Deviation as the logarithm of its square, kept above `least` (default 1e-8). @param deviation Of either sign. */
export function logSquare(deviation: Tensor, least = 1e-8): Tensor {
  return log(deviation.square().clip(least, Number.MAX_VALUE));
}
