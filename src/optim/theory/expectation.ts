// Parts II to IV of the series on SGD, in expectation over sample paths, parameters anywhere: Su 2025,
// https://kexue.fm/archives/11469 (unbounded domains), 11480 (averaged and last iterate), 11494 (linear decay). The
// monotone form of III weighs by the rates first, as Orabona 2020 does: without it a step that is worse than a later one
// cannot be divided by its own rate.
import { checkMonotone } from "./average.ts";
import { lastBound, lastMonotoneBound, tails, unboundedBound, weightedBound } from "./bounds.ts";
import { dot, type Line, minus, type SgdRun, square, total, type Vector } from "./run.ts";

/** Sample paths with their probabilities, which add up to 1. All have the same start and the same rates. */
export type Paths = readonly { readonly weight: number; readonly run: SgdRun }[];

/** What lines are drawn up against. */
export interface ExpectationOptions {
  readonly best: Vector;
  /** `L(θ)`, the expectation of an example's loss. */
  readonly loss: (theta: Vector) => number;
  /** What `E‖g_t‖²` is nowhere above the square of, `G`. */
  readonly gradient: number;
}

/** Expectations at each step. */
interface Means {
  readonly rates: readonly number[];
  /** `q_t = E[L(θ_t)] − L(θ*)`, `G_t² = E‖g_t‖²`, `E‖θ_t − θ*‖²`. */
  readonly q: readonly number[];
  readonly squares: readonly number[];
  readonly away: readonly number[];
  /** `‖θ_1 − θ*‖`. */
  readonly distance: number;
}

const at = (list: readonly number[], t: number): number => list[t] ?? Number.NaN;
const mean = (paths: Paths, of: (run: SgdRun) => number): number =>
  total(paths.map(({ weight, run }) => weight * of(run)));

function meansOf(paths: Paths, { best, loss }: ExpectationOptions): Means {
  const rates = paths[0]?.run.rates ?? [];
  const away = [...rates, 0].map((_, t) => mean(paths, (run) => square(minus(run.thetas[t] ?? [], best))));
  return {
    rates,
    away,
    q: rates.map((_, t) => mean(paths, (run) => loss(run.thetas[t] ?? [])) - loss(best)),
    squares: rates.map((_, t) => mean(paths, (run) => square(run.gradients[t] ?? []))),
    distance: Math.sqrt(at(away, 0)),
  };
}

const constant = (rates: readonly number[], gradient: number): number[] => rates.map(() => gradient ** 2);

/** II: each step, the sum, the average weighted by the rates, and the plain average where rates do not rise. */
export function unboundedLines(paths: Paths, options: ExpectationOptions): Line[] {
  const { rates, q, squares, away, distance } = meansOf(paths, options);
  const { best, gradient } = options;
  const T = rates.length;
  const steps = rates.flatMap((rate, t): Line[] => {
    const along = mean(paths, ({ thetas, gradients }) =>
      dot(gradients[t] ?? [], minus(thetas[t] ?? [], best)),
    );
    return [
      {
        says: `step ${t + 1}: the square is expanded`,
        left: at(away, t + 1),
        right: at(away, t) - 2 * rate * along + rate ** 2 * at(squares, t),
      },
      { says: `step ${t + 1}: convexity`, left: at(q, t), right: along },
    ];
  });
  const weighted = total(rates.map((rate, t) => rate * at(q, t)));
  const spent = total(rates.map((rate, t) => rate ** 2 * at(squares, t)));
  const lines: Line[] = [
    ...steps,
    { says: "summed", left: weighted, right: (distance ** 2 + spent) / 2 },
    {
      says: "V: weighted average, by the norms of the gradients",
      left: weighted / total(rates),
      right: weightedBound(rates, squares, distance),
    },
    {
      says: "II: weighted average",
      left: weighted / total(rates),
      right: weightedBound(rates, constant(rates, gradient), distance),
    },
  ];
  if (rises(rates)) return lines;
  return [
    ...lines,
    {
      says: "rates do not rise: each is at least the last",
      left: at(rates, T - 1) * total(q),
      right: weighted,
    },
    {
      says: "II: average",
      left: total(q) / T,
      right: unboundedBound(rates, constant(rates, gradient), distance),
    },
  ];
}

/** The line that III and IV share, from step `k` on with `θ_k` in the place of `θ*`. */
function fromStep({ rates, q, squares }: Means, k: number): Line {
  const from = rates.map((_, t) => t).slice(k);
  return {
    says: `from step ${k + 1}, against its own parameters`,
    left: total(from.map((t) => at(rates, t) * (at(q, t) - at(q, k)))),
    right: total(from.map((t) => at(rates, t) ** 2 * at(squares, t))) / 2,
  };
}

/** III: averaged parameters by Jensen, and the last ones. @throws OptionError when rates rise. */
export function lastMonotoneLines(paths: Paths, options: ExpectationOptions): Line[] {
  const means = meansOf(paths, options);
  const { rates, q, squares, distance } = means;
  checkMonotone("lastMonotoneLines", rates);
  const { best, loss, gradient } = options;
  const T = rates.length;
  const averaged = mean(paths, ({ thetas }) =>
    loss(best.map((_, i) => total(thetas.slice(0, T).map((theta) => theta[i] ?? 0)) / T)),
  );
  // The identity, of η_t q_t: the last is the mean and what it lies above the mean of each end.
  const w = rates.map((rate, t) => rate * at(q, t));
  let inner = total(w) / T;
  const ends: Line[] = [];
  for (let k = 1; k < T; k++) {
    const first = T - 1 - k;
    const end = w.slice(first);
    inner += (total(end) - end.length * at(w, first)) / (k * (k + 1));
    ends.push(
      {
        says: `from step ${first + 1}: its loss times a rate that does not rise`,
        left: total(end) - end.length * at(w, first),
        right: total(end) - at(q, first) * total(rates.slice(first)),
      },
      fromStep(means, first),
    );
  }
  return [
    { says: "Jensen: averaged parameters", left: averaged - loss(best), right: total(q) / T },
    { says: "the last as a mean of means", left: at(w, T - 1), right: inner, equal: true },
    ...ends,
    {
      says: "V: last loss, by the norms of the gradients",
      left: at(q, T - 1),
      right: lastMonotoneBound(rates, squares, distance),
    },
    {
      says: "III: last loss",
      left: at(q, T - 1),
      right: lastMonotoneBound(rates, constant(rates, gradient), distance),
    },
  ];
}

/** IV: the last parameters at any rates above 0. Of those that fall in a line the bound is `O(1/√T)`. */
export function lastLines(paths: Paths, options: ExpectationOptions): Line[] {
  const means = meansOf(paths, options);
  const { rates, q, squares, distance } = means;
  const T = rates.length;
  const sums = tails(rates);
  let inner = total(rates.map((rate, t) => rate * at(q, t))) / at(sums, 0);
  const ends: Line[] = [];
  for (let k = 0; k < T - 1; k++) {
    const line = fromStep(means, k);
    inner += (1 / at(sums, k + 1) - 1 / at(sums, k)) * line.left;
    ends.push(line);
  }
  return [
    { says: "the last as a weighted mean of means", left: at(q, T - 1), right: inner, equal: true },
    ...ends,
    {
      says: "V: last loss, by the norms of the gradients",
      left: at(q, T - 1),
      right: lastBound(rates, squares, distance),
    },
    {
      says: "IV: last loss",
      left: at(q, T - 1),
      right: lastBound(rates, constant(rates, options.gradient), distance),
    },
  ];
}

function rises(rates: readonly number[]): boolean {
  return rates.some((rate, t) => rate > at(rates, t - 1));
}
