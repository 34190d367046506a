// How many codes are in use, and how evenly.
import { ones, scatterAdd, type Tensor, zeros } from "../tensor/index.ts";

/** How often each code occurs, `[K]`. @param indices `[…]`, int32 below `K`. */
export function codeCounts(indices: Tensor, K: number): Tensor {
  const flat = indices.reshape([-1]);
  return scatterAdd(zeros([K]), flat, ones(flat.shape));
}

/**
 * `usage`: the share of codes that occur; `perplexity`: `exp(−Σ p log p)`, as many codes as would do if all were equally
 * frequent.
 */
export function codeUse(counts: ArrayLike<number>): { readonly usage: number; readonly perplexity: number } {
  const seen = Array.from(counts).filter((n) => n > 0);
  const all = seen.reduce((a, b) => a + b, 0);
  const entropy = seen.reduce((sum, n) => sum - (n / all) * Math.log(n / all), 0);
  return { usage: seen.length / counts.length, perplexity: Math.exp(entropy) };
}
