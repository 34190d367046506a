// Pooling and up-sampling of images `[B, C, H, W]`.
import { OptionError, ShapeError } from "../errors.ts";
import { showShape } from "../graph/infer.ts";
import type { Windows } from "../graph/value.ts";
import { hostArray } from "../graph/dtype.ts";
import { requireWhole, show } from "./arguments.ts";
import { fused } from "./fused.ts";
import { broadcastTo, reshape } from "./movement.ts";
import { matmul } from "./product.ts";
import { full, requireTensor, type Tensor, tensor } from "./tensor.ts";
import { counts, imageSizes, type PerAxis, unfold, type WindowOptions, windowsOf } from "./windows.ts";

/** Options of pooling; `stride` is that of the kernel by default, so that windows lie side by side. */
export type PoolOptions = WindowOptions;

/** The windows of a pooling, each of which has to see an element. */
function poolWindows(where: string, x: Tensor, kernel: PerAxis, options: PoolOptions): Windows {
  requireTensor(where, "x", x);
  const [, , ...sizes] = imageSizes(where, "x", x, "B, C, H, W");
  const w = windowsOf(where, kernel, { stride: kernel, ...options });
  counts(where, w, sizes);
  const wide = w.kernel.some((k, i) => 2 * Math.max(w.before[i] ?? 0, w.after[i] ?? 0) > k);
  if (!wide) return w;
  throw new OptionError(
    `${where}: padding must be at most half of the kernel ${showShape(w.kernel)}, got ${show(options.padding)}.`,
  );
}

/** `[B, C, P]` as the image of its windows. */
function image(x: Tensor, y: Tensor, where: string, w: Windows): Tensor {
  const [B, C, ...sizes] = imageSizes(where, "x", x, "B, C, H, W");
  return reshape(y, [B, C, ...counts(where, w, sizes)]);
}

/**
 * The largest element of each window; padding is never chosen, and where several tie the derivative is shared equally.
 * @param x `[B, C, H, W]`. @param kernel Size of a window.
 */
export function maxPool2d(x: Tensor, kernel: PerAxis, options: PoolOptions = {}): Tensor {
  const w = poolWindows("maxPool2d", x, kernel, options);
  return fused({ name: "maxPool", ...w }, [x], (a) =>
    image(a, unfold("maxPool2d", a, w, -Infinity).max({ axis: 1 }), "maxPool2d", w),
  );
}

/** The mean of the elements in each window, padding not counted. @param x `[B, C, H, W]`. @param kernel Size of a window. */
export function averagePool2d(x: Tensor, kernel: PerAxis, options: PoolOptions = {}): Tensor {
  const w = poolWindows("averagePool2d", x, kernel, options);
  return fused({ name: "averagePool", ...w }, [x], (a) => {
    const ones = full([1, 1, ...a.shape.slice(2)], 1, { dtype: a.dtype });
    const seen = unfold("averagePool2d", ones, w).sum({ axis: 1 });
    return image(a, unfold("averagePool2d", a, w).sum({ axis: 1 }).div(seen), "averagePool2d", w);
  });
}

/** Options of `upsample2d`: `nearest` repeats elements, `bilinear` draws lines between their centres. */
export interface UpsampleOptions {
  readonly scale: number;
  readonly mode?: "nearest" | "bilinear";
}

/**
 * An image `scale` times as high and wide.
 * @param x `[B, C, H, W]`. @returns `[B, C, scale·H, scale·W]`.
 */
export function upsample2d(x: Tensor, { scale, mode = "nearest" }: UpsampleOptions): Tensor {
  requireTensor("upsample2d", "x", x);
  requireWhole("upsample2d", "scale", scale, 1);
  const [B, C, H, W] = imageSizes("upsample2d", "x", x, "B, C, H, W");
  if (mode === "nearest") {
    const wide = broadcastTo(reshape(x, [B, C, H, 1, W, 1]), [B, C, H, scale, W, scale]);
    return reshape(wide, [B, C, H * scale, W * scale]);
  }
  if (mode !== "bilinear") {
    throw new OptionError(`upsample2d: mode must be nearest or bilinear, got ${show(mode)}.`);
  }
  if (H === 0 || W === 0)
    throw new ShapeError(`upsample2d: x must hold an element, got ${showShape(x.shape)}.`);
  const rows = matmul(between(x, H, scale), x);
  return matmul(rows, between(x, W, scale), { transposeB: true });
}

/** `[scale·n, n]`: each place as a mixture of the two elements whose centres it lies between. */
function between(x: Tensor, n: number, scale: number): Tensor {
  const weights = new Float64Array(scale * n * n);
  for (let i = 0; i < scale * n; i++) {
    const at = Math.min(n - 1, Math.max(0, (i + 0.5) / scale - 0.5));
    const low = Math.floor(at);
    const high = Math.min(n - 1, low + 1);
    weights[i * n + low] = (weights[i * n + low] ?? 0) + (1 - (at - low));
    weights[i * n + high] = (weights[i * n + high] ?? 0) + (at - low);
  }
  return tensor(hostArray(weights, x.dtype), { shape: [scale * n, n], dtype: x.dtype, lend: true });
}
