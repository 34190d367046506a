// Tensors for people: nested arrays, and one line that says what a tensor is.
import { DtypeError } from "../errors.ts";
import { type HostArray, isFloat } from "../graph/dtype.ts";
import { isKept } from "../graph/storage.ts";
import { typeOf, type Value } from "../graph/value.ts";

/** Numbers or booleans nested to any depth. */
export type Nested = number | boolean | readonly Nested[];

/** Entries of an axis that is longer than `2 · ENDS`, at either end. */
const ENDS = 3;

/**
 * `data` in arrays nested as `shape` says, with booleans for `bool`.
 * @throws DtypeError for an int64 that a number does not hold.
 */
export function nest(data: HostArray, shape: readonly number[], bool: boolean): Nested {
  const element = (at: number): number | boolean => {
    const value = data[at] ?? 0;
    if (typeof value === "number") return bool ? value !== 0 : value;
    const number = Number(value);
    if (Number.isSafeInteger(number)) return number;
    throw new DtypeError(
      `toArray: element ${at} must be within ±(2^53 − 1), got ${value}. Read it with data().`,
    );
  };
  const level = (axis: number, start: number, size: number): Nested => {
    const count = shape[axis];
    if (count === undefined) return element(start);
    const step = size / count;
    return Array.from({ length: count }, (_, i) => level(axis + 1, start + i * step, step));
  };
  return level(0, 0, data.length);
}

/** `[[1, 2, …, 9], …]`: floats in six digits, long axes by their ends. */
function elements(data: HostArray, shape: readonly number[], show: (at: number) => string): string {
  const level = (axis: number, start: number, size: number): string => {
    const count = shape[axis];
    if (count === undefined) return show(start);
    const step = size / count;
    const long = count > 2 * ENDS;
    const parts: string[] = [];
    for (let i = 0; i < count; i++) {
      if (long && i === ENDS) {
        parts.push("…");
        i = count - ENDS;
      }
      parts.push(level(axis + 1, start + i * step, step));
    }
    return `[${parts.join(", ")}]`;
  };
  return level(0, 0, data.length);
}

/** `Tensor float32 [2, 2] [[1, 2], [3, 4]]`: dtype, shape, and the elements where they are known already. */
export function describe(value: Value): string {
  const { dtype, shape } = typeOf(value);
  const head = `Tensor ${dtype} [${shape.join(", ")}]`;
  const { storage } = value;
  if (storage === undefined) return `${head} (${value.op}, not computed yet)`;
  if (!isKept(storage)) return `${head} (donated)`;
  const { host } = storage;
  if (host === undefined) return `${head} (on the device)`;
  const show = (at: number): string => {
    const x = host[at] ?? 0;
    if (dtype === "bool") return String(x !== 0);
    return isFloat(dtype) ? String(Number(Number(x).toPrecision(6))) : String(x);
  };
  return `${head} ${elements(host, storage.shape, show)}`;
}
