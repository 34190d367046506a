// Random tensors from explicit keys: every function is pure, and one key gives the same numbers on every platform.
// Whatever is to be independent gets a key of its own by `split` or `fold`. A key is two words of plain data, which
// is all the state there is.
import { OptionError } from "../errors.ts";
import { staticSize } from "../graph/dim.ts";
import { DTYPES, type Dtype, type HostArray, isFloat } from "../graph/dtype.ts";
import { normalProbability, normalQuantile } from "./normal-quantile.ts";
import { type Key, philox, words } from "./philox.ts";
import { type Tensor, tensor } from "./tensor.ts";

export { type Key, philox, words };

/** The key of a seed: a whole number, 0 ≤ seed < 2⁵³. */
export function key(seed: number): Key {
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new OptionError(`random.key: seed must be a whole number ≥ 0 below 2^53, got ${seed}.`);
  }
  return [seed >>> 0, Math.floor(seed / 2 ** 32)];
}

/** A key of its own for `data` (a whole number, or a name) under `parent`. */
export function fold(parent: Key, data: number | string): Key {
  const [low, high] = typeof data === "number" ? key(data) : hashName(data);
  const [a, b] = philox([low, high, 0, 0x666f6c64], parent);
  return [a, b];
}

/** `count` independent keys under `parent`. */
export function split(parent: Key, count = 2): Key[] {
  return Array.from({ length: count }, (_, i) => fold(parent, i));
}

/** FNV-1a of a name, 64 bits as two words with different offsets. */
function hashName(name: string): Key {
  let a = 0x811c9dc5;
  let b = 0x01000193;
  for (const byte of new TextEncoder().encode(name)) {
    a = Math.imul(a ^ byte, 0x01000193) >>> 0;
    b = Math.imul(b ^ byte, 0x85ebca6b) >>> 0;
  }
  return [a, b];
}

/** Doubles in [0, 1) with 53 random bits each. */
export function uniforms(at: Key, count: number): Float64Array {
  const bits = words(at, 2 * count);
  const out = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    out[i] = ((bits[2 * i] as number) * 2 ** 21 + ((bits[2 * i + 1] as number) >>> 11)) * 2 ** -53;
  }
  return out;
}

/** Standard normal doubles. */
export function normals(at: Key, count: number): Float64Array {
  const out = uniforms(at, count);
  for (let i = 0; i < count; i++) out[i] = normalQuantile((out[i] as number) + 2 ** -54);
  return out;
}

interface RandomOptions {
  /** A float type; default `float32`. */
  readonly dtype?: Dtype;
}

/** An empty array for a float tensor. */
function room(where: string, shape: readonly number[], dtype: Dtype): HostArray {
  if (!isFloat(dtype)) throw new OptionError(`random.${where}: dtype must be a float type, got ${dtype}.`);
  return new DTYPES[dtype].array(staticSize(shape));
}

/**
 * A tensor uniform in `[low, high)` (default `[0, 1)`): 24 random bits an element in float32, 53 in float64, 11 in
 * float16, so that rounding never reaches `high`.
 */
export function uniform(
  at: Key,
  shape: readonly number[],
  { low = 0, high = 1, dtype = "float32" }: { low?: number; high?: number } & RandomOptions = {},
): Tensor {
  const out = room("uniform", shape, dtype);
  const span = high - low;
  if (dtype === "float64") {
    const u = uniforms(at, out.length);
    for (let i = 0; i < out.length; i++) out[i] = low + span * (u[i] as number);
  } else {
    const bits = words(at, out.length);
    const drop = dtype === "float32" ? 8 : 21;
    const unit = span / 2 ** (32 - drop);
    for (let i = 0; i < out.length; i++) out[i] = low + unit * ((bits[i] as number) >>> drop);
  }
  return tensor(out, { shape, dtype, lend: true });
}

