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

/**
 * The papers of one term: slot and weighted frequency of each in turn, slots ascending. One flat list, because a
 * hundred thousand terms of which most are rare would make as many objects for nothing.
 */
export type Postings = number[];

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
      if (term !== authorGap) postings.set(term, [slot, weight]);
      continue;
    }
    const last = known.length - 2;
    if (known[last] === slot) known[last + 1] = (known[last + 1] ?? 0) + weight;
    else known.push(slot, weight);
  }
}
