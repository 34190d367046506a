// Hayou et al. 2024, "LoRA+", section 4. https://arxiv.org/abs/2402.12354; Su 2024, https://kexue.fm/archives/10001
import { OptionError } from "../errors.ts";

/** The authors' λ: the factor that begins with zero learns so many times faster. */
export const LORA_PLUS_RATIO = 16;

/**
 * Factor of the learning rate by the name of a leaf: λ for the factor that begins with zero (`lora_B`, the output side; of
 * a table `lora_embedding_A`), 1 for all else.
 * @param ratio λ ≥ 1. @throws OptionError below 1.
 */
export function loraPlusRate(ratio: number = LORA_PLUS_RATIO): (name: string) => number {
  if (!(ratio >= 1 && Number.isFinite(ratio))) {
    throw new OptionError(`lora-plus: ratio must be a number ≥ 1, got ${ratio}.`);
  }
  return (name) => (/\.(lora_B|lora_embedding_A)$/.test(name) ? ratio : 1);
}

/** The article's λ for a matrix of `from` numbers to `out`: `(from/out) √(from/rank)`, at which both factors change as much. */
export function balancedRatio(out: number, from: number, rank: number): number {
  return (from / out) * Math.sqrt(from / rank);
}
