// The addresses of the paper page, its JSON answers and its feeds: one grammar for the server and the browser.
// Safe in a browser. Forms: `/arxiv/<categories>`, `/arxiv/<id>,<id>`, `/arxiv/search?query=`, `/venue/<name>`,
// `/papers/<any id>`; each with `/json` or `/feed` appended.
import { looksLikeArxivId } from "../papers/identifier.ts";
import type { Sort } from "../papers/paper.ts";

/** What kind of answer an address asks for. */
export type Form = "page" | "json" | "feed";

/** A list of one or more days in a category expression; both empty: the latest day of everything. */
export interface ListPlace {
  readonly kind: "list";
  /** `cs.AI+cs.LG-cs.CY`; empty for all. */
  readonly categories: string;
  /** Empty (latest day), `all`, `YYYY-MM-DD`, or `YYYY-MM-DD..YYYY-MM-DD`. */
  readonly date: string;
}

/** Everything of a venue; `latest` for all venues together. */
export interface VenuePlace {
  readonly kind: "venue";
  readonly venue: string;
}

/** Papers named one by one. */
export interface PapersPlace {
  readonly kind: "papers";
  readonly ids: readonly string[];
}

/** Papers near one paper. */
export interface RelatedPlace {
  readonly kind: "related";
  readonly id: string;
}

/** A search, within a category expression and between days if given. */
export interface SearchPlace {
  readonly kind: "search";
  readonly query: string;
  readonly categories: string;
  readonly date: string;
}

/** What an address shows. */
export type Place = ListPlace | VenuePlace | PapersPlace | RelatedPlace | SearchPlace;

/** An address taken apart. */
export interface Address {
  readonly form: Form;
  readonly place: Place;
  readonly sort?: Sort;
  readonly limit?: number;
  readonly cursor?: string;
}

/** How many papers one address may name, and one page may hold. */
export const mostPapers = 1000;

/** Percent-decodes; a broken escape stays as it is, for an address is whatever a person typed. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** `1` is how older addresses ask for the order by stars. */
function parseSort(text: string | null): Sort | undefined {
  if (text === "1" || text === "stars") return "stars";
  if (text === "announced" || text === "newest" || text === "relevance") return text;
  return undefined;
}

/** A whole number from 1 to `mostPapers`, or nothing. */
function parseLimit(text: string | null): number | undefined {
  if (text === null || !/^\d{1,6}$/.test(text)) return undefined;
  return Math.min(mostPapers, Math.max(1, Number(text)));
}

/** The parts of a comma list that are not empty. */
function commaList(text: string): string[] {
  return text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

/** Splits `/a/b/json` into its decoded parts and the form. */
function splitPath(path: string): { parts: string[]; form: Form } {
  const parts = path.split("/").filter((part) => part !== "");
  const last = parts.at(-1);
  if (parts.length > 1 && (last === "json" || last === "feed"))
    return { parts: parts.slice(0, -1), form: last };
  return { parts, form: "page" };
}

/** What the part behind `/arxiv/` names. A `+` in a path is a plus, never a space. */
function parseArxiv(rest: readonly string[], params: URLSearchParams): Place | undefined {
  const date = params.get("date") ?? "";
  if (rest.length === 0) return { kind: "list", categories: "", date };
  if (rest.length === 1 && rest[0] === "search") {
    const query = params.get("query") ?? params.get("q") ?? "";
    return { kind: "search", query, categories: params.get("categories") ?? "", date };
  }
  const name = decode(rest.join("/"));
  const ids = commaList(name);
  if (ids.length > 0 && ids.every(looksLikeArxivId)) return { kind: "papers", ids: ids.slice(0, mostPapers) };
  return rest.length === 1 ? { kind: "list", categories: name, date } : undefined;
}

/** What a path and its parameters show, or nothing if no such place exists. */
function parsePlace(parts: readonly string[], params: URLSearchParams): Place | undefined {
  const [branch, ...rest] = parts;
  if (branch === undefined) return { kind: "list", categories: "", date: params.get("date") ?? "" };
  if (rest.length > 1 && rest.at(-1) === "related") {
    const id = decode(rest.slice(0, -1).join("/"));
    return branch === "arxiv" || branch === "papers" ? { kind: "related", id } : undefined;
  }
  if (branch === "arxiv") return parseArxiv(rest, params);
  if (branch === "venue" && rest.length === 1) return { kind: "venue", venue: decode(rest[0] ?? "") };
  if (branch === "papers" && rest.length === 1) {
    const ids = (rest[0] ?? "")
      .split(",")
      .map(decode)
      .filter((id) => id !== "");
    return { kind: "papers", ids: ids.slice(0, mostPapers) };
  }
  return undefined;
}

/** Takes an address apart; `undefined` if it is none of ours. Never throws. */
export function parseAddress(path: string, params: URLSearchParams): Address | undefined {
  const { parts, form } = splitPath(path);
  const place = parsePlace(parts, params);
  if (place === undefined) return undefined;
  const sort = parseSort(params.get("sort"));
  const limit = parseLimit(params.get("limit"));
  const cursor = params.get("cursor");
  return {
    form,
    place,
    ...(sort !== undefined && { sort }),
    ...(limit !== undefined && { limit }),
    ...(cursor !== null && cursor !== "" && { cursor }),
  };
}

/** The path of a place, without form and parameters. */
function pathOf(place: Place): string {
  switch (place.kind) {
    case "list":
      return place.categories === ""
        ? "/arxiv"
        : `/arxiv/${encodeURIComponent(place.categories).replaceAll("%2B", "+")}`;
    case "search":
      return "/arxiv/search";
    case "venue":
      return `/venue/${encodeURIComponent(place.venue)}`;
    case "papers":
      return place.ids.length > 0 && place.ids.every(looksLikeArxivId)
        ? `/arxiv/${place.ids.join(",")}`
        : `/papers/${place.ids.map(encodeURIComponent).join(",")}`;
    default:
      return looksLikeArxivId(place.id)
        ? `/arxiv/${place.id}/related`
        : `/papers/${encodeURIComponent(place.id)}/related`;
  }
}

/** Writes an address; the inverse of `parseAddress`. */
export function formatAddress(address: Address): string {
  const { place, form, sort, limit, cursor } = address;
  const params = new URLSearchParams();
  if (place.kind === "search") {
    params.set("query", place.query);
    if (place.categories !== "") params.set("categories", place.categories);
  }
  if ((place.kind === "search" || place.kind === "list") && place.date !== "") params.set("date", place.date);
  if (sort !== undefined) params.set("sort", sort);
  if (limit !== undefined) params.set("limit", String(limit));
  if (cursor !== undefined) params.set("cursor", cursor);
  const query = params.size > 0 ? `?${params}` : "";
  return `${pathOf(place)}${form === "page" ? "" : `/${form}`}${query}`;
}

/** First and last day of a `date` parameter: a day, or `first..last`; anything else limits nothing. */
export function daysOf(date: string): { from?: string; to?: string } {
  const match = /^(\d{4}-\d{2}-\d{2})(?:\.\.(\d{4}-\d{2}-\d{2}))?$/.exec(date);
  if (match?.[1] === undefined) return {};
  return { from: match[1], to: match[2] ?? match[1] };
}
