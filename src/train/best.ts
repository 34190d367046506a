// The best of a training by its validations, kept while it goes on; and its end when it no longer gets better.
import type { Numbers, Task } from "./task.ts";

/** A validation. */
export interface Validated {
  readonly step: number;
  readonly loss: number;
}

/** What is kept, and when enough is enough. */
export interface BestOptions<P> {
  /** Name of the loss among the numbers of `validate`; smaller is better. */
  readonly loss: string;
  /** Validations of before, of a run that is gone on with, and the best that is kept of them. */
  readonly before?: readonly Validated[];
  readonly kept?: Validated;
  /** Ends the training after so many validations on end without a better one; default never. */
  readonly patience?: number;
  /** Keeps parameters that were better than all before them. */
  readonly keep: (params: P, at: Validated) => Promise<void>;
}

/** A task that is watched. */
export interface Watched<P, B, S> {
  readonly task: Task<P, B, S>;
  /** What was seen after `step` counts no more: the run goes on from there. */
  readonly from: (step: number) => void;
}

/**
 * `task`, of which the parameters with the best validation are kept and which ends when its patience is over. Both follow
 * from the validations alone, so that a resumed run ends as one that was never stopped.
 */
export function keepingBest<P, B, S>(task: Task<P, B, S>, options: BestOptions<P>): Watched<P, B, S> {
  const { loss: name, patience = Number.POSITIVE_INFINITY, keep } = options;
  let seen = [...(options.before ?? [])];
  let { kept } = options;
  const validate = task.validate?.bind(task);
  const from = (step: number): void => {
    seen = seen.filter((v) => v.step <= step);
    if (kept !== undefined && kept.step > step) kept = undefined;
  };
  if (validate === undefined) return { task, from };
  const watched: Task<P, B, S> = {
    ...task,
    async validate(params, at): Promise<Numbers> {
      const numbers = await validate(params, at);
      const loss = numbers[name] ?? Number.NaN;
      seen = [...seen.filter(({ step }) => step < at.step), { step: at.step, loss }];
      if (kept === undefined || loss < kept.loss) {
        kept = { step: at.step, loss };
        await keep(params, kept);
      }
      return numbers;
    },
    ended: () => withoutGain(seen) >= patience || (task.ended?.() ?? false),
  };
  return { task: watched, from };
}

/** How many validations on end, up to the last, were no better than the best before them. */
export function withoutGain(seen: readonly Validated[]): number {
  let [best, count] = [Number.POSITIVE_INFINITY, 0];
  for (const { loss } of seen) {
    count = loss < best ? 0 : count + 1;
    best = Math.min(best, loss);
  }
  return count;
}
