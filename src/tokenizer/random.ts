// Blackman and Vigna 2018, xoshiro128** (https://prng.di.unimi.it/), seeded through splitmix32: a stream of
// numbers is a function of (seed, stream) alone, so results never depend on threads or call order.
import { OptionError } from "../errors.ts";

/** Uniform numbers in [0, 1) with 53 random bits. */
export type Random = () => number;

/**
 * Random numbers of stream `stream` under `seed`.
 * @param seed Integer from 0 to 2⁵³-1. @param stream Integer from 0 to 2⁵³-1, e.g. a document's index.
 */
export function randomStream(seed: number, stream = 0): Random {
  for (const [name, value] of [
    ["seed", seed],
    ["stream", stream],
  ] as const) {
    if (!(Number.isSafeInteger(value) && value >= 0)) {
      throw new OptionError(`sample: ${name} must be an integer from 0 to 2^53-1, got ${value}.`);
    }
  }
  let mixed = 0;
  for (const part of [seed, seed / 2 ** 32, stream, stream / 2 ** 32]) mixed = splitmix(mixed ^ (part >>> 0));
  let a = (mixed = splitmix(mixed));
  let b = (mixed = splitmix(mixed));
  let c = (mixed = splitmix(mixed));
  let d = splitmix(mixed) | 1; // never all zero
  const next = (): number => {
    const product = Math.imul(b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = (d << 11) | (d >>> 21);
    return result;
  };
  return () => ((next() >>> 5) * 0x4000000 + (next() >>> 6)) / 0x20000000000000;
}

/** One step of splitmix32 on its own output. */
function splitmix(state: number): number {
  let z = (state + 0x9e3779b9) | 0;
  z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
  z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
  return (z ^ (z >>> 16)) | 0;
}
