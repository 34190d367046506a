// Byte-pair merging by a heap of pairs, lowest rank first and leftmost among equals, for merge lists that the
// linear encoder (bpe.ts) cannot read: merges may stand before those that make their parts (Llama 3).
import { type PairTable, pairRank } from "./bpe-tables.ts";

/** Positions per text: rank and position share one float64 in the heap. */
const POSITIONS = 2 ** 31;

/** A heap of numbers, smallest first. */
interface Heap {
  keys: Float64Array;
  size: number;
}

/**
 * Merges `symbols[0 … n)` in place. Time `O(n log n)`.
 * @param merged Token that each merge of `pairs` makes.
 * @param order Which merges come first, where several may come at the same time (SentencePiece: equal scores);
 * default their own order.
 * @returns How many symbols are left; they stand at the front.
 */
export function mergeByRank(
  symbols: Int32Array,
  n: number,
  pairs: PairTable,
  merged: Int32Array,
  order?: Int32Array,
): number {
  if (n < 2) return n;
  const heap: Heap = { keys: new Float64Array(2 * n), size: 0 };
  const next = new Int32Array(n);
  const previous = new Int32Array(n);
  for (let i = 0; i < n; i++) {
    next[i] = i + 1 < n ? i + 1 : -1;
    previous[i] = i - 1;
  }
  const offer = (left: number, right: number): void => {
    const k = pairRank(pairs, symbols[left] ?? 0, symbols[right] ?? 0);
    if (k >= 0) push(heap, (order?.[k] ?? k) * POSITIONS + left);
  };
  for (let i = 0; i + 1 < n; i++) offer(i, i + 1);
  while (heap.size > 0) {
    const key = pop(heap);
    const rank = Math.floor(key / POSITIONS);
    const at = key - rank * POSITIONS;
    const right = next[at] ?? -1;
    // -2 marks a symbol that has gone into its left neighbour.
    if (right < 0) continue;
    const now = pairRank(pairs, symbols[at] ?? 0, symbols[right] ?? 0);
    if (now < 0) continue;
    const made = merged[now] ?? 0;
    // The pair has changed since. (The Rust library compares what is made, not the rank.)
    if (order === undefined ? made !== merged[rank] : order[now] !== rank) continue;
    symbols[at] = made;
    const after = next[right] ?? -1;
    next[at] = after;
    next[right] = -2;
    if (after >= 0) {
      previous[after] = at;
      offer(at, after);
    }
    const before = previous[at] ?? -1;
    if (before >= 0) offer(before, at);
  }
  let kept = 0;
  for (let i = 0; i < n; i++) if (next[i] !== -2) symbols[kept++] = symbols[i] ?? 0;
  return kept;
}

function push(heap: Heap, key: number): void {
  if (heap.size === heap.keys.length) {
    const keys = new Float64Array(2 * heap.size);
    keys.set(heap.keys);
    heap.keys = keys;
  }
  const { keys } = heap;
  let i = heap.size++;
  while (i > 0) {
    const parent = (i - 1) >> 1;
    const above = keys[parent] ?? 0;
    if (above <= key) break;
    keys[i] = above;
    i = parent;
  }
  keys[i] = key;
}

function pop(heap: Heap): number {
  const { keys } = heap;
  const top = keys[0] ?? 0;
  const last = keys[--heap.size] ?? 0;
  let i = 0;
  for (;;) {
    let child = 2 * i + 1;
    if (child >= heap.size) break;
    if (child + 1 < heap.size && (keys[child + 1] ?? 0) < (keys[child] ?? 0)) child++;
    if ((keys[child] ?? 0) >= last) break;
    keys[i] = keys[child] ?? 0;
    i = child;
  }
  keys[i] = last;
  return top;
}
