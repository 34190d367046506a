// Part V of the series on SGD, rates that follow the gradients: Su 2025, https://kexue.fm/archives/11530. Each bound of parts
// I to III at its best rates in hindsight, and at rates that know only the past, against a closed form.
import { averageBound, lastMonotoneBound, weightedBound } from "./bounds.ts";
import { causalRate, hindsightRates } from "./rates.ts";
import type { Line } from "./run.ts";

/**
 * Both sides for norms `G_1 … G_T` and a distance (in part I the diameter) `R`.
 * 1: `R√V_T/T`, and causally 3/2 of it. 2: `R/√Q_T`, causally `1 + ½ ln(Q_T/Q_1)` of it. 3: `R√(W_T/T)`, causally
 * `(3 + ln T)/2` of it. Part IV's rates have no closed form, and are not proved.
 */
export function gradientAwareLines(norms: readonly number[], R: number): Line[] {
  const T = norms.length;
  const squares = norms.map((G) => G * G);
  const V = squares.reduce((a, b) => a + b, 0);
  const Q = squares.reduce((a, b) => a + 1 / b, 0);
  const W = squares.reduce((a, b, i) => a + b / Math.max(1, T - 1 - i), 0);
  const causal = (part: 1 | 2 | 3): number[] =>
    norms.map((_, t) => causalRate(part, norms.slice(0, t + 1), R, T));
  const more = 1 + Math.log(Q * (squares[0] ?? Number.NaN)) / 2;
  const line = (says: string, left: number, right: number, equal?: true): Line => ({
    says,
    left,
    right,
    ...(equal && { equal }),
  });
  return [
    line(
      "1, in hindsight",
      averageBound(hindsightRates(1, norms, R), squares, R),
      (R * Math.sqrt(V)) / T,
      true,
    ),
    line("1, from the past", averageBound(causal(1), squares, R), (1.5 * R * Math.sqrt(V)) / T),
    line("2, in hindsight", weightedBound(hindsightRates(2, norms, R), squares, R), R / Math.sqrt(Q), true),
    line("2, from the past", weightedBound(causal(2), squares, R), (R / Math.sqrt(Q)) * more),
    line(
      "3, in hindsight",
      lastMonotoneBound(hindsightRates(3, norms, R), squares, R),
      R * Math.sqrt(W / T),
      true,
    ),
    line(
      "3, from the past",
      lastMonotoneBound(causal(3), squares, R),
      R * Math.sqrt(W / T) * ((3 + Math.log(T)) / 2),
    ),
  ];
}
