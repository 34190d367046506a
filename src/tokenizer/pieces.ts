// Counting of byte strings: an open-addressing table over one arena of bytes, no object per piece.

import { release } from "./release.ts";

/** Byte strings and their counts: string `i` is `arena[offsets[i] .. offsets[i] + lengths[i])`. */
export interface PieceList {
  arena: Uint8Array;
  offsets: Int32Array;
  lengths: Int32Array;
  counts: Float64Array;
  size: number;
}

/** Piece `i` of `list` as a view. */
export function pieceAt(list: PieceList, i: number): Uint8Array {
  const offset = list.offsets[i] ?? 0;
  return list.arena.subarray(offset, offset + (list.lengths[i] ?? 0));
}

/** Hash of `bytes[from..to)`. */
export function hashBytes(bytes: Uint8Array, from: number, to: number): number {
  let h = to - from;
  for (let i = from; i < to; i++) h = Math.imul(h ^ (bytes[i] ?? 0), 0x01000193) ^ (h >>> 15);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  return h ^ (h >>> 13);
}

function doubled(from: Int32Array): Int32Array {
  const to = new Int32Array(2 * from.length);
  to.set(from);
  return to;
}

/** Bytes an entry takes beside its text: offset, length, hash, count and its share of the slots. */
const ENTRY_BYTES = 4 + 4 + 4 + 8 + 8;

/** Counts byte strings. */
export class PieceCounter {
  #arena: Uint8Array = new Uint8Array(1 << 16);
  #arenaUsed = 0;
  #slots: Int32Array = new Int32Array(1 << 11);
  #offsets: Int32Array = new Int32Array(1 << 10);
  #lengths: Int32Array = new Int32Array(1 << 10);
  #hashes: Int32Array = new Int32Array(1 << 10);
  #counts: Float64Array = new Float64Array(1 << 10);
  #size = 0;

  /** Distinct pieces so far. */
  get size(): number {
    return this.#size;
  }

  /** Bytes in use, without the room kept for growth. */
  get memory(): number {
    return this.#arenaUsed + this.#size * ENTRY_BYTES;
  }

