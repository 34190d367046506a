// Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov 2014, https://jmlr.org/papers/v15/srivastava14a.html
import { OptionError } from "../errors.ts";
import { random, type Tensor, where } from "../tensor/index.ts";

/**
 * Each element is 0 with probability `rate`, else `x / (1 − rate)`, so that its mean stays.
 * @param x `[…]`, of a float type. @param key For training: the same key drops the same elements, and inside a compiled
 *   function a traced key drops others in each call. Without a key nothing is dropped.
 * @throws OptionError unless `0 ≤ rate < 1`.
 */
export function dropout(x: Tensor, key: random.AnyKey | undefined, rate: number): Tensor {
  if (!(rate >= 0 && rate < 1)) throw new OptionError(`dropout: rate must be in [0, 1), got ${rate}.`);
  if (key === undefined || rate === 0) return x;
  return where(random.bernoulli(key, 1 - rate, x.shape, { bits: 8 }), x.mul(1 / (1 - rate)), 0);
}
