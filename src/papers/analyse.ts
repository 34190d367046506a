// What the index needs to know of one paper.
import { lengthOf, titleWeight } from "./bm25.ts";
import type { Paper } from "./paper.ts";
import { terms } from "./tokens.ts";

/** A paper as terms. */
export interface Analysis {
  readonly title: readonly string[];
  readonly abstract: readonly string[];
  /** Terms of all authors, with `authorGap` between two of them. */
  readonly authors: readonly string[];
  /** For the length normalisation; see `lengthOf`. */
  readonly length: number;
}

/** A term that no analysis of a text produces; it keeps a phrase from crossing from one author to the next. */
export const authorGap = "\ue000";

/** Analyses a paper. */
export function analyse(paper: Pick<Paper, "title" | "abstract" | "authors">): Analysis {
  const title = terms(paper.title);
  const abstract = terms(paper.abstract);
  const authors = paper.authors.flatMap((author, i) =>
    i > 0 ? [authorGap, ...terms(author)] : terms(author),
  );
  return { title, abstract, authors, length: lengthOf(title.length, abstract.length) };
}

/** Papers by term: ascending slots, and the weighted frequency of the term in each. */
export interface Postings {
  readonly slots: number[];
  readonly frequencies: number[];
}

/**
 * Enters a paper into `postings`: every occurrence counts `titleWeight` in the title and 1 in abstract and
 * authors. Slots must not descend from call to call.
 */
export function post(postings: Map<string, Postings>, slot: number, analysis: Analysis): void {
  postAll(postings, slot, analysis.title, titleWeight);
  postAll(postings, slot, analysis.abstract, 1);
  postAll(postings, slot, analysis.authors, 1);
}

// One look into the map for each occurrence: counting a paper's terms in a map of its own first costs more.
function postAll(
  postings: Map<string, Postings>,
  slot: number,
  list: readonly string[],
  weight: number,
): void {
  for (const term of list) {
    const known = postings.get(term);
    if (!known) {
      if (term !== authorGap) postings.set(term, { slots: [slot], frequencies: [weight] });
      continue;
    }
    const last = known.slots.length - 1;
    if (known.slots[last] === slot) known.frequencies[last] = (known.frequencies[last] ?? 0) + weight;
    else {
      known.slots.push(slot);
      known.frequencies.push(weight);
    }
  }
}
