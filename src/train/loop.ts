// The loop: batches in, updates, validations and checkpoints out. It knows nothing of where they go.
import type { Device } from "../tensor/index.ts";
import { diagnosticNumbers } from "./diagnostics.ts";
import { explainNonFinite } from "./non-finite.ts";
import { rateAt, type TrainSettings } from "./settings.ts";
import { mends, type StepReport, type TrainState, trainStep } from "./step.ts";
import type { Numbers, Progress, Task } from "./task.ts";

/** One update, as reported. */
export interface StepEvent extends Progress {
  /** Mean of the task's first loss over the batch before the update. */
  readonly loss: number;
  /** All of its losses by name. */
  readonly losses: Numbers;
  readonly rate: number;
  /** Global norm of the gradient before clipping. */
  readonly gradientNorm: number;
  /** Units of the task per second, this process's average without the first step. */
  readonly perSecond: number;
  /** What was measured of the update, where the settings ask for diagnostics. */
  readonly diagnostics?: Numbers;
}

/** What happens on the way; the loop waits for each. */
export interface LoopEvents<P> {
  step?(event: StepEvent): void | Promise<void>;
  validation?(at: Progress, numbers: Numbers): void | Promise<void>;
  checkpoint?(at: Progress, state: TrainState<P>): void | Promise<void>;
  sample?(at: Progress, state: TrainState<P>): void | Promise<void>;
}

/** A training to run. */
export interface LoopOptions<P, B, S> {
  readonly task: Task<P, B, S>;
  readonly settings: TrainSettings;
  readonly state: TrainState<P>;
  readonly progress?: Progress;
  /** Norms of the gradients of the updates before, for schedules that follow them. */
  readonly norms?: readonly number[];
  readonly device?: Device;
  readonly threads?: number;
  readonly events?: LoopEvents<P>;
  /** Stops after the step in progress, with a checkpoint. */
  readonly signal?: AbortSignal;
  /** What a person can do after a non-finite loss: names the last good checkpoint. */
  readonly advice?: () => string;
}

/** How a training ended. */
export interface LoopResult<P> {
  readonly state: TrainState<P>;
  readonly progress: Progress;
  /** Stopped by the signal. */
  readonly interrupted: boolean;
  /** Validation at the end; absent when interrupted. */
  readonly numbers?: Numbers;
  readonly perSecond: number;
}

/** A rule that mends gradients itself gives up after so many bad updates on end. */
const MOST_BAD = 20;

/**
 * Trains until `settings.steps` or `settings.minutes`.
 * @throws NonFiniteError when loss or gradient is not finite: the poisoned state is not saved. A rule that mends such
 * gradients goes on, as long as the parameters are finite and not twenty updates on end are bad.
 */
export async function trainLoop<P, B, S>(options: LoopOptions<P, B, S>): Promise<LoopResult<P>> {
  const { task, settings, device, threads, events = {}, signal } = options;
  const on = { ...(device !== undefined && { device }), ...(threads !== undefined && { threads }) };
  const step = trainStep(task, settings, options.state.params, on);
  const [shown = ""] = Object.keys(task.losses);
  const most = "clip" in settings.optimizer ? settings.optimizer.clip : 0;
  /** The norm of a gradient as it was applied; one that was not finite counts as none. */
  const clipped = (norm: number): number =>
    !Number.isFinite(norm) ? 0 : most > 0 ? Math.min(norm, most) : norm;
  const clock = stopwatch(options.progress?.seconds ?? 0);
  const patience = mends(settings) ? MOST_BAD : 0;
  const follows = settings.schedule.type === "gradient";
  const norms = [...(options.norms ?? [])];

  let { state } = options;
  let done = options.progress?.step ?? 0;
  let before: Float64Array | undefined;
  let bad = 0;
  const pace = { units: 0, seconds: 0 };
  const speed = (): number => (pace.seconds > 0 ? pace.units / pace.seconds : 0);
  const ended = (): boolean =>
    done >= settings.steps ||
    (settings.minutes !== undefined && clock() >= 60 * settings.minutes) ||
    task.ended?.() === true;
  const stopped = (): boolean => signal?.aborted === true;
  const progress = (): Progress => ({ step: done, seconds: clock() });
  const validate = async (last: boolean): Promise<Numbers | undefined> => {
    const numbers = await task.validate?.(state.params, { step: done, last });
    if (numbers !== undefined) await events.validation?.(progress(), numbers);
    return numbers;
  };
  try {
    for (let first = true; !ended() && !stopped(); first = false) {
      const rate = rateAt(settings, done, clock(), follows ? norms.map(clipped) : []);
      const began = performance.now();
      const at = done;
      const report = await step.run(state, (part) => task.batch(at, part, settings.accumulate), rate);
      const loss = report.losses[shown] ?? Number.NaN;
      bad = isFinite(report) ? 0 : bad + 1;
      if (bad > patience || !report.sums.every(Number.isFinite)) {
        const failure = { ...report, loss, step: done, names: step.names, before, rate };
        throw explainNonFinite(failure, options.advice?.() ?? "Lower the learning rate.");
      }
      state = report.state;
      if (bad === 0) before = report.norms;
      done += 1;
      // The first step compiles.
      if (!first) {
        pace.units += task.unit.perStep;
        pace.seconds += (performance.now() - began) / 1000;
      }
      const gradientNorm = Math.hypot(...report.norms);
      norms.push(gradientNorm);
      const { losses, update } = report;
      const diagnostics = update && { diagnostics: diagnosticNumbers(update) };
      await events.step?.({
        ...progress(),
        loss,
        losses,
        rate,
        gradientNorm,
        perSecond: speed(),
        ...diagnostics,
      });
      const last = ended();
      if (done % settings.validateEvery === 0 && !last) await validate(false);
      if (done % settings.sampleEvery === 0 && !last) await events.sample?.(progress(), state);
      if (done % settings.checkpointEvery === 0 && !last) await events.checkpoint?.(progress(), state);
    }
    const interrupted = !ended();
    // Saved first: what follows may be interrupted too.
    await events.checkpoint?.(progress(), state);
    if (interrupted) return { state, progress: progress(), interrupted, perSecond: speed() };
    const numbers = await validate(true);
    await events.sample?.(progress(), state);
    return { state, progress: progress(), interrupted, ...(numbers && { numbers }), perSecond: speed() };
  } finally {
    await step.release();
  }
}

function isFinite({ losses, norms }: StepReport<unknown>): boolean {
  return Object.values(losses).every(Number.isFinite) && norms.every(Number.isFinite);
}

/** Seconds since now, plus `before`. */
function stopwatch(before: number): () => number {
  const began = performance.now();
  return () => before + (performance.now() - began) / 1000;
}
