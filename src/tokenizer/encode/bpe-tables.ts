// Sennrich et al. 2016 (https://arxiv.org/abs/1508.07909) read backwards: which adjacent tokens can byte-pair
// merging leave beside each other? Idea after the `bpe` crate of github/rust-gems: a sequence of tokens is the
// encoding of its text exactly if every two neighbours are, and two neighbours can be tested by undoing their
// merges, latest first, and looking for a merge across the border that would have come earlier.
import { OptionError } from "../../errors.ts";
import { type Trie, find } from "./trie.ts";

/** Merges by pair, and how each token is made when its own text is encoded. */
export interface BpeTables {
  /** Rank of the merge that makes a token: -1 for one that is not merged, UNREACHABLE for one that never is. */
  readonly rank: Int32Array;
  readonly left: Int32Array;
  readonly right: Int32Array;
  readonly pairs: PairTable;
}

/** Merges that stand before those that make their parts. */
export class MergeOrderError extends OptionError {
  override name = "MergeOrderError";
}

/** Rank of a token that merging never produces. */
export const UNREACHABLE = -2;

/** Open-addressing table from (left, right) to rank; a slot with left -1 is empty. */
export interface PairTable {
  readonly left: Int32Array;
  readonly right: Int32Array;
  readonly rank: Int32Array;
  readonly mask: number;
}

/** Slot in which the search for a pair starts. */
function hash(left: number, right: number, mask: number): number {
  const h = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca77);
  return (h ^ (h >>> 15)) & mask;
}

/** A table with room for `count` pairs. */
export function emptyPairs(count: number): PairTable {
  let size = 16;
  while (size < count * 2) size *= 2;
  return {
    left: new Int32Array(size).fill(-1),
    right: new Int32Array(size),
    rank: new Int32Array(size),
    mask: size - 1,
  };
}

/** Enters a pair; of equal pairs the first counts. Returns whether it is this one. */
export function addPair(t: PairTable, left: number, right: number, rank: number): boolean {
  let slot = hash(left, right, t.mask);
  while (t.left[slot] !== -1) {
    if (t.left[slot] === left && t.right[slot] === right) return false;
    slot = (slot + 1) & t.mask;
  }
  t.left[slot] = left;
  t.right[slot] = right;
  t.rank[slot] = rank;
  return true;
}

/** A table of the pairs of `merges` (`[left, right, merged]` flat). */
export function pairTable(merges: Int32Array): PairTable {
  const table = emptyPairs(merges.length / 3);
  for (let k = 0; 3 * k < merges.length; k++) addPair(table, merges[3 * k] ?? 0, merges[3 * k + 1] ?? 0, k);
  return table;
}

/** What each merge of `[left, right, merged]` makes. */
export function madeBy(merges: Int32Array): Int32Array {
  const made = new Int32Array(merges.length / 3);
  for (let k = 0; k < made.length; k++) made[k] = merges[3 * k + 2] ?? 0;
  return made;
}

/** Rank of the merge of (left, right), or -1. */
export function pairRank(t: PairTable, left: number, right: number): number {
  let slot = hash(left, right, t.mask);
  for (;;) {
    const l = t.left[slot] ?? -1;
    if (l === -1) return -1;
    if (l === left && t.right[slot] === right) return t.rank[slot] ?? -1;
    slot = (slot + 1) & t.mask;
  }
}

/**
 * True if merging the joined text of `left` and `right`, as far as merges of rank < `limit`, gives exactly
 * these two tokens. Both must be reachable.
 */
export function areNeighbours(t: BpeTables, left: number, right: number, limit = 0x7fffffff): boolean {
  let a = left;
  let b = right;
  let before = limit; // a merge across the border counts if its rank is below this
  for (;;) {
    const across = pairRank(t.pairs, a, b);
    if (across >= 0 && across < before) return false;
    const madeA = t.rank[a] ?? -1;
    const madeB = t.rank[b] ?? -1;
    if (madeA < 0 && madeB < 0) return true;
    if (madeA > madeB) {
      // Equal ranks go left first, so a merge across of the same rank would have come after a's.
      before = madeA;
      a = t.right[a] ?? 0;
    } else {
      before = madeB + 1;
      b = t.left[b] ?? 0;
    }
  }
}

/**
 * The tables of a merge list. A token made by several merges keeps the one that happens when its own text is
 * encoded: no other can, because a token's inside never sees what is outside.
 * @param lengths Bytes of each token. @param merges `[left, right, merged]` flat, in order of rank.
 * @throws OptionError if a merge names an id out of range, joins what does not add up, or comes before a merge
 * it needs (such a list has no linear-time reading).
 */
