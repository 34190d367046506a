// Convolutions over two axes and their transposes, as one kernel each where the place has one. Their derivatives are
// convolutions again: of the cotangent by the transpose, and of the input with the cotangent, batch and channels exchanged.
import { OptionError, ShapeError } from "../errors.ts";
import { showShape } from "../graph/infer.ts";
import type { Convolution, Kernel } from "../graph/value.ts";
import { fused } from "./fused.ts";
import { show } from "./arguments.ts";
import { flip, narrow, pad, permute, reshape } from "./movement.ts";
import { matmul } from "./product.ts";
import { requireTensor, type Tensor } from "./tensor.ts";
import { counts, imageSizes, type PerAxis, unfold, type WindowOptions, windowsOf } from "./windows.ts";

/** Options of `conv2d`; `groups` (default 1) are convolved apart. */
export interface Conv2dOptions extends WindowOptions {
  readonly groups?: number;
}

/** Options of `convTranspose2d`: `outputPadding` (default 0) rows and columns more at the end. */
export interface ConvTranspose2dOptions extends Conv2dOptions {
  readonly outputPadding?: PerAxis;
}

function groupsOf(where: string, groups: number, channels: number): number {
  if (Number.isSafeInteger(groups) && groups >= 1 && channels % groups === 0) return groups;
  throw new OptionError(
    `${where}: groups must be a whole number that divides ${channels} channels, got ${show(groups)}.`,
  );
}

/**
 * Two-dimensional cross-correlation, `y[b, o, i, j] = Σ_{c, u, v} x[b, c, i·s + u·d − p, j·s + v·d − p] · w[o, c, u, v]`.
 * @param x `[B, C, H, W]`. @param weight `[O, C / groups, U, V]`.
 * @param options `stride` s, `dilation` d (default 1), `padding` p (default 0), `groups`.
 * @returns `[B, O, ⌊(H + 2p − d(U − 1) − 1)/s⌋ + 1, …]`.
 */
export function conv2d(x: Tensor, weight: Tensor, options: Conv2dOptions = {}): Tensor {
  requireTensor("conv2d", "x", x);
  requireTensor("conv2d", "weight", weight);
  const [, C] = imageSizes("conv2d", "x", x, "B, C, H, W");
  const [O, perGroup, U, V] = imageSizes("conv2d", "weight", weight, "O, C/groups, U, V");
  const groups = groupsOf("conv2d", options.groups ?? 1, C);
  groupsOf("conv2d", groups, O);
  if (perGroup !== C / groups) {
    throw new ShapeError(
      `conv2d: weight must be [O, C/groups=${C / groups}, U, V], got ${showShape(weight.shape)}.`,
    );
  }
  return convolve(x, weight, { ...windowsOf("conv2d", [U, V], options, ["groups"]), groups });
}

/**
 * The transpose of `conv2d` with the same weight and options: `y[b, c, i·s + u·d − p, …] += x[b, o, i, j] · w[o, c, u, v]`.
 * @param x `[B, O, H, W]`. @param weight `[O, C / groups, U, V]`.
 * @returns `[B, C, (H − 1)s − 2p + d(U − 1) + 1 + outputPadding, …]`.
 */
export function convTranspose2d(x: Tensor, weight: Tensor, options: ConvTranspose2dOptions = {}): Tensor {
  const where = "convTranspose2d";
  requireTensor(where, "x", x);
  requireTensor(where, "weight", weight);
  const [, O, ...sizes] = imageSizes(where, "x", x, "B, O, H, W");
  const [from, , U, V] = imageSizes(where, "weight", weight, "O, C/groups, U, V");
  const groups = groupsOf(where, options.groups ?? 1, O);
  if (from !== O)
    throw new ShapeError(
      `${where}: weight must be [O=${O}, C/groups, U, V], got ${showShape(weight.shape)}.`,
    );
  const w = windowsOf(where, [U, V], options, ["groups", "outputPadding"]);
  const { outputPadding = 0 } = options;
  const more = typeof outputPadding === "number" ? [outputPadding, outputPadding] : outputPadding;
  const size = sizes.map((n, i) => {
    const [s = 1, d = 1, k = 1] = [w.strides[i], w.dilations[i], w.kernel[i]];
    const rest = more[i] ?? 0;
    if (!Number.isSafeInteger(rest) || rest < 0 || rest >= Math.max(s, d)) {
      throw new OptionError(
        `${where}: outputPadding must be a whole number below stride or dilation, got ${show(outputPadding)}.`,
      );
    }
    const length = (n - 1) * s + d * (k - 1) + 1 - (w.before[i] ?? 0) - (w.after[i] ?? 0) + rest;
    if (length >= 1) return length;
    throw new ShapeError(`${where}: padding must leave a place on axis ${i + 2}, got ${length}.`);
  });
  return spread(x, weight, { ...w, groups }, size);
}

function convolve(x: Tensor, weight: Tensor, c: Convolution): Tensor {
  return fused({ name: "convolve", ...c }, [x, weight], (a, w) => byProduct(a, w, c));
}

function spread(x: Tensor, weight: Tensor, c: Convolution, size: readonly number[]): Tensor {
  return fused({ name: "spread", ...c, size }, [x, weight], (a, w) => spreadByProduct(a, w, c, size));
}

