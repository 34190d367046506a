// The file: its tables, transactions, and what its failures mean in words.
import { closeSync, existsSync, mkdirSync, openSync, readSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { FileError } from "../../../errors.ts";

/** One row, by column. */
export type Row = Record<string, string | number | Uint8Array | null | bigint>;

/** An open file with its prepared statements. */
export interface Database {
  /** All rows of a statement. */
  all(sql: string, ...values: SQLInputValue[]): Row[];
  /** First row, or undefined. */
  one(sql: string, ...values: SQLInputValue[]): Row | undefined;
  /** Rows as they are needed. */
  each(sql: string, ...values: SQLInputValue[]): IterableIterator<Row>;
  /** Runs a statement; returns the number of changed rows. */
  run(sql: string, ...values: SQLInputValue[]): number;
  /** Runs `body` so that the file shows all of it or nothing. */
  write<T>(body: () => T): T;
  /** Runs `body` on one state of the file, whatever other processes write meanwhile. */
  read<T>(body: () => T): T;
  close(): void;
}

const format = 2;

const tables = `
CREATE TABLE meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO meta VALUES ('papers', 0), ('terms', 0), ('slots', 0), ('writes', 0);
CREATE TABLE papers(
  slot INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, title TEXT NOT NULL, title_hash INTEGER NOT NULL,
  authors TEXT NOT NULL, abstract TEXT NOT NULL, categories TEXT NOT NULL, venue TEXT NOT NULL,
  year INTEGER NOT NULL, announced TEXT NOT NULL, url TEXT NOT NULL, stars INTEGER NOT NULL);
CREATE INDEX papers_title ON papers(title_hash);
CREATE INDEX papers_announced ON papers(announced DESC, id ASC);
CREATE INDEX papers_newest ON papers(announced DESC, id DESC);
CREATE INDEX papers_stars ON papers(stars DESC, announced DESC, id DESC);
CREATE INDEX papers_venue ON papers(venue COLLATE NOCASE);
CREATE TABLE paper_categories(
  category TEXT NOT NULL, slot INTEGER NOT NULL, own INTEGER NOT NULL,
  PRIMARY KEY(category, slot)) WITHOUT ROWID;
CREATE TABLE segments(segment INTEGER PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL);
CREATE TABLE postings(
  segment INTEGER NOT NULL, stem TEXT NOT NULL, form TEXT NOT NULL, data BLOB NOT NULL,
  places BLOB NOT NULL, PRIMARY KEY(segment, stem, form)) WITHOUT ROWID;
CREATE TABLE lengths(chunk INTEGER PRIMARY KEY, data BLOB NOT NULL);
PRAGMA user_version = ${format};
`;

/**
 * Opens or creates a paper store's file; `:memory:` keeps everything in memory.
 * @throws FileError if the file is no paper store, damaged, locked, or cannot be written.
 */
export function openDatabase(path: string): Database {
  const guard = <T>(body: () => T): T => {
    try {
      return body();
    } catch (error) {
      throw explain(error, path);
    }
  };
  return guard(() => {
    if (path !== ":memory:" && !existsSync(dirname(path))) mkdirSync(dirname(path), { recursive: true });
    requireDatabase(path);
    const db = new DatabaseSync(path, { timeout: 5000 });
    try {
      prepareFile(db, path);
    } catch (error) {
      db.close();
      throw error;
    }
    return wrap(db, guard);
  });
}

const MAGIC = "SQLite format 3\0";

/** SQLite takes a file shorter than a page for an empty one and would write over it. */
function requireDatabase(path: string): void {
  if (!statSync(path, { throwIfNoEntry: false })?.isFile()) return;
  const file = openSync(path, "r");
  try {
    const head = Buffer.alloc(MAGIC.length);
    const length = readSync(file, head, 0, head.length, 0);
    if (length > 0 && head.toString("latin1", 0, length) !== MAGIC) {
      throw new FileError(refusal(path, 26));
    }
  } finally {
    closeSync(file);
  }
}

function prepareFile(db: DatabaseSync, path: string): void {
  // Pages of 8 kB suit abstracts and postings, both about 2 kB, better than SQLite's 4 (no effect on an old file).
  // Write-ahead log: readers never wait for the writer, and a kill leaves the last whole transaction.
  db.exec(`PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
    PRAGMA cache_size = -16384`);
  const version = () => Number(db.prepare("PRAGMA user_version").get()?.["user_version"]);
  if (version() === 0) {
    db.exec("BEGIN IMMEDIATE");
    try {
      // Asked again under the lock: another process may have created the tables meanwhile.
      const count = Number(db.prepare("SELECT count(*) AS n FROM sqlite_schema").get()?.["n"]);
      if (version() === 0 && count > 0)
        throw new FileError(
          `openStore: path must be a paper store, got another program's database ${path}. Choose another name.`,
        );
      if (version() === 0) db.exec(tables);
      db.exec("COMMIT");
    } catch (error) {
      db.exec("ROLLBACK");
      throw error;
    }
  }
  if (version() !== format)
    throw new FileError(
      `openStore: ${path} must have store format ${format}, got ${version()}. Add the papers to a new store.`,
    );
}

function wrap(db: DatabaseSync, guard: <T>(body: () => T) => T): Database {
  const statements = new Map<string, StatementSync>();
  const prepare = (sql: string): StatementSync => {
    let statement = statements.get(sql);
    if (!statement) {
      if (statements.size > 500) statements.clear(); // lists of values make texts; a bound keeps them few
      statement = db.prepare(sql);
      statements.set(sql, statement);
    }
    return statement;
  };
  const transaction = <T>(begin: string, body: () => T): T => {
    // Inside a transaction already: the outer one decides.
    if (db.isTransaction) return body();
    return guard(() => {
      db.exec(begin);
      try {
        const result = body();
        db.exec("COMMIT");
        return result;
      } catch (error) {
        if (db.isTransaction) db.exec("ROLLBACK");
        throw error;
      }
    });
  };
  return {
    all: (sql, ...values) => guard(() => prepare(sql).all(...values)),
    one: (sql, ...values) => guard(() => prepare(sql).get(...values)),
    // Not cached: a statement being iterated cannot be used a second time.
    each: (sql, ...values) => guard(() => db.prepare(sql).iterate(...values)),
    run: (sql, ...values) => guard(() => Number(prepare(sql).run(...values).changes)),
    write: (body) => transaction("BEGIN IMMEDIATE", body),
    read: (body) => transaction("BEGIN", body),
    close: () => db.close(),
  };
}

/** SQLite's primary result codes, https://sqlite.org/rescode.html, that a person can do something about. */
const remedies: ReadonlyMap<number, readonly [what: string, remedy: string]> = new Map([
  [5, ["is locked by another process", "Wait until it has finished, or end it."]],
  [6, ["is locked", "Wait until the other operation has finished."]],
  [8, ["cannot be written", "Check its permissions and those of its folder."]],
  [10, ["cannot be read or written (input/output error)", "Check the disk."]],
  [11, ["is damaged", "Restore it from a copy, or add the papers to a new store."]],
  [13, ["does not fit on the disk", "Free some space; the papers added before are intact."]],
  [14, ["cannot be opened", "Check that its folder exists and may be written."]],
  [26, ["is not a paper store", "Give the path of a store, or of a file that does not exist yet."]],
]);

function explain(error: unknown, path: string): unknown {
  const code = error instanceof Error && "errcode" in error ? error.errcode : undefined;
  if (typeof code !== "number") return error;
  return remedies.has(code & 0xff) ? new FileError(refusal(path, code & 0xff), { cause: error }) : error;
}

/** One sentence for a code of SQLite that `remedies` knows. */
function refusal(path: string, code: number): string {
  const [what, remedy] = remedies.get(code) ?? [`fails with SQLite's code ${code}`, ""];
  return `openStore: ${path} ${what}. ${remedy}`;
}
