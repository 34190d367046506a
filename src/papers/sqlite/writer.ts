// Writing the index. Each call of `insert` makes one segment of postings; segments of one size are merged, so
// that a paper is rewritten a logarithmic number of times and a query reads few segments. Slots (row numbers)
// only grow, so postings of later segments come after those of earlier ones.
import { analyse, type Analysis, post, type Postings } from "../analyse.ts";
import { parentOf } from "../categories.ts";
import type { Paper } from "../paper.ts";
import { stem } from "../tokens.ts";
import type { Database } from "./database.ts";
import { eachPosting, encodePostings } from "./postings.ts";
import { blob, fromRow, titleKey } from "./rows.ts";

/** Papers whose lengths share a row. */
export const chunkSize = 16_384;
/** How many segments of one size become one of the next. */
const fanout = 8;
/** Papers in a segment of the lowest size. */
const smallest = 1_000;

const count = (db: Database, name: string) =>
  Number(db.one("SELECT value FROM meta WHERE name = ?", name)?.["value"]);
const increase = (db: Database, name: string, by: number) =>
  db.run("UPDATE meta SET value = value + ? WHERE name = ?", by, name);

/** Adds papers that are not stored yet. Call inside `db.write`. */
export function insert(db: Database, papers: readonly Paper[]): void {
  if (papers.length === 0) return;
  const first = count(db, "slots");
  const postings = new Map<string, Postings>();
  const lengths: number[] = [];
  let slot = first;
  for (const paper of papers) {
    const analysis = analyse(paper);
    insertRow(db, slot, paper, analysis);
    post(postings, slot, analysis);
    lengths.push(analysis.length);
    slot++;
  }
  writeLengths(db, first, lengths);
  const segment = Number(db.one("SELECT ifnull(max(segment), 0) + 1 AS n FROM segments")?.["n"]);
  db.run("INSERT INTO segments VALUES (?, ?, ?)", segment, first, slot - 1);
  const forms = [...postings.keys()].map((form) => [stem(form), form] as const);
  forms.sort((x, y) => (x[0] === y[0] ? (x[1] < y[1] ? -1 : 1) : x[0] < y[0] ? -1 : 1));
  for (const [root, form] of forms) {
    const list = postings.get(form);
    if (list) insertPostings(db, segment, root, form, encodePostings(list));
  }
  increase(db, "papers", papers.length);
  increase(
    db,
    "terms",
    lengths.reduce((sum, n) => sum + n, 0),
  );
  increase(db, "slots", papers.length);
}

function insertPostings(db: Database, segment: number, root: string, form: string, data: Uint8Array): void {
  db.run("INSERT INTO postings VALUES (?, ?, ?, ?)", segment, root, form, data);
}

function insertRow(db: Database, slot: number, paper: Paper, { title, abstract, authors }: Analysis): void {
  db.run(
    "INSERT INTO papers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    slot,
    paper.id,
    paper.title,
    titleKey(title.join(" ")),
    JSON.stringify(paper.authors),
    paper.abstract,
    JSON.stringify(paper.categories),
    paper.venue,
    paper.year,
    paper.announced,
    paper.url,
    paper.stars,
  );
  insertCategories(db, slot, paper);
  db.run(
    "INSERT INTO exact(rowid, title, abstract, authors) VALUES (?, ?, ?, ?)",
    slot,
    title.join(" "),
    abstract.join(" "),
    authors.join(" "),
  );
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
    "UPDATE papers SET categories = ?, venue = ?, year = ?, announced = ?, url = ?, stars = ? WHERE slot = ?",
    JSON.stringify(categories),
    venue,
    year,
    announced,
    url,
    stars,
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
    const analysis = analyse(paper);
    const own = new Map<string, Postings>();
    post(own, slot, analysis);
    const segment = Number(
      db.one("SELECT segment FROM segments WHERE ? BETWEEN first AND last", slot)?.["segment"],
    );
    const forms = removed.get(segment) ?? new Map<string, Set<number>>();
    removed.set(segment, forms);
    for (const form of own.keys()) {
      const set = forms.get(form) ?? new Set<number>();
      set.add(slot);
      forms.set(form, set);
    }
    deleteCategories(db, slot, paper);
    db.run("DELETE FROM exact WHERE rowid = ?", slot);
    db.run("DELETE FROM papers WHERE slot = ?", slot);
    increase(db, "papers", -1);
    increase(db, "terms", -analysis.length);
  }
  for (const [segment, forms] of removed)
    for (const [form, gone] of forms) eraseFrom(db, segment, form, gone);
}

