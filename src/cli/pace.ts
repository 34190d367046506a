// How far a training is, as a line: what the watches of all trainings show of a step.
import { duration } from "./command.ts";

/** What a line needs to know of a training that has begun. */
export interface Begun {
  readonly steps: number;
  readonly minutes?: number;
  /** Updates made before this process. */
  readonly first: number;
}

/** What a step tells. */
interface Step {
  readonly step: number;
  readonly seconds: number;
  readonly loss: number;
  readonly perSecond: number;
}

/** With thousands set apart. */
export function count(n: number): string {
  return n.toLocaleString("en-GB");
}

/**
 * The line of each step: a loss that is smoothed, speed in `unit` a second, and the time that is left.
 * @param digits Of the loss. @returns `begin`, called when the first step is about to be made, and `line`, nothing before.
 */
export function paceOf(
  unit: string,
  digits = 3,
): { begin: (now: Begun) => void; line: (step: Step) => string | undefined } {
  let begun: (Begun & { readonly at: number }) | undefined;
  let smooth = Number.NaN;
  return {
    begin(now) {
      begun = { ...now, at: performance.now() };
    },
    line({ step, seconds, loss, perSecond }) {
      smooth = Number.isNaN(smooth) ? loss : 0.95 * smooth + 0.05 * loss;
      if (begun === undefined) return undefined;
      const { steps, minutes, first, at } = begun;
      const here = (performance.now() - at) / 1000;
      const bySteps = ((steps - step) * here) / Math.max(1, step - first);
      const left = minutes === undefined ? bySteps : Math.min(bySteps, 60 * minutes - seconds);
      // The first step compiles: it says nothing of those that follow.
      const pace = perSecond > 0 ? `  ${count(Math.round(perSecond))} ${unit}/s  ${duration(left)} left` : "";
      return `step ${step}${minutes === undefined ? `/${steps}` : ""}  loss ${smooth.toFixed(digits)}${pace}`;
    },
  };
}
