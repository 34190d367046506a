// Windows over the last axes of `[B, C, …]`: their options, their sizes, and the elements they see.
import { checkOptions, OptionError, ShapeError } from "../errors.ts";
import { showShape } from "../graph/infer.ts";
import type { Windows } from "../graph/value.ts";
import { show } from "./arguments.ts";
import { concat, pad, reshape, slice } from "./movement.ts";
import type { Tensor } from "./tensor.ts";

/** One number for both axes, or one for each (height, width). */
export type PerAxis = number | readonly [height: number, width: number];

/** `stride` and `dilation` default to 1, `padding` to 0: both axes, each axis, or `[before, after]` of each axis. */
export interface WindowOptions {
  readonly stride?: PerAxis;
  readonly padding?: number | readonly [PerAxis, PerAxis];
  readonly dilation?: PerAxis;
}

function perAxis(where: string, what: string, value: PerAxis, least: number): [number, number] {
  const both = typeof value === "number" ? [value, value] : value;
  const fine =
    Array.isArray(both) && both.length === 2 && both.every((n) => Number.isSafeInteger(n) && n >= least);
  if (!fine) {
    throw new OptionError(
      `${where}: ${what} must be whole numbers ≥ ${least}, one or two, got ${show(value)}.`,
    );
  }
  return [both[0] ?? 0, both[1] ?? 0];
}

/** The windows of `kernel` that options describe. @throws OptionError for other options or numbers. */
export function windowsOf(
  where: string,
  kernel: PerAxis,
  options: WindowOptions,
  more: readonly string[] = [],
): Windows {
  checkOptions(where, options, ["stride", "padding", "dilation", ...more]);
  const { stride = 1, padding = 0, dilation = 1 } = options;
  const sides = typeof padding === "number" ? [padding, padding] : padding;
  if (!Array.isArray(sides) || sides.length !== 2) {
    throw new OptionError(`${where}: padding must be a number or two, got ${show(padding)}.`);
  }
  const [height, width] = (sides as PerAxis[]).map((side) => perAxis(where, "padding", side, 0));
  return {
    kernel: perAxis(where, "kernel", kernel, 1),
    strides: perAxis(where, "stride", stride, 1),
    dilations: perAxis(where, "dilation", dilation, 1),
    before: [height?.[0] ?? 0, width?.[0] ?? 0],
    after: [height?.[1] ?? 0, width?.[1] ?? 0],
  };
}

/** Known sizes of all axes. @throws ShapeError unless `x` has rank 4 and they are. */
export function imageSizes(
  where: string,
  what: string,
  x: Tensor,
  letters: string,
): [number, number, number, number] {
  const [a, b, c, d] = x.shape;
  if (x.rank === 4 && [a, b, c, d].every((n) => typeof n === "number")) return [a, b, c, d] as never;
  throw new ShapeError(`${where}: ${what} must be [${letters}] of known sizes, got ${showShape(x.shape)}.`);
}

/** Windows that fit along each axis. @throws ShapeError where none does. */
export function counts(
  where: string,
  { kernel, strides, before, after, dilations }: Windows,
  sizes: readonly number[],
): number[] {
  return sizes.map((size, i) => {
    const padded = size + (before[i] ?? 0) + (after[i] ?? 0);
    const reach = (dilations[i] ?? 1) * ((kernel[i] ?? 1) - 1) + 1;
    const count = Math.floor((padded - reach) / (strides[i] ?? 1)) + 1;
    if (count >= 1) return count;
    throw new ShapeError(`${where}: kernel must fit ${padded} padded places of axis ${i + 2}, got ${reach}.`);
  });
}

/**
 * What each place of the windows sees, places side by side on axis 1: `[B, K, C, P]`, `K` places in a window, `P` windows.
 * @param x `[B, C, H, W]`. @param value Of the padding.
 */
export function unfold(where: string, x: Tensor, w: Windows, value = 0): Tensor {
  const [B, C, ...sizes] = imageSizes(where, "x", x, "B, C, H, W");
  const [rows = 1, columns = 1] = counts(where, w, sizes);
  const { kernel, strides, before, after, dilations } = w;
  const around = [0, 1].map((i): [number, number] => [before[i] ?? 0, after[i] ?? 0]);
  const padded = pad(x, [[0, 0], [0, 0], ...around], value);
  const span = (axis: number, place: number, count: number): { start: number; end: number; step: number } => {
    const step = strides[axis] ?? 1;
    const start = place * (dilations[axis] ?? 1);
    return { start, end: start + (count - 1) * step + 1, step };
  };
  const parts: Tensor[] = [];
  for (let i = 0; i < (kernel[0] ?? 1); i++) {
    for (let j = 0; j < (kernel[1] ?? 1); j++) {
      parts.push(
        reshape(slice(padded, {}, {}, span(0, i, rows), span(1, j, columns)), [B, 1, C, rows * columns]),
      );
    }
  }
  return concat(parts, 1);
}
