// The public entry of the room. Browser-safe; stores, files and imports need Node and are in `athanor/papers/node`.
export { type Attempt, attempts, retry, type RetryOptions } from "../net/retry.ts";
export {
  type CategoryExpression,
  formatCategories,
  inCategories,
  normaliseCategory,
  parseCategories,
} from "./categories.ts";
export { findIds, identifierIn, isArxivId, normaliseId, yearOfId } from "./identifier.ts";
export { type FetchOptions, queryArxiv } from "./collect/arxiv.ts";
export { readBibtex } from "./collect/bibtex.ts";
export { type BibtexOptions, toBibtex } from "./collect/bibtex-write.ts";
export type { Batch, Item, Problem } from "./collect/item.ts";
export { type Harvest, harvestOai } from "./collect/oai.ts";
export { cloud, type CloudWord, type Corpus, keywordCount, keywords, related } from "./keywords.ts";
export { marksOf, snippetOf, type Wanted, wantedBy, wantedIn } from "./marks.ts";
export { normalisePaper, RecordError } from "./normalise.ts";
export { storeKeywords, storeRelated } from "./of-store.ts";
export type { Filter, Hit, Mark, Marked, Page, Paper, Query, Sort } from "./paper.ts";
export { type Condition, type ParsedQuery, parseQuery } from "./query.ts";
export { cloudWords, preference, rank } from "./rank.ts";
export { createScorer, type Ranked, type ScoredText, type Scorer } from "./scorer.ts";
export type { Added, Listing, PaperStore, Tally } from "./store.ts";