/** A normal tensor with `mean` (default 0) and standard deviation `std` (default 1). */
export function normal(
  at: Key,
  shape: readonly number[],
  { mean = 0, std = 1, dtype = "float32" }: { mean?: number; std?: number } & RandomOptions = {},
): Tensor {
  return quantiles("normal", at, shape, { mean, std, dtype, from: 0, to: 1 });
}

/**
 * A normal tensor kept within `low` and `high` (default −2 and 2 standard deviations): drawn from the part of the
 * distribution between them, not moved there.
 * @param options `low`, `high` in standard deviations; `mean` (default 0) and `std` (default 1) of the whole.
 */
export function truncatedNormal(
  at: Key,
  shape: readonly number[],
  {
    mean = 0,
    std = 1,
    low = -2,
    high = 2,
    dtype = "float32",
  }: { mean?: number; std?: number; low?: number; high?: number } & RandomOptions = {},
): Tensor {
  if (!(low < high)) {
    throw new OptionError(`random.truncatedNormal: low must be below high, got ${low} and ${high}.`);
  }
  const [from, to] = [normalProbability(low), normalProbability(high)];
  return quantiles("truncatedNormal", at, shape, { mean, std, dtype, from, to });
}

/** Normals by their quantiles, `from ≤ probability < to`. */
function quantiles(
  where: string,
  at: Key,
  shape: readonly number[],
  { mean, std, dtype, from, to }: { mean: number; std: number; dtype: Dtype; from: number; to: number },
): Tensor {
  const out = room(where, shape, dtype);
  const n = out.length;
  // Half a step keeps both ends out of 0 and 1.
  if (dtype === "float64") {
    const u = uniforms(at, n);
    for (let i = 0; i < n; i++) {
      out[i] = mean + std * normalQuantile(from + (to - from) * ((u[i] as number) + 2 ** -54));
    }
  } else {
    const bits = words(at, n);
    for (let i = 0; i < n; i++) {
      out[i] = mean + std * normalQuantile(from + (to - from) * (((bits[i] as number) + 0.5) / 2 ** 32));
    }
  }
  return tensor(out, { shape, dtype, lend: true });
}

/** A bool tensor, true with probability `p`. */
export function bernoulli(at: Key, p: number, shape: readonly number[]): Tensor {
  if (!(p >= 0 && p <= 1)) throw new OptionError(`random.bernoulli: p must be in [0, 1], got ${p}.`);
  const bits = words(at, staticSize(shape));
  const limit = p * 2 ** 32;
  return tensor(
    Uint8Array.from(bits, (w) => Number(w < limit)),
    { shape, dtype: "bool", lend: true },
  );
}

/**
 * An int32 tensor of indices into `weights`, each drawn with a probability proportional to its weight.
 * @throws OptionError for a weight that is negative or not finite, or when all are 0.
 */
export function categorical(at: Key, weights: ArrayLike<number>, shape: readonly number[]): Tensor {
  const sums = new Float64Array(weights.length);
  let total = 0;
  for (let i = 0; i < weights.length; i++) {
    const w = weights[i] as number;
    if (!(w >= 0 && w < Infinity)) {
      throw new OptionError(`random.categorical: weights must be finite and ≥ 0, got ${w} at ${i}.`);
    }
    total += w;
    sums[i] = total;
  }
  if (total === 0) throw new OptionError("random.categorical: weights must not all be 0.");
  const picks = Int32Array.from(uniforms(at, staticSize(shape)), (u) => firstAbove(sums, u * total));
  return tensor(picks, { shape, lend: true });
}

/** First index whose running sum is above `level`, by bisection; weights of 0 are never picked. */
function firstAbove(sums: Float64Array, level: number): number {
  let low = 0;
  let high = sums.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sums[middle] as number) > level) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The numbers `0 … n − 1` in random order (Fisher and Yates). */
export function permutation(at: Key, n: number): Uint32Array {
  const order = Uint32Array.from({ length: n }, (_, i) => i);
  const draws = uniforms(at, n);
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor((draws[i] as number) * (i + 1));
    const swap = order[i] as number;
    order[i] = order[j] as number;
    order[j] = swap;
  }
  return order;
}
