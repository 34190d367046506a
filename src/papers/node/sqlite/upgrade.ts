// A file of format 2 made one of format 3, in place: only what reads otherwise now is written anew.
import { normaliseId } from "../../identifier.ts";
import type { Paper } from "../../paper.ts";
import { eachTerm, isPair, stem } from "../../tokens.ts";
import type { Database } from "./connection.ts";
import { fromRow } from "./rows.ts";
import { erase, eraseFrom, insert } from "./writer.ts";

/** Brings the rows of a file of format 2 into format 3. Call inside its transaction. */
export function upgrade(db: Database): void {
  joinScripts(db);
  readSigns(db);
  nameDois(db);
  db.run("UPDATE meta SET value = value + 1 WHERE name = 'writes'");
}

/** Traditional and Simplified forms of a word stand under one stem. */
function joinScripts(db: Database): void {
  const rows = db.all("SELECT segment, stem, form FROM postings WHERE stem >= ?", "\u3400");
  for (const { segment, form } of rows) {
    const written = String(form);
    if (!isPair(written) || stem(written) === written) continue;
    db.run(
      "UPDATE postings SET stem = ? WHERE segment = ? AND stem = ? AND form = ?",
      stem(written),
      Number(segment),
      written,
      written,
    );
  }
}

/** Papers with `C++` or `C#` are read again: these were `C`. */
function readSigns(db: Database): void {
  const sql = ["title", "abstract", "authors"]
    .flatMap((c) => [`${c} LIKE '%++%'`, `${c} LIKE '%#%'`])
    .join(" OR ");
  const rows = db.all(`SELECT * FROM papers WHERE ${sql}`);
  const changed = rows.filter((row) => signed(fromRow(row)).length > 0);
  for (const row of changed) {
    const slot = Number(row["slot"]);
    const segment = Number(
      db.one("SELECT segment FROM segments WHERE ? BETWEEN first AND last", slot)?.["segment"],
    );
    for (const word of signed(fromRow(row))) eraseFrom(db, segment, word, new Set([slot]));
  }
  erase(
    db,
    changed.map((row) => Number(row["slot"])),
  );
  insert(db, changed.map(fromRow));
}

/** The words of a paper that signs follow, as they stood in the index without them. */
function signed({ title, abstract, authors }: Paper): string[] {
  const found = new Set<string>();
  for (const text of [title, abstract, ...authors])
    eachTerm(text, (_, start, end) => {
      const written = text.slice(start, end);
      if (/[+#]$/.test(written)) found.add(written.replace(/[+#]+$/, "").toLowerCase());
    });
  return [...found];
}

/** Identifiers that are DOIs get the one form of a DOI, unless another record has it. */
function nameDois(db: Database): void {
  for (const { id } of db.all("SELECT id FROM papers WHERE id LIKE '%10.%/%'")) {
    const name = normaliseId(String(id));
    if (name === id || !name.startsWith("doi:")) continue;
    if (!db.one("SELECT 1 FROM papers WHERE id = ?", name))
      db.run("UPDATE papers SET id = ? WHERE id = ?", name, id ?? "");
  }
}
