// Segments of one size become one of the next, so that a paper is rewritten a logarithmic number of times.
import type { Database } from "./connection.ts";
import { createEncoder, type Postings } from "./postings.ts";
import { blob } from "./rows.ts";
import { insertPostings } from "./writer.ts";

/** How many segments of one size become one of the next. */
const fanout = 8;
/** Papers in a segment of the lowest size. */
const smallest = 1_000;

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
  const encoder = createEncoder();
  const heads = group.map(({ segment }) => cursorOver(db, segment));
  for (let least = leastOf(heads); least; least = leastOf(heads)) {
    const { root, form } = least;
    const parts: Postings[] = [];
    for (const head of heads) {
      if (head.root !== root || head.form !== form) continue;
      parts.push(head.postings);
      head.next();
    }
    insertPostings(db, target, root, form, encoder.join(parts));
  }
  for (const { segment } of group) {
    db.run("DELETE FROM postings WHERE segment = ?", segment);
    db.run("DELETE FROM segments WHERE segment = ?", segment);
  }
  db.run("INSERT INTO segments VALUES (?, ?, ?)", target, first.first, last.last);
  // Another process may hold the old list of segments.
  db.run("UPDATE meta SET value = value + 1 WHERE name = 'writes'");
}

interface Head {
  root: string | undefined;
  form: string;
  postings: Postings;
  next(): void;
}

const none: Postings = { data: new Uint8Array(), places: new Uint8Array() };

const pageOfRows = 100;

/** A segment's rows in order, read a hundred at a time so that writing between reads is safe. */
function cursorOver(db: Database, segment: number): Head {
  let rows: ReturnType<Database["all"]> = [];
  let at = 0;
  const head: Head = {
    root: "",
    form: "",
    postings: none,
    next() {
      if (at >= rows.length) {
        rows = db.all(
          `SELECT stem, form, data, places FROM postings WHERE segment = ? AND (stem, form) > (?, ?)
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
      head.postings = row ? { data: blob(row, "data"), places: blob(row, "places") } : none;
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
