// Sorted runs of (key, count) and their merge: what counting leaves behind, in memory or on disk.

import { popHeap, pushHeap, siftDown } from "./heap.ts";

/** Keys in ascending order without repeats, and how often each was seen. */
export interface Run {
  keys: Float64Array;
  counts: Float64Array;
}

/** Blocks of one run, in order, each valid until the next is asked for; every block ascends and begins above the end of the one before. */
export type RunReader = Iterable<Run>;

/** Entries of one merged block. */
const MERGED_BLOCK = 1 << 15;

/** One reader's place: the entry it stands at and what follows. */
interface Cursor {
  key: number;
  count: number;
  run: Run;
  at: number;
  blocks: Iterator<Run>;
}

const before = (a: Cursor, b: Cursor): boolean => a.key < b.key;

/** Steps to the next entry; false at the end of the run. */
function advance(cursor: Cursor): boolean {
  cursor.at += 1;
  while (cursor.at >= cursor.run.keys.length) {
    const next = cursor.blocks.next();
    if (next.done) return false;
    cursor.run = next.value;
    cursor.at = 0;
  }
  cursor.key = cursor.run.keys[cursor.at] ?? 0;
  cursor.count = cursor.run.counts[cursor.at] ?? 0;
  return true;
}

const emptyRun = (entries: number): Run => ({
  keys: new Float64Array(entries),
  counts: new Float64Array(entries),
});

/**
 * Merges runs into one, adding the counts of equal keys. The result depends only on what the runs hold
 * together, not on how it is divided among them: the sums are of integers below 2⁵³. A block is valid until the
 * next is asked for.
 */
export function* mergeRuns(readers: readonly RunReader[]): Generator<Run> {
  const [only] = readers;
  if (only && readers.length === 1) {
    yield* only;
    return;
  }
  const heap: Cursor[] = [];
  for (const reader of readers) {
    const cursor = { key: 0, count: 0, run: emptyRun(0), at: -1, blocks: reader[Symbol.iterator]() };
    if (advance(cursor)) pushHeap(heap, cursor, before);
  }
  const out = emptyRun(MERGED_BLOCK);
  let n = 0;
  for (let top = heap[0]; top !== undefined; top = heap[0]) {
    if (n > 0 && out.keys[n - 1] === top.key) out.counts[n - 1] = (out.counts[n - 1] ?? 0) + top.count;
    else {
      if (n === MERGED_BLOCK) {
        yield out;
        n = 0;
      }
      out.keys[n] = top.key;
      out.counts[n++] = top.count;
    }
    if (advance(top)) siftDown(heap, 0, before);
    else popHeap(heap, before);
  }
  if (n > 0) yield { keys: out.keys.subarray(0, n), counts: out.counts.subarray(0, n) };
}
