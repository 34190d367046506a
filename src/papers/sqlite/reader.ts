// Answering queries from the index. What depends only on the state of the file (lengths, filters) is kept
// until `writes` moves.
import { type Checked, writeCursor } from "../ask.ts";
import { best } from "../best.ts";
import {
  type Accumulator,
  addPosting,
  clear,
  createAccumulator,
  endTerm,
  formWeight,
  lengthNorms,
  type QueryTerm,
  queryStems,
} from "../bm25.ts";
import { isArxivId, normaliseId } from "../identifier.ts";
import type { Hit, Page } from "../paper.ts";
import { mark } from "../marks.ts";
import { isEmptyQuery, parseQuery, type ParsedQuery } from "../query.ts";
import { queryTerms, textKey } from "../tokens.ts";
import type { Database, Row } from "./database.ts";
import { allOf, type Where, whereFilter } from "./filter.ts";
import { orderBy, sortValues, type ListSort, whereAfter } from "./order.ts";
import { eachAsWritten, eachWithStem, whereQuery } from "./conditions.ts";
import { createLookup, type Lookup } from "./lookup.ts";
import { eachPosting } from "./postings.ts";
import { blob, fromRow, titleHash, titleKey } from "./rows.ts";
import { collectSlots, narrowSlots, parseSlots, type Slots } from "./slots.ts";
import { chunkSize } from "./writer.ts";

/** Added to the score of a paper whose title, or identifier, is the query: above any sum of terms. */
export const exactBoost = 2000;
/** Added to the score of a paper whose title contains the whole query. */
export const phraseBoost = 1000;
/** How many of the best papers are looked at for that. */
const phraseDepth = 100;
/** Titles kept in memory: some megabytes. */
const mostTitles = 50_000;

/** One state of the file. */
export interface Snapshot {
  readonly writes: number;
  readonly papers: number;
  /** Slots are below this. */
  readonly size: number;
  readonly norms: Float64Array;
  readonly segments: readonly number[];
  readonly lookup: Lookup;
  readonly acc: Accumulator;
  readonly filters: Map<string, Slots>;
  /** Titles' keys by slot, as far as they were needed. */
  readonly titles: Map<number, string>;
}

/** The present state of the file, `before` if that still is it. Call inside `db.read`. */
export function snapshot(db: Database, before: Snapshot | undefined): Snapshot {
  const meta = new Map(
    db.all("SELECT name, value FROM meta").map((r) => [String(r["name"]), Number(r["value"])]),
  );
  const value = (name: string) => meta.get(name) ?? 0;
  if (before?.writes === value("writes")) return before;
  const size = value("slots");
  const lengths = new Uint32Array(Math.ceil(size / chunkSize) * chunkSize);
  for (const row of db.each("SELECT chunk, data FROM lengths ORDER BY chunk"))
    new Uint8Array(lengths.buffer).set(blob(row, "data"), Number(row["chunk"]) * chunkSize * 4);
  const papers = value("papers");
  const segments = db
    .all("SELECT segment FROM segments ORDER BY segment")
    .map((row) => Number(row["segment"]));
  return {
    writes: value("writes"),
    papers,
    size,
    norms: lengthNorms(lengths.subarray(0, size), value("terms") / Math.max(1, papers)),
    segments,
    lookup: createLookup(db, segments),
    acc: before?.size === size ? before.acc : createAccumulator(size),
    filters: new Map(),
    titles: new Map(),
  };
}

