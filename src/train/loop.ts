// The loop: batches in, updates, validations and checkpoints out. It knows nothing of files, so it also runs in a page.
import { type CausalLMConfig, splitCodebooks } from "../model/index.ts";
import type { Device } from "../tensor/index.ts";
import { batches } from "./batches.ts";
import { checkLength, type Ids, type Split } from "./corpus.ts";
import { explainNonFinite } from "./non-finite.ts";
import { rateAt, type TrainSettings } from "./settings.ts";
import { namesOf, type TrainState, trainStep } from "./step.ts";
import { type Score, spreadWindows, validator } from "./validate.ts";

/** Where a training stands: with the settings, all that is needed to go on exactly. */
export interface Position {
  /** Updates made. The data order is a function of it. */
  readonly step: number;
  /** Seconds spent in all. */
  readonly seconds: number;
}

/** One update, as reported. */
export interface StepEvent extends Position {
  /** Mean loss of the batch before the update, nats per token. */
  readonly loss: number;
  readonly rate: number;
  /** Global norm of the gradient before clipping. */
  readonly gradientNorm: number;
  /** Training tokens per second, this process's average without the first step. */
  readonly tokensPerSecond: number;
}

/** What happens on the way; the loop waits for each. */
export interface LoopEvents {
  step?(event: StepEvent): void | Promise<void>;
  validation?(position: Position, score: Score): void | Promise<void>;
  checkpoint?(position: Position, state: TrainState): void | Promise<void>;
  sample?(position: Position, state: TrainState): void | Promise<void>;
}

/** A training to run. */
export interface LoopOptions {
  readonly config: CausalLMConfig;
  readonly settings: TrainSettings;
  readonly ids: Split<Ids>;
  /** Bytes that each id stands for. */
  readonly bytesOf: Int32Array;
  readonly state: TrainState;
  readonly position?: Position;
  readonly device?: Device;
  readonly events?: LoopEvents;
  /** Stops after the step in progress, with a checkpoint. */
  readonly signal?: AbortSignal;
  /** What a person can do after a non-finite loss: names the last good checkpoint. */
  readonly advice?: () => string;
}

/** How a training ended. */
export interface LoopResult {
  readonly state: TrainState;
  readonly position: Position;
  /** Stopped by the signal. */
  readonly interrupted: boolean;
  /** Validation at the end; absent when interrupted. */
  readonly score?: Score;
  readonly tokensPerSecond: number;
}

/** Part of the trained tokens that the last validation may read at most. */
const FINAL_SHARE = 0.1;

/**
 * Trains until `settings.steps` or `settings.minutes`. Every `validateEvery` steps a fixed set of windows is scored;
 * at the end the whole validation part, or as much of it as a tenth of the tokens trained on.
 * @throws OptionError for a corpus shorter than one context, NonFiniteError when loss or gradient is not finite: the
 * poisoned state is not saved.
 */
export async function trainLoop(options: LoopOptions): Promise<LoopResult> {
  const { config, settings, ids, bytesOf, device, events = {}, signal } = options;
  const { context } = config;
  checkLength(ids, context);
  const on = device === undefined ? {} : { device };
  const step = trainStep(config, settings, namesOf(splitCodebooks(options.state.params).trained), on);
  const rowsAtOnce = Math.max(1, settings.batch / settings.accumulate);
  const validation = validator(config, { batch: rowsAtOnce, ...on });
  const next = batches(ids.train, { seed: settings.seed, count: settings.batch, context });
  const windows = spreadWindows(ids.validation.length, context, settings.validationWindows);
  const clock = stopwatch(options.position?.seconds ?? 0);

  let { state } = options;
  let done = options.position?.step ?? 0;
  let before: Float64Array | undefined;
  const pace = { tokens: 0, seconds: 0 };
  const speed = (): number => (pace.seconds > 0 ? pace.tokens / pace.seconds : 0);
  const ended = (): boolean =>
    done >= settings.steps || (settings.minutes !== undefined && clock() >= 60 * settings.minutes);
  const stopped = (): boolean => signal?.aborted === true;
  const position = (): Position => ({ step: done, seconds: clock() });
  try {
    for (let first = true; !ended() && !stopped(); first = false) {
      const rate = rateAt(settings, done, clock());
      const began = performance.now();
      const report = await step.run(state, next(done), rate);
      if (!Number.isFinite(report.loss) || !report.norms.every(Number.isFinite)) {
        const failure = { ...report, step: done, names: step.names, before, rate };
        throw explainNonFinite(failure, options.advice?.() ?? "Lower the learning rate.");
      }
      state = report.state;
      before = report.norms;
      done += 1;
      // The first step compiles.
      if (!first) {
        pace.tokens += settings.batch * context;
        pace.seconds += (performance.now() - began) / 1000;
      }
      const gradientNorm = Math.hypot(...report.norms);
      await events.step?.({ ...position(), loss: report.loss, rate, gradientNorm, tokensPerSecond: speed() });
      const last = ended();
      if (done % settings.validateEvery === 0 && !last) {
        await events.validation?.(
          position(),
          await validation.score(state.params, ids.validation, windows, bytesOf),
        );
      }
      if (done % settings.sampleEvery === 0 && !last) await events.sample?.(position(), state);
      if (done % settings.checkpointEvery === 0 && !last) await events.checkpoint?.(position(), state);
    }
    const interrupted = !ended();
    // Saved first: what follows may be interrupted too.
    await events.checkpoint?.(position(), state);
    if (interrupted) return { state, position: position(), interrupted, tokensPerSecond: speed() };
    const most = Math.ceil(FINAL_SHARE * done * settings.batch);
    const all = spreadWindows(ids.validation.length, context, Math.max(windows.length, most));
    const score = await validation.score(state.params, ids.validation, all, bytesOf);
    await events.validation?.(position(), score);
    await events.sample?.(position(), state);
    return { state, position: position(), interrupted, score, tokensPerSecond: speed() };
  } finally {
    await step.release();
    await validation.release();
  }
}

/** Seconds since now, plus `before`. */
function stopwatch(before: number): () => number {
  const began = performance.now();
  return () => before + (performance.now() - began) / 1000;
}
