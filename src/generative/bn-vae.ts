// Zhu et al. 2020, "A batch normalized inference network keeps the KL vanishing away", https://arxiv.org/abs/2004.12585
// (BN-VAE), and the scaler of Su 2020, https://kexue.fm/archives/7381. ε is 1e-8 as in the article: the usual 1e-5 voids the
// floor where what is normalised is small.
import { OptionError } from "../errors.ts";
import type { Parameter } from "../nn/index.ts";
import { checkShapes, exp, full, sigmoid, sqrt, stopGradient, type Tensor } from "../tensor/index.ts";
import { type Gaussian, gaussianDivergence, logSquare } from "./gaussian.ts";

/**
 * How an encoder's two outputs become a posterior. `plain`: mean and log-variance as they are. `bn`: the mean is normalised
 * over the batch, times a frozen `gamma`, plus a learnt β; the log-variance as it is. `scaler`: both outputs are normalised,
 * the mean times `√(τ + (1−τ) s(θ))`, the deviation times `√((1−τ) s(−θ))`, s the logistic function, θ learnt: mean 0 and
 * second moment 1 over a batch, as the prior has them.
 */
export type PosteriorConfig =
  | { readonly type: "plain" }
  | { readonly type: "bn"; readonly gamma: number }
  | { readonly type: "scaler"; readonly tau: number };

/** Running statistics of what is normalised, `[D]` each. */
export interface RunningMoments {
  readonly mean: Tensor;
  readonly variance: Tensor;
}

/** What a posterior learns; which leaves there are depends on its kind. */
export interface PosteriorParams {
  readonly beta?: Tensor; // [D], bn
  readonly theta?: Tensor; // [D], scaler
  readonly means?: RunningMoments; // bn, scaler
  readonly deviations?: RunningMoments; // scaler
}

/** A posterior, drawn from as `mean + deviation · noise`. */
export interface Posterior extends Gaussian {
  /** `[B, D]`; of either sign under the scaler, which samples and squares do not mind. */
  readonly deviation: Tensor;
  /** Moments of this batch for `learnPosterior`: sums, so that those of parts add up. */
  readonly seen: SeenMoments;
}

/** Moments of batches, and how many. */
export interface SeenMoments {
  readonly batches: Tensor; // []
  readonly means?: RunningMoments;
  readonly deviations?: RunningMoments;
}

/** @throws OptionError for a γ that is not above 0, or a τ that is not between 0 and 1. */
export function checkPosterior(where: string, config: PosteriorConfig): void {
  if (config.type === "bn" && !(config.gamma > 0 && Number.isFinite(config.gamma))) {
    throw new OptionError(`${where}: gamma must be above 0, got ${config.gamma}. Use type "plain" for none.`);
  }
  if (config.type === "scaler" && !(config.tau > 0 && config.tau < 1)) {
    throw new OptionError(`${where}: tau must be between 0 and 1, got ${config.tau}.`);
  }
}

/** Leaves of a posterior of `D` dimensions by name: β and θ begin as zeros; running moments no gradient moves. */
export function posteriorParameters(config: PosteriorConfig, D: number): Readonly<Record<string, Parameter>> {
  checkPosterior("posteriorParameters", config);
  const running = (name: string): Record<string, Parameter> => ({
    [`${name}.mean`]: { shape: [D], init: "zeros", by: "average" },
    [`${name}.variance`]: { shape: [D], init: "ones", by: "average" },
  });
  if (config.type === "plain") return {};
  if (config.type === "bn") return { beta: { shape: [D], init: "zeros" }, ...running("means") };
  return { theta: { shape: [D], init: "zeros" }, ...running("means"), ...running("deviations") };
}

/** Options of `posterior`. */
export interface PosteriorOptions {
  /** Whether the batch is normalised by its own moments (biased variance), else by the running ones. */
  readonly train: boolean;
  /** Added to variances; default 1e-8. */
  readonly epsilon?: number;
}

/**
 * The posterior of a batch.
 * @param mean, spread What the encoder gives, `[B, D]`; `spread` is the log-variance (plain, bn) or what becomes the
 *   deviation (scaler). @throws OptionError for a batch of one in training, whose mean is all that there is.
 */