  /** Adds `count` to the piece `bytes[from..to)`; returns its index. */
  add(bytes: Uint8Array, from: number, to: number, count = 1): number {
    const hash = hashBytes(bytes, from, to);
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    for (;;) {
      const entry = (this.#slots[slot] ?? 0) - 1;
      if (entry < 0) break;
      if (this.#hashes[entry] === hash && this.#equals(entry, bytes, from, to)) {
        this.#counts[entry] = (this.#counts[entry] ?? 0) + count;
        return entry;
      }
      slot = (slot + 1) & mask;
    }
    return this.#insert(slot, hash, bytes, from, to, count);
  }

  /** Everything counted; the counter must not be used afterwards. */
  finish(): PieceList {
    return {
      arena: this.#arena,
      offsets: this.#offsets,
      lengths: this.#lengths,
      counts: this.#counts,
      size: this.#size,
    };
  }

  /** Gives its memory back; the counter and what it finished must not be used afterwards. */
  close(): void {
    release(this.#arena, this.#slots, this.#offsets, this.#lengths, this.#hashes, this.#counts);
  }

  #equals(entry: number, bytes: Uint8Array, from: number, to: number): boolean {
    if (this.#lengths[entry] !== to - from) return false;
    const arena = this.#arena;
    const shift = (this.#offsets[entry] ?? 0) - from;
    for (let i = from; i < to; i++) if (arena[i + shift] !== bytes[i]) return false;
    return true;
  }

  #insert(slot: number, hash: number, bytes: Uint8Array, from: number, to: number, count: number): number {
    const entry = this.#size++;
    if (entry === this.#offsets.length) this.#growEntries();
    const length = to - from;
    if (this.#arenaUsed + length > this.#arena.length) {
      const arena = new Uint8Array(Math.max(2 * this.#arena.length, this.#arenaUsed + length));
      arena.set(this.#arena);
      this.#arena = arena;
    }
    for (let i = 0; i < length; i++) this.#arena[this.#arenaUsed + i] = bytes[from + i] ?? 0;
    this.#offsets[entry] = this.#arenaUsed;
    this.#lengths[entry] = length;
    this.#hashes[entry] = hash;
    this.#counts[entry] = count;
    this.#arenaUsed += length;
    this.#slots[slot] = entry + 1;
    if (2 * this.#size > this.#slots.length) this.#growSlots();
    return entry;
  }

  #growEntries(): void {
    this.#offsets = doubled(this.#offsets);
    this.#lengths = doubled(this.#lengths);
    this.#hashes = doubled(this.#hashes);
    const counts = new Float64Array(2 * this.#counts.length);
    counts.set(this.#counts);
    this.#counts = counts;
  }

  #growSlots(): void {
    const slots = new Int32Array(2 * this.#slots.length);
    const mask = slots.length - 1;
    for (let entry = 0; entry < this.#size; entry++) {
      let slot = (this.#hashes[entry] ?? 0) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = entry + 1;
    }
    this.#slots = slots;
  }
}

/** A list that grows at its end; for pieces known to differ from the ones before. */
export class PieceListBuilder {
  #arena: Uint8Array = new Uint8Array(1 << 16);
  #used = 0;
  #offsets: Int32Array = new Int32Array(1 << 10);
  #lengths: Int32Array = new Int32Array(1 << 10);
  #counts: Float64Array = new Float64Array(1 << 10);
  #size = 0;

  /** Bytes in use. */
  get memory(): number {
    return this.#used + 16 * this.#size;
  }

  append(piece: Uint8Array, count: number): void {
    if (this.#used + piece.length > this.#arena.length) {
      const arena = new Uint8Array(Math.max(2 * this.#arena.length, this.#used + piece.length));
      arena.set(this.#arena);
      this.#arena = arena;
    }
    if (this.#size === this.#offsets.length) {
      this.#offsets = doubled(this.#offsets);
      this.#lengths = doubled(this.#lengths);
      const counts = new Float64Array(2 * this.#size);
      counts.set(this.#counts);
      this.#counts = counts;
    }
    this.#arena.set(piece, this.#used);
    this.#offsets[this.#size] = this.#used;
    this.#lengths[this.#size] = piece.length;
    this.#counts[this.#size++] = count;
    this.#used += piece.length;
  }

  /** Adds to the count of the last piece if it is `piece`; false if it is another. */
  addToLast(piece: Uint8Array, count: number): boolean {
    const last = this.#size - 1;
    const at = this.#offsets[last] ?? 0;
    if (last < 0 || this.#lengths[last] !== piece.length) return false;
    for (let k = piece.length - 1; k >= 0; k--) if (this.#arena[at + k] !== piece[k]) return false;
    this.#counts[last] = (this.#counts[last] ?? 0) + count;
    return true;
  }

  finish(): PieceList {
    return {
      arena: this.#arena,
      offsets: this.#offsets,
      lengths: this.#lengths,
      counts: this.#counts,
      size: this.#size,
    };
  }
}

/** Indices of `list` in the order of the pieces' bytes. */
export function sortedOrder(list: PieceList): Int32Array {
  const { arena, offsets, lengths } = list;
  // The first six bytes as a number decide nearly every comparison.
  const heads = new Float64Array(list.size);
  for (let i = 0; i < list.size; i++) {
    const at = offsets[i] ?? 0;
    const length = lengths[i] ?? 0;
    let head = 0;
    for (let k = 0; k < 6; k++) head = head * 256 + (k < length ? (arena[at + k] ?? 0) : 0);
    heads[i] = head;
  }
  return Int32Array.from({ length: list.size }, (_, i) => i).sort((x, y) => {
    const d = (heads[x] ?? 0) - (heads[y] ?? 0);
    if (d !== 0) return d;
    const a = offsets[x] ?? 0;
    const b = offsets[y] ?? 0;
    const m = lengths[x] ?? 0;
    const n = lengths[y] ?? 0;
    for (let k = 0; k < m && k < n; k++) {
      const e = (arena[a + k] ?? 0) - (arena[b + k] ?? 0);
      if (e !== 0) return e;
    }
    return m - n;
  });
}
