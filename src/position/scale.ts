// Checks that the frequency rules share.
import { OptionError } from "../errors.ts";

/** The longer context over the trained one, `s = L/N ≥ 1`. */
export interface ScaleOptions {
  readonly scale: number;
}

/** @throws OptionError for a scale below one or not a number. */
export function checkScale(where: string, scale: number): void {
  if (!(scale >= 1) || !Number.isFinite(scale)) {
    throw new OptionError(`${where}: scale must be a number ≥ 1, got ${scale}.`);
  }
}

/** @throws OptionError unless `value` is a whole number ≥ 1. */
export function checkWhole(where: string, what: string, value: number): void {
  if (!Number.isInteger(value) || value < 1) {
    throw new OptionError(`${where}: ${what} must be a whole number ≥ 1, got ${value}.`);
  }
}
