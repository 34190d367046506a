// Random tensors from explicit keys: every function is pure, and one key gives the same numbers on every platform.
// Whatever is to be independent gets a key of its own by `split` or `fold`. A key is two words of plain data, which
// is all the state there is. As an argument of a compiled function it is a tensor (`traced`): the numbers then differ from
// call to call, by one program, and are those that the plain key gives.
import { DtypeError, OptionError } from "../errors.ts";
import { type Dim, type Shape, staticSize } from "../graph/dim.ts";
import { DTYPES, type Dtype, type HostArray, isFloat } from "../graph/dtype.ts";
import { encode } from "../graph/encode.ts";
import { isKept } from "../graph/storage.ts";
import type { Sample } from "../graph/value.ts";
import { requireShape, requireWhole, show } from "./arguments.ts";
import { normalProbability, normalQuantile } from "./normal-quantile.ts";
import { type Key, philox, words } from "./philox.ts";
import { apply, Tensor, tensor } from "./tensor.ts";

export { type Key, philox, words };

/** The key of a seed: a whole number, 0 ≤ seed < 2⁵³. */
export function key(seed: number): Key {
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new OptionError(`random.key: seed must be a whole number ≥ 0 below 2^53, got ${seed}.`);
  }
  return [seed >>> 0, Math.floor(seed / 2 ** 32)];
}

/**
 * `at` as an int32 tensor `[2]`: an argument of a compiled function by which its random numbers differ from call to call.
 * @example
 * const noisy = compile((x: Tensor, key: Tensor) => x.add(random.normal(key, [3])));
 * await noisy(x, random.traced(random.fold(key, step)));
 */
export function traced(at: Key): Tensor {
  return tensor(Int32Array.of(at[0], at[1]), { lend: true });
}

/** A key of its own for `data` (a whole number, or a name) under `parent`, which may be a traced key. */
export function fold(parent: Key, data: number | string): Key;
export function fold(parent: Tensor, data: number | string): Tensor;
export function fold(parent: Key | Tensor, data: number | string): Key | Tensor;
export function fold(parent: Key | Tensor, data: number | string): Key | Tensor {
  const [low, high] = typeof data === "number" ? key(data) : hashName(data);
  const child = (of: Key): Key => {
    const [a, b] = philox([low, high, 0, 0x666f6c64], of);
    return [a, b];
  };
  if (!(parent instanceof Tensor)) return child(parent);
  return drawn(parent, ["fold", low, high], [2], "int32", (of) => Int32Array.from(child(of), (w) => w | 0));
}

/** `count` independent keys under `parent`, which may be a traced key. */
export function split(parent: Key, count?: number): Key[];
export function split(parent: Tensor, count?: number): Tensor[];
export function split(parent: Key | Tensor, count = 2): (Key | Tensor)[] {
  requireWhole("random.split", "count", count, 0);
  return Array.from({ length: count }, (_, i) =>
    parent instanceof Tensor ? fold(parent, i) : fold(parent, i),
  );
}

/** A key, or one that a compiled function is given as a tensor. */
export type AnyKey = Key | Tensor;

/**
 * A tensor of what `sample` makes of a key: at once where the key is known, else by whoever runs the program.
 * @param what Tells draws apart, with shape and dtype.
 */
function drawn(at: AnyKey, what: readonly unknown[], shape: Shape, dtype: Dtype, sample: Sample): Tensor {
  requireShape(`random.${String(what[0])}`, shape);
  if (at instanceof Tensor && (at.dtype !== "int32" || at.rank !== 1 || at.shape[0] !== 2)) {
    throw new DtypeError(
      `random: key must be int32 [2], got ${at.dtype} [${at.shape.join(", ")}]. Make it with random.traced.`,
    );
  }
  const known = at instanceof Tensor ? wordsOf(at) : at;
  if (known === undefined) {
    const draw = encode("random", what);
    return apply("random", [at as Tensor], { draw, dtype, shape: [...shape], sample });
  }
  const sizes = shape as readonly number[];
  return tensor(sample(known, staticSize(sizes)), { shape: sizes, dtype, lend: true });
}

