// Papers from a file of JSON objects, one a line; plain or gzip.
import { normalisePaper } from "../normalise.ts";
import { notDecoded, openText, type TextFile } from "./file.ts";
import type { Batch, Item } from "../collect/item.ts";

/** Longest line read, in UTF-16 units; longer ones are reported and passed over. */
const longestLine = 16 << 20;

/**
 * Reads a JSONL file in batches of `size` lines, from line number `from` (from 1) on. A line that is no record
 * becomes a problem; empty lines are nothing.
 * @throws FileError if the file cannot be read or its compression is damaged.
 */
export async function* readJsonl(path: string, size = 2_500, from = "1"): AsyncGenerator<Batch> {
  const first = Number(from);
  let items: Item[] = [];
  let number = 0;
  const file = await openText(path);
  for await (const line of linesOf(file)) {
    number++;
    if (number < first) continue;
    const unread = file.damaged && line.includes("\ufffd");
    const item = unread ? problem(number, `line ${notDecoded}`) : readLine(line, number);
    if (item) items.push(item);
    if (number % size === 0) {
      yield { items, next: String(number + 1) };
      items = [];
    }
  }
  yield { items };
}

/** The item on one line, if any. */
export function readLine(line: string, number: number): Item | undefined {
  const text = line.trim();
  if (text === "") return undefined;
  if (text.length >= longestLine) return problem(number, `line is longer than ${longestLine} characters`);
  try {
    const record: unknown = JSON.parse(text);
    return { paper: normalisePaper(record) };
  } catch (error) {
    return problem(number, error instanceof Error ? error.message : String(error));
  }
}

function problem(line: number, message: string): Item {
  return { problem: { line, message } };
}

/** Lines of a file; one beyond `longestLine` comes cut to that length. */
export async function* linesOf(file: Pick<TextFile, "text">): AsyncGenerator<string> {
  let rest = "";
  for await (const text of file.text()) {
    const pieces = text.split("\n");
    for (const [i, piece] of pieces.entries()) {
      rest = (rest + piece).slice(0, longestLine);
      if (i === pieces.length - 1) break;
      yield rest;
      rest = "";
    }
  }
  if (rest !== "") yield rest;
}
