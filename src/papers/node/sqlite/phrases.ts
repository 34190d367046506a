// Papers in which words stand next to each other, by the places kept beside the postings. The words of a phrase are
// walked at once, always moving the one that is behind, so a rare word makes a phrase of common ones cheap.
import { placeBits } from "../../occurrences.ts";
import { type Postings, type PostingsCursor, readPostings } from "./postings.ts";

/** One word of a phrase as any of several terms: papers ascending, places of all terms together. */
interface Word {
  /** Moves to the first paper at or after `slot`; `Infinity` when there is none. */
  seek(slot: number): number;
  /** The places in the present paper, ascending. */
  places(): number[];
}

function wordOf(terms: readonly Postings[]): Word {
  let heads: PostingsCursor[] = terms.map(readPostings).filter((cursor) => cursor.next());
  let at = -1;
  return {
    seek(slot) {
      at = Infinity;
      let ended = false;
      for (const cursor of heads) {
        let more = true;
        while (more && cursor.slot < slot) more = cursor.next();
        if (!more) {
          cursor.slot = Infinity;
          ended = true;
        } else if (cursor.slot < at) at = cursor.slot;
      }
      if (ended) heads = heads.filter((cursor) => cursor.slot < Infinity);
      return at;
    },
    places() {
      const here = heads.filter((cursor) => cursor.slot === at);
      const [only] = here;
      if (only && here.length === 1) return only.places();
      return here.flatMap((cursor) => cursor.places()).sort((x, y) => x - y);
    },
  };
}

/**
 * Calls `visit` with the slots, ascending, of the papers that have the words one after the other.
 * @param words For each word of the phrase the postings of the terms that may stand for it, all of one segment.
 * @param field Index in `fieldNames` of the only field to look in; any if absent.
 */
export function eachMatch(
  words: readonly (readonly Postings[])[],
  field: number | undefined,
  visit: (slot: number) => void,
): void {
  const heads = words.map(wordOf);
  const [first] = heads;
  if (!first) return;
  for (let slot = first.seek(0); slot < Infinity; ) {
    let furthest = slot;
    for (const head of heads) furthest = Math.max(furthest, head.seek(furthest));
    if (furthest === slot) {
      if (standsIn(heads, field)) visit(slot);
      furthest = slot + 1;
    }
    slot = furthest === Infinity ? Infinity : first.seek(furthest);
  }
}

/** Whether the words follow each other in the paper at which all of them are. */
function standsIn(words: readonly Word[], field: number | undefined): boolean {
  const [first, ...rest] = words;
  let starts = first?.places() ?? [];
  if (field !== undefined) starts = starts.filter((place) => place >>> placeBits === field);
  // Consecutive places of one field differ by one; the last place of a field and the first of the next do not.
  for (const [i, word] of rest.entries()) {
    if (starts.length === 0) return false;
    starts = followed(starts, word.places(), i + 1);
  }
  return starts.length > 0;
}

/** Those of `starts` that are followed by one of `places` at a distance; both ascend. */
function followed(starts: readonly number[], places: readonly number[], distance: number): number[] {
  const kept: number[] = [];
  let at = 0;
  for (const start of starts) {
    while (at < places.length && (places[at] ?? 0) < start + distance) at++;
    if (places[at] === start + distance) kept.push(start);
  }
  return kept;
}
