// A training of any kind in a store of any kind: begun, gone on with, watched, stopped.
import { FileError, OptionError } from "../errors.ts";
import { type Device, random } from "../tensor/index.ts";
import { type LoopResult, type StepEvent, trainLoop } from "./loop.ts";
import { lossPicture } from "./loss-svg.ts";
import { isStep, type Metric } from "./metrics.ts";
import type { RunStore } from "./run-store.ts";
import type { TrainSettings } from "./settings.ts";
import { initialState, type TrainState } from "./step.ts";
import type { Numbers, Progress, Sample, Task } from "./task.ts";

/** How a training is watched and stopped. */
export interface TrainControl {
  readonly device?: Device;
  /** Threads of one operator (default: all cores). */
  readonly threads?: number;
  /** Stops after the step in progress, with a checkpoint. */
  readonly signal?: AbortSignal;
  /** What pictures say above the curves. */
  readonly title?: string;
  readonly subtitle?: string;
  /** Called before the first step; `step` is the one that it goes on from. */
  readonly onReady?: (step: number) => void;
  readonly onStep?: (event: StepEvent) => void;
  readonly onValidation?: (at: Progress, numbers: Numbers) => void;
  readonly onCheckpoint?: (name: string) => void;
  readonly onSample?: (sample: Sample) => void;
  /** Something a person should know: a lock taken over, a damaged checkpoint passed over. */
  readonly onNotice?: (sentence: string) => void;
}

/** How a training ended. */
export interface TrainResult<P> {
  readonly params: P;
  readonly steps: number;
  readonly seconds: number;
  readonly interrupted: boolean;
  /** Last validation; absent when interrupted, or when the task has none. */
  readonly numbers?: Numbers;
  /** Mean of the first loss over the last steps, at most 50. */
  readonly trainLoss: number | undefined;
  readonly perSecond: number;
  /** The last checkpoint. */
  readonly checkpoint: string;
  readonly sample?: Sample;
}

/**
 * Trains `task` until its settings say, from the newest good checkpoint of `store` if there is one. With unchanged
 * settings a resumed run ends bitwise as one that was never stopped.
 * @throws OptionError when another process uses the run, or it is one of another task; FileError when all of its
 * checkpoints are damaged; NonFiniteError as `trainLoop`.
 * @example
 * const { params, numbers } = await trainRun(task, trainSettings({ steps: 200 }), memoryStore());
 */
export async function trainRun<P, B, S>(
  task: Task<P, B, S>,
  settings: TrainSettings,
  store: RunStore,
  control: TrainControl = {},
): Promise<TrainResult<P>> {
  return holding(store, control, () => trainHeld(task, settings, store, control));
}

/** Runs `body` while this process alone uses the run. @throws OptionError naming who uses it already. */
export async function holding<T>(
  store: RunStore,
  { onNotice }: Pick<TrainControl, "onNotice">,
  body: () => Promise<T>,
): Promise<T> {
  const notice = await store.open();
  if (notice !== undefined) onNotice?.(notice);
  let failed = true;
  try {
    const result = await body();
    failed = false;
    return result;
  } finally {
    // After a failure what was measured is kept where it can be; the error matters more.
    await store.close().catch((error: unknown) => {
      if (!failed) throw error;
    });
  }
}

/** `trainRun` in a store that is open already: for those who have something to do there first. */
export async function trainHeld<P, B, S>(
  task: Task<P, B, S>,
  settings: TrainSettings,
  store: RunStore,
  control: TrainControl = {},
): Promise<TrainResult<P>> {
  try {
    await describe(task, settings, store, control);
    return await inStore(task, settings, store, control);
  } finally {
    await task.release?.();
  }
}

/** Writes config.json where there is none. @throws OptionError when there is one of another task. */
async function describe(
  { kind }: Pick<Task<unknown, unknown>, "kind">,
  training: TrainSettings,
  store: RunStore,
  { title = kind }: TrainControl,
): Promise<void> {
  const text = await store.read("config.json");
  if (text === undefined) {
    await store.write(
      "config.json",
      `${JSON.stringify({ athanor: 2, task: kind, title, training }, null, 2)}\n`,
    );
    return;
  }
  const { task = "text" } = parsed(text, store.place);
  if (task === kind) return;
  throw new OptionError(
    `train: ${store.place} must hold a run of task "${kind}", got one of "${String(task)}". Use another place.`,
  );
}

function parsed(text: string, place: string): { readonly task?: unknown } {
  try {
    return JSON.parse(text) as { readonly task?: unknown };
  } catch {
    throw new FileError(
      `train: config.json of ${place} must hold JSON, got ${text.length} characters that are none.`,
    );
  }
}

