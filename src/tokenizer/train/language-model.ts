// Su Jianlin 2023, BytePiece, https://kexue.fm/archives/9752: a byte n-gram model without smoothing,
// `L(g) = ln c(g) - ln c(g without its last byte)`, as an automaton that reads text once.
import { OptionError } from "../../errors.ts";
import { exactLog } from "./exact-log.ts";
import { MAX_ORDER } from "./ngrams.ts";
import type { Run } from "./runs.ts";

/** Numbers per state in `values`: six scores, then three words of links and a spare. */
export const STATE = 8;
/** The first of the links among the 32-bit words of a state. */
export const LINKS = 12;

/**
 * The kept n-grams as states: a state is the longest kept gram that ends at a position. State 0 is the
 * empty gram, states 1 … 256 the single bytes, then the levels in order, each in order of its bytes; the
 * children of a state are therefore neighbours.
 *
 * State `s` fills one cache line. `values[8s + 6 - order + t] = L(last t + 1 bytes of s)`, -Infinity beyond its
 * length: aligned to the right, so that the last tag is last for every order. In the same memory
 * `links[16s + 12]` is the state of `s` without its first byte, `links[16s + 13]` its first child and
 * `links[16s + 14]` the number of its children.
 */
export interface LanguageModel {
  order: number;
  states: number;
  values: Float64Array;
  links: Int32Array;
  /** Last byte of each state. */
  labels: Uint8Array;
  /** Bytes in the corpus: c(empty), without the single bytes that were added. */
  total: number;
  /** Kept grams of each order, `kept[0]` for order 1. */
  kept: number[];
}

/** Kept grams of one order in the order of their bytes: last byte, count, and how many kept grams extend them. */
class Level {
  labels: Uint8Array = new Uint8Array(256);
  counts: Float64Array = new Float64Array(256);
  children: Uint16Array = new Uint16Array(256);
  length = 0;

  push(label: number, count: number, children: number): void {
    if (this.length === this.labels.length) {
      this.labels = grown(this.labels, new Uint8Array(2 * this.length));
      this.counts = grown(this.counts, new Float64Array(2 * this.length));
      this.children = grown(this.children, new Uint16Array(2 * this.length));
    }
    this.labels[this.length] = label;
    this.counts[this.length] = count;
    this.children[this.length++] = children;
  }
}

function grown<A extends Uint8Array | Uint16Array | Float64Array>(from: A, to: A): A {
  to.set(from);
  return to;
}

/** Powers of 256: `POWER[j]` moves a number by `j` bytes. */
const POWER = Array.from({ length: MAX_ORDER + 1 }, (_, j) => 256 ** j);

/**
 * Counts of every order from sorted windows: `c(g) = Σ counts of records that begin with g and are at least
 * as long`. Keeps every order-1 gram and at higher orders those with `c ≥ minCount`; the rule is inherited
 * by prefixes and suffixes, so what is kept is closed under both. Each of the 256 bytes is given a count of
 * at least 1.
 * @returns The levels, and the bytes counted without those that were given.
 */
function sweep(
  runs: Iterable<Run>,
  order: number,
  minCount: number,
): { levels: Level[]; total: number; added: number } {
  const levels = Array.from({ length: order }, () => new Level());
  const open = new Float64Array(order).fill(-1);
  const counts = new Float64Array(order);
  const children = new Uint16Array(order);
  const firstCounts = new Float64Array(256);
  const firstChildren = new Uint16Array(256);
  // A gram's children are all closed when it closes: the deepest level goes first.
  const closeFrom = (level: number): void => {
    for (let j = order - 1; j >= level; j--) {
      const count = counts[j] ?? 0;
      if (count === 0) continue;
      const label = (open[j] ?? 0) % 256;
      if (j === 0) {
        firstCounts[label] = count;
        firstChildren[label] = children[0] ?? 0;
      } else if (count >= minCount) {
        levels[j]?.push(label, count, children[j] ?? 0);
        children[j - 1] = (children[j - 1] ?? 0) + 1;
      }
      open[j] = -1;
      counts[j] = 0;
      children[j] = 0;
    }
  };
  for (const { keys, counts: found } of runs) {
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i] ?? 0;
      const length = key % 8;
      const window = Math.floor(key / 8);
      const count = found[i] ?? 0;
      for (let j = 0; j < length; j++) {
        const prefix = Math.floor(window / (POWER[MAX_ORDER - 1 - j] ?? 0));
        if (prefix !== open[j]) {
          closeFrom(j);
          open[j] = prefix;
        }
        counts[j] = (counts[j] ?? 0) + count;
      }
    }
  }
  closeFrom(0);
  let total = 0;
  let added = 0;
  for (let b = 0; b < 256; b++) {
    const count = firstCounts[b] ?? 0;
    total += count;
    if (count === 0) added += 1;
    levels[0]?.push(b, Math.max(1, count), firstChildren[b] ?? 0);
  }
  return { levels, total, added };
}

