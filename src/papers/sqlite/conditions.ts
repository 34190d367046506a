// The conditions of a query against the two indexes: FTS5 for what must stand as written, postings for stems.
import { checkFilter } from "../ask.ts";
import { queryStems } from "../bm25.ts";
import { parseCategories } from "../categories.ts";
import type { Condition, ParsedQuery } from "../query.ts";
import { isPrefix, stem } from "../tokens.ts";
import type { Database } from "./database.ts";
import { type Where, whereCategories, whereFilter } from "./filter.ts";
import type { Lookup } from "./lookup.ts";
import { eachPosting } from "./postings.ts";

/** The conditions of a query's text on facts: categories, days, venue, identifiers. */
export function whereQuery({ categories, filter }: ParsedQuery): Where[] {
  const all: Where[] = [whereFilter(checkFilter("search", filter))];
  for (const { expression, exclude } of categories) {
    const parsed = parseCategories(expression);
    if (!parsed) continue;
    const where = whereCategories(parsed);
    all.push(exclude ? { sql: `NOT (${where.sql})`, values: where.values } : where);
  }
  return all;
}

/** Slots of the papers that have some form of a condition's one word, as `3,1,4`. */
export function matchStem(_: Database, lookup: Lookup, { terms }: Condition): string {
  const slots: number[] = [];
  for (const term of queryStems(terms.slice(0, 1)))
    for (const { data } of lookup(term)) eachPosting(data, (slot) => slots.push(slot));
  return slots.join(",");
}

/** Slots of the papers that satisfy a condition as FTS5 reads it, as `3,1,4`. */
export function matchExact(db: Database, lookup: Lookup, condition: Condition): string {
  const row = db.one(
    "SELECT group_concat(rowid) AS slots FROM exact WHERE exact MATCH ?",
    matchText(condition, (term) => formsOf(lookup, term)),
  );
  return String(row?.["slots"] ?? "");
}

function formsOf(lookup: Lookup, term: string): string[] {
  return [...new Set([term, ...lookup({ stem: stem(term), prefix: false }).map(({ form }) => form)])];
}

/** An FTS5 expression that says a condition. Only quoted strings and our own operators, so it always parses. */
function matchText({ field, terms, exact }: Condition, forms: (term: string) => string[]): string {
  const single = terms.length === 1 && !exact && !isPrefix(terms[0] ?? "");
  const phrase = single
    ? forms(terms[0] ?? "")
        .map((form) => quote([form]))
        .join(" OR ")
    : quote(terms);
  return field === "any" ? phrase : `{${field}} : (${phrase})`;
}

function quote(words: readonly string[]): string {
  return `"${words.join(" ").replaceAll('"', "")}"${isPrefix(words.at(-1) ?? "") ? " *" : ""}`;
}
