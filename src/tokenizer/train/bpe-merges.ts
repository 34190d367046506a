// Sennrich, Haddow, Birch 2016, https://arxiv.org/abs/1508.07909: learn byte-pair merges, exactly, with the
// count of every pair kept up to date. Each symbol heads at most one pair, so the occurrences of all pairs
// are linked lists through the symbols themselves: a merge costs its occurrences and nothing is searched.
import { popHeap, pushHeap } from "./heap.ts";
import type { Pace } from "../pace.ts";
import type { PieceList } from "../pieces.ts";

/** Ids fit 21 bits, a pair of them a float64 integer. */
const ID_BITS = 2 ** 21;
/** Merges between two looks at the clock. */
const TICK = 64;

/** A candidate for the next merge; `count` is right or too high, never too low. */
interface Candidate {
  count: number;
  pair: number;
}

/** Learned merges: `[left, right]` ids, flat; ids 0–255 are bytes, merge `i` makes id `256 + i`. */
export interface Merges {
  pairs: Int32Array;
  /** Bytes of every id. */
  pieces: Uint8Array[];
}

/** More frequent first; then the smaller left id, then the smaller right id. */
const before = (a: Candidate, b: Candidate): boolean =>
  a.count > b.count || (a.count === b.count && a.pair < b.pair);

/** The symbols of all parts and the occurrences of all pairs. */
class Symbols {
  readonly id: Int32Array;
  readonly next: Int32Array;
  readonly previous: Int32Array;
  /** Neighbours in the list of occurrences of the pair that begins here; -1 at an end. */
  readonly later: Int32Array;
  readonly earlier: Int32Array;
  readonly part: Int32Array;
  readonly weights: Float64Array;
  /** Count and first occurrence of each pair. */
  readonly pairs: Map<number, { count: number; first: number }> = new Map();

  constructor(parts: PieceList) {
    let total = 0;
    for (let i = 0; i < parts.size; i++) total += parts.lengths[i] ?? 0;
    this.id = new Int32Array(total);
    this.next = new Int32Array(total).fill(-1);
    this.previous = new Int32Array(total).fill(-1);
    this.later = new Int32Array(total).fill(-1);
    this.earlier = new Int32Array(total).fill(-1);
    this.part = new Int32Array(total);
    this.weights = parts.counts;
    let at = 0;
    for (let i = 0; i < parts.size; i++) {
      const from = parts.offsets[i] ?? 0;
      const length = parts.lengths[i] ?? 0;
      for (let k = 0; k < length; k++, at++) {
        this.id[at] = parts.arena[from + k] ?? 0;
        this.part[at] = i;
        if (k > 0) this.previous[at] = at - 1;
        if (k + 1 < length) this.next[at] = at + 1;
      }
    }
    for (let s = 0; s < total; s++) this.link(s);
  }

  /** The pair that begins at symbol `s`, or -1 at the end of a part. */
  pairAt(s: number): number {
    const n = this.next[s] ?? -1;
    return n < 0 ? -1 : (this.id[s] ?? 0) * ID_BITS + (this.id[n] ?? 0);
  }

  /** Counts the pair that begins at `s`; returns it. */
  link(s: number): number {
    const pair = this.pairAt(s);
    if (pair < 0) return pair;
    const weight = this.weights[this.part[s] ?? 0] ?? 0;
    const held = this.pairs.get(pair);
    this.earlier[s] = -1;
    if (held === undefined) {
      this.later[s] = -1;
      this.pairs.set(pair, { count: weight, first: s });
      return pair;
    }
    this.later[s] = held.first;
    if (held.first >= 0) this.earlier[held.first] = s;
    held.first = s;
    held.count += weight;
    return pair;
  }

  /** Takes the pair that begins at `s` out of its list. */
  unlink(s: number): void {
    const held = this.pairs.get(this.pairAt(s));
    if (held === undefined) return;
    const later = this.later[s] ?? -1;
    const earlier = this.earlier[s] ?? -1;
    if (later >= 0) this.earlier[later] = earlier;
    if (earlier >= 0) this.later[earlier] = later;
    else held.first = later;
    held.count -= this.weights[this.part[s] ?? 0] ?? 0;
  }

  /** Places of `pair`, left to right: in `aaa` the left two are merged. */
  occurrences(pair: number): Int32Array {
    const places: number[] = [];
    for (let s = this.pairs.get(pair)?.first ?? -1; s >= 0; s = this.later[s] ?? -1) places.push(s);
    return Int32Array.from(places).sort();
  }

  /** Makes `id` of the pair at `s`; adds the pairs that arise to `touched`. */
  merge(s: number, id: number, touched: Set<number>): void {
    const right = this.next[s] ?? -1;
    const after = this.next[right] ?? -1;
    const ahead = this.previous[s] ?? -1;
    this.unlink(s);
    if (ahead >= 0) this.unlink(ahead);
    if (after >= 0) this.unlink(right);
    this.id[s] = id;
    this.id[right] = -1;
    this.next[s] = after;
    this.next[right] = -1;
    if (after >= 0) this.previous[after] = s;
    if (ahead >= 0) touched.add(this.link(ahead));
    if (after >= 0) touched.add(this.link(s));
  }
}

/**
 * Learns up to `most` merges: each time the most frequent pair of neighbours (overlapping occurrences
 * count), ties to the smaller ids; merged from left to right.
 * @param parts Distinct parts of the text and their counts; nothing is merged across parts.
 * @param minCount Stops at the first pair seen less often.
 * @param maxPieceLength Longer pieces are not made; bytes.
 */
export async function learnMerges(
  parts: PieceList,
  { most, minCount, maxPieceLength }: { most: number; minCount: number; maxPieceLength: number },
  pace: Pace,
): Promise<Merges> {
  const symbols = new Symbols(parts);
  const heap: Candidate[] = [];
  for (const [pair, { count }] of symbols.pairs) pushHeap(heap, { count, pair }, before);
  const pieces = Array.from({ length: 256 }, (_, b) => Uint8Array.of(b));
  const pairs: number[] = [];
  pace.phase("merge", most);
  while (pieces.length < 256 + most) {
    const top = popHeap(heap, before);
    if (top === undefined || top.count < minCount) break;
    const { pair } = top;
    const count = symbols.pairs.get(pair)?.count ?? 0;
    if (count < top.count) {
      if (count > 0) pushHeap(heap, { count, pair }, before);
      continue;
    }
    const left = pieces[Math.floor(pair / ID_BITS)];
    const right = pieces[pair % ID_BITS];
    if (!left || !right || left.length + right.length > maxPieceLength) continue;
    const id = pieces.length;
    pairs.push(Math.floor(pair / ID_BITS), pair % ID_BITS);
    pieces.push(Uint8Array.of(...left, ...right));
    mergeAll(symbols, pair, id, heap);
    if (pairs.length % TICK === 0 && pace.due) await pace.rest(pairs.length / 2);
  }
  pace.end(pairs.length / 2);
  return { pairs: Int32Array.from(pairs), pieces };
}

/** Merges every occurrence of `pair` into `id` and offers the pairs that arise. */
function mergeAll(symbols: Symbols, pair: number, id: number, heap: Candidate[]): void {
  const touched = new Set<number>();
  for (const s of symbols.occurrences(pair)) {
    // An overlapping occurrence to the left may have used this symbol up.
    if (symbols.pairAt(s) === pair) symbols.merge(s, id, touched);
  }
  symbols.pairs.delete(pair);
  for (const fresh of touched) {
    const count = symbols.pairs.get(fresh)?.count ?? 0;
    if (count > 0) pushHeap(heap, { count, pair: fresh }, before);
  }
}
