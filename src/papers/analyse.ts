// A paper as terms, field by field, for engines that take texts.
import type { Paper } from "./paper.ts";
import { compounds, terms } from "./tokens.ts";

/** A paper as terms. */
export interface Analysis {
  readonly title: readonly string[];
  readonly abstract: readonly string[];
  /** Hyphenated words written as one: they score, but stand nowhere and make no text longer. */
  readonly titleCompounds: readonly string[];
  readonly abstractCompounds: readonly string[];
  /** Terms of all authors, with `authorGap` between two of them. */
  readonly authors: readonly string[];
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
  return {
    title,
    abstract,
    authors,
    titleCompounds: compounds(paper.title),
    abstractCompounds: compounds(paper.abstract),
  };
}
