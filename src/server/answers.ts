// What the paper server says: an address in, plain data out. JSON answers and feeds are both made of it.
import type { Filter, Hit, Page, Paper, Sort } from "../papers/paper.ts";
import type { PaperStore, Tally } from "../papers/store.ts";
import {
  type Address,
  daysOf,
  formatAddress,
  type ListPlace,
  type Place,
  type SearchPlace,
} from "./address.ts";

/** A paper as the page receives it: with the keywords the page keeps for a reader's cloud. */
export type Listed<P extends Paper = Paper> = P & { readonly keywords: readonly string[] };

/** Papers of a list, a venue, or named one by one. */
export interface ListAnswer {
  readonly kind: "list" | "venue" | "papers" | "related";
  readonly title: string;
  /** First and last day shown; absent where days do not matter. */
  readonly from?: string;
  readonly to?: string;
  readonly total: number;
  readonly papers: readonly Listed[];
  readonly links: Links;
}

/** Papers found. */
export interface SearchAnswer {
  readonly kind: "search";
  readonly title: string;
  readonly query: string;
  /** The query with unknown words replaced by the nearest known ones, if that is another query. */
  readonly suggestion?: string;
  readonly total: number;
  readonly papers: readonly Listed<Hit>[];
  readonly links: Links;
}

/** Where the same papers are in other forms; `next` is the page that follows. */
export interface Links {
  readonly page: string;
  readonly json: string;
  readonly feed: string;
  readonly next?: string;
}

/** What the collection holds. */
export interface Overview {
  readonly papers: number;
  /** Changes when the collection does. */
  readonly version: string;
  readonly days: readonly Tally[];
  readonly categories: readonly Tally[];
  readonly venues: readonly Tally[];
}

export type Answer = ListAnswer | SearchAnswer;

/** What knows about words and nearness: keywords per paper, and papers near a paper. */
export interface Relations {
  /** Keywords of a paper, as far as they are known already; never waits. */
  keywords(paper: Paper): readonly string[];
  related(paper: Paper, limit: number): Promise<readonly Paper[]>;
  /**
   * Is told the store's version with each request, and follows it in its own time. Returns a number that
   * changes when keywords have become known: answers written before then lack them.
   */
  follow(version: string): number;
  /** Resolves when the version last told is followed. */
  ready(): Promise<void>;
}

/** The part of `Relations` that an answer needs. */
export type Known = Pick<Relations, "keywords" | "related">;

/** Papers on one page unless the address says otherwise. */
const defaults: Readonly<Record<Place["kind"], number>> = {
  list: 1000,
  venue: 50,
  papers: 1000,
  related: 20,
  search: 20,
};

/** Papers in a feed: more than a day's list, so that a reader who polls daily misses none. */
const feedLimit = 200;

/** The other forms of an address. */
function links(address: Address, next: string | undefined): Links {
  const { cursor: _, limit: __, ...rest } = address;
  return {
    page: formatAddress({ ...rest, form: "page" }),
    json: formatAddress({ ...rest, form: "json" }),
    feed: formatAddress({ ...rest, form: "feed" }),
    ...(next !== undefined && { next: formatAddress({ ...address, form: "json", cursor: next }) }),
  };
}

/** Title of a place, for feeds and browser windows. */
export function titleOf(place: Place): string {
  switch (place.kind) {
    case "list": {
      const name = place.categories === "" ? "All papers" : place.categories;
      return place.date === "" ? name : `${name}, ${place.date}`;
    }
    case "venue":
      return place.venue === "latest" ? "Latest of all venues" : place.venue;
    case "papers":
      return place.ids.join(", ").slice(0, 200);
    case "related":
      return `Related to ${place.id}`;
    default:
      return `Search: ${place.query.slice(0, 200)}`;
  }
}

/** The days a list covers: those asked for; else the latest, except in a feed, which takes the newest papers. */
async function listDays(
  place: ListPlace,
  address: Address,
  store: PaperStore,
): Promise<{ from?: string; to?: string }> {
  if (place.date === "all") return {};
  const asked = daysOf(place.date);
  if (asked.from !== undefined || address.form === "feed") return asked;
  const [latest] = await store.days(place.categories === "" ? undefined : place.categories);
  return latest === undefined || latest.value === "" ? {} : { from: latest.value, to: latest.value };
}

