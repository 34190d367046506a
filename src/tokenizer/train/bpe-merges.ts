// Sennrich, Haddow, Birch 2016, https://arxiv.org/abs/1508.07909: learn byte-pair merges, exactly, with the
// count of every pair kept up to date. Each symbol heads at most one pair, so the occurrences of all pairs
// are linked lists through the symbols themselves: a merge costs its occurrences and nothing is searched.
import type { Pace } from "../pace.ts";
import { PairCounts, PairHeap, leftOf, pairOf, rightOf } from "./pair-counts.ts";
import type { PieceList } from "../pieces.ts";
import { release } from "../release.ts";

/** Merges between two looks at the clock. */
const TICK = 64;
/** Stands in `cells` after each part. */
const END = -1;
/** Cells for which one part is remembered. */
const STRIDE = 32;
/** Bytes that learning takes for each byte of the parts, beside the parts themselves: three integers. */
export const LEARNING_BYTES = 12;

/** Learned merges: `[left, right]` ids, flat; ids 0–255 are bytes, merge `i` makes id `256 + i`. */
export interface Merges {
  pairs: Int32Array;
  /** Bytes of every id. */
  pieces: Uint8Array[];
}

/** The symbols of all parts and the occurrences of all pairs. */
class Symbols {
  /**
   * One cell for each byte, and `END` after each part. The first cell of a symbol holds its id, the last one of a
   * symbol of n ≥ 2 bytes holds -n: so both neighbours are found without links.
   */
  readonly cells: Int32Array;
  /** Neighbours in the list of occurrences of the pair that begins here; -1 at an end. */
  readonly later: Int32Array;
  readonly earlier: Int32Array;
  /** Count and first occurrence of each pair. */
  readonly pairs: PairCounts = new PairCounts();
  /** Bytes of each id. */
  readonly #lengths: Int32Array;
  /** First cell of each part, and the part that every `STRIDE`-th cell lies in. */
  readonly #starts: Int32Array;
  readonly #partAt: Int32Array;
  readonly #weights: Float64Array;

  /** @param parts Given back once they are read. @param ids Ids there can be. */
  constructor(parts: PieceList, ids: number) {
    let total = 0;
    for (let i = 0; i < parts.size; i++) total += (parts.lengths[i] ?? 0) + 1;
    this.cells = new Int32Array(total);
    this.#starts = new Int32Array(parts.size + 1).fill(total);
    this.#partAt = new Int32Array(Math.ceil(total / STRIDE));
    this.#weights = parts.counts;
    this.#lengths = new Int32Array(ids).fill(1, 0, 256);
    let at = 0;
    for (let i = 0; i < parts.size; i++) {
      const from = parts.offsets[i] ?? 0;
      const length = parts.lengths[i] ?? 0;
      this.#starts[i] = at;
      for (let k = Math.ceil(at / STRIDE); k * STRIDE <= at + length; k++) this.#partAt[k] = i;
      for (let k = 0; k < length; k++) this.cells[at++] = parts.arena[from + k] ?? 0;
      this.cells[at++] = END;
    }
    release(parts.arena, parts.offsets, parts.lengths);
    this.later = new Int32Array(total).fill(-1);
    this.earlier = new Int32Array(total).fill(-1);
    for (let s = 0; s < total; s++) if (this.cells[s] !== END) this.link(s);
  }

