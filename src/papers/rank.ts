// The order of a list by one reader's preference (kexue.fm 10311). Nothing here asks a server: a preference
// never leaves the page.
import type { CloudWord } from "./keywords.ts";
import { createScorer, type ScoredText } from "./scorer.ts";
import { queryTerms } from "./tokens.ts";

/** How many leading words of the cloud stand in for a preference that was left empty. */
export const cloudWords = 20;

/** What a reader prefers: the keywords stated, or else the 20 leading words of the cloud. */
export function preference(stated: readonly string[], cloud: readonly CloudWord[]): string[] {
  const own = stated.map((word) => word.trim()).filter((word) => word !== "");
  return own.length > 0 ? own : cloud.slice(0, cloudWords).map(({ word }) => word);
}

/**
 * A list in order of preference: papers with any of the keywords by BM25 within the list, then the others,
 * each group in its former order where scores are equal. A permutation of `papers`.
 */
export function rank<T extends ScoredText>(papers: readonly T[], keywords: readonly string[]): T[] {
  const terms = keywords.flatMap((keyword) => queryTerms(keyword));
  // Positions as identifiers: a list may hold a paper twice.
  const scorer = createScorer(papers.map((paper, i) => ({ ...paper, id: String(i) })));
  const first = scorer.score(terms, Math.max(1, papers.length)).map(({ id }) => Number(id));
  const matched = new Set(first);
  const rest = papers.map((_, i) => i).filter((i) => !matched.has(i));
  return [...first, ...rest].flatMap((i) => papers[i] ?? []);
}
