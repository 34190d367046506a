// The right-hand sides of the series on SGD, by rates `η_t` and squares `G_t²` of the gradients' norms: the same bound G² at
// every step in parts I to IV, each step's own in V.
import { total } from "./run.ts";

/** `η_{from:T}` for every `from`: sums from there to the end. */
export function tails(rates: readonly number[]): number[] {
  const sums = [...rates];
  for (let i = sums.length - 2; i >= 0; i--) sums[i] = (sums[i] ?? 0) + (sums[i + 1] ?? 0);
  return sums;
}

const last = (rates: readonly number[]): number => rates.at(-1) ?? Number.NaN;
const spent = (rates: readonly number[], squares: readonly number[], of: (t: number) => number): number =>
  total(rates.map((rate, t) => rate * rate * (squares[t] ?? 0) * of(t)));

/** I: `D²/(2Tη_T) + Σ η_t G_t²/(2T)` for the average loss in a set of diameter D, rates that do not rise. */
export function averageBound(rates: readonly number[], squares: readonly number[], diameter: number): number {
  const T = rates.length;
  return (
    diameter ** 2 / (2 * T * last(rates)) + total(rates.map((rate, t) => rate * (squares[t] ?? 0))) / (2 * T)
  );
}

/** II: `R²/(2Tη_T) + Σ η_t² G_t²/(2Tη_T)` for the average loss anywhere, rates that do not rise. */
export function unboundedBound(
  rates: readonly number[],
  squares: readonly number[],
  distance: number,
): number {
  return (distance ** 2 + spent(rates, squares, () => 1)) / (2 * rates.length * last(rates));
}

/** II: `(R² + Σ η_t² G_t²)/(2 Σ η_t)` for the average weighted by the rates, any rates. */
export function weightedBound(
  rates: readonly number[],
  squares: readonly number[],
  distance: number,
): number {
  return (distance ** 2 + spent(rates, squares, () => 1)) / (2 * total(rates));
}

/** III: `R²/(2Tη_T) + ½ Σ (η_t²/η_T) G_t²/max(1, T − t)` for the last loss, rates that do not rise. */
export function lastMonotoneBound(
  rates: readonly number[],
  squares: readonly number[],
  distance: number,
): number {
  const T = rates.length;
  const lately = spent(rates, squares, (t) => 1 / Math.max(1, T - 1 - t));
  return distance ** 2 / (2 * T * last(rates)) + lately / (2 * last(rates));
}

/** IV: `R²/(2η_{1:T}) + ½ Σ η_t² G_t²/η_{min(t+1,T):T}` for the last loss, any rates above 0. */
export function lastBound(rates: readonly number[], squares: readonly number[], distance: number): number {
  const sums = tails(rates);
  const end = rates.length - 1;
  return (
    distance ** 2 / (2 * (sums[0] ?? Number.NaN)) +
    spent(rates, squares, (t) => 1 / (sums[Math.min(t + 1, end)] ?? Number.NaN)) / 2
  );
}