/** Answers a query. Call inside `db.read`. */
export function search(db: Database, at: Snapshot, text: string, asked: Checked): Page<Hit> {
  const query = parseQuery(text);
  if (isEmptyQuery(query)) return { hits: [], total: 0 };
  const given = filtered(db, at, [whereFilter(asked.filter)]);
  const allowed = narrowed(db, at, query, given);
  const terms = queryStems(query.words);
  const marked = (row: Row, score: number): Hit => mark(fromRow(row), query, score);
  if (terms.length === 0) return byOrder(db, at, allowed ?? alive(db, at), asked, marked);
  try {
    for (const term of terms) scoreTerm(at, term);
    const found = collect(at, allowed);
    for (const slot of exactSlots(db, text, query)) {
      if (given && given.has[slot] !== 1) continue;
      const score = at.acc.scores[slot] ?? 0;
      // A pasted title counts even if it reads like a condition that leaves its own paper out.
      if (score === 0 || (allowed && allowed.has[slot] !== 1)) found.push(slot);
      if (score === 0) at.acc.slots[at.acc.found++] = slot;
      at.acc.scores[slot] = score + exactBoost;
    }
    if (asked.sort !== "relevance") return byOrder(db, at, setOf(at, found), asked, marked);
    if (query.conditions.length === 0) boostPhrase(db, at, found, queryTerms(text));
    return byRelevance(db, at, found, asked, marked);
  } finally {
    clear(at.acc);
  }
}

function setOf(at: Snapshot, slots: readonly number[]): Slots {
  const has = new Uint8Array(at.size);
  for (const slot of slots) has[slot] = 1;
  return { has, count: slots.length };
}

function scoreTerm(at: Snapshot, term: QueryTerm): void {
  for (const { form, data } of at.lookup(term)) {
    const weight = formWeight(term, form);
    eachPosting(data, (slot, frequency) => addPosting(at.acc, slot, weight * frequency));
  }
  endTerm(at.acc, at.papers, at.norms, term.weight);
}

/** The slots that have a score and may be shown. */
function collect({ acc }: Snapshot, allowed: Slots | undefined): number[] {
  const found: number[] = [];
  for (let i = 0; i < acc.found; i++) {
    const slot = acc.slots[i] ?? 0;
    if (!allowed || allowed.has[slot] === 1) found.push(slot);
  }
  return found;
}

/** The slots that pass conditions on `papers p`, or undefined for all. */
function filtered(db: Database, at: Snapshot, conditions: readonly Where[]): Slots | undefined {
  const { sql, values } = allOf(conditions.filter((c) => c.values.length > 0));
  if (values.length === 0) return undefined;
  const key = JSON.stringify([sql, values]);
  let slots = at.filters.get(key);
  if (!slots) {
    const row = db.one(`SELECT group_concat(p.slot) AS slots FROM papers p WHERE ${sql}`, ...values);
    slots = parseSlots(String(row?.["slots"] ?? ""), at.size);
    if (at.filters.size >= 64) at.filters.delete([...at.filters.keys()][0] ?? "");
    at.filters.set(key, slots);
  }
  return slots;
}

/** `given` with the conditions that the query's text states. */
function narrowed(
  db: Database,
  at: Snapshot,
  query: ParsedQuery,
  given: Slots | undefined,
): Slots | undefined {
  const facts = filtered(db, at, whereQuery(query));
  let allowed = facts ? narrowSlots(given, facts, true) : given;
  for (const condition of query.conditions) {
    const byStem = !condition.exact && condition.field === "any";
    const slots = collectSlots(at.size, (visit) => {
      if (byStem) eachWithStem(at.lookup, condition, visit);
      else eachAsWritten(db, at.segments, condition, visit);
    });
    allowed = narrowSlots(allowed, slots, !condition.exclude);
    if (condition.exclude) allowed = narrowSlots(allowed, alive(db, at), true);
  }
  return allowed;
}

/** Slots of papers that exist: removed ones leave holes. */
function alive(db: Database, at: Snapshot): Slots {
  return filtered(db, at, [{ sql: "p.slot >= ?", values: [0] }]) ?? setOf(at, []);
}

/** Papers whose title or identifier is the whole query. */
function exactSlots(db: Database, text: string, { key }: ParsedQuery): number[] {
  const id = normaliseId(text.slice(0, 200));
  const wanted = titleKey(key);
  const byHash = "SELECT slot, title FROM papers WHERE title_hash = ?";
  const byTitle = (key === "" ? [] : db.all(byHash, titleHash(wanted))).filter(
    ({ title }) => titleKey(textKey(String(title))) === wanted,
  );
  const byId = isArxivId(id) ? db.all("SELECT slot FROM papers WHERE id = ?", id) : [];
  return [...new Set([...byId, ...byTitle].map((row) => Number(row["slot"])))];
}

