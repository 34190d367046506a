// Aoe 1989, "An efficient digital search algorithm by using a double-array structure", with XOR addressing
// and a one-byte check so that a node is one 32-bit word and a step of a walk touches one cache line.
import { OptionError } from "../../errors.ts";
import { type PieceList, PieceListBuilder } from "../pieces.ts";

/**
 * A trie over bytes. Node `n` is `units[n]`, packed as
 *
 * - bits 0–7: the byte that leads to `n` (its label),
 * - bits 8–30: `base`, so that the child of `n` by byte `c` can only be node `base ^ c`,
 * - bit 31 (the sign): a key ends here, and `values[n]` is its value.
 *
 * A step from `base` by `c`: `next = base ^ c; unit = units[next]; if ((unit & 255) !== c) stop;
 * if (unit < 0) match(values[next]); base = (unit >>> 8) & BASE_MASK`. Bases are never shared and free slots
 * carry labels that no base can ask for, so the label alone decides.
 */
export interface Trie {
  readonly units: Int32Array;
  /** Value of the key that ends at a node, -1 elsewhere. */
  readonly values: Int32Array;
  /** `base` of the root. */
  readonly root: number;
  /** Bytes of the longest key. */
  readonly maxLength: number;
}

/** Mask of `base` once a unit is shifted right by 8. */
export const BASE_MASK = 0x7fffff;

const MAX_SLOTS = 1 << 23;

/** Copies `from` to the front of the larger `to`. */
function moved<A extends Int32Array | Uint8Array>(from: A, to: A): A {
  to.set(from);
  return to;
}

/** Slots that grow: units, values, links of the free list, and which bases are taken. */
class Builder {
  units: Int32Array = new Int32Array(0);
  values: Int32Array = new Int32Array(0);
  /** Next and previous free slot; a circular list through slot `head`. -2 marks a used slot. */
  next: Int32Array = new Int32Array(0);
  previous: Int32Array = new Int32Array(0);
  baseUsed: Uint8Array = new Uint8Array(0);
  size = 0;
  head = -1;

  grow(): void {
    const from = this.size;
    const to = from + 256;
    if (to > MAX_SLOTS)
      throw new OptionError(`trie: keys must fit in ${MAX_SLOTS} slots. Use fewer or shorter keys.`);
    if (to > this.units.length) {
      const room = Math.min(MAX_SLOTS, Math.max(4096, to * 2));
      this.units = moved(this.units, new Int32Array(room));
      this.values = moved(this.values, new Int32Array(room).fill(-1));
      this.next = moved(this.next, new Int32Array(room));
      this.previous = moved(this.previous, new Int32Array(room));
      this.baseUsed = moved(this.baseUsed, new Uint8Array(room));
    }
    this.size = to;
    for (let slot = from; slot < to; slot++) this.free(slot);
  }

  /** Appends `slot` to the free list. */
  free(slot: number): void {
    if (this.head < 0) {
      this.head = this.next[slot] = this.previous[slot] = slot;
      return;
    }
    const last = this.previous[this.head] ?? 0;
    this.next[last] = slot;
    this.previous[slot] = last;
    this.next[slot] = this.head;
    this.previous[this.head] = slot;
  }

  take(slot: number): void {
    const next = this.next[slot] ?? 0;
    const previous = this.previous[slot] ?? 0;
    if (next === slot) this.head = -1;
    else {
      this.next[previous] = next;
      this.previous[next] = previous;
      if (this.head === slot) this.head = next;
    }
    this.next[slot] = -2;
  }

  /** A base whose slots for all `labels` are free. */
  findBase(labels: Uint8Array, count: number): number {
    const first = labels[0] ?? 0;
    // A slot that refused this many times is near-full ground; starting fresh costs space, not time.
    let tries = 0;
    if (this.head >= 0) {
      let slot = this.head;
      do {
        const base = slot ^ first;
        if (this.baseUsed[base] === 0) {
          let i = 1;
          while (i < count && this.next[base ^ (labels[i] ?? 0)] !== -2) i++;
          if (i === count) return base;
        }
        slot = this.next[slot] ?? 0;
      } while (slot !== this.head && ++tries < 512);
      // What refused 512 times goes to the back of the list, so that the next search starts elsewhere.
      if (tries >= 512) this.head = slot;
    }
    const base = this.size ^ first;
    this.grow();
    return base;
  }
}

/** Keys joined, with a list of their indices that is sorted byte by byte as the trie grows. */
interface Keys {
  readonly bytes: Uint8Array;
  /** Key `i` is `bytes[starts[i] … starts[i] + lengths[i])`. */
  readonly starts: Int32Array;
  readonly lengths: Int32Array;
  readonly order: Int32Array;
  readonly spare: Int32Array;
  readonly maxLength: number;
}

function joinKeys(keys: readonly Uint8Array[]): PieceList {
  const list = new PieceListBuilder();
  for (const key of keys) list.append(key, 0);
  return list.finish();
}

function keysOf({ arena, offsets, lengths, size }: PieceList): Keys {
  let maxLength = 0;
  let n = 0;
  const all = new Int32Array(size);
  for (let i = 0; i < size; i++) {
    const length = lengths[i] ?? 0;
    if (length > 0) all[n++] = i;
    if (length > maxLength) maxLength = length;
  }
  const order = all.subarray(0, n);
  return { bytes: arena, starts: offsets, lengths, order, spare: new Int32Array(order.length), maxLength };
}

/** The byte of key `i` at `depth`, plus one; 0 where the key has ended. */
function labelAt(keys: Keys, i: number, depth: number): number {
  return depth < (keys.lengths[i] ?? 0) ? (keys.bytes[(keys.starts[i] ?? 0) + depth] ?? 0) + 1 : 0;
}

