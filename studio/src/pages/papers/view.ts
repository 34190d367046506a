// What the page shows, read from the address bar: a place the server answers, or one only this browser knows.
import type { Order } from "./order.ts";
import { parseCategories } from "../../../../src/papers/categories.ts";
import {
  type Address,
  formatAddress,
  parseAddress,
  type Place,
  type SearchPlace,
} from "../../../../src/server/address.ts";

/** Papers this browser keeps. */
export type OwnPlace = { readonly kind: "starred" } | { readonly kind: "history" };

/** An address that is none of ours. */
export type NoPlace = { readonly kind: "nowhere" };

/** What the page shows. */
export type View = Place | OwnPlace | NoPlace;

/** The view of an address. */
export function viewOf(path: string, search: string): View {
  if (path === "/starred") return { kind: "starred" };
  if (path === "/history") return { kind: "history" };
  const address = parseAddress(path, new URLSearchParams(search));
  return address?.place ?? { kind: "nowhere" };
}

/** The address of a view. */
export function addressOf(view: View): string {
  if (view.kind === "starred" || view.kind === "history") return `/${view.kind}`;
  if (view.kind === "nowhere") return "/";
  if (view.kind === "list" && view.categories === "" && view.date === "") return "/";
  return formatAddress({ form: "page", place: view });
}

/** Where the JSON of a place is. */
export function jsonOf(place: Place, more: Pick<Address, "sort" | "limit"> = {}): string {
  return formatAddress({ form: "json", place, ...more });
}

/** Hits of a search among which the reader's preference chooses: enough to choose from, few enough to type on. */
const preferred = 200;

/**
 * What to ask for a place in an order. A list of one day comes whole and is ordered in the page; of a longer
 * list or a search, newest first is the server's to make. No order but that one is ever told.
 */
export function questionOf(place: Place, order: Order): string {
  const whole = place.kind === "papers" || (place.kind === "list" && place.date !== "all");
  if (whole || order === "list" || order === "stars") return jsonOf(place);
  return jsonOf(place, order === "newest" ? { sort: "newest" } : { limit: preferred });
}

/** Where the feed of a place is. */
export function feedOf(place: Place): string {
  return formatAddress({ form: "feed", place });
}

/** The category expression and days a view is limited to. */
export function limitsOf(view: View): { categories: string; date: string } {
  return view.kind === "list" || view.kind === "search"
    ? { categories: view.categories, date: view.date }
    : { categories: "", date: "" };
}

/** The same view within other limits; a view that has none becomes a list. */
export function withLimits(view: View, limits: { categories?: string; date?: string }): Place {
  const merged = { ...limitsOf(view), ...limits };
  return view.kind === "search" ? { ...view, ...merged } : { kind: "list", ...merged };
}

/** The view of a search text: within the limits of the search before it; a first search is over everything. */
export function searchFrom(view: View, query: string): SearchPlace {
  return {
    kind: "search",
    query,
    ...(view.kind === "search" ? limitsOf(view) : { categories: "", date: "" }),
  };
}

/** One term of a category expression. */
export interface Term {
  readonly name: string;
  readonly without: boolean;
}

/** The terms of `cs.AI+cs.LG-cs.CY`; none if it cannot be read. */
export function termsOfExpression(expression: string): Term[] {
  const { plus, minus } = parseCategories(expression) ?? { plus: [], minus: [] };
  return [
    ...plus.map((name) => ({ name, without: false })),
    ...minus.map((name) => ({ name, without: true })),
  ];
}

/** Writes terms as an expression: those to include first. */
export function expressionOf(terms: readonly Term[]): string {
  const wanted = terms.filter(({ without }) => !without).map(({ name }) => name);
  const avoided = terms.filter(({ without }) => without).map(({ name }) => `-${name}`);
  return wanted.join("+") + avoided.join("");
}

/** An expression with a term added, turned, or (if it is there already) taken away. */
export function toggleTerm(expression: string, name: string, without: boolean): string {
  const terms = termsOfExpression(expression);
  const rest = terms.filter((term) => term.name !== name);
  const had = terms.some((term) => term.name === name && term.without === without);
  return expressionOf(had ? rest : [...rest, { name, without }]);
}
