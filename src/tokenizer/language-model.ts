// Su Jianlin 2023, BytePiece, https://kexue.fm/archives/9752: a byte n-gram model without smoothing,
// `L(g) = ln c(g) - ln c(g without its last byte)`, as an automaton that reads text once.
import { OptionError } from "../errors.ts";
import { exactLog } from "./exact-log.ts";
import { MAX_ORDER } from "./ngrams.ts";
import type { Run } from "./runs.ts";

/** Numbers per state in `values`: the scores of the last 1 … 6 bytes, then two words of links and a spare. */
export const STATE = 8;

/**
 * The kept n-grams as states: a state is the longest kept gram that ends at a position. State 0 is the
 * empty gram, states 1 … 256 the single bytes, then the levels in order, each in order of its bytes; the
 * children of a state are therefore neighbours.
 *
 * State `s` fills one cache line: `values[8s + t] = L(last t + 1 bytes of s)` for `t < 6` (-Infinity beyond
 * its length), and in the same memory `links[16s + 12]` is the state of `s` without its first byte,
 * `links[16s + 13]` its first child, `links[16s + 14]` the number of its children.
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

/** Kept grams of one order: their bytes as a number, ascending, and their counts. */
interface Level {
  keys: Float64Array;
  counts: Float64Array;
  length: number;
}

const emptyLevel = (): Level => ({ keys: new Float64Array(256), counts: new Float64Array(256), length: 0 });

function push(level: Level, key: number, count: number): void {
  if (level.length === level.keys.length) {
    const keys = new Float64Array(2 * level.length);
    const counts = new Float64Array(2 * level.length);
    keys.set(level.keys);
    counts.set(level.counts);
    level.keys = keys;
    level.counts = counts;
  }
  level.keys[level.length] = key;
  level.counts[level.length++] = count;
}

/** Powers of 256: `POWER[j]` moves a number by `j` bytes. */
const POWER = Array.from({ length: MAX_ORDER + 1 }, (_, j) => 256 ** j);

/**
 * Counts of every order from sorted windows: `c(g) = Σ counts of records that begin with g and are at least
 * as long`. Keeps every order-1 gram and at higher orders those with `c ≥ minCount`; the rule is inherited
 * by prefixes and suffixes, so what is kept is closed under both.
 */
function sweep(runs: Iterable<Run>, order: number, minCount: number): Level[] {
  const levels = Array.from({ length: order }, emptyLevel);
  const open = new Float64Array(order).fill(-1);
  const counts = new Float64Array(order);
  const close = (j: number): void => {
    const count = counts[j] ?? 0;
    const level = levels[j];
    if (level && count > 0 && (j === 0 || count >= minCount)) push(level, open[j] ?? 0, count);
    open[j] = -1;
    counts[j] = 0;
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
          close(j);
          open[j] = prefix;
        }
        counts[j] = (counts[j] ?? 0) + count;
      }
    }
  }
  for (let j = 0; j < order; j++) close(j);
  return levels;
}

/** Gives each of the 256 bytes a count of at least 1; returns how many were added. */
function completeBytes(level: Level): number {
  const counts = new Float64Array(256);
  for (let i = 0; i < level.length; i++) counts[level.keys[i] ?? 0] = level.counts[i] ?? 0;
  let added = 0;
  for (let b = 0; b < 256; b++) {
    if (counts[b] !== 0) continue;
    counts[b] = 1;
    added += 1;
  }
  level.keys = Float64Array.from(counts, (_, b) => b);
  level.counts = counts;
  level.length = 256;
  return added;
}

/** The child of state `s` by byte `b`, or -1: a halving search among its neighbours. */
export function childOf(links: Int32Array, labels: Uint8Array, s: number, b: number): number {
  let low = links[16 * s + 13] ?? 0;
  let high = low + (links[16 * s + 14] ?? 0);
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
  const levels = sweep(runs, order, minCount);
  const bytes = levels[0] ?? emptyLevel();
  let total = 0;
  for (let i = 0; i < bytes.length; i++) total += bytes.counts[i] ?? 0;
  const added = completeBytes(bytes);
  const states = 1 + levels.reduce((sum, level) => sum + level.length, 0);
  if (states > 2 ** 27) {
    throw new OptionError(
      `buildLanguageModel: kept n-grams must number at most ${2 ** 27}, got ${states}. Raise minCount or lower order.`,
    );
  }
  const buffer = shared ? new SharedArrayBuffer(64 * states) : new ArrayBuffer(64 * states);
  const values = new Float64Array(buffer).fill(-Infinity);
  const links = new Int32Array(buffer);
  const labels = new Uint8Array(shared ? new SharedArrayBuffer(states) : new ArrayBuffer(states));
  const model = { order, states, values, links, labels, total, kept: levels.map((l) => l.length) };
  for (let w = 12; w < 16; w++) links[w] = 0;
  let parents: Level = {
    keys: Float64Array.of(0),
    counts: Float64Array.of(total + added),
    length: 1,
  };
  let firstParent = 0;
  let first = 1;
  levels.forEach((level, j) => {
    linkLevel(model, level, first, parents, firstParent, j);
    firstParent = first;
    first += level.length;
    parents = level;
  });
  shortenLeaves(model);
  return model;
}

/**
 * A state without children moves exactly as its suffix does, so it takes over the suffix's links: one cache
 * line less to wait for at nearly every byte, since most states met in running text have full length.
 */
function shortenLeaves({ states, links }: LanguageModel): void {
  for (let s = 1; s < states; s++) {
    if (links[16 * s + 14] !== 0) continue;
    const suffix = links[16 * s + 12] ?? 0;
    for (let w = 12; w < 15; w++) links[16 * s + w] = links[16 * suffix + w] ?? 0;
  }
}

/** Fills the states of order `j + 1`: labels, links from and to the parents, suffix links, scores. */
function linkLevel(
  { values, links, labels }: LanguageModel,
  level: Level,
  first: number,
  parents: Level,
  firstParent: number,
  j: number,
): void {
  let p = 0;
  for (let i = 0; i < level.length; i++) {
    const key = level.keys[i] ?? 0;
    const prefix = Math.floor(key / 256);
    while (parents.keys[p] !== prefix) p += 1;
    const parent = firstParent + p;
    const state = first + i;
    const byte = key % 256;
    labels[state] = byte;
    for (let w = 12; w < 16; w++) links[16 * state + w] = 0;
    if (links[16 * parent + 14] === 0) links[16 * parent + 13] = state;
    links[16 * parent + 14] = (links[16 * parent + 14] ?? 0) + 1;
    // The suffix of a kept gram is kept, so this child exists.
    const suffix = j === 0 ? 0 : childOf(links, labels, links[16 * parent + 12] ?? 0, byte);
    links[16 * state + 12] = suffix;
    for (let t = 0; t < j; t++) values[STATE * state + t] = values[STATE * suffix + t] ?? 0;
    values[STATE * state + j] = exactLog(level.counts[i] ?? 0) - exactLog(parents.counts[p] ?? 0);
  }
}