export function posterior(
  config: PosteriorConfig,
  params: PosteriorParams,
  { mean, spread }: { readonly mean: Tensor; readonly spread: Tensor },
  { train, epsilon = 1e-8 }: PosteriorOptions,
): Posterior {
  const { B } = checkShapes("posterior", { mean: [mean, "B~ D"], spread: [spread, "B~ D"] });
  const batches = full([], 1, { dtype: mean.dtype });
  if (config.type === "plain") {
    return { mean, logVariance: spread, deviation: exp(spread.mul(0.5)), seen: { batches } };
  }
  checkPosterior("posterior", config);
  if (train && B === 1) {
    throw new OptionError("posterior: a batch must hold two examples or more to be normalised, got 1.");
  }
  const normal = (x: Tensor, running: RunningMoments | undefined): { y: Tensor; moments: RunningMoments } => {
    if (!train && running === undefined)
      throw new OptionError("posterior: running moments must be given, got none.");
    const own = { mean: x.mean({ axis: 0 }), variance: x.variance({ axis: 0 }) };
    const by = train ? own : (running ?? own);
    return { y: x.sub(by.mean).div(sqrt(by.variance.add(epsilon))), moments: stopGradient(own) };
  };
  const means = normal(mean, params.means);
  if (config.type === "bn") {
    const moved = means.y.mul(config.gamma);
    return {
      mean: params.beta ? moved.add(params.beta) : moved,
      logVariance: spread,
      deviation: exp(spread.mul(0.5)),
      seen: { batches, means: means.moments },
    };
  }
  const deviations = normal(spread, params.deviations);
  const theta = params.theta ?? full([], 0, { dtype: mean.dtype });
  const { ofMean, ofDeviation } = scalerGains(config.tau, theta);
  const deviation = deviations.y.mul(ofDeviation);
  return {
    mean: means.y.mul(ofMean),
    deviation,
    logVariance: logSquare(deviation),
    seen: { batches, means: means.moments, deviations: deviations.moments },
  };
}

/** The scaler's gains, `γ_μ² + γ_σ² = 1`: `γ_μ = √(τ + (1−τ) s(θ))`, `γ_σ = √((1−τ) s(−θ))`. */
export function scalerGains(
  tau: number,
  theta: Tensor,
): { readonly ofMean: Tensor; readonly ofDeviation: Tensor } {
  return {
    ofMean: sqrt(
      sigmoid(theta)
        .mul(1 - tau)
        .add(tau),
    ),
    ofDeviation: sqrt(sigmoid(theta.neg()).mul(1 - tau)),
  };
}

/** What the mean divergence of a batch cannot fall below, in nats, β and θ at 0: `D γ²/2`, or `−½ D log γ_σ²`. */
export function divergenceFloor(config: PosteriorConfig, D: number): number {
  if (config.type === "plain") return 0;
  if (config.type === "bn") return (D * config.gamma ** 2) / 2;
  return (-D * Math.log((1 - config.tau) / 2)) / 2;
}

/** Running moments after batches: each moves by `momentum` (default 0.1) towards what was seen. */
export function learnPosterior(params: PosteriorParams, seen: SeenMoments, momentum = 0.1): PosteriorParams {
  const moved = (before?: RunningMoments, sum?: RunningMoments): RunningMoments | undefined => {
    if (before === undefined || sum === undefined) return before;
    const step = (a: Tensor, b: Tensor): Tensor => a.mul(1 - momentum).add(b.div(seen.batches).mul(momentum));
    return { mean: step(before.mean, sum.mean), variance: step(before.variance, sum.variance) };
  };
  const means = moved(params.means, seen.means);
  const deviations = moved(params.deviations, seen.deviations);
  return { ...params, ...(means && { means }), ...(deviations && { deviations }) };
}

/** Peers of a floor by normalisation: how much the divergence weighs, and how much of it is free. */
export interface DivergenceRule {
  /** Weight of the divergence, `[]` or a number; default 1. Annealing raises it from 0 (`annealed`). */
  readonly weight?: Tensor | number;
  /** Nats of each dimension below which its mean over the batch costs nothing more; default 0 (none). */
  readonly freeNats?: number;
}

/**
 * The divergence as it is trained on, mean over the batch: `w · Σ_d max(λ, mean_b KL_bd)`. Free bits: Kingma et al. 2016,
 * https://arxiv.org/abs/1606.04934; annealing: Bowman et al. 2015, https://arxiv.org/abs/1511.06349
 */
export function divergenceLoss(q: Gaussian, { weight = 1, freeNats = 0 }: DivergenceRule = {}): Tensor {
  const each = gaussianDivergence(q).mean({ axis: 0 }); // [D]
  const paid = freeNats > 0 ? each.clip(freeNats, Number.MAX_VALUE) : each;
  return paid.sum().mul(weight);
}

/** Weight of the divergence at `step`: from `from` (default 0) to 1 in `over` steps, 1 at once when that is 0. */
export function annealed(step: number, over: number, from = 0): number {
  return over <= 0 ? 1 : Math.min(1, from + ((1 - from) * step) / over);
}