/** Sorts `order[lo … hi)` by the byte at `depth`, ended keys first; equal ones keep their order. */
function sortRange(keys: Keys, lo: number, hi: number, depth: number, counts: Int32Array): void {
  const { order, spare } = keys;
  if (hi - lo <= 24) {
    for (let k = lo + 1; k < hi; k++) {
      const i = order[k] ?? 0;
      const label = labelAt(keys, i, depth);
      let z = k;
      for (; z > lo && labelAt(keys, order[z - 1] ?? 0, depth) > label; z--) order[z] = order[z - 1] ?? 0;
      order[z] = i;
    }
    return;
  }
  counts.fill(0);
  for (let k = lo; k < hi; k++) {
    const label = labelAt(keys, order[k] ?? 0, depth) + 1;
    counts[label] = (counts[label] ?? 0) + 1;
  }
  for (let label = 1; label < counts.length; label++)
    counts[label] = (counts[label] ?? 0) + (counts[label - 1] ?? 0);
  for (let k = lo; k < hi; k++) {
    const i = order[k] ?? 0;
    const label = labelAt(keys, i, depth);
    const to = counts[label] ?? 0;
    counts[label] = to + 1;
    spare[lo + to] = i;
  }
  order.set(spare.subarray(lo, hi), lo);
}

/**
 * Builds a trie whose value at `keys[i]` is `i`. Empty keys are skipped; of equal keys the first wins.
 * @throws OptionError if the keys need more than 2²³ slots (about a million ordinary pieces).
 */
export function buildTrie(keys: readonly Uint8Array[]): Trie {
  return buildListTrie(joinKeys(keys));
}

/** The same for keys that lie in one list; its counts do not matter. */
export function buildListTrie(list: PieceList): Trie {
  const joined = keysOf(list);
  const { order, maxLength } = joined;
  const b = new Builder();
  // Block 0 belongs to base 0, which every leaf has: its labels answer no byte.
  b.grow();
  for (let slot = 0; slot < 256; slot++) {
    b.take(slot);
    b.units[slot] = (slot + 1) & 255;
  }
  b.baseUsed.fill(1, 0, 256);

  // Depth first over ranges [lo, hi) of keys that share `depth` bytes. Frames: lo, hi, depth, node.
  const stack: number[] = order.length > 0 ? [0, order.length, 0, -1] : [];
  let root = 0;
  const labels = new Uint8Array(256);
  const starts = new Int32Array(257);
  const counts = new Int32Array(258);
  while (stack.length > 0) {
    const node = stack.pop() ?? 0;
    const depth = stack.pop() ?? 0;
    const hi = stack.pop() ?? 0;
    let lo = stack.pop() ?? 0;
    sortRange(joined, lo, hi, depth, counts);
    if (labelAt(joined, order[lo] ?? 0, depth) === 0) {
      b.units[node] = (b.units[node] ?? 0) | 0x80000000;
      b.values[node] = order[lo] ?? 0;
      while (lo < hi && labelAt(joined, order[lo] ?? 0, depth) === 0) lo++;
    }
    if (lo >= hi) continue; // a leaf keeps base 0
    let count = 0;
    let last = 0;
    for (let k = lo; k < hi; k++) {
      const label = labelAt(joined, order[k] ?? 0, depth);
      if (label === last) continue;
      last = label;
      labels[count] = label - 1;
      starts[count++] = k;
    }
    starts[count] = hi;
    const base = b.findBase(labels, count);
    b.baseUsed[base] = 1;
    if (node < 0) root = base;
    else b.units[node] = (b.units[node] ?? 0) | (base << 8);
    for (let i = 0; i < count; i++) {
      const child = base ^ (labels[i] ?? 0);
      b.take(child);
      b.units[child] = labels[i] ?? 0;
      stack.push(starts[i] ?? 0, starts[i + 1] ?? 0, depth + 1, child);
    }
  }
  closeFreeSlots(b);
  return { units: b.units.slice(0, b.size), values: b.values.slice(0, b.size), root, maxLength };
}

/** Gives each free slot the label that only an unused base of its block could ask for. */
function closeFreeSlots(b: Builder): void {
  for (let block = 256; block < b.size; block += 256) {
    const unused = b.baseUsed.subarray(block, block + 256).indexOf(0);
    for (let slot = block; slot < block + 256; slot++) {
      if (b.next[slot] === -2) continue;
      // 256 used bases would have taken all 256 slots, so an unused one exists here.
      b.units[slot] = (slot ^ (block + unused)) & 255;
    }
  }
}

/** The value of `key`, or -1. */
export function find(trie: Trie, key: Uint8Array, from = 0, to: number = key.length): number {
  const { units } = trie;
  let base = trie.root;
  let node = -1;
  for (let i = from; i < to; i++) {
    const c = key[i] ?? 0;
    node = base ^ c;
    const unit = units[node] ?? 0;
    if ((unit & 255) !== c) return -1;
    base = (unit >>> 8) & BASE_MASK;
  }
  return node < 0 ? -1 : (trie.values[node] ?? 0);
}

/** The value of the longest key that starts at `bytes[from]` and ends by `to`, or -1. */
export function longestMatch(trie: Trie, bytes: Uint8Array, from: number, to: number): number {
  const { units, values } = trie;
  let base = trie.root;
  let best = -1;
  for (let i = from; i < to; i++) {
    const c = bytes[i] ?? 0;
    const node = base ^ c;
    const unit = units[node] ?? 0;
    if ((unit & 255) !== c) break;
    if (unit < 0) best = values[node] ?? 0;
    base = (unit >>> 8) & BASE_MASK;
  }
  return best;
}
