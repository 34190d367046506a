// What a reader likes, from the papers they keep; and a list in that order. Nothing here leaves the page.
import type { Listed } from "../../../../src/server/answers.ts";
import { type CloudWord, cloud, keywords } from "../../../../src/papers/keywords.ts";
import { preference, rank } from "../../../../src/papers/rank.ts";
import { createScorer } from "../../../../src/papers/scorer.ts";
import { termsOf } from "./filter.ts";

/** Keyword lists of papers; a paper kept before the server knew its keywords is judged beside the others kept. */
function listsOf(papers: readonly Listed[]): (readonly string[])[] {
  const corpus = papers.some((paper) => paper.keywords.length === 0) ? createScorer(papers) : undefined;
  return papers.map((paper) =>
    paper.keywords.length > 0 || corpus === undefined ? paper.keywords : keywords(paper, corpus),
  );
}

/**
 * Keywords of the papers a reader keeps, most frequent first. Of words equally frequent those that lead a
 * paper's own list come first: after three papers nearly all are equal, and the alphabet says nothing.
 */
export function cloudOf(papers: readonly Listed[]): CloudWord[] {
  const lists = listsOf(papers);
  const place = new Map<string, number>();
  for (const list of lists) {
    for (const [i, word] of list.entries()) place.set(word, Math.min(i, place.get(word) ?? i));
  }
  return cloud(lists).sort(
    (a, b) => b.count - a.count || (place.get(a.word) ?? 0) - (place.get(b.word) ?? 0),
  );
}

/** The keywords to order by: those written; else the leading ones of the cloud. */
export function keywordsOf(written: string, words: readonly CloudWord[]): string[] {
  return preference(termsOf(written), words);
}

/** The papers by how well they fit some keywords; those without any match follow in list order. */
export function byPreference<P extends Listed>(
  papers: readonly P[],
  preferred: readonly string[],
): readonly P[] {
  return preferred.length === 0 ? papers : rank(papers, preferred);
}
