// Answering queries from the index. What depends only on the state of the file (lengths, filters) is kept
// until `writes` moves.
import { type Checked, writeCursor } from "../../ask.ts";
import { best, type Scored } from "../../best.ts";
import { type Accumulator, lengthNorms, type QueryTerm } from "../../bm25.ts";
import { identifierIn } from "../../identifier.ts";
import type { Hit, Page } from "../../paper.ts";
import { mark } from "../../marks.ts";
import { hasInitials } from "../../names.ts";
import { isEmptyQuery, parseQuery, type ParsedQuery, unfinishedWord } from "../../query.ts";
import { queryTerms, textKey } from "../../tokens.ts";
import type { Database, Row } from "./connection.ts";
import { allOf, type Where, whereFilter } from "./filter.ts";
import { orderBy, sortValues, type ListSort, whereAfter } from "./order.ts";
import { eachAsWritten, eachNamed, eachWithStem, whereQuery } from "./conditions.ts";
import { eachScore, windowAccumulator } from "./evaluate.ts";
import { createLookup, type Lookup } from "./lookup.ts";
import { namedSlots, titledSlots } from "./named.ts";
import { blob, fromRow } from "./rows.ts";
import { collectSlots, narrowSlots, parseSlots, type Slots, slotsOf } from "./slots.ts";
import { completed, suggested } from "./words.ts";
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
    lookup: createLookup(db, segments, size),
    acc: before?.acc ?? windowAccumulator(),
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
  const unfinished = unfinishedWord(text, query);
  const terms = completed(db, at, query, unfinished);
  const make = (row: Row, score: number): Hit => mark(fromRow(row), query, score);
  if (terms.length === 0) return byOrder(db, allowed ?? alive(db, at), () => 0, asked, make);
  // A pasted title counts even if it reads like a condition that leaves its own paper out.
  const exact = exactSlots(db, text, query).filter((slot) => !given || given.has[slot] === 1);
  // A text that is an identifier asks for that paper and no other.
  if (identifierIn(text) !== undefined) return theseOnly(db, exact, asked, make);
  const found = { at, terms, allowed, exact: new Map(exact.map((slot) => [slot, exactBoost])) };
  const better =
    asked.after || exact.length > 0 ? undefined : suggested(db, at, text.slice(0, 1000), terms, unfinished);
  const suggestion = better === undefined ? {} : { suggestion: better };
  if (asked.sort !== "relevance") {
    const { slots, scores } = collectScores(found);
    return { ...byOrder(db, slots, (slot) => scores[slot] ?? 0, asked, make), ...suggestion };
  }
  const phrase = query.conditions.length === 0 ? queryTerms(text) : [];
  return { ...byRelevance(db, found, phrase, asked, make), ...suggestion };
}

/** Every paper that a query finds. Call inside `db.read`. */
export function foundBy(db: Database, at: Snapshot, text: string, asked: Checked): Slots {
  const query = parseQuery(text);
  const none = collectSlots(at.size, () => {});
  if (isEmptyQuery(query)) return none;
  const given = filtered(db, at, [whereFilter(asked.filter)]);
  const exact = exactSlots(db, text, query).filter((slot) => !given || given.has[slot] === 1);
  if (identifierIn(text) !== undefined) return collectSlots(at.size, (visit) => exact.forEach(visit));
  const allowed = narrowed(db, at, query, given);
  const terms = completed(db, at, query, unfinishedWord(text, query));
  if (terms.length === 0) return allowed ?? alive(db, at);
  return collectScores({ at, terms, allowed, exact: new Map(exact.map((slot) => [slot, exactBoost])) }).slots;
}

/** A page of the few papers that an identifier names. */
function theseOnly(
  db: Database,
  slots: readonly number[],
  { limit, after }: Checked,
  make: MakeHit,
): Page<Hit> {
  const hits = slots.flatMap((slot) => {
    const row = db.one("SELECT * FROM papers WHERE slot = ?", slot);
    return row ? [make(row, exactBoost)] : [];
  });
  return { hits: after ? [] : hits.slice(0, limit), total: hits.length };
}

/** What a query of words finds. */
interface Found {
  readonly at: Snapshot;
  readonly terms: readonly QueryTerm[];
  readonly allowed: Slots | undefined;
  /** Scores of the papers whose title or identifier is the query; BM25 is added when it is known. */
  readonly exact: Map<number, number>;
}

/** Calls `visit` for each paper found besides the exact ones, whose scores it completes. */
function eachFound({ at, terms, allowed, exact }: Found, visit: (slot: number, score: number) => void): void {
  eachScore(terms, at.lookup, at.norms, at.papers, at.acc, (slot, score) => {
    if (exact.size > 0 && exact.has(slot)) exact.set(slot, exactBoost + score);
    else if (!allowed || allowed.has[slot] === 1) visit(slot, score);
  });
}

