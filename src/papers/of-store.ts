// Keywords and related papers straight from a store, for collections that no memory holds.
import { keywordCount, keywords, relatedCount } from "./keywords.ts";
import type { Hit, Paper } from "./paper.ts";
import type { PaperStore } from "./store.ts";
import { queryTerms } from "./tokens.ts";

/** As `keywords`, with the document frequencies of a store. */
export async function storeKeywords(
  store: PaperStore,
  paper: Pick<Paper, "title" | "abstract">,
  most: number = keywordCount,
): Promise<string[]> {
  const terms = [...new Set(queryTerms(`${paper.title}\n${paper.abstract}`))];
  const [count, found] = await Promise.all([store.count(), store.documents(terms)]);
  const frequencies = new Map(terms.map((term, i) => [term, found[i] ?? 0]));
  return keywords(paper, { count, documents: (term) => frequencies.get(term) ?? 0 }, most);
}

/** As `related`: a paper's keywords as a query, itself left out. */
export async function storeRelated(
  store: PaperStore,
  paper: Paper,
  limit = 10,
  most: number = relatedCount,
): Promise<Hit[]> {
  const text = (await storeKeywords(store, paper, most)).join(" ");
  const { hits } = await store.search({ text, limit: Math.min(1000, limit + 1) });
  return hits.filter(({ id }) => id !== paper.id).slice(0, limit);
}
