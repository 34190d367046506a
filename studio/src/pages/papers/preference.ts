// What a reader likes, from the papers they keep; and a list in that order. Nothing here leaves the page.
import type { Listed } from "../../../../src/server/answers.ts";
import { termsOf } from "./filter.ts";

/** A word of the cloud and how many kept papers have it among their keywords. */
export interface CloudWord {
  readonly word: string;
  readonly count: number;
}

/** Keywords used when a reader has written none. */
const leading = 20;

/** Keywords of the papers a reader keeps, most frequent first. */
export function cloudOf(papers: readonly Listed[]): CloudWord[] {
  return cloud(papers.map(({ keywords }) => keywords));
}

/** The keywords to order by: those written; else the leading ones of the cloud. */
export function keywordsOf(written: string, words: readonly CloudWord[]): string[] {
  const own = termsOf(written);
  return own.length > 0 ? own : words.slice(0, leading).map(({ word }) => word);
}

/** The papers by how well they fit some keywords; those without any match follow in list order. */
export function byPreference<P extends Listed>(papers: readonly P[], keywords: readonly string[]): readonly P[] {
  return keywords.length === 0 ? papers : rank(papers, keywords);
}

function cloud(lists: readonly (readonly string[])[]): CloudWord[] {
  const counts = new Map<string, number>();
  for (const words of lists) for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].map(([word, count]) => ({ word, count })).sort((a, b) => b.count - a.count || (a.word < b.word ? -1 : 1));
}
function rank<P extends Listed>(papers: readonly P[], keywords: readonly string[]): readonly P[] {
  const hits = (p: P): number => keywords.filter((k) => `${p.title} ${p.abstract}`.toLowerCase().includes(k.toLowerCase())).length;
  return [...papers].sort((a, b) => hits(b) - hits(a));
}
