// Postings by stem, kept in memory while the file stays as it is: the words of queries repeat.
import type { QueryTerm } from "../bm25.ts";
import type { Database, Row } from "./database.ts";
import { blob } from "./rows.ts";

/** The postings of one form of a stem in one segment. */
export interface FormPostings {
  readonly form: string;
  readonly data: Uint8Array;
}

/** All postings of a term, segment by segment. */
export type Lookup = (term: Pick<QueryTerm, "stem" | "prefix">) => readonly FormPostings[];

/** Bytes of postings kept; the least recently used go first. */
const bound = 64 << 20;

/** A lookup in the given segments. */
export function createLookup(db: Database, segments: readonly number[]): Lookup {
  const kept = new Map<string, { list: readonly FormPostings[]; bytes: number }>();
  let bytes = 0;
  return ({ stem, prefix }) => {
    const key = prefix ? `${stem}*` : stem;
    const known = kept.get(key);
    if (known) {
      kept.delete(key);
      kept.set(key, known);
      return known.list;
    }
    const rows = segments.flatMap((segment) => read(db, segment, stem, prefix));
    const list = rows.map((row) => ({ form: String(row["form"]), data: blob(row, "data") }));
    const entry = { list, bytes: list.reduce((sum, { data }) => sum + data.length + 200, 200) };
    kept.set(key, entry);
    bytes += entry.bytes;
    for (const [oldest, { bytes: freed }] of kept) {
      if (bytes <= bound) break;
      kept.delete(oldest);
      bytes -= freed;
    }
    return list;
  };
}

function read(db: Database, segment: number, stem: string, prefix: boolean): Row[] {
  if (!prefix)
    return db.all(
      "SELECT form, data FROM postings WHERE segment = ? AND stem = ? ORDER BY form",
      segment,
      stem,
    );
  const sql = "SELECT form, data FROM postings WHERE segment = ? AND stem >= ? AND stem < ? ORDER BY form";
  return db.all(sql, segment, stem, `${stem}\u{10ffff}`);
}