/** The child of state `s` by byte `b`, or -1: a halving search among its neighbours. */
export function childOf(links: Int32Array, labels: Uint8Array, s: number, b: number): number {
  let low = links[16 * s + LINKS + 1] ?? 0;
  let high = low + (links[16 * s + LINKS + 2] ?? 0);
  while (low < high) {
    const middle = (low + high) >> 1;
    const label = labels[middle] ?? 0;
    if (label === b) return middle;
    if (label < b) low = middle + 1;
    else high = middle;
  }
  return -1;
}

/**
 * Builds the automaton from sorted windows.
 * @param runs Windows of `order` bytes and their counts, ascending, without repeats.
 * @param order Bytes of the longest gram, 1 to 6.
 * @param minCount Grams of two bytes and more are kept from this count on.
 * @param shared True puts the tables in shared memory for worker threads. Default false.
 * @throws OptionError if there are more than 2²⁷ kept grams (8 GiB).
 */
export function buildLanguageModel(
  runs: Iterable<Run>,
  { order, minCount, shared = false }: { order: number; minCount: number; shared?: boolean },
): LanguageModel {
  const { levels, total, added } = sweep(runs, order, minCount);
  const kept = levels.map((level) => level.length);
  const states = 1 + kept.reduce((sum, n) => sum + n, 0);
  if (states > 2 ** 27) {
    throw new OptionError(
      `buildLanguageModel: kept n-grams must number at most ${2 ** 27}, got ${states}. Raise minCount or lower order.`,
    );
  }
  const buffer = shared ? new SharedArrayBuffer(8 * STATE * states) : new ArrayBuffer(8 * STATE * states);
  const values = new Float64Array(buffer).fill(-Infinity);
  const links = new Int32Array(buffer);
  const labels = new Uint8Array(shared ? new SharedArrayBuffer(states) : new ArrayBuffer(states));
  const model: LanguageModel = { order, states, values, links, labels, total, kept };
  links.set([0, 1, 256, 0], LINKS);
  let parentCounts: Float64Array = Float64Array.of(total + added);
  let parent = 0;
  let first = 1;
  levels.forEach((level, j) => {
    linkLevel(model, level, first, parentCounts, parent, j);
    parent = first;
    first += level.length;
    parentCounts = level.counts;
    levels[j] = new Level(); // what is linked need not be held any longer
  });
  shortenLeaves(model);
  return model;
}

/**
 * A state without children moves exactly as its suffix does, so it takes over the suffix's links: one wait for
 * memory less at nearly every byte, since most states met in running text have full length.
 */
function shortenLeaves({ states, links }: LanguageModel): void {
  for (let s = 1; s < states; s++) {
    if (links[16 * s + LINKS + 2] !== 0) continue;
    const suffix = links[16 * s + LINKS] ?? 0;
    for (let w = LINKS; w < LINKS + 3; w++) links[16 * s + w] = links[16 * suffix + w] ?? 0;
  }
}

/** Fills the states of order `j + 1`: labels, links from and to the parents, suffix links, scores. */
function linkLevel(
  { order, values, links, labels }: LanguageModel,
  level: Level,
  first: number,
  parentCounts: Float64Array,
  firstParent: number,
  j: number,
): void {
  const column = MAX_ORDER - order;
  let parent = firstParent;
  let left = links[16 * parent + LINKS + 2] ?? 0;
  for (let i = 0; i < level.length; i++) {
    while (left === 0) left = links[16 * ++parent + LINKS + 2] ?? 0;
    left -= 1;
    const state = first + i;
    const label = level.labels[i] ?? 0;
    const at = 16 * parent + LINKS;
    if (links[at + 1] === 0) links[at + 1] = state;
    labels[state] = label;
    // The suffix of a kept gram is kept, so this child exists.
    const suffix = j === 0 ? 0 : childOf(links, labels, links[at] ?? 0, label);
    links[16 * state + LINKS] = suffix;
    links[16 * state + LINKS + 1] = 0;
    links[16 * state + LINKS + 2] = level.children[i] ?? 0;
    for (let t = column; t < column + j; t++) values[STATE * state + t] = values[STATE * suffix + t] ?? 0;
    const parentCount = parentCounts[parent - firstParent] ?? 0;
    values[STATE * state + column + j] = exactLog(level.counts[i] ?? 0) - exactLog(parentCount);
  }
}
