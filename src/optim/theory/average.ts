// Part I of the series on SGD, the average loss on every sample path: Zinkevich 2003, "Online Convex Programming and
// Generalized Infinitesimal Gradient Ascent", theorem 1; Su 2023, https://kexue.fm/archives/9902.
import { OptionError } from "../../errors.ts";
import { averageBound } from "./bounds.ts";
import { dot, type Line, minus, type SgdRun, square, total, type Vector } from "./run.ts";

/** What is known beforehand. */
export interface AverageOptions {
  /** Diameter of the set that parameters stay in, `D`. */
  readonly diameter: number;
  /** What no gradient's norm is above, `G`. */
  readonly gradient: number;
}

/**
 * Both sides of the theorem and of each line of its proof, for one path and any `best` of the set:
 * `(1/T) Σ [L(x_t, θ_t) − L(x_t, θ*)] ≤ D²/(2Tη_T) + (G²/2T) Σ η_t`. The last line has each step's own norm in place of G
 * (part V).
 * @throws OptionError when rates rise: the proof needs `1/η_t` that do not fall.
 */
export function averageLines(run: SgdRun, best: Vector, { diameter, gradient }: AverageOptions): Line[] {
  const { thetas, gradients, rates } = run;
  checkMonotone("averageLines", rates);
  const T = rates.length;
  const away = thetas.map((theta) => square(minus(theta, best)));
  const excess = rates.map((_, t) => run.loss(t, thetas[t] ?? []) - run.loss(t, best));
  const at = (list: readonly number[], t: number): number => list[t] ?? Number.NaN;
  const lines = rates.flatMap((rate, t): Line[] => {
    const [theta, g] = [thetas[t] ?? [], gradients[t] ?? []];
    const moved = theta.map((v, i) => v - rate * (g[i] ?? 0));
    const reach = square(minus(moved, best));
    const along = dot(g, minus(theta, best));
    const step = t + 1;
    return [
      {
        says: `step ${step}: the projection brings nothing further from θ*`,
        left: at(away, t + 1),
        right: reach,
      },
      {
        says: `step ${step}: the square is expanded`,
        left: reach,
        right: at(away, t) - 2 * rate * along + rate ** 2 * square(g),
        equal: true,
      },
      { says: `step ${step}: convexity`, left: at(excess, t), right: along },
      {
        says: `step ${step}: one step`,
        left: at(excess, t),
        right: (at(away, t) - at(away, t + 1)) / (2 * rate) + (rate * square(g)) / 2,
      },
    ];
  });
  const telescoped = total(rates.map((rate, t) => (at(away, t) - at(away, t + 1)) / (2 * rate)));
  const squares = gradients.map(square);
  const average = total(excess) / T;
  return [
    ...lines,
    { says: "the distances telescope", left: telescoped, right: diameter ** 2 / (2 * at(rates, T - 1)) },
    {
      says: "V: average loss, by the norms of the gradients",
      left: average,
      right: averageBound(rates, squares, diameter),
    },
    {
      says: "I: average loss",
      left: average,
      right: averageBound(
        rates,
        rates.map(() => gradient ** 2),
        diameter,
      ),
    },
  ];
}

/** @throws OptionError for a rate that is above the one before it. */
export function checkMonotone(where: string, rates: readonly number[]): void {
  const bad = rates.findIndex((rate, t) => !(rate > 0) || rate > (rates[t - 1] ?? Infinity));
  if (bad < 0) return;
  throw new OptionError(
    `${where}: rates must be above 0 and never rise, got ${rates[bad]} at step ${bad + 1}. The last-iterate lines of part IV allow it.`,
  );
}
