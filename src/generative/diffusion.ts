// Noise by degrees, and the way back. Cosine schedule: Nichol and Dhariwal 2021, https://arxiv.org/abs/2102.09672; fewer
// steps at sampling and guidance: as in MAR's code (Li et al. 2024, https://arxiv.org/abs/2406.11838), guidance after Ho and
// Salimans 2022, https://arxiv.org/abs/2207.12598; straight flow: Liu et al. 2022, https://arxiv.org/abs/2209.03003
import { OptionError } from "../errors.ts";
import { sqrt, type Tensor } from "../tensor/index.ts";

/** Degrees of noise `0 … steps − 1`: share of the signal's variance that is left at each, falling. */
export interface Degrees {
  readonly signal: Float64Array;
}

/** Cosine schedule: `ᾱ_t = Π (1 − β)`, `β_t = min(0.999, 1 − g(t+1)/g(t))`, `g(t) = cos²(π/2 · (t/T + s)/(1 + s))`, s = 0.008. */
export function cosineDegrees(steps: number): Degrees {
  if (!(Number.isSafeInteger(steps) && steps >= 1)) {
    throw new OptionError(`cosineDegrees: steps must be a whole number ≥ 1, got ${steps}.`);
  }
  const g = (t: number): number => Math.cos(((t / steps + 0.008) / 1.008) * (Math.PI / 2)) ** 2;
  const signal = new Float64Array(steps);
  let left = 1;
  for (let t = 0; t < steps; t++) {
    left *= 1 - Math.min(0.999, 1 - g(t + 1) / g(t));
    signal[t] = left;
  }
  return { signal };
}

/** Degrees at which a sampler of `count` steps stops, rising: evenly spread over all `steps`, first and last among them. */
export function spreadDegrees(steps: number, count: number): number[] {
  if (!(Number.isSafeInteger(count) && count >= 1 && count <= steps)) {
    throw new OptionError(`spreadDegrees: count must be 1 to the ${steps} degrees, got ${count}.`);
  }
  if (count === 1) return [steps - 1];
  return Array.from({ length: count }, (_, i) => Math.round((i * (steps - 1)) / (count - 1)));
}

/** `√ᾱ x + √(1 − ᾱ) ε`. @param signal ᾱ, of a shape that broadcasts with `x`. */
export function noised(x: Tensor, noise: Tensor, signal: Tensor): Tensor {
  return sqrt(signal)
    .mul(x)
    .add(sqrt(signal.neg().add(1)).mul(noise));
}

/** Numbers of one step down: `x₀ = clean₀ x + clean₁ ε̂`, then `x ← mean₀ x₀ + mean₁ x + s · noise` (ancestral, the smaller variance). */
export interface Descent {
  readonly clean: readonly [x: number, noise: number];
  readonly mean: readonly [clean: number, x: number];
  readonly s: number;
}

/**
 * The step from a signal share `now` to the larger one `next` (1 at the end), with `α = now / next`: the clean signal that the noise
 * found stands for, `(x − √(1 − now) ε̂)/√now`, and mean and variance of what lies between (Ho et al. 2020, equation 7). In two
 * parts, so that the clean signal may be held within its bounds: `1/√now` is in the thousands at first.
 */
export function descent(now: number, next: number): Descent {
  const alpha = now / next;
  return {
    clean: [1 / Math.sqrt(now), -Math.sqrt((1 - now) / now)],
    mean: [(Math.sqrt(next) * (1 - alpha)) / (1 - now), (Math.sqrt(alpha) * (1 - next)) / (1 - now)],
    s: Math.sqrt(((1 - next) / (1 - now)) * (1 - alpha)),
  };
}

/** A point on the straight way from noise (`t = 0`) to data (`t = 1`): `(1 − t) ε + t x`. Its velocity is `x − ε`. */
export function between(x: Tensor, noise: Tensor, t: Tensor): Tensor {
  return t.mul(x).add(t.neg().add(1).mul(noise));
}

/** Guidance without a classifier: `u + scale (c − u)`; 1 is what the condition says. */
export function guided(conditioned: Tensor, free: Tensor, scale: number | Tensor): Tensor {
  return free.add(conditioned.sub(free).mul(scale));
}

/** Guidance that rises linearly from 1 to `scale` while patches are revealed, as MAR has it. @param done Share revealed. */
export function risingScale(scale: number, done: number): number {
  return 1 + (scale - 1) * done;
}
