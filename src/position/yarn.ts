// Peng et al. 2023, "YaRN", sections 3.2 to 3.4. https://arxiv.org/abs/2309.00071
// The paper's ramp is linear in the number of turns; the authors' code and Hugging Face's ramp linearly in the index of
// the pair. The two give different frequencies, so both are here under their own names.
import { OptionError } from "../errors.ts";
import { type Frequencies, ropeFrequencies } from "./rotary.ts";
import { checkScale, checkWhole, type ScaleOptions } from "./scale.ts";

export interface YarnOptions extends ScaleOptions {
  /** Length `N` the model was trained on. */
  readonly trainingLength: number;
  /** Pairs with at least this many turns within `N` keep their frequency; default 32. Lower it for short `N`. */
  readonly fast?: number;
  /** Pairs with at most this many turns are interpolated; default 1. */
  readonly slow?: number;
  /** `yarnByIndex`: ends of the ramp at whole pairs, as published; default true. */
  readonly truncate?: boolean;
}

/** @throws OptionError for numbers that make no ramp. */
export function checkRamp(where: string, { scale, trainingLength, fast = 32, slow = 1 }: YarnOptions): void {
  checkScale(where, scale);
  checkWhole(where, "trainingLength", trainingLength);
  if (!(fast > slow) || !(slow > 0)) {
    throw new OptionError(`${where}: fast must be above slow and slow above 0, got ${fast} and ${slow}.`);
  }
}

const unit = (x: number): number => Math.min(1, Math.max(0, x));

/** `γ = clamp((r − slow)/(fast − slow), 0, 1)` of a pair with `r = N θ/2π` turns within `N`: what it keeps of itself. */
export function keptShare(
  theta: number,
  { trainingLength, fast = 32, slow = 1 }: Omit<YarnOptions, "scale">,
): number {
  return unit(((trainingLength * theta) / (2 * Math.PI) - slow) / (fast - slow));
}

/**
 * The paper's ramp. With `rᵢ = N θᵢ / 2π` turns, `γᵢ = clamp((rᵢ − slow)/(fast − slow), 0, 1)`:
 * `θᵢ ← (γᵢ + (1 − γᵢ)/s) θᵢ`.
 */
export function yarnByTurns(options: YarnOptions): Frequencies {
  checkRamp("yarnByTurns", options);
  return (D, base) =>
    ropeFrequencies(D, base).map((theta) => {
      const kept = keptShare(theta, options);
      return theta * (kept + (1 - kept) / options.scale);
    });
}

/**
 * The published code's ramp. With `c(ρ) = D ln(N/2πρ) / (2 ln b)`, the pair that turns ρ times within `N`, the kept
 * share falls linearly in the index from `⌊c(fast)⌋` to `⌈c(slow)⌉` (without `truncate` from `c(fast)` to `c(slow)`). Checkpoints with `rope_type: "yarn"` mean this.
 */
export function yarnByIndex(options: YarnOptions): Frequencies {
  checkRamp("yarnByIndex", options);
  const { scale, trainingLength, fast = 32, slow = 1, truncate = true } = options;
  const [down, up] = truncate ? [Math.floor, Math.ceil] : [Number, Number];
  return (D, base) => {
    const at = (turns: number): number =>
      (D * Math.log(trainingLength / (2 * Math.PI * turns))) / (2 * Math.log(base));
    const low = Math.max(down(at(fast)), 0);
    const high = Math.min(up(at(slow)), D - 1);
    // The published code widens an empty ramp by this much to avoid a division by zero.
    const width = high === low ? 0.001 : high - low;
    return ropeFrequencies(D, base).map((theta, i) => {
      const interpolated = unit((i - low) / width);
      return theta * (1 - interpolated + interpolated / scale);
    });
  };
}

/** Factor of cosine and sine, `1 + 0.1 ln s`, which multiplies scores by its square. */
export function yarnMagnitude(scale: number): number {
  checkScale("yarnMagnitude", scale);
  return 1 + 0.1 * Math.log(scale);
}
