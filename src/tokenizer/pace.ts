// Long work that stays polite: it reports where it is, lets other events run, and stops when asked.

/** What a trainer is doing. */
export interface TrainProgress {
  /** `count` and `segment` go through the text in bytes; `prune` through pieces; `expectation` through passes. */
  phase: "count" | "segment" | "prune" | "expectation" | "merge";
  done: number;
  /** Absent while unknown. */
  total?: number;
  /** Units of `done` a second since the phase began. */
  rate: number;
  /** Seconds until the phase ends at this rate; absent while unknown. */
  secondsLeft?: number;
}

/** How a training is watched and stopped. */
export interface TrainControl {
  /** Stops the training: it rejects with the signal's reason and leaves finished runs on disk. */
  signal?: AbortSignal | undefined;
  /** Called at most every tenth of a second, and once at the end of each phase. */
  onProgress?: ((progress: TrainProgress) => void) | undefined;
}

/** Milliseconds between two turns of the event loop, and between two reports. */
const TURN = 50;
const REPORT = 100;

/** Waits for one turn of the event loop, so that signals and messages arrive. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, 0);
  });
}

/** The clock of one training. */
export class Pace {
  readonly #control: TrainControl;
  #phase: TrainProgress["phase"] = "count";
  #total: number | undefined;
  #began = 0;
  #lastTurn = 0;
  #lastReport = 0;

  constructor(control: TrainControl = {}) {
    this.#control = control;
  }

  /** Begins a phase of `total` units, if that is known. */
  phase(phase: TrainProgress["phase"], total?: number): void {
    this.#phase = phase;
    this.#total = total;
    this.#began = performance.now();
    this.#control.signal?.throwIfAborted();
  }

  /** True when `rest` should be awaited; cheap enough for every few thousand steps. */
  get due(): boolean {
    return performance.now() - this.#lastTurn >= TURN;
  }

  /** Reports, lets events run, and throws if the signal has fired. */
  async rest(done: number): Promise<void> {
    this.#report(done, false);
    await turn();
    this.#lastTurn = performance.now();
    this.#control.signal?.throwIfAborted();
  }

  /** Ends a phase. */
  end(done: number): void {
    this.#report(done, true);
  }

  #report(done: number, always: boolean): void {
    const now = performance.now();
    if (!this.#control.onProgress || (!always && now - this.#lastReport < REPORT)) return;
    this.#lastReport = now;
    const seconds = (now - this.#began) / 1000;
    const rate = done / Math.max(1e-3, seconds);
    const total = this.#total;
    this.#control.onProgress({
      phase: this.#phase,
      done,
      rate,
      ...(total !== undefined && { total }),
      // In the first second the rate says nothing yet.
      ...(total !== undefined &&
        rate > 0 &&
        seconds > 1 && { secondsLeft: Math.max(0, total - done) / rate }),
    });
  }
}
