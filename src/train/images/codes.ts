// Figures of codes: how many of them are in use, and how evenly.
import { ones, scatterAdd, type Tensor, zeros } from "../../tensor/index.ts";
import type { Numbers } from "../task.ts";
import type { ImageSpace } from "./method.ts";
import { pixelCount } from "./pixels.ts";

/** How often each code occurs, `[K]`. @param indices `[…]`, int32 below `K`. */
export function codeCounts(indices: Tensor, K: number): Tensor {
  const flat = indices.reshape([-1]);
  return scatterAdd(zeros([K]), flat, ones(flat.shape));
}

/** `usage`: the share of codes that occur; `perplexity`: `exp(−Σ p log p)`, as many equally frequent ones would do. */
export function codeUse(counts: Float64Array): { readonly usage: number; readonly perplexity: number } {
  const all = counts.reduce((a, b) => a + b, 0);
  let used = 0;
  let entropy = 0;
  for (const n of counts) {
    if (n === 0) continue;
    used += 1;
    entropy -= (n / all) * Math.log(n / all);
  }
  return { usage: used / counts.length, perplexity: Math.exp(entropy) };
}

/** Figures of an auto-encoder with codes, from the sums `squares` (of errors) and `counts` (of codes). */
export function codeFigures(
  space: ImageSpace,
  sums: Readonly<Record<string, Float64Array>>,
  count: number,
): Numbers {
  const { squares = new Float64Array(1), counts = new Float64Array() } = sums;
  return { reconstructionMse: (squares[0] ?? 0) / (count * pixelCount(space)), ...codeUse(counts) };
}