  /** The symbol after `s`, or -1. */
  next(s: number): number {
    const n = s + (this.#lengths[this.cells[s] ?? 0] ?? 1);
    return this.cells[n] === END ? -1 : n;
  }

  /** The symbol before `s`, or -1. */
  previous(s: number): number {
    const before = s === 0 ? END : (this.cells[s - 1] ?? END);
    return before === END ? -1 : before >= 0 ? s - 1 : s + before;
  }

  /** The pair that begins at cell `s`, or -1 where no symbol or no pair begins. */
  pairAt(s: number): number {
    const id = this.cells[s] ?? -1;
    const n = id < 0 ? -1 : this.next(s);
    return n < 0 ? -1 : pairOf(id, this.cells[n] ?? 0);
  }

  /** Counts the pair that begins at `s`; returns it. */
  link(s: number): number {
    const pair = this.pairAt(s);
    if (pair < 0) return pair;
    const slot = this.pairs.enter(pair);
    const first = this.pairs.first(slot);
    this.earlier[s] = -1;
    this.later[s] = first;
    if (first >= 0) this.earlier[first] = s;
    this.pairs.setFirst(slot, s);
    this.pairs.add(slot, this.#weight(s));
    return pair;
  }

  /** Takes the pair that begins at `s` out of its list. */
  unlink(s: number): void {
    const slot = this.pairs.find(this.pairAt(s));
    if (slot < 0) return;
    const later = this.later[s] ?? -1;
    const earlier = this.earlier[s] ?? -1;
    if (later >= 0) this.earlier[later] = earlier;
    if (earlier >= 0) this.later[earlier] = later;
    else this.pairs.setFirst(slot, later);
    this.pairs.add(slot, -this.#weight(s));
  }

  /** Places of `pair`, left to right: in `aaa` the left two are merged. */
  occurrences(pair: number): Int32Array {
    const places: number[] = [];
    for (let s = this.pairs.first(this.pairs.find(pair)); s >= 0; s = this.later[s] ?? -1) places.push(s);
    return Int32Array.from(places).sort();
  }

  /** Makes `id` of the pair at `s`; adds the pairs that arise to `touched`. */
  merge(s: number, id: number, touched: Set<number>): void {
    const right = this.next(s);
    const after = this.next(right);
    const ahead = this.previous(s);
    this.unlink(s);
    if (ahead >= 0) this.unlink(ahead);
    if (after >= 0) this.unlink(right);
    const length = this.#length(s) + this.#length(right);
    this.#lengths[id] = length;
    this.cells[right] = END; // no symbol begins here any more
    this.cells[s] = id;
    this.cells[s + length - 1] = -length;
    if (ahead >= 0) touched.add(this.link(ahead));
    if (after >= 0) touched.add(this.link(s));
  }

  #length(s: number): number {
    return this.#lengths[this.cells[s] ?? 0] ?? 1;
  }

  /** How often the part that holds cell `s` occurs. */
  #weight(s: number): number {
    let part = this.#partAt[Math.floor(s / STRIDE)] ?? 0;
    while ((this.#starts[part + 1] ?? Infinity) <= s) part++;
    return this.#weights[part] ?? 0;
  }
}

/**
 * Learns up to `most` merges: each time the most frequent pair of neighbours (overlapping occurrences
 * count), ties to the smaller ids; merged from left to right.
 * @param parts Distinct parts of the text and their counts; nothing is merged across parts. They are given back:
 * only their counts and their number may be used afterwards.
 * @param minCount Stops at the first pair seen less often.
 * @param maxPieceLength Longer pieces are not made; bytes.
 */
export async function learnMerges(
  parts: PieceList,
  { most, minCount, maxPieceLength }: { most: number; minCount: number; maxPieceLength: number },
  pace: Pace,
): Promise<Merges> {
  const symbols = new Symbols(parts, 256 + most);
  const heap = new PairHeap();
  const offer = (pair: number, count: number): void => {
    // A pair that is rarer becomes more frequent only by a merge, which offers it again.
    if (count >= minCount) heap.push(count, pair);
  };
  for (const [pair, count] of symbols.pairs) offer(pair, count);
  const pieces = Array.from({ length: 256 }, (_, b) => Uint8Array.of(b));
  const pairs: number[] = [];
  pace.phase("merge", most);
  while (pieces.length < 256 + most) {
    const top = heap.pop();
    if (top === undefined) break;
    const { pair } = top;
    // The count in the heap is right or too high, never too low.
    const count = symbols.pairs.count(symbols.pairs.find(pair));
    if (count < top.count) {
      offer(pair, count);
      continue;
    }
    const left = pieces[leftOf(pair)];
    const right = pieces[rightOf(pair)];
    if (!left || !right || left.length + right.length > maxPieceLength) continue;
    pairs.push(leftOf(pair), rightOf(pair));
    for (const fresh of mergeAll(symbols, pair, pieces.length)) {
      offer(fresh, symbols.pairs.count(symbols.pairs.find(fresh)));
    }
    pieces.push(Uint8Array.of(...left, ...right));
    if (pairs.length % TICK === 0 && pace.due) await pace.rest(pairs.length / 2);
  }
  pace.end(pairs.length / 2);
  return { pairs: Int32Array.from(pairs), pieces };
}

/** Merges every occurrence of `pair` into `id`; returns the pairs that arise. */
function mergeAll(symbols: Symbols, pair: number, id: number): Set<number> {
  const touched = new Set<number>();
  for (const s of symbols.occurrences(pair)) {
    // An overlapping occurrence to the left may have used this symbol up.
    if (symbols.pairAt(s) === pair) symbols.merge(s, id, touched);
  }
  return touched;
}
