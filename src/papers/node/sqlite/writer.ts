// Writing the index. Each call of `insert` makes one segment of postings; segments of one size are merged, so
// that a paper is rewritten a logarithmic number of times and a query reads few segments. Slots (row numbers)
// only grow, so postings of later segments come after those of earlier ones.
import { lengthOf } from "../../bm25.ts";
import { parentOf } from "../../categories.ts";
import { createOccurrenceLog } from "../../occurrences.ts";
import type { Paper } from "../../paper.ts";
import { stem } from "../../tokens.ts";
import type { Database } from "./connection.ts";
import { createEncoder, type Postings } from "./postings.ts";
import { blob, fromRow, referenceColumns, titleHash, titleKey } from "./rows.ts";

/** Papers whose lengths share a row. */
export const chunkSize = 16_384;
/** Most papers whose words are held in memory at a time, about 2 kB a paper. */
const mostInMemory = 32_768;

const count = (db: Database, name: string) =>
  Number(db.one("SELECT value FROM meta WHERE name = ?", name)?.["value"]);
const increase = (db: Database, name: string, by: number) =>
  db.run("UPDATE meta SET value = value + ? WHERE name = ?", by, name);

/** Adds papers that are not stored yet. Call inside `db.write`. */
export function insert(db: Database, papers: readonly Paper[]): void {
  for (let at = 0; at < papers.length; at += mostInMemory)
    insertSegment(db, papers.slice(at, at + mostInMemory));
}

function insertSegment(db: Database, papers: readonly Paper[]): void {
  const first = count(db, "slots");
  const log = createOccurrenceLog();
  const lengths: number[] = [];
  for (const paper of papers) {
    const { title, abstractTerms } = log.add(paper);
    insertRow(db, first + lengths.length, paper, title);
    lengths.push(lengthOf(title.length, abstractTerms));
  }
  writeLengths(db, first, lengths);
  const segment = Number(db.one("SELECT ifnull(max(segment), 0) + 1 AS n FROM segments")?.["n"]);
  db.run("INSERT INTO segments VALUES (?, ?, ?)", segment, first, first + papers.length - 1);
  const all = log.byTerm();
  const encoder = createEncoder();
  // In the order of the table, where each row goes to the end: stem and form, told apart by what no term has.
  const keys = all.names.map((form, term) => `${stem(form)}\0${form}\0${term}`).sort();
  for (const key of keys) {
    const [root = "", form = "", term] = key.split("\0");
    insertPostings(db, segment, root, form, encoder.encode(all, Number(term), first));
  }
  const terms = lengths.reduce((sum, n) => sum + n, 0);
  increase(db, "papers", papers.length);
  increase(db, "terms", terms);
  increase(db, "slots", papers.length);
}

/** One row of postings. */
export function insertPostings(
  db: Database,
  segment: number,
  root: string,
  form: string,
  { data, places }: Postings,
): void {
  db.run("INSERT INTO postings VALUES (?, ?, ?, ?, ?)", segment, root, form, data, places);
}

function insertRow(db: Database, slot: number, paper: Paper, title: readonly string[]): void {
  const { id, abstract, authors, categories, venue, year, announced, url, stars } = paper;
  db.run(
    "INSERT INTO papers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    slot,
    id,
    paper.title,
    titleHash(titleKey(title.join(" "))),
    JSON.stringify(authors),
    abstract,
    JSON.stringify(categories),
    venue,
    year,
    announced,
    url,
    stars,
    ...referenceColumns(paper),
  );
  insertCategories(db, slot, paper);
}

/** A row for every category of a paper, and one for every archive above them. */
function insertCategories(db: Database, slot: number, { categories }: Paper): void {
  const own = new Set(categories);
  const parents = categories.map(parentOf).filter((c) => c !== undefined && !own.has(c));
  for (const category of own) db.run("INSERT INTO paper_categories VALUES (?, ?, 1)", category, slot);
  for (const category of new Set(parents))
    db.run("INSERT INTO paper_categories VALUES (?, ?, 0)", category ?? "", slot);
}

function deleteCategories(db: Database, slot: number, { categories }: Paper): void {
  for (const category of new Set(categories.flatMap((c) => [c, parentOf(c) ?? c])))
    db.run("DELETE FROM paper_categories WHERE category = ? AND slot = ?", category, slot);
}

/** Replaces what is stored about a paper besides its text. Call inside `db.write`. */
export function updateFacts(db: Database, slot: number, before: Paper, after: Paper): void {
  const { categories, venue, year, announced, url, stars } = after;
  db.run(
    `UPDATE papers SET categories = ?, venue = ?, year = ?, announced = ?, url = ?, stars = ?, reference = ?, doi = ?
     WHERE slot = ?`,
    JSON.stringify(categories),
    venue,
    year,
    announced,
    url,
    stars,
    ...referenceColumns(after),
    slot,
  );
  deleteCategories(db, slot, before);
  insertCategories(db, slot, after);
}

/** Removes papers by slot, from the index too: what is left scores as if they had never been there. */
export function erase(db: Database, slots: readonly number[]): void {
  /** Removed slots by segment and form. */
  const removed = new Map<number, Map<string, Set<number>>>();
  for (const slot of slots) {
    const row = db.one("SELECT * FROM papers WHERE slot = ?", slot);
    if (!row) continue;
    const paper = fromRow(row);
    const log = createOccurrenceLog();
    const { title, abstractTerms } = log.add(paper);
    const segment = Number(
      db.one("SELECT segment FROM segments WHERE ? BETWEEN first AND last", slot)?.["segment"],
    );
    const forms = removed.get(segment) ?? new Map<string, Set<number>>();
    removed.set(segment, forms);
    for (const form of log.byTerm().names) {
      const set = forms.get(form) ?? new Set<number>();
      set.add(slot);
      forms.set(form, set);
    }
    deleteCategories(db, slot, paper);
    db.run("DELETE FROM papers WHERE slot = ?", slot);
    increase(db, "papers", -1);
    increase(db, "terms", -lengthOf(title.length, abstractTerms));
  }
  for (const [segment, forms] of removed)
    for (const [form, gone] of forms) eraseFrom(db, segment, form, gone);
}

/** Takes papers out of one form's postings. */
export function eraseFrom(db: Database, segment: number, form: string, gone: ReadonlySet<number>): void {
  const key = [segment, stem(form), form] as const;
  const row = db.one("SELECT data, places FROM postings WHERE segment = ? AND stem = ? AND form = ?", ...key);
  if (!row) return;
  const { data, places } = createEncoder().without(
    { data: blob(row, "data"), places: blob(row, "places") },
    gone,
  );
  if (data.length > 0)
    db.run(
      "UPDATE postings SET data = ?, places = ? WHERE segment = ? AND stem = ? AND form = ?",
      data,
      places,
      ...key,
    );
  else db.run("DELETE FROM postings WHERE segment = ? AND stem = ? AND form = ?", ...key);
}

function writeLengths(db: Database, first: number, lengths: readonly number[]): void {
  for (let at = 0; at < lengths.length; ) {
    const chunk = Math.floor((first + at) / chunkSize);
    const row = db.one("SELECT data FROM lengths WHERE chunk = ?", chunk);
    const values = new Uint32Array(chunkSize);
    if (row) new Uint8Array(values.buffer).set(blob(row, "data"));
    const end = Math.min(lengths.length, (chunk + 1) * chunkSize - first);
    for (; at < end; at++) values[first + at - chunk * chunkSize] = lengths[at] ?? 0;
    db.run("INSERT OR REPLACE INTO lengths VALUES (?, ?)", chunk, new Uint8Array(values.buffer));
  }
}
