// Cutting a sequence into blocks of equal length, for methods whose cost is linear in it.
import { OptionError, ShapeError } from "../errors.ts";
import { type Dim, narrow, pad, reshape, type Tensor } from "../tensor/index.ts";

/** @throws OptionError unless `value` is a whole number ≥ 1. */
export function checkWhole(where: string, what: string, value: number): void {
  if (!Number.isInteger(value) || value < 1) {
    throw new OptionError(`${where}: ${what} must be a whole number ≥ 1, got ${value}.`);
  }
}

/** `[B, H, T, D]` as `[B, H, ⌈T/size⌉, size, D]`, zeros at the end. @throws ShapeError for an unknown `T`. */
export function toBlocks(where: string, x: Tensor, size: number): Tensor {
  const [B = 1, H = 1, T = 1, D = 1] = x.shape;
  if (typeof T !== "number") {
    throw new ShapeError(
      `${where}: T must be a known size, got ${T}. Use the step form for unknown lengths.`,
    );
  }
  const count = Math.ceil(T / size);
  const padded = pad(x, [
    [0, 0],
    [0, 0],
    [0, count * size - T],
    [0, 0],
  ]);
  return reshape(padded, [B, H, count, size, D]);
}

/** The first `T` rows of blocks `[B, H, N, size, D]`, as `[B, H, T, D]`. */
export function fromBlocks(x: Tensor, T: Dim): Tensor {
  const [B = 1, H = 1, N = 1, size = 1, D = 1] = x.shape;
  return narrow(reshape(x, [B, H, Number(N) * Number(size), D]), 2, 0, T);
}
