// Learning rates as functions of the step, computed inside the graph.
import { OptionError } from "../errors.ts";
import { cos, full, minimum, type Tensor, where, less, clip } from "../tensor/index.ts";
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
