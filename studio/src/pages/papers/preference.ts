// What a reader likes, from the papers they keep; and a list in that order. Nothing here leaves the page.
import type { Listed } from "../../../../src/server/answers.ts";
import { type CloudWord, cloud, keywords } from "../../../../src/papers/keywords.ts";
import { preference, rank } from "../../../../src/papers/rank.ts";
import { createScorer } from "../../../../src/papers/scorer.ts";
import { termsOf } from "./filter.ts";

/** Keywords of the papers a reader keeps, most frequent first. */
export function cloudOf(papers: readonly Listed[]): CloudWord[] {
  // A paper kept before the server knew its keywords: the kept papers themselves say which words are rare.
  const corpus = papers.some((paper) => paper.keywords.length === 0) ? createScorer(papers) : undefined;
  return cloud(
    papers.map((paper) =>
      paper.keywords.length > 0 || corpus === undefined ? paper.keywords : keywords(paper, corpus),
    ),
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
