// Normalisation of images and other `[B, C, …]`, channel by channel over a batch, or within an example by groups of
// channels. Ioffe and Szegedy 2015, https://arxiv.org/abs/1502.03167; Wu and He 2018, https://arxiv.org/abs/1803.08494
import { OptionError, ShapeError } from "../errors.ts";
import { checkShapes, layerNorm, mulDims, type Tensor, stopGradient } from "../tensor/index.ts";

/** Gain and offset of each channel, `[C]`. */
export interface ChannelNormParams {
  readonly weight: Tensor;
  readonly bias: Tensor;
}

/** Running mean and variance of each channel, `[C]`: begin with zeros and ones. */
export interface BatchNormState {
  readonly mean: Tensor;
  readonly variance: Tensor;
}

/** Options of `batchNorm`. */
export interface BatchNormOptions {
  /** Whether the batch itself is normalised by its own statistics, and the state moves. */
  readonly train: boolean;
  /** Share of this batch in the new state; default 0.1. */
  readonly momentum?: number;
  /** Default 1e-5. */
  readonly epsilon?: number;
}

/** The number of channels, and a vector of them as it stands beside `x`. */
function channels(where: string, { weight, bias }: ChannelNormParams, x: Tensor): (v: Tensor) => Tensor {
  if (x.rank < 2) throw new ShapeError(`${where}: x must be [B, C, …], got [${x.shape.join(", ")}].`);
  const C = x.shape[1] ?? 1;
  for (const [name, v] of [
    ["weight", weight],
    ["bias", bias],
  ] as const) {
    if (v.rank === 1 && v.shape[0] === C) continue;
    throw new ShapeError(`${where}: ${name} must be [C=${C}], got [${v.shape.join(", ")}].`);
  }
  return (v) => v.reshape([C, ...x.shape.slice(2).map(() => 1)]);
}

/**
 * `(x − mean) / √(variance + ε) · weight + bias`, statistics of each channel over batch and places: those of this batch
 * in training, else the running ones. The state is a value: it comes in and goes out, as the parameters do.
 * @param x `[B, C, …]`. @returns `y` like `x`, and the state: `(1 − momentum) · state + momentum · batch` after training
 *   (with the unbiased variance), else as it was.
 */
export function batchNorm(
  params: ChannelNormParams,
  state: BatchNormState,
  x: Tensor,
  { train, momentum = 0.1, epsilon = 1e-5 }: BatchNormOptions,
): { y: Tensor; state: BatchNormState } {
  const beside = channels("batchNorm", params, x);
  checkShapes("batchNorm", {
    weight: [params.weight, "C"],
    mean: [state.mean, "C"],
    variance: [state.variance, "C"],
  });
  const axis = x.shape.flatMap((_, i) => (i === 1 ? [] : [i]));
  const mean = train ? x.mean({ axis }) : state.mean;
  const centred = x.sub(beside(mean));
  const variance = train ? centred.square().mean({ axis }) : state.variance;
  const gain = params.weight.mul(variance.add(epsilon).rsqrt());
  const y = centred.mul(beside(gain)).add(beside(params.bias));
  if (!train) return { y, state };
  const count = mulDims(...axis.map((i) => x.shape[i] ?? 1));
  if (typeof count !== "number" || count < 2) {
    throw new ShapeError(`batchNorm: a batch must hold two elements or more of each channel, got ${count}.`);
  }
  const moved = (before: Tensor, now: Tensor): Tensor =>
    stopGradient(before.mul(1 - momentum).add(now.mul(momentum)));
  return {
    y,
    state: {
      mean: moved(state.mean, mean),
      variance: moved(state.variance, variance.mul(count / (count - 1))),
    },
  };
}

/**
 * `(x − mean) / √(variance + ε) · weight + bias` with the statistics of `groups` equal groups of channels of each example.
 * @param x `[B, C, …]`. @throws OptionError when `groups` does not divide `C`.
 */
export function groupNorm(
  params: ChannelNormParams,
  x: Tensor,
  { groups, epsilon = 1e-5 }: { readonly groups: number; readonly epsilon?: number },
): Tensor {
  const beside = channels("groupNorm", params, x);
  const [B = 1, C = 1] = x.shape;
  if (typeof C !== "number" || !Number.isSafeInteger(groups) || groups < 1 || C % groups !== 0) {
    throw new OptionError(
      `groupNorm: groups must be a whole number that divides ${C} channels, got ${groups}.`,
    );
  }
  const rows = x.reshape([B, groups, mulDims(C / groups, ...x.shape.slice(2))]);
  return layerNorm(rows, { epsilon }).reshape(x.shape).mul(beside(params.weight)).add(beside(params.bias));
}
