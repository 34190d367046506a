// The embedded store: one SQLite file, no server. Postings scored as in bm25.ts answer ranked queries; the places
// kept beside them answer what must stand as written (phrases, fields).
import { FileError } from "../../../errors.ts";
import { check, checkFilter, writeCursor } from "../../ask.ts";
import type { Hit, Page, Paper, Query } from "../../paper.ts";
import { mergeAll, mergePapers, samePaper, sameText } from "../../record.ts";
import type { Added, Listing, PaperStore, Tally } from "../../store.ts";
import { stem } from "../../tokens.ts";
import type { Database } from "./connection.ts";
import { openDatabase } from "./database.ts";
import { allOf, whereFilter } from "./filter.ts";
import { orderBy, sortValues, whereAfter } from "./order.ts";
import { mergeSegments } from "./merge.ts";
import { namedSlots, titledSlots } from "./named.ts";
import { eachPosting } from "./postings.ts";
import { foundBy, search, snapshot, type Snapshot } from "./reader.ts";
import { slotsOf } from "./slots.ts";
import { blob, fromRow } from "./rows.ts";
import { erase, insert, updateFacts } from "./writer.ts";

/**
 * Opens the paper store in a file, creating it if it does not exist; `:memory:` for one that is never written.
 * Several processes may read while one writes. A file that may only be read is read.
 * @throws FileError if the file is no paper store, damaged, or locked for more than 5 s.
 */
export async function openStore(path: string): Promise<PaperStore> {
  return createStore(openDatabase(path));
}

/** The store over an open file. */
export function createStore(db: Database): PaperStore {
  let state: Snapshot | undefined;
  const fresh = () => (state = snapshot(db, state));
  const counts = new Map<string, number>();
  let countsAt = -1;
  /** How many papers satisfy a condition; remembered while the file stays as it is. */
  const counted = (sql: string, values: readonly (string | number)[]) => {
    const { writes } = fresh();
    if (writes !== countsAt) counts.clear();
    countsAt = writes;
    const key = JSON.stringify([sql, values]);
    const known = counts.get(key);
    if (known !== undefined) return known;
    const n = Number(db.one(`SELECT count(*) AS n FROM papers p WHERE ${sql}`, ...values)?.["n"]);
    counts.set(key, n);
    return n;
  };

  return {
    add: async (papers) => add(db, papers),
    remove: async (ids) => remove(db, ids),
    get: async (ids) => get(db, ids),
    titled: async (title) => titledSlots(db, title).flatMap((slot) => paperAt(db, slot)),
    search: async ({ text, ...rest }: Query): Promise<Page<Hit>> => {
      const asked = check("search", rest, "relevance");
      return db.read(() => search(db, fresh(), text, asked));
    },
    list: async (listing: Listing = {}): Promise<Page<Paper>> => {
      const plain = listing.sort === "relevance" ? { ...listing, sort: "announced" as const } : listing;
      const { filter, sort, limit, after } = check("list", plain, "announced");
      const order = sort === "relevance" ? "announced" : sort;
      return db.read(() => {
        const where = whereFilter(filter);
        const total = counted(where.sql, where.values);
        const { sql, values } = allOf(after ? [whereAfter(order, after), where] : [where]);
        const select = `SELECT * FROM papers p WHERE ${sql} ORDER BY ${orderBy(order)} LIMIT ${limit + 1}`;
        const rows = db.all(select, ...values);
        const shown = rows.slice(0, limit);
        const last = shown.at(-1);
        const next = last && rows.length > limit ? writeCursor(sort, sortValues(order, last)) : undefined;
        return { hits: shown.map(fromRow), total, ...(next !== undefined && { next }) };
      });
    },
    days: async (categories) => {
      const where = whereFilter(checkFilter("days", categories === undefined ? {} : { categories }));
      return tallies(
        db,
        `SELECT p.announced AS value, count(*) AS count FROM papers p
         WHERE p.announced <> '' AND ${where.sql} GROUP BY p.announced ORDER BY p.announced DESC`,
        where.values,
      );
    },
    categories: async (within) => {
      if (within === undefined)
        return tallies(
          db,
          `SELECT category AS value, count(*) AS count FROM paper_categories WHERE own = 1
           GROUP BY category ORDER BY count DESC, value`,
        );
      const counted = (where: string, value: string) =>
        tallies(
          db,
          `SELECT c.value AS value, count(*) AS count FROM papers p, json_each(p.categories) c
           WHERE ${where} GROUP BY c.value ORDER BY count DESC, value`,
          [value],
        );
      if (typeof within === "string") return counted("p.announced = ?", within);
      const asked = check("categories", { ...(within.filter && { filter: within.filter }) }, "newest");
      return db.read(() => {
        const slots = slotsOf(foundBy(db, fresh(), within.text, asked));
        return counted("p.slot IN (SELECT value FROM json_each(?))", JSON.stringify(slots));
      });
    },
    venues: async () =>
      tallies(
        db,
        `SELECT p.venue AS value, count(*) AS count FROM papers p WHERE p.venue <> ''
         GROUP BY p.venue COLLATE NOCASE ORDER BY count DESC, value`,
      ),
    count: async () => Number(db.one("SELECT value FROM meta WHERE name = 'papers'")?.["value"]),
    documents: async (terms) => db.read(() => documents(db, fresh().segments, terms)),
    all: () => all(db),
    version: async () => String(db.one("SELECT value FROM meta WHERE name = 'writes'")?.["value"]),
    close: async () => db.close(),
  };
}

