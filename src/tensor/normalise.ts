// Softmax and normalisation over one axis.
import { axisOf } from "../graph/infer.ts";
import { apply, item, ones, requireTensor, type Tensor, zeros } from "./tensor.ts";

/** `eˣ / Σ eˣ` along `axis` (default the last). */
export function softmax(x: Tensor, axis = -1): Tensor {
  requireTensor("softmax", "x", x);
  return apply("softmax", [x], { axis: axisOf("softmax", axis, x.rank) });
}

/** `x − log Σ eˣ` along `axis` (default the last). */
export function logSoftmax(x: Tensor, axis = -1): Tensor {
  requireTensor("logSoftmax", "x", x);
  return apply("logSoftmax", [x], { axis: axisOf("logSoftmax", axis, x.rank) });
}

/**
 * `(x − mean) / √(variance + ε) · scale + bias` over the last axis. Ba et al. 2016, https://arxiv.org/abs/1607.06450
 * @param x `[…, C]`. @param scale `[C]`, ones if absent. @param bias `[C]`, zeros if absent.
 */
export function layerNorm(
  x: Tensor,
  {
    scale,
    bias,
    epsilon = 1e-5,
  }: { scale?: Tensor | undefined; bias?: Tensor | undefined; epsilon?: number } = {},
): Tensor {
  requireTensor("layerNorm", "x", x);
  const width = x.shape.slice(-1);
  const gain = scale ?? ones(width, { dtype: x.dtype });
  return item(apply("layerNorm", [x, gain, bias ?? zeros(width, { dtype: x.dtype })], { epsilon }), 0);
}

/**
 * `x / √(mean x² + ε) · scale` over the last axis. Zhang and Sennrich 2019, https://arxiv.org/abs/1910.07467
 * @param x `[…, C]`. @param scale `[C]`, ones if absent.
 */
export function rmsNorm(
  x: Tensor,
  { scale, epsilon = 1e-5 }: { scale?: Tensor; epsilon?: number } = {},
): Tensor {
  requireTensor("rmsNorm", "x", x);
  return item(apply("rmsNorm", [x, scale ?? ones(x.shape.slice(-1), { dtype: x.dtype })], { epsilon }), 0);
}
