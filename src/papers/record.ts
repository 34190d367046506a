// How two records of one paper become one.
import type { Paper } from "./paper.ts";

/**
 * `newer` over `older`: what `newer` leaves empty is kept, and so is the first day of announcement, because a
 * revision that is listed again is no new paper.
 */
export function mergePapers(older: Paper, newer: Paper): Paper {
  const announced = [older.announced, newer.announced].filter((day) => day !== "").sort()[0] ?? "";
  return {
    id: newer.id,
    title: newer.title || older.title,
    authors: newer.authors.length > 0 ? newer.authors : older.authors,
    abstract: newer.abstract || older.abstract,
    categories: newer.categories.length > 0 ? newer.categories : older.categories,
    venue: newer.venue || older.venue,
    year: newer.year || older.year,
    announced,
    url: newer.url || older.url,
    stars: newer.stars || older.stars,
    ...((older.reference || newer.reference) && { reference: { ...older.reference, ...newer.reference } }),
  };
}

/** One record a paper, in order of first appearance; repetitions are merged, later over earlier. */
export function mergeAll(papers: readonly Paper[]): Paper[] {
  const byId = new Map<string, Paper>();
  for (const paper of papers) {
    const known = byId.get(paper.id);
    byId.set(paper.id, known ? mergePapers(known, paper) : paper);
  }
  return [...byId.values()];
}

/** Whether two records say the same. */
export function samePaper(a: Paper, b: Paper): boolean {
  return sameText(a, b) && JSON.stringify(facts(a)) === JSON.stringify(facts(b));
}

/** Whether two records have the same indexed text. */
export function sameText(a: Paper, b: Paper): boolean {
  return a.title === b.title && a.abstract === b.abstract && a.authors.join("\n") === b.authors.join("\n");
}

function facts({ categories, venue, year, announced, url, stars, reference = {} }: Paper): unknown[] {
  const named = Object.entries(reference).sort(([a], [b]) => (a < b ? -1 : 1));
  return [categories, venue, year, announced, url, stars, named];
}
