// Papers from a BibTeX file, read as a stream.
import { itemOf } from "../collect/bibtex.ts";
import { type BibEntry, type BibProblem, createBibParser } from "../collect/bibtex-parse.ts";
import type { Batch, Item } from "../collect/item.ts";
import { textOf } from "./file.ts";

/**
 * Reads a BibTeX file in batches of `size` entries, from the entry after the first `from` on: the others are read too,
 * for the abbreviations they define.
 * @throws FileError if the file cannot be read or its compression is damaged.
 */
export async function* readBibtexFile(path: string, size: number, from = "0"): AsyncGenerator<Batch> {
  const parser = createBibParser();
  let passed = 0;
  let items: Item[] = [];
  const take = function* (found: readonly (BibEntry | BibProblem)[]): Generator<Batch> {
    for (const one of found) {
      if (++passed <= Number(from)) continue;
      items.push(itemOf(one));
      if (passed % size !== 0) continue;
      yield { items, next: String(passed) };
      items = [];
    }
  };
  for await (const text of textOf(path)) yield* take(parser.push(text));
  yield* take(parser.end());
  yield { items };
}
