// Learning rates of the series on SGD: Su 2023 to 2025, I https://kexue.fm/archives/9902, II 11469, III 11480, IV 11494, V
// 11530. R is the distance from the start to the best parameters, G bounds the gradients' norms, T is the number of steps.

/** What rates are made of. */
export interface RateOptions {
  /** Steps, `T`. */
  readonly steps: number;
  /** `R`, and `G`. */
  readonly distance: number;
  readonly gradient: number;
}

const steps = (count: number, rate: (t: number) => number): number[] =>
  Array.from({ length: count }, (_, i) => rate(i + 1));

/** I: `R/(G√T)`. */
export function constantRates({ steps: T, distance: R, gradient: G }: RateOptions): number[] {
  return steps(T, () => R / (G * Math.sqrt(T)));
}

/** I: `α/√t`, `α = R/(G√2)`. */
export function rootRates({ steps: T, distance: R, gradient: G }: RateOptions): number[] {
  return steps(T, (t) => R / (G * Math.sqrt(2 * t)));
}

/** III: the constant of the last iterate, `R/(G√(T(2 + ln T)))`. */
export function lastIterateRates({ steps: T, distance: R, gradient: G }: RateOptions): number[] {
  return steps(T, () => R / (G * Math.sqrt(T * (2 + Math.log(T)))));
}

/** IV: `α(1 − t/(T + 1))`, `α = R/(G√(2T))`. */
export function linearRates({ steps: T, distance: R, gradient: G }: RateOptions): number[] {
  return steps(T, (t) => (R / (G * Math.sqrt(2 * T))) * (1 - t / (T + 1)));
}

/** Part of V that a rate follows: what is bounded there is that of part I to IV. */
export type GradientPart = 1 | 2 | 3 | 4;

/**
 * V, with all norms `G_t` known beforehand: what each bound is least at.
 * 1: `R/√V_T`, `V_t = Σ_{k≤t} G_k²`. 2: `R·G_t⁻²/√Q_T`, `Q_t = Σ_{k≤t} G_k⁻²`: large early gradients ask for a warm-up.
 * 3: `R/√(T·W_T)`, `W_t = Σ_{k≤t} G_k²/max(1, t − k)`. 4: `(R·G_t⁻²/√Q_T)(1 − Q_t/Q_T)`, half the rate before it where that
 * is 0, at the last step.
 */
export function hindsightRates(part: GradientPart, norms: readonly number[], distance: number): number[] {
  const R = distance;
  const T = norms.length;
  const last = <X>(list: readonly X[]): X => list.at(-1) as X;
  if (part === 1) return norms.map(() => R / Math.sqrt(last(squares(norms))));
  if (part === 3) return norms.map(() => R / Math.sqrt(T * weighted(norms)));
  const sums = inverseSquares(norms);
  const all = last(sums);
  const plain = norms.map((G) => R / (G * G * Math.sqrt(all)));
  if (part === 2) return plain;
  const rates = plain.map((rate, i) => rate * (1 - (sums[i] ?? 0) / all));
  return rates.map((rate, i) => (i === T - 1 ? (rates[i - 1] ?? plain[i] ?? R) / 2 : rate));
}

/**
 * V, the rate of step `t = norms.length` of `steps` from the norms up to it, the last of which is an estimate where rates
 * must not depend on the step's own example (2 to 4).
 * 1: `R/√V_t`. 2: `R·G_t⁻²/√Q_t`. 3: `R/√(T·W_t)`. 4: `(R·G_t⁻²/√Q_t)(1 − t/T)`, unproved; `T + 1` here, so that the last
 * step moves.
 */
export function causalRate(
  part: GradientPart,
  norms: readonly number[],
  distance: number,
  steps: number,
): number {
  const R = distance;
  if (part === 1) return R / Math.sqrt(squares(norms).at(-1) ?? Number.NaN);
  if (part === 3) return R / Math.sqrt(steps * weighted(norms));
  const G = norms.at(-1) ?? Number.NaN;
  const rate = R / (G * G * Math.sqrt(inverseSquares(norms).at(-1) ?? Number.NaN));
  return part === 2 ? rate : rate * (1 - norms.length / (steps + 1));
}

/** `V_t` for each t. */
function squares(norms: readonly number[]): number[] {
  let sum = 0;
  return norms.map((G) => (sum += G * G));
}

/** `Q_t` for each t. */
function inverseSquares(norms: readonly number[]): number[] {
  let sum = 0;
  return norms.map((G) => (sum += 1 / (G * G)));
}

/** `W_t` at the last t. */
function weighted(norms: readonly number[]): number {
  const t = norms.length;
  return norms.reduce((sum, G, i) => sum + (G * G) / Math.max(1, t - 1 - i), 0);
}
