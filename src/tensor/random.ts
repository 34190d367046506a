// Random tensors from explicit keys. A counter-based generator (Philox4x32-10: Salmon, Moraes, Dror and Shaw,
// "Parallel random numbers: as easy as 1, 2, 3", SC 2011) maps a key and a counter to 128 random bits, so that the
// same key gives the same numbers on every platform, in any order, and a state is two words.
import { OptionError } from "../errors.ts";
import { staticSize } from "../graph/dim.ts";
import { type Dtype, hostArray } from "../graph/dtype.ts";
import { type Tensor, tensor } from "./tensor.ts";

/** 64 bits of seed, as two unsigned words; plain data, safe to store. */
export type Key = readonly [low: number, high: number];

const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;
const ROUNDS = 10;

/** High word of the product of two unsigned words. */
function mulHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const middle2 = aLow * bHigh + (middle & 0xffff);
  return (aHigh * bHigh + Math.floor(middle / 65536) + (middle2 >>> 16)) >>> 0;
}

/** The block of four words at `counter` (four words) under `key`. */
export function philox(
  counter: readonly [number, number, number, number],
  key: Key,
): [number, number, number, number] {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let i = 0; i < ROUNDS; i++) {
    const high0 = mulHigh(MULTIPLIER_0, c0);
    const low0 = Math.imul(MULTIPLIER_0, c0) >>> 0;
    const high1 = mulHigh(MULTIPLIER_1, c2);
    const low1 = Math.imul(MULTIPLIER_1, c2) >>> 0;
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c1 = low1;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c3 = low0;
    k0 = (k0 + WEYL_0) >>> 0;
    k1 = (k1 + WEYL_1) >>> 0;
  }
  return [c0, c1, c2, c3];
}

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

/** `count` unsigned words, starting at block `start`. */
export function words(at: Key, count: number, start = 0): Uint32Array {
  const out = new Uint32Array(Math.ceil(count / 4) * 4);
  for (let i = 0; i < out.length; i += 4) {
    const block = start + i / 4;
    out.set(philox([block >>> 0, Math.floor(block / 2 ** 32), 0, 0], at), i);
  }
  return out.subarray(0, count);
}

/** Doubles in [0, 1) with 32 random bits each. */
export function uniforms(at: Key, count: number): Float64Array {
  return Float64Array.from(words(at, count), (w) => w / 2 ** 32);
}

/** Standard normal doubles by Box and Muller 1958. */
export function normals(at: Key, count: number): Float64Array {
  const bits = words(at, 2 * Math.ceil(count / 2));
  const out = new Float64Array(bits.length);
  for (let i = 0; i < bits.length; i += 2) {
    const radius = Math.sqrt(-2 * Math.log(((bits[i] ?? 0) + 1) / 2 ** 32));
    const angle = (2 * Math.PI * (bits[i + 1] ?? 0)) / 2 ** 32;
    out[i] = radius * Math.cos(angle);
    out[i + 1] = radius * Math.sin(angle);
  }
  return out.subarray(0, count);
}

/** A tensor uniform in `[low, high)` (default `[0, 1)`). */
export function uniform(
  at: Key,
  shape: readonly number[],
  { low = 0, high = 1, dtype = "float32" }: { low?: number; high?: number; dtype?: Dtype } = {},
): Tensor {
  const values = uniforms(at, staticSize(shape)).map((u) => low + (high - low) * u);
  return tensor(hostArray(values, dtype), { shape });
}

/** A normal tensor with `mean` (default 0) and standard deviation `std` (default 1). */
export function normal(
  at: Key,
  shape: readonly number[],
  { mean = 0, std = 1, dtype = "float32" }: { mean?: number; std?: number; dtype?: Dtype } = {},
): Tensor {
  const values = normals(at, staticSize(shape)).map((z) => mean + std * z);
  return tensor(hostArray(values, dtype), { shape });
}

/** The numbers `0 … n − 1` in random order (Fisher and Yates). */
export function permutation(at: Key, n: number): Uint32Array {
  const order = Uint32Array.from({ length: n }, (_, i) => i);
  const draws = uniforms(at, n);
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor((draws[i] ?? 0) * (i + 1));
    const swap = order[i] ?? 0;
    order[i] = order[j] ?? 0;
    order[j] = swap;
  }
  return order;
}
