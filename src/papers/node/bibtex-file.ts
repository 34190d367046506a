// Papers from a BibTeX file, read as a stream.
import { itemOf } from "../collect/bibtex.ts";
import { inherited, type Parents, targets } from "../collect/bibtex-inherit.ts";
import { type BibEntry, type BibProblem, createBibParser } from "../collect/bibtex-parse.ts";
import type { Batch, Item } from "../collect/item.ts";
import { notDecoded, openText, type TextFile } from "./file.ts";

/**
 * Reads a BibTeX file in batches of `size` entries, from the entry after the first `from` on: the others are read too,
 * for the abbreviations they define. A file with `crossref` or `xdata` is read before for what they refer to.
 * @throws FileError if the file cannot be read or its compression is damaged.
 */
export async function* readBibtexFile(path: string, size: number, from = "0"): AsyncGenerator<Batch> {
  const file = await openText(path);
  const parents = await parentsIn(file);
  let passed = 0;
  let items: Item[] = [];
  for await (const one of entriesOf(file)) {
    if (++passed <= Number(from)) continue;
    items.push(
      file.damaged && isDamaged(one) ? damaged(one) : itemOf("key" in one ? inherited(one, parents) : one),
    );
    if (passed % size !== 0) continue;
    yield { items, next: String(passed) };
    items = [];
  }
  yield { items };
}

async function* entriesOf(file: TextFile): AsyncGenerator<BibEntry | BibProblem> {
  const parser = createBibParser();
  for await (const text of file.text()) yield* parser.push(text);
  yield* parser.end();
}

/** The entries that others refer to, without abstracts. */
async function parentsIn(file: TextFile): Promise<Parents> {
  const wanted = new Set<string>();
  const parents = new Map<string, BibEntry>();
  if (!(await refers(file))) return parents;
  for await (const one of entriesOf(file)) if ("key" in one) for (const key of targets(one)) wanted.add(key);
  for await (const one of entriesOf(file)) {
    if (!("key" in one) || !wanted.has(one.key.toLowerCase())) continue;
    const fields = new Map(one.fields);
    fields.delete("abstract");
    parents.set(one.key.toLowerCase(), { ...one, fields });
  }
  return parents;
}

async function refers(file: TextFile): Promise<boolean> {
  let tail = "";
  for await (const text of file.text()) {
    if (/\b(?:crossref|xdata)\s*=/i.test(tail + text)) return true;
    tail = text.slice(-40);
  }
  return false;
}

function isDamaged(one: BibEntry | BibProblem): boolean {
  return "key" in one && [one.key, ...one.fields.values()].some((value) => value.includes("\ufffd"));
}

function damaged(one: BibEntry | BibProblem): Item {
  return { problem: { line: one.line, message: `entry ${"key" in one ? one.key : ""} ${notDecoded}` } };
}