async function inStore<P, B, S>(
  task: Task<P, B, S>,
  settings: TrainSettings,
  store: RunStore,
  control: TrainControl,
): Promise<TrainResult<P>> {
  const { device, threads, signal, title = task.kind, subtitle = "" } = control;
  const on = { ...(device !== undefined && { device }), ...(threads !== undefined && { threads }) };
  const { state, progress, saved: first } = await startOf(task, settings, store, control);
  let saved = first;
  let sample: Sample | undefined;
  const [shown = ""] = Object.keys(task.losses);
  const { steps, minutes = Infinity } = settings;
  const atEnd = progress.step >= steps || progress.seconds >= 60 * minutes;
  const metrics = await store.rewind(progress.step, atEnd);
  const add = async (line: Metric): Promise<void> => {
    metrics.push(line);
    await store.metric(line);
  };
  const draw = async (): Promise<void> => {
    if (!metrics.some(isStep)) return;
    await store.write("loss.svg", lossPicture(metrics, { title, subtitle, loss: shown, ...task.words }));
  };
  const save = async (at: Progress, state: TrainState<P>): Promise<void> => {
    saved = await store.checkpoint(state, saveOptions(settings, at));
    control.onCheckpoint?.(saved);
  };
  if (saved === "" && task.keepStart === true) await save(progress, state);
  control.onReady?.(progress.step);
  const kept = (): string =>
    saved === "" ? "There is no checkpoint yet." : `The last good checkpoint is ${saved}.`;
  let result: LoopResult<P>;
  try {
    result = await trainLoop({
      task,
      settings,
      state,
      progress,
      ...on,
      ...(signal && { signal }),
      norms: normsOf(metrics, progress, settings),
      advice: () => `${kept()} Lower the learning rate${saved === "" ? "" : " or clip, then use --resume"}.`,
      events: {
        async step(event) {
          control.onStep?.(event);
          const { step, seconds, losses, rate, gradientNorm, diagnostics } = event;
          await add({ step, seconds, ...losses, rate, gradientNorm, ...diagnostics });
        },
        async validation(at, numbers) {
          control.onValidation?.(at, numbers);
          await add({ ...at, ...numbers });
          await draw();
        },
        checkpoint: save,
        async sample({ step }, { params }) {
          sample = await task.sample?.(params);
          if (sample === undefined) return;
          control.onSample?.(sample);
          await store.sample(step, sample);
        },
      },
    });
  } finally {
    await draw().catch(() => undefined);
  }
  const { numbers, perSecond, interrupted } = result;
  return {
    params: result.state.params,
    steps: result.progress.step,
    seconds: result.progress.seconds,
    interrupted,
    ...(numbers && { numbers }),
    trainLoss: recentLoss(metrics, shown),
    perSecond,
    checkpoint: saved,
    ...(sample && { sample }),
  };
}

/** Norms of the gradients up to `step`, for a schedule that follows them. @throws FileError when the metrics lack some. */
function normsOf(metrics: readonly Metric[], { step }: Progress, { schedule }: TrainSettings): number[] {
  if (schedule.type !== "gradient") return [];
  // One that was not finite is written as null.
  const norms = metrics.filter(isStep).map((m) => m.gradientNorm ?? Number.NaN);
  if (norms.length === step) return norms;
  throw new FileError(
    `train: metrics of the run must hold the gradient norms of ${step} steps, which its schedule follows, got ${norms.length}. Begin a new run.`,
  );
}

/** From the newest checkpoint, or from the beginning. */
async function startOf<P, B, S>(
  task: Task<P, B, S>,
  settings: TrainSettings,
  store: RunStore,
  { device, onNotice }: TrainControl,
): Promise<{ readonly state: TrainState<P>; readonly progress: Progress; readonly saved: string }> {
  const on = device === undefined ? {} : { device };
  const resumed = await store.holds();
  const params =
    resumed && task.like !== undefined
      ? task.like()
      : await task.init(random.fold(random.key(settings.seed), "parameters"), async (count) => {
          const { accumulate: parts } = settings;
          const batches: B[] = [];
          for (let i = 0; i < count; i++)
            batches.push(await task.batch(Math.floor(i / parts), i % parts, parts));
          return batches;
        });
  const fresh = await initialState(task, settings, params, on);
  const newest = resumed ? await store.newest(fresh) : undefined;
  // Killed before its first checkpoint, it begins again: the seed gives the same parameters.
  if (newest === undefined) return { state: fresh, progress: { step: 0, seconds: 0 }, saved: "" };
  for (const { reason } of newest.damaged) {
    onNotice?.(`${reason} Going on from ${newest.name} instead.`);
  }
  const { step, seconds } = newest.info;
  return { state: newest.state, progress: { step, seconds }, saved: newest.name };
}

function saveOptions({ batch, seed, keep }: TrainSettings, at: Progress) {
  return { ...at, sequences: at.step * batch, key: random.key(seed), keep };
}

function recentLoss(metrics: readonly Metric[], loss: string): number | undefined {
  const losses = metrics
    .filter(isStep)
    .flatMap((m) => m[loss] ?? [])
    .slice(-50);
  return losses.length === 0 ? undefined : losses.reduce((a, b) => a + b, 0) / losses.length;
}
