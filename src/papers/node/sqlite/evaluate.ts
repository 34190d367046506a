// Scores of all papers that have some word of a query, a window of slots at a time: all words add to the few
// thousand scores of one window before the next begins, so that scores, frequencies and lengths stay in the
// processor's cache however large the collection is. Over a million papers this is several times faster than
// going through each word's postings from end to end.
import {
  type Accumulator,
  addPosting,
  clear,
  createAccumulator,
  endSpelled,
  endTerm,
  formWeight,
  isSpelled,
  type QueryTerm,
  termFactor,
} from "../../bm25.ts";
import type { Lookup } from "./lookup.ts";

/** Slots in a window: three arrays of 8 bytes a slot, 200 kB. */
const windowSize = 1 << 13;

/** An accumulator for `eachScore`; reusable. */
export function windowAccumulator(): Accumulator {
  return createAccumulator(windowSize);
}

/** Where one form's postings in one segment have been read to. */
interface Position {
  readonly data: Uint8Array;
  readonly weight: number;
  offset: number;
  /** Slot of the next posting, whose frequency begins at `offset`; `Infinity` at the end. */
  slot: number;
}

/**
 * Calls `visit` once with the slot and the BM25 score of every paper that has a term; in ascending windows, in no
 * order within one.
 * @param norms By slot, as of `lengthNorms`. @param papers How many papers there are.
 */
export function eachScore(
  terms: readonly QueryTerm[],
  lookup: Lookup,
  norms: Float64Array,
  papers: number,
  acc: Accumulator,
  visit: (slot: number, score: number) => void,
): void {
  const work = terms.map((term) => {
    const { forms, documents } = lookup(term);
    const open = (own: boolean) =>
      forms
        .filter(({ form }) => isSpelled(term, form) === own)
        .map(({ form, data }) => start(data, formWeight(term, form)));
    const factor = termFactor(papers, documents, term.weight);
    return { spelled: open(true), others: open(false), factor, gain: term.gain };
  });
  for (let base = 0; base < norms.length; base += windowSize) {
    const end = Math.min(base + windowSize, norms.length);
    const own = norms.subarray(base, end);
    for (const { spelled, others, factor, gain } of work) {
      for (const position of spelled) if (position.slot < end) addUntil(acc, position, base, end);
      endSpelled(acc);
      for (const position of others) if (position.slot < end) addUntil(acc, position, base, end);
      endTerm(acc, own, factor, gain);
    }
    for (let i = 0; i < acc.found; i++) {
      const at = acc.slots[i] ?? 0;
      visit(base + at, acc.scores[at] ?? 0);
    }
    clear(acc);
  }
}

function start(data: Uint8Array, weight: number): Position {
  const position = { data, weight, offset: 0, slot: 0 };
  position.slot = readDistance(position);
  return position;
}

/** The integer at `offset` added to `slot`; `Infinity` where the data end. */
function readDistance(position: Position): number {
  const { data } = position;
  let value = 0;
  for (let shift = 0; position.offset < data.length; shift += 7) {
    const byte = data[position.offset++] ?? 0;
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return position.slot + value;
  }
  return Infinity;
}

/** Adds the postings below `end` to the accumulator of the window that begins at `base`. */
function addUntil(acc: Accumulator, position: Position, base: number, end: number): void {
  const { data, weight } = position;
  let { offset, slot } = position;
  while (slot < end) {
    let byte = data[offset++] ?? 0;
    let value = byte & 0x7f;
    for (let shift = 7; byte >= 0x80; shift += 7) {
      byte = data[offset++] ?? 0;
      value |= (byte & 0x7f) << shift;
    }
    addPosting(acc, slot - base, weight * value);
    if (offset >= data.length) {
      slot = Infinity;
      break;
    }
    byte = data[offset++] ?? 0;
    value = byte & 0x7f;
    for (let shift = 7; byte >= 0x80; shift += 7) {
      byte = data[offset++] ?? 0;
      value |= (byte & 0x7f) << shift;
    }
    slot += value;
  }
  position.offset = offset;
  position.slot = slot;
}