/** Everything that is found, for orders that do not depend on the score. */
function collectScores(found: Found): { slots: Slots; scores: Float64Array } {
  const scores = new Float64Array(found.at.size);
  const slots = collectSlots(found.at.size, (add) => {
    const keep = (slot: number, score: number) => {
      scores[slot] = score;
      add(slot);
    };
    eachFound(found, keep);
    for (const [slot, score] of found.exact) keep(slot, score);
  });
  return { slots, scores };
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
    const byName = condition.field === "authors" && hasInitials(condition.terms);
    const slots = collectSlots(at.size, (visit) => {
      if (byName) eachNamed(db, at.segments, condition, visit);
      else if (byStem) eachWithStem(at.lookup, condition, visit);
      else eachAsWritten(db, at.segments, condition, visit);
    });
    allowed = narrowSlots(allowed, slots, !condition.exclude);
    if (condition.exclude) allowed = narrowSlots(allowed, alive(db, at), true);
  }
  return allowed;
}

/** Slots of papers that exist: removed ones leave holes. */
function alive(db: Database, at: Snapshot): Slots {
  return filtered(db, at, [{ sql: "p.slot >= ?", values: [0] }]) ?? collectSlots(at.size, () => {});
}

/** Papers whose title, identifier or address is the whole query. */
function exactSlots(db: Database, text: string, { key }: ParsedQuery): number[] {
  const named = text.length <= 2000 && !/\s\S+\s/.test(text.trim()) ? namedSlots(db, text) : [];
  return [...new Set([...named, ...titledSlots(db, key)])];
}

/** Those of the leading papers, best first, whose title contains the phrase. */
function withPhrase(
  db: Database,
  at: Snapshot,
  leading: readonly Scored[],
  words: readonly string[],
): Scored[] {
  if (words.length < 2 || words.length > 100) return [];
  const phrase = ` ${words.join(" ")} `;
  return leading.slice(0, phraseDepth).filter(({ slot }) => ` ${titleOf(db, at, slot)} `.includes(phrase));
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
  found: Found,
  phrase: readonly string[],
  { limit, after }: Checked,
  make: MakeHit,
): Page<Hit> {
  const [score, slot] = after ? [Number(after[0]), Number(after[1])] : [Infinity, -1];
  const isAfter = (s: number, value: number) => value < score || (value === score && s > slot);
  // Of the plain scores on this page up to `phraseDepth` may turn out to belong further up.
  const plain = best(limit + 1 + phraseDepth);
  const leading = after ? best(phraseDepth) : plain;
  let total = 0;
  eachFound(found, (s, value) => {
    total++;
    if (leading !== plain) leading.offer(s, value);
    if (isAfter(s, value)) plain.offer(s, value);
  });
  const raised = found.exact;
  total += raised.size;
  for (const { slot: s, score: value } of withPhrase(db, found.at, leading.sorted(), phrase))
    raised.set(s, value + phraseBoost);
  const kept = best(limit + 1);
  for (const { slot: s, score: value } of plain.sorted()) if (!raised.has(s)) kept.offer(s, value);
  for (const [s, value] of raised) if (isAfter(s, value)) kept.offer(s, value);
  const sorted = kept.sorted();
  const shown = sorted.slice(0, limit);
  const last = shown.at(-1);
  const hits = shown.flatMap((s) => {
    const row = db.one("SELECT * FROM papers WHERE slot = ?", s.slot);
    return row ? [make(row, s.score)] : [];
  });
  const next = last && sorted.length > limit ? writeCursor("relevance", [last.score, last.slot]) : undefined;
  return { hits, total, ...(next !== undefined && { next }) };
}

/** Fewer candidates than this are fetched and sorted; more are met soon enough in the order's own index. */
const few = 2000;

function byOrder(
  db: Database,
  wanted: Slots,
  scoreOf: (slot: number) => number,
  asked: Checked,
  make: MakeHit,
): Page<Hit> {
  const { limit, after } = asked;
  const sort: ListSort = asked.sort === "relevance" ? "newest" : asked.sort;
  // A query of conditions only has no relevance; its cursor is its own.
  const start = after && asked.sort !== "relevance" ? [whereAfter(sort, after)] : [];
  const skip = after && asked.sort === "relevance" ? Number(after[0]) : 0;
  const conditions: Where[] = [...start];
  if (wanted.count <= few) {
    const slots = slotsOf(wanted);
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
  const hits = shown.map((row) => make(row, scoreOf(Number(row["slot"]))));
  return { hits, total: wanted.count, ...(next !== undefined && { next }) };
}
