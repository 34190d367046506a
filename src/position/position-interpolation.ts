// Chen et al. 2023, "Extending context window of large language models via positional interpolation".
// https://arxiv.org/abs/2306.15595
import { type Frequencies, ropeFrequencies } from "./rotary.ts";
import { checkScale, type ScaleOptions } from "./scale.ts";

/** Position interpolation: `θᵢ/s`, which turns as far at position `s·p` as the trained model at `p`. */
export function positionInterpolation({ scale }: ScaleOptions): Frequencies {
  checkScale("positionInterpolation", scale);
  return (D, base) => ropeFrequencies(D, base).map((theta) => theta / scale);
}
