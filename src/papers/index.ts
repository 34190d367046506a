// The public entry of the room.
export {
  type CategoryExpression,
  formatCategories,
  inCategories,
  normaliseCategory,
  parseCategories,
} from "./categories.ts";
export { findIds, isArxivId, normaliseId, yearOfId } from "./identifier.ts";
export { cloud, type CloudWord, type Corpus, keywordCount, keywords, related } from "./keywords.ts";
export { marksOf, snippetOf, type Wanted, wantedBy, wantedIn } from "./marks.ts";
export type { Filter, Hit, Mark, Marked, Page, Paper, Query, Sort } from "./paper.ts";
export { type Condition, type ParsedQuery, parseQuery } from "./query.ts";
export { cloudWords, preference, rank } from "./rank.ts";
export { createScorer, type Ranked, type ScoredText, type Scorer } from "./scorer.ts";
export { openStore } from "./sqlite/store.ts";
export type { Added, Listing, PaperStore, Tally } from "./store.ts";