/** The words of a key whose elements are on the host. */
function wordsOf(at: Tensor): Key | undefined {
  const { storage } = at;
  if (storage?.host === undefined || !isKept(storage)) return undefined;
  return [Number(storage.host[0]) >>> 0, Number(storage.host[1]) >>> 0];
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

/** @throws OptionError unless `dtype` is a float type. */
function requireFloat(where: string, dtype: Dtype): void {
  if (!isFloat(dtype)) throw new OptionError(`random.${where}: dtype must be a float type, got ${dtype}.`);
}

/** An empty array of floats. */
function room(dtype: Dtype, count: number): HostArray {
  return new DTYPES[dtype].array(count);
}

/**
 * A tensor uniform in `[low, high)` (default `[0, 1)`): 24 random bits an element in float32, 53 in float64, 11 in
 * float16, so that rounding never reaches `high`.
 */
export function uniform(
  at: AnyKey,
  shape: readonly Dim[],
  { low = 0, high = 1, dtype = "float32" }: { low?: number; high?: number } & RandomOptions = {},
): Tensor {
  requireFloat("uniform", dtype);
  const span = high - low;
  return drawn(at, ["uniform", low, high], shape, dtype, (of, count) => {
    const out = room(dtype, count);
    if (dtype === "float64") {
      const u = uniforms(of, count);
      for (let i = 0; i < count; i++) out[i] = low + span * (u[i] as number);
    } else {
      const bits = words(of, count);
      const drop = dtype === "float32" ? 8 : 21;
      const unit = span / 2 ** (32 - drop);
      for (let i = 0; i < count; i++) out[i] = low + unit * ((bits[i] as number) >>> drop);
    }
    return out;
  });
}

/** A normal tensor with `mean` (default 0) and standard deviation `std` (default 1). */
export function normal(
  at: AnyKey,
  shape: readonly Dim[],
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
  at: AnyKey,
  shape: readonly Dim[],
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
  at: AnyKey,
  shape: readonly Dim[],
  { mean, std, dtype, from, to }: { mean: number; std: number; dtype: Dtype; from: number; to: number },
): Tensor {
  requireFloat(where, dtype);
  return drawn(at, [where, mean, std, from, to], shape, dtype, (of, count) => {
    const out = room(dtype, count);
    // Half a step keeps both ends out of 0 and 1.
    if (dtype === "float64") {
      const u = uniforms(of, count);
      for (let i = 0; i < count; i++) {
        out[i] = mean + std * normalQuantile(from + (to - from) * ((u[i] as number) + 2 ** -54));
      }
    } else {
      const bits = words(of, count);
      for (let i = 0; i < count; i++) {
        out[i] = mean + std * normalQuantile(from + (to - from) * (((bits[i] as number) + 0.5) / 2 ** 32));
      }
    }
    return out;
  });
}

/**
 * A bool tensor, true with probability `p`.
 * @param options `bits` of randomness an element: 32 (default), or 8, which takes a third of the time: one element in 256
 *   is not decided by them and draws 32 more.
 */
export function bernoulli(
  at: AnyKey,
  p: number,
  shape: readonly Dim[],
  { bits = 32 }: { bits?: 8 | 32 } = {},
): Tensor {
  if (!(p >= 0 && p <= 1)) throw new OptionError(`random.bernoulli: p must be in [0, 1], got ${p}.`);
  if (bits !== 8 && bits !== 32)
    throw new OptionError(`random.bernoulli: bits must be 8 or 32, got ${show(bits)}.`);
  return drawn(at, ["bernoulli", p, bits], shape, "bool", (of, count) => {
    if (bits === 8) return byBytes(of, p, count);
    const out = new Uint8Array(count);
    const limit = p * 2 ** 32;
    const all = words(of, count);
    for (let i = 0; i < count; i++) out[i] = (all[i] as number) < limit ? 1 : 0;
    return out;
  });
}

const UNDECIDED = 2;

/** True where a byte is below `256 p`; a byte in which that lies is told by the next word of a stream of its own. */
function byBytes(at: Key, p: number, count: number): Uint8Array {
  const level = Math.floor(p * 256);
  const answer = Uint8Array.from({ length: 256 }, (_, b) => (b === level ? UNDECIDED : Number(b < level)));
  const out = new Uint8Array(Math.ceil(count / 4) * 4);
  const all = words(at, out.length / 4);
  let open = 0;
  for (let i = 0; i < all.length; i++) {
    const word = all[i] as number;
    const [a, b] = [answer[word & 255] as number, answer[(word >>> 8) & 255] as number];
    const [c, d] = [answer[(word >>> 16) & 255] as number, answer[word >>> 24] as number];
    out[4 * i] = a;
    out[4 * i + 1] = b;
    out[4 * i + 2] = c;
    out[4 * i + 3] = d;
    open += (a >> 1) + (b >> 1) + (c >> 1) + (d >> 1);
  }
  const more = words(fold(at, "undecided"), open);
  const rest = (p * 256 - level) * 2 ** 32;
  let next = 0;
  for (let i = out.indexOf(UNDECIDED); i >= 0; i = out.indexOf(UNDECIDED, i + 1)) {
    out[i] = (more[next++] as number) < rest ? 1 : 0;
  }
  return out.subarray(0, count);
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

/** The numbers `0 … n − 1` in random order (Fisher and Yates): an int32 tensor `[n]` for a traced key. */
export function permutation(at: Key, n: number): Uint32Array;
export function permutation(at: Tensor, n: number): Tensor;
export function permutation(at: AnyKey, n: number): Uint32Array | Tensor {
  requireWhole("random.permutation", "n", n, 0);
  if (!(at instanceof Tensor)) return shuffled(at, n);
  return drawn(at, ["permutation"], [n], "int32", (of) => Int32Array.from(shuffled(of, n)));
}

function shuffled(at: Key, n: number): Uint32Array {
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
