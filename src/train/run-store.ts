// The contract of where a run lies: a folder (`node/folder-store.ts`), the storage of a page
// (`browser/page-store.ts`) or memory (`memory-store.ts`).
import type { Newest } from "./checkpoint.ts";
import type { Metric } from "./metrics.ts";
import type { TrainState } from "./step.ts";
import type { Progress, Sample } from "./task.ts";
import type { random } from "../tensor/index.ts";

/** What a checkpoint is saved with. */
export interface SaveOptions extends Progress {
  readonly sequences: number;
  readonly key: random.Key;
  /** How many checkpoints are kept. */
  readonly keep: number;
}

/**
 * Where a run lies. Everything that matters is whole or absent at any moment, however a process ends. One run has one
 * user at a time: between `open` and `close`.
 */
export interface RunStore {
  /** Where, in words. */
  readonly place: string;
  /** @returns A sentence where there is something to say. @throws OptionError naming who uses the run already. */
  open(): Promise<string | undefined>;
  /** Writes out what waits, and leaves the run to others. */
  close(): Promise<void>;
  /** The file `name` of the run, if there is one. */
  read(name: string): Promise<string | undefined>;
  write(name: string, content: string): Promise<void>;
  /** Adds a line; it may wait a little for others, at most until the next checkpoint. */
  metric(line: Metric): Promise<void>;
  sample(step: number, sample: Sample): Promise<void>;
  /** Saves whole or not at all, after all metrics. @returns The checkpoint's name. */
  checkpoint(state: TrainState, options: SaveOptions): Promise<string>;
  /**
   * The newest checkpoint that can be read; the damaged ones after it are put aside.
   * @param like A state of the same structure. @throws FileError when there are some and all are damaged.
   */
  newest<P>(like: TrainState<P>): Promise<Newest<P> | undefined>;
  /** Whether there is a checkpoint, good or not. */
  holds(): Promise<boolean>;
  /**
   * Drops metrics and samples after `step`, so that a resumed run repeats none; `atEnd`, where nothing is left to train,
   * also the validations and samples of `step`, which come anew. @returns The metrics left.
   */
  rewind(step: number, atEnd?: boolean): Promise<Metric[]>;
}
