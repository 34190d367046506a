// Trainings of small language models under one optimizer or another, for claims about optimizers.
import { causalLMConfig, type CausalLMConfig, type CausalLMParams } from "../model/index.ts";
import { isStep, type StepMetric } from "../train/metrics.ts";
import {
  type Ids,
  memoryStore,
  type Split,
  textTask,
  type TrainChanges,
  trainRun,
  trainSettings,
} from "../train/index.ts";

/** Ids of characters by how often they occur: 0 is the most frequent. */
export interface CharacterCorpus {
  readonly ids: Split<Ids>;
  readonly bytesOf: Int32Array;
  /** Occurrences in the training part, by id. */
  readonly counts: readonly number[];
}

/** The first `most` characters of a text, the last twentieth held out. */
export function characterCorpus(text: string, most: number): CharacterCorpus {
  const characters = Array.from(text.slice(0, most));
  const counts = new Map<string, number>();
  for (const c of characters) counts.set(c, (counts.get(c) ?? 0) + 1);
  const order = [...counts].sort(([, a], [, b]) => b - a).map(([c]) => c);
  const ranks = new Map(order.map((c, i) => [c, i]));
  const all = Int32Array.from(characters, (c) => ranks.get(c) ?? 0);
  const cut = Math.floor(0.95 * all.length);
  const train = all.subarray(0, cut);
  const seen = order.map(() => 0);
  for (const id of train) seen[id] = (seen[id] ?? 0) + 1;
  return {
    ids: { train, validation: all.subarray(cut) },
    bytesOf: Int32Array.from(order, (c) => new TextEncoder().encode(c).length),
    counts: seen,
  };
}

/** What a training left. */
export interface OptimizerRun {
  readonly params: CausalLMParams;
  /** Held-out nats per token. */
  readonly loss: number;
  /** Its lines, with diagnostics where they were asked for. */
  readonly lines: readonly StepMetric[];
}

/** Trains a model with what `changes` say of optimizer, rate and schedule; warm-up over a tenth of the steps. */
export async function trainWith(
  corpus: { readonly ids: Split<Ids>; readonly bytesOf: Int32Array },
  sizes: Omit<Parameters<typeof causalLMConfig>[0], "vocabulary">,
  changes: TrainChanges & { readonly steps: number },
): Promise<OptimizerRun> {
  const config: CausalLMConfig = causalLMConfig({ ...sizes, vocabulary: corpus.bytesOf.length });
  const settings = trainSettings({ validateEvery: changes.steps, ...changes });
  const store = memoryStore({ keepStates: false });
  const task = textTask({ config, settings, ids: corpus.ids, bytesOf: corpus.bytesOf });
  const { params, numbers } = await trainRun(task, settings, store);
  const loss = numbers?.["validationLoss"];
  if (loss === undefined) throw new Error("training ended without a validation");
  return { params, loss, lines: store.metrics.filter(isStep) };
}

/** The middle of numbers, the upper one of two. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
