// Papers by what names one: an identifier of any kind, an address, a title.
import { normaliseId } from "../../identifier.ts";
import { textKey } from "../../tokens.ts";
import type { Database } from "./connection.ts";
import { titleHash, titleKey } from "./rows.ts";

/** Slots of the papers that an identifier in any form, or an address, names; the paper of that very id first. */
export function namedSlots(db: Database, text: string): number[] {
  const written = text.trim().slice(0, 2000);
  const id = normaliseId(written);
  const slots = new Set<number>();
  const add = (sql: string, value: string) => {
    for (const row of db.all(`SELECT slot FROM papers WHERE ${sql}`, value)) slots.add(Number(row["slot"]));
  };
  add("id = ?", id);
  if (written !== id) add("id = ?", written);
  if (slots.size === 0 && id.startsWith("doi:") && hasColumn(db)) add("doi <> '' AND doi = ?", id.slice(4));
  if (slots.size === 0 && /^https?:\/\//i.test(written) && URL.canParse(written))
    add("url = ?", new URL(written).href);
  return [...slots];
}

/** A file of format 2 that may only be read has no column of DOIs. */
function hasColumn(db: Database): boolean {
  return db.one("SELECT 1 FROM pragma_table_info('papers') WHERE name = 'doi'") !== undefined;
}

/** Slots of the papers with a title, up to case, accents and punctuation; at most a hundred. */
export function titledSlots(db: Database, title: string): number[] {
  const wanted = titleKey(textKey(title));
  if (wanted === "") return [];
  const rows = db.all("SELECT slot, title FROM papers WHERE title_hash = ? LIMIT 100", titleHash(wanted));
  return rows
    .filter((row) => titleKey(textKey(String(row["title"]))) === wanted)
    .map((row) => Number(row["slot"]));
}
