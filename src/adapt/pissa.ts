// Meng et al. 2024, "PiSSA: Principal Singular Values and Singular Vectors Adaptation", section 3.
// https://arxiv.org/abs/2404.02948
import type { random } from "../tensor/index.ts";
import { expandDims, randomizedSvd, sqrt, type Tensor, transpose } from "../tensor/index.ts";
import { type LoraSize, loraScale } from "./lora.ts";
import { type Adapter, type AdapterConfig, startedAdapter, type Start } from "./wrap.ts";

/** Rounds of power iteration where nothing is said: singular values of trained matrices fall slowly. */
const ITERATIONS = 4;

/**
 * Factors that begin with the largest singular directions of the matrix: of `W0 = U Σ Vᵀ` the first r, with `σ' = σ/s`,
 * `lora_B = U √σ'` and `lora_A = √σ' Vᵀ`. What they begin with is taken off, so that training moves the principal part
 * and the rest of rank `min(O, I) − r` stays.
 * @param weight `[O, I]`. @param key Of the random test matrix. @param iterations Rounds of power iteration.
 */
export async function pissaStart(
  weight: Tensor,
  size: LoraSize,
  key: random.Key,
  iterations: number = ITERATIONS,
): Promise<Start> {
  const { u, s, v } = await randomizedSvd(weight, size.rank, key, { iterations });
  const root = sqrt(s.div(loraScale(size))); // [r]
  return { lora_A: transpose(v.mul(root)), lora_B: u.mul(expandDims(root, 0)) };
}

/** An adapter whose matrices start so; tables start as LoRA's. @throws as `freshAdapter`. */
export function pissaAdapter(base: unknown, config: AdapterConfig, key: random.Key): Promise<Adapter> {
  return startedAdapter(base, config, key, ({ weight, size, key: own }) => pissaStart(weight, size, own));
}