function boostPhrase(db: Database, at: Snapshot, found: readonly number[], words: readonly string[]): void {
  if (words.length < 2 || words.length > 100) return;
  const { scores } = at.acc;
  const leading = best(phraseDepth);
  for (const slot of found) leading.offer(slot, scores[slot] ?? 0);
  const phrase = ` ${words.join(" ")} `;
  for (const { slot, score } of leading.sorted())
    if (score < exactBoost && ` ${titleOf(db, at, slot)} `.includes(phrase))
      scores[slot] = score + phraseBoost;
}

function titleOf(db: Database, { titles }: Snapshot, slot: number): string {
  let key = titles.get(slot);
  if (key === undefined) {
    key = textKey(String(db.one("SELECT title FROM papers WHERE slot = ?", slot)?.["title"] ?? ""));
    if (titles.size >= mostTitles) titles.clear();
    titles.set(slot, key);
  }
  return key;
}

type MakeHit = (row: Row, score: number) => Hit;

function byRelevance(
  db: Database,
  { acc }: Snapshot,
  found: readonly number[],
  { limit, after }: Checked,
  make: MakeHit,
): Page<Hit> {
  const kept = best(limit + 1);
  const [score, slot] = after ? [Number(after[0]), Number(after[1])] : [Infinity, -1];
  for (const s of found) {
    const value = acc.scores[s] ?? 0;
    if (value < score || (value === score && s > slot)) kept.offer(s, value);
  }
  const sorted = kept.sorted();
  const shown = sorted.slice(0, limit);
  const last = shown.at(-1);
  const hits = shown.flatMap((s) => {
    const row = db.one("SELECT * FROM papers WHERE slot = ?", s.slot);
    return row ? [make(row, s.score)] : [];
  });
  const next = last && sorted.length > limit ? writeCursor("relevance", [last.score, last.slot]) : undefined;
  return { hits, total: found.length, ...(next !== undefined && { next }) };
}

/** Fewer candidates than this are fetched and sorted; more are met soon enough in the order's own index. */
const few = 2000;

function byOrder(db: Database, at: Snapshot, wanted: Slots, asked: Checked, make: MakeHit): Page<Hit> {
  const { limit, after } = asked;
  const sort: ListSort = asked.sort === "relevance" ? "newest" : asked.sort;
  // A query of conditions only has no relevance; its cursor is its own.
  const start = after && asked.sort !== "relevance" ? [whereAfter(sort, after)] : [];
  const skip = after && asked.sort === "relevance" ? Number(after[0]) : 0;
  const conditions: Where[] = [...start];
  if (wanted.count <= few) {
    const slots: number[] = [];
    for (let i = 0; i < at.size; i++) if (wanted.has[i] === 1) slots.push(i);
    conditions.push({ sql: "p.slot IN (SELECT value FROM json_each(?))", values: [JSON.stringify(slots)] });
  }
  const { sql, values } = allOf(conditions);
  const rows: Row[] = [];
  let passed = 0;
  for (const key of db.each(
    `SELECT p.slot FROM papers p WHERE ${sql} ORDER BY ${orderBy(sort)}`,
    ...values,
  )) {
    const slot = Number(key["slot"]);
    if (wanted.has[slot] !== 1 || passed++ < skip) continue;
    const row = db.one("SELECT * FROM papers WHERE slot = ?", slot);
    if (row) rows.push(row);
    if (rows.length > limit) break;
  }
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const place = asked.sort === "relevance" ? [skip + limit, 0] : last ? sortValues(sort, last) : [];
  const next = last && rows.length > limit ? writeCursor(asked.sort, place) : undefined;
  const hits = shown.map((row) => make(row, at.acc.scores[Number(row["slot"])] ?? 0));
  return { hits, total: wanted.count, ...(next !== undefined && { next }) };
}
