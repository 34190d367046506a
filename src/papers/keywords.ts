// Su Jianlin 2024, "Cool Papers: some new attempts" (kexue.fm 10311): ten keywords a paper by TF-IDF, related
// papers by searching with them, a cloud of the keywords of what was read. https://kexue.fm/archives/10311
// The article gives no formula; ours: count in title and abstract · ln(papers / papers with the word).
import type { Paper } from "./paper.ts";
import type { Ranked, ScoredText, Scorer } from "./scorer.ts";
import { isStopWord } from "./stopwords.ts";
import { queryTerms, stem } from "./tokens.ts";

/** How many keywords the article takes. */
export const keywordCount = 10;

/**
 * How many of them look for related papers. Of 10, 15, 20 and 30 these find most, by Cranfield (papers relevant to one
 * query, nDCG@10 0.249, 0.261, 0.259, 0.277) and by the 25,000 (papers of the same authors, 0.088, 0.099, 0.096, 0.100).
 */
export const relatedCount = 30;

/** What keywords need to know of a collection. A `Scorer` is one. */
export type Corpus = Pick<Scorer, "count" | "documents">;

/**
 * The `most` words of title and abstract with the largest count · ln(papers / papers with the word), largest
 * first; of equal ones those with the larger count, then in order of code points. Function words and numbers are none; neither are words in fewer
 * than 3 papers (misspellings, names), once there are 1,000 papers to judge by.
 */
export function keywords(
  paper: Pick<Paper, "title" | "abstract">,
  corpus: Corpus,
  most: number = keywordCount,
): string[] {
  const counts = new Map<string, number>();
  for (const term of queryTerms(`${paper.title}\n${paper.abstract}`))
    counts.set(term, (counts.get(term) ?? 0) + 1);
  const least = corpus.count >= 1000 ? 3 : 1;
  const weighted: [term: string, weight: number, count: number][] = [];
  for (const [term, count] of counts) {
    if (term.length < 2 || isStopWord(term) || /^\p{N}+$/u.test(term)) continue;
    const df = corpus.documents(term);
    if (df >= least) weighted.push([term, count * Math.log(corpus.count / df), count]);
  }
  // Among very few papers most words are in all of them, and only counts tell.
  weighted.sort(([s, x, m], [t, y, n]) => y - x || n - m || (s < t ? -1 : 1));
  // `teacher` and `teachers` are one keyword: of the forms of a stem the first stands for all.
  const stems = new Set<string>();
  const words: string[] = [];
  for (const [term] of weighted) {
    if (words.length === most) break;
    if (!stems.has(stem(term))) words.push(term);
    stems.add(stem(term));
  }
  return words;
}

/** The papers most like one: its keywords as a query, itself left out. */
export function related(
  paper: ScoredText,
  scorer: Scorer,
  limit = 10,
  most: number = relatedCount,
): Ranked[] {
  return scorer
    .score(keywords(paper, scorer, most), limit + 1)
    .filter(({ id }) => id !== paper.id)
    .slice(0, limit);
}

/** A word and how many of the papers have it among their keywords. */
export interface CloudWord {
  readonly word: string;
  readonly count: number;
}

/** The keywords of several papers pooled: most frequent first, equal ones in order of code points. */
export function cloud(lists: Iterable<readonly string[]>): CloudWord[] {
  const counts = new Map<string, number>();
  for (const list of lists) for (const word of new Set(list)) counts.set(word, (counts.get(word) ?? 0) + 1);
  const words = [...counts].map(([word, count]) => ({ word, count }));
  return words.sort((x, y) => y.count - x.count || (x.word < y.word ? -1 : 1));
}
