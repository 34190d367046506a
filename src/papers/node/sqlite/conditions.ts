// The conditions of a query: facts as SQL over the table `papers`, texts by postings and places.
import { checkFilter } from "../../ask.ts";
import { queryStems } from "../../bm25.ts";
import { parseCategories } from "../../categories.ts";
import { isNamed } from "../../names.ts";
import { fieldNames } from "../../occurrences.ts";
import type { Condition, ParsedQuery } from "../../query.ts";
import { isPair, isPrefix, stem } from "../../tokens.ts";
import type { Database, Row } from "./connection.ts";
import { type Where, whereCategories, whereFilter } from "./filter.ts";
import type { Lookup } from "./lookup.ts";
import { eachMatch } from "./phrases.ts";
import { eachPosting, type Postings } from "./postings.ts";
import { blob } from "./rows.ts";

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

/** Calls `visit` with the slots of the papers that have some form of a condition's one word. */
export function eachWithStem(lookup: Lookup, { terms }: Condition, visit: (slot: number) => void): void {
  for (const term of queryStems(terms.slice(0, 1)))
    for (const { data } of lookup(term).forms) eachPosting(data, visit);
}

/** Calls `visit` with the slots of the papers in which a condition's words stand where it says. */
export function eachAsWritten(
  db: Database,
  segments: readonly number[],
  { field, terms, exact }: Condition,
  visit: (slot: number) => void,
): void {
  const where = field === "any" ? undefined : fieldNames.indexOf(field);
  for (const segment of segments) {
    // A phrase may repeat a word; its postings are read once.
    const read = new Map<string, Postings[]>();
    const words: Postings[][] = [];
    for (const [i, term] of terms.entries()) {
      // A single Chinese, Japanese or Korean character begins other terms; at the end of a phrase it may.
      const prefix = i === terms.length - 1 && isPrefix(term);
      const key = prefix ? `${term}*` : term;
      // Chinese stands as written in either kind of character.
      const rowsOf = prefix ? beginningWith : exact && !isPair(term) ? only : forms;
      const found =
        read.get(key) ??
        rowsOf(db, segment, term).map((row) => ({ data: blob(row, "data"), places: blob(row, "places") }));
      read.set(key, found);
      words.push(found);
      if (found.length === 0) break; // nothing in this segment can match
    }
    if (words.at(-1)?.length) eachMatch(words, where, visit);
  }
}

/** Calls `visit` with the slots of the papers with an author whom names and initials name. */
export function eachNamed(
  db: Database,
  segments: readonly number[],
  condition: Condition,
  visit: (slot: number) => void,
): void {
  const [name = ""] = condition.terms.filter((term) => term.length > 1).sort((a, b) => b.length - a.length);
  const slots: number[] = [];
  eachAsWritten(db, segments, { ...condition, terms: [name], exact: true }, (slot) => slots.push(slot));
  const sql = "SELECT slot, authors FROM papers WHERE slot IN (SELECT value FROM json_each(?))";
  for (const { slot, authors } of db.all(sql, JSON.stringify(slots))) {
    const names: unknown = JSON.parse(String(authors));
    if (Array.isArray(names) && names.some((author) => isNamed(String(author), condition.terms)))
      visit(Number(slot));
  }
}

const select = "SELECT data, places FROM postings WHERE segment = ?";

function only(db: Database, segment: number, term: string): Row[] {
  return db.all(`${select} AND stem = ? AND form = ?`, segment, stem(term), term);
}

function forms(db: Database, segment: number, term: string): Row[] {
  return db.all(`${select} AND stem = ?`, segment, stem(term));
}

function beginningWith(db: Database, segment: number, term: string): Row[] {
  const root = stem(term);
  return db.all(`${select} AND stem >= ? AND stem < ?`, segment, root, `${root}\u{10ffff}`);
}
