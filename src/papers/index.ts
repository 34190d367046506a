// The public entry of the room.
export { type Attempt, attempts, retry, type RetryOptions } from "../net/retry.ts";
export {
  type CategoryExpression,
  formatCategories,
  inCategories,
  normaliseCategory,
  parseCategories,
} from "./categories.ts";
export { findIds, isArxivId, normaliseId, yearOfId } from "./identifier.ts";
export { type FetchOptions, queryArxiv } from "./collect/arxiv.ts";
export { readBibtex, toBibtex } from "./collect/bibtex.ts";
export {
  fileSource,
  type Imported,
  type ImportOptions,
  importPapers,
  type Source,
} from "./collect/import.ts";
export type { Batch, Item, Problem } from "./collect/item.ts";
export { readJsonl } from "./collect/jsonl.ts";
export { type Harvest, harvestOai } from "./collect/oai.ts";
export { cloud, type CloudWord, type Corpus, keywordCount, keywords, related } from "./keywords.ts";
export { marksOf, snippetOf, type Wanted, wantedBy, wantedIn } from "./marks.ts";
export { normalisePaper, RecordError } from "./normalise.ts";
export { storeKeywords, storeRelated } from "./of-store.ts";
export type { Filter, Hit, Mark, Marked, Page, Paper, Query, Sort } from "./paper.ts";
export { openSearchStore, type SearchStoreOptions } from "./opensearch/store.ts";
export { type Condition, type ParsedQuery, parseQuery } from "./query.ts";
export { cloudWords, preference, rank } from "./rank.ts";
export { createScorer, type Ranked, type ScoredText, type Scorer } from "./scorer.ts";
export { openStore } from "./sqlite/store.ts";
export type { Added, Listing, PaperStore, Tally } from "./store.ts";
