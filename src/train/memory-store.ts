// A run in memory: for experiments that keep nothing, and for tests.
import { OptionError } from "../errors.ts";
import { evaluate, mapTree, type Tensor, tensor } from "../tensor/index.ts";
import { checkpointName, type SavedState } from "./checkpoint.ts";
import { type Metric, withoutLater } from "./metrics.ts";
import type { RunStore } from "./run-store.ts";
import type { TrainState } from "./step.ts";
import type { Sample } from "./task.ts";

/** A run store that can be looked into. */
export interface MemoryStore extends RunStore {
  readonly files: Map<string, string>;
  readonly metrics: Metric[];
  readonly samples: { readonly step: number; readonly sample: Sample }[];
  /** Names of the checkpoints, oldest first. */
  names(): string[];
}

/** An empty run in memory. `keepStates: false` saves nothing of the states: for trainings that nobody resumes. */
export function memoryStore({ keepStates = true }: { readonly keepStates?: boolean } = {}): MemoryStore {
  const files = new Map<string, string>();
  const metrics: Metric[] = [];
  const samples: { step: number; sample: Sample }[] = [];
  const states = new Map<string, SavedState<unknown>>();
  let open = false;
  return {
    place: "memory",
    files,
    metrics,
    samples,
    names: () => [...states.keys()],
    async open() {
      if (open)
        throw new OptionError("train: the run in memory must be free, got one that is being trained.");
      open = true;
      return undefined;
    },
    async close() {
      open = false;
    },
    read: async (name) => files.get(name),
    write: async (name, content) => void files.set(name, content),
    metric: async (line) => void metrics.push(line),
    sample: async (step, sample) => void samples.push({ step, sample }),
    async checkpoint(state, { keep, ...info }) {
      const name = checkpointName(info.step);
      if (!keepStates) return name;
      // The training goes on to write over its own buffers.
      states.set(name, { state: await copied(state), info });
      for (const old of [...states.keys()].slice(0, -keep)) states.delete(old);
      return name;
    },
    async newest<P>() {
      const [name, saved] = [...states].at(-1) ?? [];
      if (name === undefined || saved === undefined) return undefined;
      const state = (await copied(saved.state)) as TrainState<P>;
      return { state, info: saved.info, name, damaged: [] };
    },
    holds: async () => states.size > 0,
    async rewind(step, atEnd = false) {
      const left = withoutLater(metrics, step, atEnd);
      metrics.splice(0, metrics.length, ...left);
      samples.splice(0, samples.length, ...samples.filter((s) => s.step <= (atEnd ? step - 1 : step)));
      return [...left];
    },
  };
}

/** A tree of tensors of its own. */
async function copied<T>(tree: T): Promise<T> {
  const data = new Map<string, Tensor>();
  const ready = await evaluate(tree);
  const jobs: Promise<void>[] = [];
  mapTree(ready, (t, name) => {
    jobs.push(
      t.data().then((values) => {
        data.set(name, tensor(values, { dtype: t.dtype, shape: t.shape.map(Number), lend: true }));
      }),
    );
  });
  await Promise.all(jobs);
  return mapTree(ready, (t, name) => data.get(name) ?? t) as T;
}