function add(db: Database, papers: readonly Paper[]): Added {
  const result = db.write(() => {
    const fresh: Paper[] = [];
    const outdated: number[] = [];
    let updated = 0;
    let unchanged = 0;
    for (const paper of mergeAll(papers)) {
      const row = db.one("SELECT * FROM papers WHERE id = ?", paper.id);
      if (!row) {
        fresh.push(paper);
        continue;
      }
      const before = fromRow(row);
      const after = mergePapers(before, paper);
      if (samePaper(before, after)) unchanged++;
      else {
        updated++;
        if (sameText(before, after)) updateFacts(db, Number(row["slot"]), before, after);
        else {
          outdated.push(Number(row["slot"]));
          fresh.push(after);
        }
      }
    }
    erase(db, outdated);
    insert(db, fresh);
    if (fresh.length + updated > 0) touch(db);
    return { added: fresh.length - outdated.length, updated, unchanged };
  });
  try {
    mergeSegments(db);
  } catch (error) {
    // The papers are in. A lock or a full disk only puts off the tidying, which the next `add` tries again.
    if (!(error instanceof FileError)) throw error;
  }
  return result;
}

function documents(db: Database, segments: readonly number[], terms: readonly string[]): number[] {
  return terms.map((term) => {
    let count = 0;
    for (const segment of segments) {
      const sql = "SELECT data FROM postings WHERE segment = ? AND stem = ? AND form = ?";
      const row = db.one(sql, segment, stem(term), term);
      if (row) eachPosting(blob(row, "data"), () => count++);
    }
    return count;
  });
}

function touch(db: Database): void {
  db.run("UPDATE meta SET value = value + 1 WHERE name = 'writes'");
}

function remove(db: Database, ids: readonly string[]): number {
  return db.write(() => {
    const slots = new Set<number>();
    for (const id of ids) {
      const [slot] = namedSlots(db, id);
      if (slot !== undefined) slots.add(slot);
    }
    erase(db, [...slots]);
    if (slots.size > 0) touch(db);
    return slots.size;
  });
}

function get(db: Database, ids: readonly string[]): Paper[] {
  return ids.flatMap((id) =>
    namedSlots(db, id)
      .slice(0, 1)
      .flatMap((slot) => paperAt(db, slot)),
  );
}

function paperAt(db: Database, slot: number): Paper[] {
  const row = db.one("SELECT * FROM papers WHERE slot = ?", slot);
  return row ? [fromRow(row)] : [];
}

function tallies(db: Database, sql: string, values: readonly (string | number)[] = []): Tally[] {
  return db.all(sql, ...values).map((row) => ({ value: String(row["value"]), count: Number(row["count"]) }));
}

/** Every paper by identifier, a few hundred at a time, so that no statement stays open between them. */
async function* all(db: Database): AsyncGenerator<Paper> {
  for (let last = ""; ; ) {
    const rows = db.all("SELECT * FROM papers WHERE id > ? ORDER BY id LIMIT 500", last);
    for (const row of rows) yield fromRow(row);
    const end = rows.at(-1);
    if (!end) return;
    last = String(end["id"]);
  }
}
