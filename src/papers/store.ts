// What a paper collection can do, wherever it lives. `openStore` (one SQLite file) and `openSearchStore`
// (an OpenSearch server) implement it; `test/papers/contract.ts` states it as tests.
import type { Filter, Hit, Page, Paper, Query, Sort } from "./paper.ts";

/** What became of the papers handed to `add`. */
export interface Added {
  readonly added: number;
  readonly updated: number;
  readonly unchanged: number;
}

/** What `list` is asked: a `Query` without a text. */
export interface Listing {
  readonly filter?: Filter;
  /** Default `announced`. */
  readonly sort?: Sort;
  /** 1 to 1000; default 20. */
  readonly limit?: number;
  readonly cursor?: string;
}

/** A value and how many papers have it. */
export interface Tally {
  readonly value: string;
  readonly count: number;
}

/** A searchable collection of papers. */
export interface PaperStore {
  /**
   * Adds papers or replaces those with the same identifier, all or none of one call. A record that brings no
   * abstract, day, or stars keeps those stored before. Papers must be normalised (`normalisePaper`).
   */
  add(papers: readonly Paper[]): Promise<Added>;
  /** Removes papers by identifier (any form); returns how many there were. */
  remove(ids: readonly string[]): Promise<number>;
  /** Papers by identifier (any form), in the order asked for; unknown ones are left out. */
  get(ids: readonly string[]): Promise<Paper[]>;
  /** Papers with a title, up to case, accents and punctuation; at most a hundred. */
  titled(title: string): Promise<Paper[]>;
  /** Answers a query. Any text is a query: none throws. A text without a word or a condition finds nothing. */
  search(query: Query): Promise<Page<Hit>>;
  /** Papers that pass a filter. */
  list(listing?: Listing): Promise<Page<Paper>>;
  /** Days with papers, latest first; only those in a category expression, if given. */
  days(categories?: string): Promise<Tally[]>;
  /** Categories, most papers first; only of the papers of one day, or of those that a query finds, if given. */
  categories(within?: string | Pick<Query, "text" | "filter">): Promise<Tally[]>;
  /** Venues, most papers first. */
  venues(): Promise<Tally[]>;
  count(): Promise<number>;
  /** In how many papers each term stands exactly so; for `keywords`. Terms as `queryTerms` gives them. */
  documents(terms: readonly string[]): Promise<number[]>;
  /** Every paper, by identifier; for exports and for building a `Scorer`. */
  all(): AsyncIterable<Paper>;
  /** Changes with every write by this process or another; for caches. */
  version(): Promise<string>;
  close(): Promise<void>;
}