/** One product of the weight with what its places see. */
function byProduct(x: Tensor, weight: Tensor, c: Convolution): Tensor {
  const [B, C, ...sizes] = imageSizes("conv2d", "x", x, "B, C, H, W");
  const [O, perGroup] = weight.shape as readonly number[] as [number, number];
  const [rows = 1, columns = 1] = counts("conv2d", c, sizes);
  const places = (c.kernel[0] ?? 1) * (c.kernel[1] ?? 1);
  const { groups } = c;
  const seen = reshape(unfold("conv2d", x, c), [B, places, groups, C / groups, rows * columns]);
  const columnsOf = reshape(permute(seen, [0, 2, 1, 3, 4]), [
    B,
    groups,
    (places * C) / groups,
    rows * columns,
  ]);
  const kernel = reshape(permute(reshape(weight, [O, perGroup, places]), [0, 2, 1]), [
    1,
    groups,
    O / groups,
    places * perGroup,
  ]);
  return reshape(matmul(kernel, columnsOf), [B, O, rows, columns]);
}

/** The convolution of `x`, with zeros between its elements, by the weight turned around. */
function spreadByProduct(x: Tensor, weight: Tensor, c: Convolution, size: readonly number[]): Tensor {
  const [B, O, H, W] = imageSizes("convTranspose2d", "x", x, "B, O, H, W");
  const [, perGroup, U, V] = weight.shape as readonly number[] as [number, number, number, number];
  const [s0 = 1, s1 = 1] = c.strides;
  const apart = pad(reshape(x, [B, O, H, 1, W, 1]), [
    [0, 0],
    [0, 0],
    [0, 0],
    [0, s0 - 1],
    [0, 0],
    [0, s1 - 1],
  ]);
  const loose = narrow(
    narrow(reshape(apart, [B, O, H * s0, W * s1]), 2, 0, (H - 1) * s0 + 1),
    3,
    0,
    (W - 1) * s1 + 1,
  );
  // Room for the whole reach of a window on both sides, from which the wanted places are cut.
  const reach = [0, 1].map((i) => (c.dilations[i] ?? 1) * ((c.kernel[i] ?? 1) - 1));
  const more = size.map((n, i) =>
    Math.max(0, n + (c.before[i] ?? 0) - ((i === 0 ? (H - 1) * s0 : (W - 1) * s1) + 1 + (reach[i] ?? 0))),
  );
  const room = pad(loose, [
    [0, 0],
    [0, 0],
    ...[0, 1].map((i): [number, number] => [reach[i] ?? 0, (reach[i] ?? 0) + (more[i] ?? 0)]),
  ]);
  const { groups } = c;
  const turned = flip(flip(weight, 2), 3);
  const grouped = permute(reshape(turned, [groups, O / groups, perGroup, U, V]), [0, 2, 1, 3, 4]);
  const all = byProduct(room, reshape(grouped, [groups * perGroup, O / groups, U, V]), {
    ...c,
    strides: [1, 1],
    before: [0, 0],
    after: [0, 0],
  });
  const [b0 = 0, b1 = 0] = c.before;
  return narrow(narrow(all, 2, b0, b0 + (size[0] ?? 1)), 3, b1, b1 + (size[1] ?? 1));
}

/**
 * `Σ_{b, i, j} g[b, o, i, j] · x[b, c, i·s + u·d − p, …]`, `[O, C / groups, U, V]`: the share of a weight in the
 * cotangent `g` of `convolve(x, weight)`.
 */
function weightCotangent(x: Tensor, g: Tensor, c: Convolution): Tensor {
  const [B, C] = x.shape as readonly number[] as [number, number];
  const [, O, rows, columns] = g.shape as readonly number[] as [number, number, number, number];
  const [U = 1, V = 1] = c.kernel;
  const { groups } = c;
  const P = rows * columns;
  const seen = reshape(unfold("conv2d", x, c), [B, U * V, groups, C / groups, P]);
  const columnsOf = reshape(permute(seen, [0, 2, 3, 1, 4]), [B, groups, (C / groups) * U * V, P]);
  const product = matmul(reshape(g, [B, groups, O / groups, P]), columnsOf, { transposeB: true });
  return reshape(product.sum({ axis: 0 }), [O, C / groups, U, V]);
}

/** Cotangents of the inputs of a convolution or of its transpose. */
export function convolutionRule(
  kernel: Extract<Kernel, { name: "convolve" | "spread" }>,
  x: Tensor,
  weight: Tensor,
  g: Tensor,
): [Tensor, Tensor] {
  if (kernel.name === "convolve") {
    const { name: _, ...c } = kernel;
    return [spread(g, weight, c, x.shape.slice(2) as number[]), weightCotangent(x, g, c)];
  }
  const { name: _, size: __, ...c } = kernel;
  // Only windows that `x` has elements for.
  const cut = (y: Tensor): Tensor => narrow(narrow(y, 2, 0, x.shape[2] ?? 1), 3, 0, x.shape[3] ?? 1);
  const same = { ...c, after: afterFor(c, x.shape.slice(2) as number[], g.shape.slice(2) as number[]) };
  return [cut(convolve(g, weight, same)), weightCotangent(g, x, same)];
}

/** Padding behind, by which exactly `windows` windows fit `sizes`. */
function afterFor(c: Convolution, windows: readonly number[], sizes: readonly number[]): number[] {
  return windows.map((n, i) => {
    const reach = (n - 1) * (c.strides[i] ?? 1) + (c.dilations[i] ?? 1) * ((c.kernel[i] ?? 1) - 1) + 1;
    return Math.max(0, reach - (sizes[i] ?? 0) - (c.before[i] ?? 0));
  });
}
