// Counting of byte n-grams with one record per byte: the window of `order` bytes at each position. A sweep
// over the sorted records gives the counts of every lower order exactly (language-model.ts).
import type { ChunkBlock } from "./chunk.ts";
import { release } from "../release.ts";
import type { Run } from "./runs.ts";

/** Highest order: six bytes and a length fit one float64 integer. */
export const MAX_ORDER = 6;

/** Numbers per slot of the table: low 32 bits of the window, its high 16 bits with the length, the count. */
const SLOT = 4;
/** Bytes per slot. */
const SLOT_BYTES = SLOT * 4;
/** The table is full at 5/8: probing stays short and a lookup touches one cache line. */
const FILL = 0.625;
const SMALLEST_TABLE = 1 << 12;
/** A count never exceeds the bytes counted since the table was emptied, which stays below 2³¹. */
const MOST_BYTES = 2 ** 31 - 2 ** 24;

/**
 * A record as one number: `(window of 6 bytes, zero-padded) · 8 + length`, below 2⁵¹. Numbers ascend as
 * (bytes, length) do.
 */
export function recordKey(high: number, low: number): number {
  return ((high >>> 3) * 2 ** 32 + (low >>> 0)) * 8 + (high & 7);
}

/** First slot to try for a window. */
function hashWindow(low: number, high: number): number {
  let h = Math.imul(low, 0x9e3779b1) ^ Math.imul(high, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
  return h ^ (h >>> 13);
}

/** Where insertion stopped: a position of the chunk (its end when done) and the slots in use. */
interface Inserted {
  at: number;
  used: number;
}

/**
 * Counts the windows of `bytes[from..end)` (one chunk's rest) into `table`, until its end or a full table.
 * Everything it touches is a parameter or a local: closures over a table that is replaced ran six times slower.
 */
function insertWindows(
  table: Int32Array,
  mask: number,
  room: number,
  used: number,
  bytes: Uint8Array,
  from: number,
  end: number,
  order: number,
): Inserted {
  // Bytes enter the 48-bit window (high 16, low 32) at its place `order`.
  const lowShift = order >= 3 ? 8 * (MAX_ORDER - order) : -1;
  const highShift = order === 1 ? 8 : 0;
  let high = 0;
  let low = 0;
  const ahead = Math.min(end, from + order - 1);
  for (let i = from; i < ahead; i++) {
    const b = bytes[i] ?? 0;
    high = ((high << 8) | (low >>> 24)) & 0xffff;
    low <<= 8;
    if (lowShift >= 0) low |= b << lowShift;
    else high |= b << highShift;
  }
  // A chunk shorter than the window: shift its bytes up to their places.
  for (let i = ahead; i < from + order - 1; i++) {
    high = ((high << 8) | (low >>> 24)) & 0xffff;
    low <<= 8;
  }
  let count = used;
  for (let i = from; i < end; i++) {
    const incoming = i + order - 1;
    const b = incoming < end ? (bytes[incoming] ?? 0) : 0;
    high = ((high << 8) | (low >>> 24)) & 0xffff;
    low <<= 8;
    if (lowShift >= 0) low |= b << lowShift;
    else high |= b << highShift;
    const length = end - i < order ? end - i : order;
    const tagged = (high << 3) | length;
    let slot = (hashWindow(low, tagged) & mask) << 2;
    for (;;) {
      const held = table[slot + 1] ?? 0;
      if (held === tagged && table[slot] === low) {
        table[slot + 2] = (table[slot + 2] ?? 0) + 1;
        break;
      }
      if (held === 0) {
        if (count >= room) return { at: i, used: count };
        table[slot] = low;
        table[slot + 1] = tagged;
        table[slot + 2] = 1;
        count += 1;
        break;
      }
      slot = (slot + SLOT) & ((mask << 2) | 3);
    }
  }
  return { at: end, used: count };
}

/** Moves every record of `from` into the larger `to`. */
function rehash(from: Int32Array, to: Int32Array, mask: number): void {
  for (let s = 0; s < from.length; s += SLOT) {
    const high = from[s + 1] ?? 0;
    if (high === 0) continue;
    const low = from[s] ?? 0;
    let slot = (hashWindow(low, high) & mask) << 2;
    while (to[slot + 1] !== 0) slot = (slot + SLOT) & ((mask << 2) | 3);
    to[slot] = low;
    to[slot + 1] = high;
    to[slot + 2] = from[s + 2] ?? 0;
  }
}

/** The records of `table` as a sorted run. */
function sortTable(table: Int32Array, mask: number, used: number): Run {
  const keys = new Float64Array(used);
  let n = 0;
  for (let s = 0; s < table.length; s += SLOT) {
    const high = table[s + 1] ?? 0;
    if (high !== 0) keys[n++] = recordKey(high, table[s] ?? 0);
  }
  keys.sort();
  const counts = new Float64Array(used);
  for (let i = 0; i < used; i++) {
    const key = keys[i] ?? 0;
    const window = Math.floor(key / 8);
    const low = (window % 2 ** 32) | 0;
    const high = (Math.floor(window / 2 ** 32) << 3) | (key % 8);
    let slot = (hashWindow(low, high) & mask) << 2;
    while (table[slot] !== low || table[slot + 1] !== high) slot = (slot + SLOT) & ((mask << 2) | 3);
    counts[i] = table[slot + 2] ?? 0;
  }
  return { keys, counts };
}

/** Counts windows in memory and hands over a sorted run whenever its table is full. */
export class WindowCounter {
  readonly order: number;
  readonly #mostSlots: number;
  readonly #spill: (run: Run) => void;
  #table: Int32Array = new Int32Array(SMALLEST_TABLE * SLOT);
  #used = 0;
  #bytes = 0;

  /**
   * @param order Bytes of a window, 1 to 6.
   * @param spill Takes a run when the table is full; the counter then starts empty.
   * @param memory Bytes for the table, its doubling and its sorting together. Default 1.75 GiB.
   */
  constructor(order: number, spill: (run: Run) => void, memory: number = 1.75 * 2 ** 30) {
    this.order = order;
    this.#spill = spill;
    // A doubling keeps a table of half the size beside the new one, sorting 16 bytes for each of 5/8 of the slots.
    const slots = 2 ** Math.floor(Math.log2(memory / (1.75 * SLOT_BYTES)));
    this.#mostSlots = Math.min(2 ** 27, Math.max(SMALLEST_TABLE, slots));
  }

  /** Counts every window of every chunk of `block`. */
  add(block: ChunkBlock): void {
    let start = 0;
    for (let c = 0; c < block.ends.length; c++) {
      const end = block.ends[c] ?? 0;
      if (this.#bytes + (end - start) > MOST_BYTES) this.flush();
      this.#bytes += end - start;
      for (let at = start; at < end; ) {
        const slots = this.#table.length / SLOT;
        const room = Math.floor(slots * FILL);
        const done = insertWindows(
          this.#table,
          slots - 1,
          room,
          this.#used,
          block.bytes,
          at,
          end,
          this.order,
        );
        at = done.at;
        this.#used = done.used;
        if (at < end) this.#makeRoom(slots);
      }
      start = end;
    }
  }

  /** Hands over what is counted so far, if anything. */
  flush(): void {
    if (this.#used === 0) return;
    const run = sortTable(this.#table, this.#table.length / SLOT - 1, this.#used);
    this.#table.fill(0);
    this.#used = 0;
    this.#bytes = 0;
    this.#spill(run);
  }

  /** Gives its memory back; the counter must not be used afterwards. */
  close(): void {
    release(this.#table);
  }

  #makeRoom(slots: number): void {
    if (2 * slots > this.#mostSlots) {
      this.flush();
      return;
    }
    const grown = new Int32Array(2 * slots * SLOT);
    rehash(this.#table, grown, 2 * slots - 1);
    release(this.#table);
    this.#table = grown;
  }
}
