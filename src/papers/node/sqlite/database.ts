// The file: its tables, transactions, and what its failures mean in words.
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readSync,
  statSync,
} from "node:fs";
import { dirname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { FileError } from "../../../errors.ts";
import type { Database } from "./connection.ts";
import { upgrade } from "./upgrade.ts";

/** 1 had no places; 2 neither what a bibliography says (`reference`, `doi`), nor signs behind words, nor one kind of Chinese. */
const format = 3;
const oldest = 2;

const tables = `
CREATE TABLE meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO meta VALUES ('papers', 0), ('terms', 0), ('slots', 0), ('writes', 0);
CREATE TABLE papers(
  slot INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, title TEXT NOT NULL, title_hash INTEGER NOT NULL,
  authors TEXT NOT NULL, abstract TEXT NOT NULL, categories TEXT NOT NULL, venue TEXT NOT NULL,
  year INTEGER NOT NULL, announced TEXT NOT NULL, url TEXT NOT NULL, stars INTEGER NOT NULL,
  reference TEXT NOT NULL DEFAULT '', doi TEXT NOT NULL DEFAULT '');
CREATE INDEX papers_title ON papers(title_hash);
CREATE INDEX papers_doi ON papers(doi) WHERE doi <> '';
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
 * Opens or creates a paper store's file; `:memory:` keeps everything in memory. A file that this user may not write is
 * read as it is.
 * @throws FileError if the file is no paper store, damaged, locked, or of another format.
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
    if (path !== ":memory:" && existsSync(path) && !isWritable(path)) return openToRead(path, guard);
    const db = new DatabaseSync(path, { timeout: 5000 });
    try {
      prepareFile(db, path, guard);
    } catch (error) {
      db.close();
      throw error;
    }
    return wrap(() => db, guard);
  });
}

/** Whether this user may write a file, and beside it, where SQLite keeps its log. */
function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    accessSync(dirname(resolve(path)), constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * A file that may only be read. Without a log beside it SQLite must be told that nobody writes, for it cannot make a
 * lock; should somebody write after all, the file is opened anew before the next question.
 */
function openToRead(path: string, guard: <T>(body: () => T) => T): Database {
  const log = `${path}-wal`;
  const state = () =>
    [path, log]
      .map((file) => statSync(file, { throwIfNoEntry: false }))
      .map((s) => `${s?.size} ${s?.mtimeMs}`)
      .join();
  const open = () => {
    const url = pathToFileURL(resolve(path));
    if (!((statSync(log, { throwIfNoEntry: false })?.size ?? 0) > 0)) url.searchParams.set("immutable", "1");
    const db = new DatabaseSync(url, { readOnly: true, timeout: 5000 });
    requireFormat(versionOf(db), path);
    return db;
  };
  let seen = state();
  let db = open();
  return wrap(() => {
    if (db.isTransaction || state() === seen) return db;
    seen = state();
    db.close();
    db = open();
    return db;
  }, guard);
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

function versionOf(db: DatabaseSync): number {
  return Number(db.prepare("PRAGMA user_version").get()?.["user_version"]);
}

function requireFormat(version: number, path: string): void {
  if (version >= oldest && version <= format) return;
  const remedy =
    version > format ? "Use the program that wrote it, or a newer one." : "Add the papers to a new store.";
  throw new FileError(`openStore: ${path} must have store format ${format}, got ${version}. ${remedy}`);
}

function prepareFile(db: DatabaseSync, path: string, guard: <T>(body: () => T) => T): void {
  // Pages of 8 kB suit abstracts and postings, both about 2 kB, better than SQLite's 4 (no effect on an old file).
  // Write-ahead log: readers never wait for the writer, and a kill leaves the last whole transaction.
  db.exec(`PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
    PRAGMA cache_size = -16384`);
  const version = versionOf(db);
  if (version !== 0) requireFormat(version, path);
  if (version === format) return;
  db.exec("BEGIN IMMEDIATE");
  try {
    // Asked again under the lock: another process may have created or changed the tables meanwhile.
    const now = versionOf(db);
    const count = Number(db.prepare("SELECT count(*) AS n FROM sqlite_schema").get()?.["n"]);
    if (now === 0 && count > 0)
      throw new FileError(
        `openStore: path must be a paper store, got another program's database ${path}. Choose another name.`,
      );
    if (now === 0) db.exec(tables);
    else if (now < format) {
      db.exec(`ALTER TABLE papers ADD COLUMN reference TEXT NOT NULL DEFAULT '';
        ALTER TABLE papers ADD COLUMN doi TEXT NOT NULL DEFAULT '';
        CREATE INDEX papers_doi ON papers(doi) WHERE doi <> ''`);
      upgrade(wrap(() => db, guard));
      db.exec(`PRAGMA user_version = ${format}`);
    }
    db.exec("COMMIT");
  } catch (error) {
    db.exec("ROLLBACK");
    throw error;
  }
}

/** Statements over a connection that may be replaced by a new one between two transactions. */
function wrap(current: () => DatabaseSync, guard: <T>(body: () => T) => T): Database {
  let statements = new Map<string, StatementSync>();
  let last: DatabaseSync | undefined;
  const connection = (): DatabaseSync => {
    const db = current();
    if (db !== last) statements = new Map();
    last = db;
    return db;
  };
  const prepare = (sql: string): StatementSync => {
    const db = connection();
    let statement = statements.get(sql);
    if (!statement) {
      if (statements.size > 500) statements.clear(); // lists of values make texts; a bound keeps them few
      statement = db.prepare(sql);
      statements.set(sql, statement);
    }
    return statement;
  };
  const transaction = <T>(begin: string, body: () => T): T =>
    guard(() => {
      const db = connection();
      // Inside a transaction already: the outer one decides.
      if (db.isTransaction) return body();
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
  return {
    all: (sql, ...values) => guard(() => prepare(sql).all(...values)),
    one: (sql, ...values) => guard(() => prepare(sql).get(...values)),
    // Not cached: a statement being iterated cannot be used a second time.
    each: (sql, ...values) =>
      guard(() =>
        connection()
          .prepare(sql)
          .iterate(...values),
      ),
    run: (sql, ...values) => guard(() => Number(prepare(sql).run(...values).changes)),
    write: (body) => transaction("BEGIN IMMEDIATE", body),
    read: (body) => transaction("BEGIN", body),
    close: () => connection().close(),
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