export function bpeTables(
  lengths: Int32Array,
  merges: Int32Array,
  pairs: PairTable = pairTable(merges),
): BpeTables {
  const n = lengths.length;
  const count = merges.length / 3;
  if (!Number.isInteger(count)) {
    throw new OptionError(`bpe: merges must come in threes, got ${merges.length} numbers.`);
  }
  const tables: BpeTables = {
    rank: new Int32Array(n).fill(-1),
    left: new Int32Array(n).fill(-1),
    right: new Int32Array(n).fill(-1),
    pairs,
  };
  for (let k = 0; k < count; k++) {
    const l = merges[3 * k] ?? -1;
    const r = merges[3 * k + 1] ?? -1;
    const m = merges[3 * k + 2] ?? -1;
    if (
      Math.min(l, r, m) < 0 ||
      Math.max(l, r, m) >= n ||
      (lengths[l] ?? 0) + (lengths[r] ?? 0) !== lengths[m]
    ) {
      throw new OptionError(
        `bpe: merge ${k} must join two tokens into a third, got ${l} + ${r} = ${m} of ${n} ids.`,
      );
    }
    tables.rank[m] = UNREACHABLE; // until its making is found
  }
  // Parts are shorter than what they make: by length, every part is settled before it is needed.
  for (const k of byLength(lengths, merges)) {
    const l = merges[3 * k] ?? 0;
    const r = merges[3 * k + 1] ?? 0;
    const m = merges[3 * k + 2] ?? 0;
    if (tables.rank[m] !== UNREACHABLE) continue;
    const madeL = tables.rank[l] ?? -1;
    const madeR = tables.rank[r] ?? -1;
    if (madeL === UNREACHABLE || madeR === UNREACHABLE || !areNeighbours(tables, l, r, k)) continue;
    if (madeL > k || madeR > k) {
      throw new MergeOrderError(
        `bpe: merge ${k} must come after the merges that make its parts, got parts made by merges ${madeL} and ${madeR}. Sort the merges as they were learnt.`,
      );
    }
    tables.rank[m] = k;
    tables.left[m] = l;
    tables.right[m] = r;
  }
  return tables;
}

/** Numbers of the merges by the length of what they make, equal ones in order: a counting sort. */
function byLength(lengths: Int32Array, merges: Int32Array): Int32Array {
  const count = merges.length / 3;
  const starts = new Int32Array(lengths.reduce((a, b) => Math.max(a, b), 0) + 2);
  for (let k = 0; k < count; k++) {
    const slot = (lengths[merges[3 * k + 2] ?? 0] ?? 0) + 1;
    starts[slot] = (starts[slot] ?? 0) + 1;
  }
  for (let i = 1; i < starts.length; i++) starts[i] = (starts[i] ?? 0) + (starts[i - 1] ?? 0);
  const order = new Int32Array(count);
  for (let k = 0; k < count; k++) {
    const length = lengths[merges[3 * k + 2] ?? 0] ?? 0;
    const at = starts[length] ?? 0;
    order[at] = k;
    starts[length] = at + 1;
  }
  return order;
}

/**
 * Merges for a vocabulary that names tokens in order but not their parts (tiktoken, SentencePiece): any two
 * neighbours whose join is a token may merge, lower rank first. Only the one pair per token that merging
 * ever meets is listed; a token that merging never makes is left out.
 * @param order Ids of the tokens that merges make, first merged first. All other tokens are starting symbols.
 * @param trie All tokens. @returns `[left, right, merged]` flat.
 */
export function mergesFromOrder(
  pieces: readonly Uint8Array[],
  order: readonly number[],
  trie: Trie,
): Int32Array {
  const n = pieces.length;
  const tables: BpeTables = {
    rank: new Int32Array(n).fill(-1),
    left: new Int32Array(n).fill(-1),
    right: new Int32Array(n).fill(-1),
    pairs: emptyPairs(order.length),
  };
  const { rank, left, right } = tables;
  for (const id of order) rank[id] = UNREACHABLE;
  const merges: number[] = [];
  for (const [k, id] of order.entries()) {
    const piece = pieces[id] ?? new Uint8Array(0);
    for (let cut = 1; cut < piece.length; cut++) {
      const l = find(trie, piece, 0, cut);
      if (l < 0 || rank[l] === UNREACHABLE) continue;
      const r = find(trie, piece, cut);
      if (r < 0 || rank[r] === UNREACHABLE || !areNeighbours(tables, l, r, k)) continue;
      rank[id] = k;
      left[id] = l;
      right[id] = r;
      addPair(tables.pairs, l, r, k);
      merges.push(l, r, id);
      break;
    }
  }
  return Int32Array.from(merges);
}
