// What the index needs to know of one paper.
import { lengthOf, titleWeight } from "./bm25.ts";
import type { Paper } from "./paper.ts";
import { eachTerm } from "./tokens.ts";

/** A paper as terms. */
export interface Analysis {
  /** Weighted frequency of every term: `titleWeight` for one in the title, 1 in abstract and authors. */
  readonly frequencies: ReadonlyMap<string, number>;
  /** For the length normalisation; see `lengthOf`. */
  readonly length: number;
  readonly title: readonly string[];
  readonly abstract: readonly string[];
  /** Terms of all authors, with `authorGap` between two of them. */
  readonly authors: readonly string[];
}

/** A term that no analysis of a text produces; it keeps a phrase from crossing from one author to the next. */
export const authorGap = "\ue000";

/** Analyses a paper. */
export function analyse(paper: Pick<Paper, "title" | "abstract" | "authors">): Analysis {
  const frequencies = new Map<string, number>();
  const read = (text: string, weight: number, list: string[]) =>
    eachTerm(text, (term) => {
      list.push(term);
      frequencies.set(term, (frequencies.get(term) ?? 0) + weight);
    });
  const title: string[] = [];
  const abstract: string[] = [];
  const authors: string[] = [];
  read(paper.title, titleWeight, title);
  read(paper.abstract, 1, abstract);
  for (const author of paper.authors) {
    if (authors.length > 0) authors.push(authorGap);
    read(author, 1, authors);
  }
  return { frequencies, length: lengthOf(title.length, abstract.length), title, abstract, authors };
}
