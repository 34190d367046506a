// Which tokens a step sees: a pure function of the seed and the step, so that the position in the data is the step.
import { random, type Tensor, tensor } from "../tensor/index.ts";
import type { Ids } from "./corpus.ts";
import type { DrawWindow } from "./segmentation.ts";

/** Sequences and the tokens that follow each of theirs, `[count, context]` row by row. */
export interface Batch {
  readonly ids: Int32Array;
  readonly targets: Int32Array;
  readonly count: number;
}

/**
 * Batches of `count` sequences of `context` tokens. An epoch cuts the text into sequences from a random offset on and
 * visits them in random order; every epoch has an offset and an order of its own.
 * @returns The batch of a step; batches of successive steps are cheapest.
 */
export function batches(
  ids: Ids,
  {
    seed,
    count,
    context,
    draw,
  }: {
    readonly seed: number;
    readonly count: number;
    readonly context: number;
    /** Cuts a window into tokens anew, `context + 1` of them; default: those of the text. */
    readonly draw?: DrawWindow;
  },
): (step: number) => Batch {
  const key = random.fold(random.key(seed), "data");
  const perEpoch = Math.max(1, Math.floor((ids.length - context) / context));
  const offsets = Math.min(context, ids.length - perEpoch * context);
  let epoch = -1;
  let offset = 0;
  let order: Uint32Array = new Uint32Array(0);
  return (step) => {
    const out = emptyBatch(count, context);
    for (let row = 0; row < count; row++) {
      const sequence = step * count + row;
      const wanted = Math.floor(sequence / perEpoch);
      if (wanted !== epoch) {
        epoch = wanted;
        const at = random.fold(key, epoch);
        offset = Math.floor((random.uniforms(random.fold(at, "offset"), 1)[0] ?? 0) * offsets);
        order = random.permutation(random.fold(at, "order"), perEpoch);
      }
      const start = offset + (order[sequence % perEpoch] ?? 0) * context;
      if (draw) fillRow(out, row, draw(ids, start, sequence), 0, context);
      else fillRow(out, row, ids, start, context);
    }
    return out;
  };
}

/** A batch of zeros. */
export function emptyBatch(count: number, context: number): Batch {
  return { ids: new Int32Array(count * context), targets: new Int32Array(count * context), count };
}

/** Copies the sequence that starts at `start` into a row of `batch`; what lies beyond the end stays zero. */
export function fillRow(batch: Batch, row: number, ids: Ids, start: number, context: number): void {
  batch.ids.set(ids.subarray(start, start + context), row * context);
  batch.targets.set(ids.subarray(start + 1, start + 1 + context), row * context);
}

/** Rows `[from, from + count)` of a batch, not copied. */
export function rows(batch: Batch, from: number, count: number): Batch {
  const context = batch.ids.length / batch.count;
  const cut = (data: Int32Array): Int32Array => data.subarray(from * context, (from + count) * context);
  return { ids: cut(batch.ids), targets: cut(batch.targets), count };
}

/** Ids and targets of a batch as `[count, context]` tensors. */
export function tensorsOf(batch: Batch): [ids: Tensor, targets: Tensor] {
  const shape = [batch.count, batch.ids.length / batch.count];
  return [tensor(batch.ids, { shape }), tensor(batch.targets, { shape })];
}
