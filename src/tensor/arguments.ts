// Checks of what users hand in. Each says function, argument and value.
import { DtypeError, nearest, OptionError, ShapeError } from "../errors.ts";
import type { Dim } from "../graph/dim.ts";
import { DTYPES, type Dtype, rangeOf } from "../graph/dtype.ts";

/** A value as messages show it. */
export function show(value: unknown): string {
  if (typeof value === "string") return `"${value}"`;
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function") return "a function";
  if (Array.isArray(value)) return value.length > 8 ? "an array" : `[${value.map(show).join(", ")}]`;
  if (value instanceof Promise) return "a Promise. Await it first";
  if (typeof value !== "object" || value === null) return Object.is(value, -0) ? "-0" : String(value);
  const name = value.constructor?.name;
  return name === undefined || name === "Object" ? "an object" : `a ${name}`;
}

/** @throws DtypeError for what is no dtype. */
export function requireDtype(where: string, dtype: Dtype): void {
  const name: unknown = dtype;
  if (typeof name === "string" && Object.hasOwn(DTYPES, name)) return;
  const known = Object.keys(DTYPES);
  const [near] = nearest(String(name), known, 1);
  const hint = near === undefined ? "" : ` Did you mean ${near}?`;
  throw new DtypeError(`${where}: dtype must be one of ${known.join(", ")}, got ${show(dtype)}.${hint}`);
}

/** @throws ShapeError unless all sizes are whole numbers ≥ 0, or names. */
export function requireShape(where: string, shape: readonly Dim[]): void {
  const fine =
    Array.isArray(shape) && shape.every((d) => typeof d === "string" || (Number.isSafeInteger(d) && d >= 0));
  if (!fine) throw new ShapeError(`${where}: shape must hold whole numbers ≥ 0, got ${show(shape)}.`);
}

/** @throws OptionError unless `value` is a whole number of at least `least`. */
export function requireWhole(where: string, what: string, value: number, least: number = -Infinity): void {
  if (Number.isSafeInteger(value) && value >= least) return;
  const bound = least === -Infinity ? "" : ` ≥ ${least}`;
  throw new OptionError(`${where}: ${what} must be a whole number${bound}, got ${show(value)}.`);
}

/** @throws OptionError unless `value` is a number. */
export function requireNumber(where: string, what: string, value: number): void {
  if (typeof value !== "number")
    throw new OptionError(`${where}: ${what} must be a number, got ${show(value)}.`);
}

/**
 * Numbers keep their value: an integer dtype takes whole numbers of its range, and bool 0 and 1.
 * @throws DtypeError for others.
 */
export function requireFits(where: string, what: string, value: number, dtype: Dtype): void {
  requireNumber(where, what, value);
  const [low, high] = dtype === "bool" ? [0, 1] : (rangeOf(dtype) ?? []);
  if (low === undefined || high === undefined) return;
  if (Number.isInteger(value) && value >= low && value <= high) return;
  throw new DtypeError(
    `${where}: ${what} must be a whole number from ${low} to ${high} for ${dtype}, got ${show(value)}. Cast to a float type first.`,
  );
}
