// The data of the room: papers, questions about them, and answers. Plain objects, safe in a browser.

/** One paper, normalised: see `normalisePaper`. */
export interface Paper {
  /** `2401.06769`, `hep-th/9901001`, or a venue's own identifier; never with a version. */
  readonly id: string;
  readonly title: string;
  readonly authors: readonly string[];
  /** May be empty. */
  readonly abstract: string;
  /** Primary first, aliases resolved (`cs.NA` is `math.NA`). */
  readonly categories: readonly string[];
  /** `arXiv`, or the name of a conference or journal; may be empty. */
  readonly venue: string;
  /** Year of publication; 0 if unknown. */
  readonly year: number;
  /** Day of the list in which the paper appeared, `YYYY-MM-DD`; empty if unknown. */
  readonly announced: string;
  /** `http:` or `https:` address of the paper's page; may be empty. */
  readonly url: string;
  /** How often it was starred where the record comes from; 0 if unknown. */
  readonly stars: number;
  /** What a bibliography says besides: `type` of the entry, `doi`, `pages` …; see `reference.ts`. Absent if nothing. */
  readonly reference?: Readonly<Record<string, string>>;
}

/** Half-open range of UTF-16 offsets `[start, end)` into a text. */
export type Mark = readonly [start: number, end: number];

/** A text and what to highlight in it: ascending, disjoint ranges. Never HTML. */
export interface Marked {
  readonly text: string;
  readonly marks: readonly Mark[];
}

/** A paper found by a search. */
export interface Hit extends Paper {
  /** Larger is better; comparable within one search only. */
  readonly score: number;
  /** The whole title with the words of the query marked. */
  readonly markedTitle: Marked;
  /** The part of the abstract that shows most of the query, about 240 characters. */
  readonly snippet: Marked;
}

/** Which papers to consider; every given field must hold. */
export interface Filter {
  /** Category expression such as `cs.AI+cs.LG-cs.CY`; a parent (`cs`) covers its children. See `parseCategories`. */
  readonly categories?: string;
  /** First day of announcement, `YYYY-MM-DD`, inclusive. */
  readonly from?: string;
  /** Last day of announcement, `YYYY-MM-DD`, inclusive. */
  readonly to?: string;
  /** Exact name of the venue, without regard to case. */
  readonly venue?: string;
  /** Only these papers, in any identifier form. */
  readonly ids?: readonly string[];
}

/**
 * `relevance`: exact titles, then titles that contain the query, then BM25; in a plain list the same as
 * `announced`. `announced`: latest day first, in announcement order (by identifier) within a day.
 * `newest`: latest day first, latest identifier first. `stars`: most stars first, then newest.
 */
export type Sort = "relevance" | "announced" | "newest" | "stars";

/** Every name of a `Sort`. */
export const sorts: readonly Sort[] = ["relevance", "announced", "newest", "stars"];

/** A question: the text a person typed, and how to answer it. */
export interface Query {
  /** Words, `"phrases"`, `title:word`, `author:name`, `cat:cs.AI`, `-word`, `from:2026-01-01`; see `parseQuery`. */
  readonly text: string;
  readonly filter?: Filter;
  /** Default `relevance`. */
  readonly sort?: Sort;
  /** Hits on one page, 1 to 1000; default 20. */
  readonly limit?: number;
  /** `next` of the page before; absent for the first page. */
  readonly cursor?: string;
}

/** One page of an answer. */
export interface Page<T> {
  readonly hits: readonly T[];
  /** How many there are on all pages together. */
  readonly total: number;
  /** Cursor of the page that follows; absent on the last. */
  readonly next?: string;
  /** The question with words that no paper has replaced by the nearest that some have; absent if there is nothing to say. */
  readonly suggestion?: string;
}
