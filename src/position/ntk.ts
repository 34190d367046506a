// NTK-aware scaling: bloc97 2023, https://www.reddit.com/r/LocalLLaMA/comments/14lz7j5
// Old, fixed and mixed forms: Su 2023, "Transformer upgrade path 10 and 11", https://kexue.fm/archives/9675 and
// https://kexue.fm/archives/9706. There pairs count from 1, here `i` counts from 0: m = i + 1.
import { OptionError } from "../errors.ts";
import { type Frequencies, ropeFrequencies } from "./rotary.ts";
import { checkScale, type ScaleOptions } from "./scale.ts";

/** Base change by digits: `b ← b·s`. The slowest pair ends a little short of `1/s`. */
export function ntkOld({ scale }: ScaleOptions): Frequencies {
  checkScale("ntkOld", scale);
  return (D, base) => ropeFrequencies(D, base * scale);
}

/** `b ← b·s^(D/(D−2))`: the fastest pair keeps its frequency, the slowest is divided by exactly `s`. */
export function ntkAware({ scale }: ScaleOptions): Frequencies {
  checkScale("ntkAware", scale);
  return (D, base) => ropeFrequencies(D, base * scale ** (D / Math.max(D - 2, 1)));
}

/** `θᵢ ← θᵢ · λ^−(i+1)`, `λ = s^(2/D)`: as `ntkOld`, with every digit's unit scaled too. */
export function ntkFixed({ scale }: ScaleOptions): Frequencies {
  checkScale("ntkFixed", scale);
  return (D, base) => ropeFrequencies(D, base).map((theta, i) => theta * scale ** ((-2 * (i + 1)) / D));
}

/**
 * Mixed radix: `θᵢ ← θᵢ · exp(−a (i+1)^p)`, `a = ln s / (D/2)^p`. `power` 1 is `ntkFixed`, 0 is interpolation.
 * @param options `power` is `p`, default 0.625.
 */
export function ntkMixed({ scale, power = 0.625 }: ScaleOptions & { readonly power?: number }): Frequencies {
  checkScale("ntkMixed", scale);
  if (!(power >= 0)) throw new OptionError(`ntkMixed: power must be ≥ 0, got ${power}.`);
  return (D, base) => {
    const a = Math.log(scale) / (D / 2) ** power;
    return ropeFrequencies(D, base).map((theta, i) => theta * Math.exp(-a * (i + 1) ** power));
  };
}
