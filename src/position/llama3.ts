// Meta 2024, Llama 3.1 reference model, apply_scaling. https://github.com/meta-llama/llama-models
import { OptionError } from "../errors.ts";
import { type Frequencies, ropeFrequencies } from "./rotary.ts";
import { checkScale, checkWhole, type ScaleOptions } from "./scale.ts";

export interface Llama3Options extends ScaleOptions {
  /** Length `N` before the extension. */
  readonly trainingLength: number;
  /** Pairs that turn less often than this within `N` are interpolated; default 1. */
  readonly slow?: number;
  /** Pairs that turn more often than this keep their frequency; default 4. */
  readonly fast?: number;
}

/**
 * Llama 3's frequencies: with `r = N θ / 2π` turns and `γ = clamp((r − slow)/(fast − slow), 0, 1)`,
 * `θ ← (γ + (1 − γ)/s) θ`. The rule of `yarnByTurns` with other bounds and no magnitude; checkpoints call it
 * `rope_type: "llama3"`.
 */
export function llama3(options: Llama3Options): Frequencies {
  const { scale, trainingLength, slow = 1, fast = 4 } = options;
  checkScale("llama3", scale);
  checkWhole("llama3", "trainingLength", trainingLength);
  if (!(fast > slow)) throw new OptionError(`llama3: fast must be above slow, got ${fast} and ${slow}.`);
  return (D, base) =>
    ropeFrequencies(D, base).map((theta) => {
      const turns = (trainingLength * theta) / (2 * Math.PI);
      const kept = Math.min(1, Math.max(0, (turns - slow) / (fast - slow)));
      return theta * (kept + (1 - kept) / scale);
    });
}