/** Adds keywords. */
function listed<P extends Paper>(papers: readonly P[], relations: Known): Listed<P>[] {
  return papers.map((paper) => ({ ...paper, keywords: relations.keywords(paper) }));
}

/** The filter of a category expression and days. */
function filterOf(categories: string, days: { from?: string; to?: string }): Filter {
  return { ...(categories !== "" && { categories }), ...days };
}

/** Sort, size and cursor of a page. */
function paging(address: Address, sort: Sort): { sort: Sort; limit: number; cursor?: string } {
  const limit = address.limit ?? (address.form === "feed" ? feedLimit : defaults[address.place.kind]);
  return {
    sort: address.sort ?? sort,
    limit,
    ...(address.cursor !== undefined && { cursor: address.cursor }),
  };
}

async function answerList(
  place: ListPlace,
  address: Address,
  store: PaperStore,
): Promise<Partial<ListAnswer> & Page<Paper>> {
  const days = await listDays(place, address, store);
  return {
    ...days,
    ...(await store.list({ filter: filterOf(place.categories, days), ...paging(address, "announced") })),
  };
}

async function answerSearch(
  place: SearchPlace,
  address: Address,
  store: PaperStore,
  relations: Known,
): Promise<SearchAnswer> {
  const filter = filterOf(place.categories, daysOf(place.date));
  const page = await store.search({ text: place.query, filter, ...paging(address, "relevance") });
  return {
    kind: "search",
    title: titleOf(place),
    query: place.query,
    total: page.total,
    papers: listed(page.hits, relations),
    links: links(address, page.next),
    ...(page.suggestion !== undefined && { suggestion: page.suggestion }),
  };
}

/** The papers of a place that is not a search. */
async function papersOf(
  address: Address,
  store: PaperStore,
  relations: Known,
): Promise<Partial<ListAnswer> & Page<Paper>> {
  const { place } = address;
  if (place.kind === "list") return await answerList(place, address, store);
  if (place.kind === "venue") {
    const filter = place.venue === "latest" ? {} : { venue: place.venue };
    return await store.list({ filter, ...paging(address, "newest") });
  }
  const ids = place.kind === "papers" ? place.ids : place.kind === "related" ? [place.id] : [];
  const found = await store.get(ids);
  if (place.kind === "papers") return { hits: found, total: found.length };
  const near =
    found[0] === undefined ? [] : await relations.related(found[0], paging(address, "relevance").limit);
  return { hits: near, total: near.length };
}

/**
 * Answers an address. A single paper that does not exist, and papers related to one, are an empty list: the
 * caller decides whether that is a 404.
 * @throws UserError for a category expression that cannot be read.
 */
export async function answer(address: Address, store: PaperStore, relations: Known): Promise<Answer> {
  const { place } = address;
  if (place.kind === "search") return await answerSearch(place, address, store, relations);
  const page = await papersOf(address, store, relations);
  return {
    kind: place.kind,
    title: titleOf(place),
    ...(page.from !== undefined && { from: page.from }),
    ...(page.to !== undefined && { to: page.to }),
    total: page.total,
    papers: listed(page.hits, relations),
    links: links(address, page.next),
  };
}

/**
 * What the collection holds; `categories` restricts the days, `day` (or `latest` of these) the categories, or else a
 * search does: within its days, but not within the categories chosen, among which a reader chooses others.
 */
export async function overview(
  store: PaperStore,
  categories: string,
  day: string,
  search?: { readonly query: string; readonly date: string },
): Promise<Overview> {
  const [papers, version, days, venues] = await Promise.all([
    store.count(),
    store.version(),
    store.days(categories === "" ? undefined : categories),
    store.venues(),
  ]);
  const on = day === "latest" ? (days[0]?.value ?? "") : day;
  const within = search ? { text: search.query, filter: daysOf(search.date) } : on === "" ? undefined : on;
  return { papers, version, days, categories: await store.categories(within), venues };
}