function eraseFrom(db: Database, segment: number, form: string, gone: ReadonlySet<number>): void {
  const key = [segment, stem(form), form] as const;
  const row = db.one("SELECT data FROM postings WHERE segment = ? AND stem = ? AND form = ?", ...key);
  if (!row) return;
  const left: Postings = [];
  eachPosting(blob(row, "data"), (slot, frequency) => {
    if (!gone.has(slot)) left.push(slot, frequency);
  });
  const data = encodePostings(left);
  if (left.length > 0)
    db.run("UPDATE postings SET data = ? WHERE segment = ? AND stem = ? AND form = ?", data, ...key);
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

/** Merges neighbouring segments until fewer than `fanout` of any size are left. Its own transaction. */
export function mergeSegments(db: Database): void {
  for (let run = mergeable(db); run; run = mergeable(db)) {
    const group = run;
    db.write(() => mergeGroup(db, group));
  }
}

interface Segment {
  readonly segment: number;
  readonly first: number;
  readonly last: number;
}

const sizeClass = ({ first, last }: Segment) =>
  Math.max(0, Math.floor(Math.log((last - first + 1) / smallest) / Math.log(fanout)) + 1);

/** The latest segments of one size, if there are `fanout`. Sizes never grow from older to newer segments. */
function mergeable(db: Database): Segment[] | undefined {
  const segments = db.all("SELECT * FROM segments ORDER BY first").map((row) => ({
    segment: Number(row["segment"]),
    first: Number(row["first"]),
    last: Number(row["last"]),
  }));
  const newest = segments.at(-1);
  if (!newest) return undefined;
  let start = segments.length;
  while (start > 0 && sizeClass(segments[start - 1] ?? newest) <= sizeClass(newest)) start--;
  return segments.length - start >= fanout ? segments.slice(start) : undefined;
}

function mergeGroup(db: Database, group: readonly Segment[]): void {
  const [first, last] = [group[0], group.at(-1)];
  if (!first || !last) return;
  // A new number: the merged rows go to the end of the table, where writing is cheapest.
  const target = Number(db.one("SELECT max(segment) + 1 AS n FROM segments")?.["n"]);
  const heads = group.map(({ segment }) => cursorOver(db, segment));
  for (let least = leastOf(heads); least; least = leastOf(heads)) {
    const { root, form } = least;
    const merged: Postings = [];
    for (const head of heads) {
      if (head.root !== root || head.form !== form) continue;
      eachPosting(head.data, (slot, frequency) => merged.push(slot, frequency));
      head.next();
    }
    insertPostings(db, target, root, form, encodePostings(merged));
  }
  for (const { segment } of group) {
    db.run("DELETE FROM postings WHERE segment = ?", segment);
    db.run("DELETE FROM segments WHERE segment = ?", segment);
  }
  db.run("INSERT INTO segments VALUES (?, ?, ?)", target, first.first, last.last);
  increase(db, "writes", 1); // another process may hold the old list of segments
}

interface Head {
  root: string | undefined;
  form: string;
  data: Uint8Array;
  next(): void;
}

const pageOfRows = 500;

/** A segment's rows in order, read a few hundred at a time so that writing between reads is safe. */
function cursorOver(db: Database, segment: number): Head {
  let rows: ReturnType<Database["all"]> = [];
  let at = 0;
  const head: Head = {
    root: "",
    form: "",
    data: new Uint8Array(),
    next() {
      if (at >= rows.length) {
        rows = db.all(
          `SELECT stem, form, data FROM postings WHERE segment = ? AND (stem, form) > (?, ?)
           ORDER BY stem, form LIMIT ${pageOfRows}`,
          segment,
          head.root ?? "",
          head.form,
        );
        at = 0;
      }
      const row = rows[at++];
      head.root = row && String(row["stem"]);
      head.form = String(row?.["form"] ?? "");
      head.data = row ? blob(row, "data") : new Uint8Array();
    },
  };
  head.next();
  return head;
}

/** SQLite's order of texts, by UTF-8 bytes: as UTF-16 but for surrogates, which stand for the last characters. */
function bytesBefore(x: string, y: string): boolean {
  const n = Math.min(x.length, y.length);
  for (let i = 0; i < n; i++) {
    const [c, d] = [x.charCodeAt(i), y.charCodeAt(i)];
    if (c === d) continue;
    const [cs, ds] = [c >= 0xd800 && c < 0xe000, d >= 0xd800 && d < 0xe000];
    return cs === ds ? c < d : ds;
  }
  return x.length < y.length;
}

function leastOf(heads: readonly Head[]): { root: string; form: string } | undefined {
  let least: { root: string; form: string } | undefined;
  for (const { root, form } of heads) {
    if (root === undefined) continue;
    if (!least || bytesBefore(root, least.root) || (root === least.root && bytesBefore(form, least.form)))
      least = { root, form };
  }
  return least;
}
