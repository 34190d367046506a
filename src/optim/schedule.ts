// Learning rates as functions of the step, computed inside the graph.
import { OptionError } from "../errors.ts";
import { clip, cos, full, less, minimum, type Tensor, where } from "../tensor/index.ts";
import type { Schedule } from "./transform.ts";

/** Always `value`. */
export function constantRate(value: number): Schedule {
  return () => full([], value);
}

/**
 * Rises linearly from 0 to `peak` over `warmup` steps, then falls along half a cosine to `floor` at `steps`:
 * `floor + ½(peak − floor)(1 + cos(π (t − warmup) / (steps − warmup)))`. Step t is the number of earlier steps;
 * the first rate is `peak / (warmup + 1)`.
 */
export function warmupCosine({
  peak,
  warmup,
  steps,
  floor = 0,
}: {
  readonly peak: number;
  readonly warmup: number;
  readonly steps: number;
  readonly floor?: number;
}): Schedule {
  if (!(warmup >= 0 && warmup <= steps)) {
    throw new OptionError(`warmupCosine: warmup must be between 0 and steps=${steps}, got ${warmup}.`);
  }
  return (t: Tensor) => {
    const rising = minimum(t.add(1).mul(peak / (warmup + 1)), peak);
    const progress = clip(t.sub(warmup).mul(1 / Math.max(1, steps - warmup)), 0, 1);
    const falling = cos(progress.mul(Math.PI))
      .add(1)
      .mul(0.5 * (peak - floor))
      .add(floor);
    return where(less(t, warmup), rising, falling);
  };
}

/** A step, and the rate there. */
export type Knot = readonly [step: number, rate: number];

/**
 * Lines between knots; from `[0, 0]` unless a knot is at 0, constant after the last. Tiger's `{ 1000: 1, 9000: 0.1 }` is
 * `[[1000, peak], [9000, peak / 10]]`; steps are updates here, and parts of batches in its author's code.
 * @throws OptionError for no knots, two at one step, or numbers below 0.
 */
export function piecewiseLinear(knots: readonly Knot[]): Schedule {
  const sorted = [...knots].sort(([a], [b]) => a - b);
  const bad = sorted.find(([at, rate], i) => !(at >= 0 && rate >= 0) || at === sorted[i - 1]?.[0]);
  const [first] = sorted;
  if (bad !== undefined || first === undefined) {
    throw new OptionError(
      `piecewiseLinear: knots must be one or more steps in turn with a rate, all at least 0, got ${JSON.stringify(knots)}.`,
    );
  }
  const all: readonly Knot[] = first[0] === 0 ? sorted : [[0, 0], ...sorted];
  return (t: Tensor) => {
    let rate = full([], all.at(-1)?.[1] ?? 0);
    for (let i = all.length - 2; i >= 0; i--) {
      const [from, low] = all[i] ?? [0, 0];
      const [to, high] = all[i + 1] ?? [1, 0];
      const line = t
        .sub(from)
        .mul((high - low) / (to - from))
        .add(low);
      rate = where(less(t, to), line, rate);
    }
    return rate;
  };
}

/** What schedules of a known length are made of. */
export interface SpanOptions {
  readonly peak: number;
  readonly steps: number;
  /** Updates during which the rate rises, `peak·(t + 1)/(warmup + 1)`; default 0. */
  readonly warmup?: number;
}

/**
 * `peak·(1 − t/(T + 1))`, t = 1 … T after the warm-up: of the order that no schedule beats at the last step (Su 2025,
 * https://kexue.fm/archives/11494).
 */
export function linearDecay({ peak, steps, warmup = 0 }: SpanOptions): Schedule {
  checkSpan("linearDecay", steps, warmup);
  const left = Math.max(1, steps - warmup);
  return rising(peak, warmup, (t) =>
    clip(t.sub(warmup), 0, left)
      .neg()
      .add(left)
      .mul(peak / (left + 1)),
  );
}

/**
 * Warm-up, stable, decay (Hu et al. 2024, "MiniCPM", section 4): `peak` until the last `decay` (a share, default 0.2) of
 * the steps after the warm-up, then a line to 0.
 */
export function warmupStableDecay({
  peak,
  steps,
  warmup = 0,
  decay = 0.2,
}: SpanOptions & { readonly decay?: number }): Schedule {
  checkSpan("warmupStableDecay", steps, warmup);
  if (!(decay > 0 && decay <= 1)) {
    throw new OptionError(`warmupStableDecay: decay must be above 0 and at most 1, got ${decay}.`);
  }
  const left = Math.max(1, steps - warmup);
  return rising(peak, warmup, (t) => {
    const spent = clip(t.sub(warmup).mul(1 / left), 0, 1);
    return minimum(
      spent
        .neg()
        .add(1)
        .mul(1 / decay),
      1,
    ).mul(peak);
  });
}

function rising(peak: number, warmup: number, then: Schedule): Schedule {
  return (t) => minimum(t.add(1).mul(peak / (warmup + 1)), then(t));
}

function checkSpan(where: string, steps: number, warmup: number): void {
  if (!(warmup >= 0 && warmup <= steps)) {
    throw new OptionError(`${where}: warmup must be between 0 and steps=${steps}, got ${warmup}.`);
  }
}
