// Postings by stem, kept in memory while the file stays as it is: the words of queries repeat.
import type { QueryTerm } from "../../bm25.ts";
import type { Database, Row } from "./connection.ts";
import { eachPosting } from "./postings.ts";
import { blob } from "./rows.ts";
import { collectSlots } from "./slots.ts";

/** The postings of one form of a stem in one segment. */
export interface FormPostings {
  readonly form: string;
  readonly data: Uint8Array;
}

/** What the index has of a term. */
export interface TermPostings {
  /** Segment by segment. */
  readonly forms: readonly FormPostings[];
  /** How many papers have any of the forms. */
  readonly documents: number;
}

/** All postings of a term. */
export type Lookup = (term: Pick<QueryTerm, "stem" | "prefix" | "also">) => TermPostings;

/** Bytes of postings kept; the least recently used go first. */
const bound = 64 << 20;

/** A lookup in the given segments, of slots below `size`. */
export function createLookup(db: Database, segments: readonly number[], size: number): Lookup {
  const kept = new Map<string, { found: TermPostings; bytes: number }>();
  let bytes = 0;
  return ({ stem, prefix, also = [] }) => {
    const key = prefix ? `${stem}*` : [stem, ...also].join(" ");
    const known = kept.get(key);
    if (known) {
      kept.delete(key);
      kept.set(key, known);
      return known.found;
    }
    const rows = segments.flatMap((segment) =>
      [stem, ...also].flatMap((root) => read(db, segment, root, prefix)),
    );
    const forms = rows.map((row) => ({ form: String(row["form"]), data: blob(row, "data") }));
    const found = { forms, documents: documentsOf(forms, size) };
    const entry = { found, bytes: forms.reduce((sum, { data }) => sum + data.length + 200, 200) };
    kept.set(key, entry);
    bytes += entry.bytes;
    for (const [oldest, { bytes: freed }] of kept) {
      if (bytes <= bound) break;
      kept.delete(oldest);
      bytes -= freed;
    }
    return found;
  };
}

/** How many papers have any of the forms. Papers with several are common: `network` and `networks`. */
function documentsOf(forms: readonly FormPostings[], size: number): number {
  if (forms.length === 0) return 0;
  return collectSlots(size, (visit) => {
    for (const { data } of forms) eachPosting(data, visit);
  }).count;
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
