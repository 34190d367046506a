// Papers from a file of JSON objects, one a line; plain or gzip.
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { createGunzip } from "node:zlib";
import { FileError } from "../../errors.ts";
import { normalisePaper } from "../normalise.ts";
import type { Batch, Item } from "./item.ts";

/** Longest line read, in UTF-16 units; longer ones are reported and passed over. */
const longestLine = 16 << 20;

/**
 * Reads a JSONL file in batches of `size` lines, from line number `from` (from 1) on. A line that is no record
 * becomes a problem; empty lines are nothing.
 * @throws FileError if the file cannot be read or its compression is damaged.
 */
export async function* readJsonl(path: string, size = 5_000, from = "1"): AsyncGenerator<Batch> {
  const first = Number(from);
  let items: Item[] = [];
  let number = 0;
  for await (const line of linesOf(path)) {
    number++;
    if (number < first) continue;
    const item = readLine(line, number);
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

/** Lines of a file, decoded as UTF-8; a line beyond `longestLine` comes cut to that length. */
export async function* linesOf(path: string): AsyncGenerator<string> {
  const raw = createReadStream(path);
  const stream = (await isGzip(path)) ? raw.pipe(createGunzip()) : raw;
  if (stream !== raw) raw.on("error", (error) => stream.destroy(error));
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for await (const chunk of stream) {
      const pieces = decoder
        .decode(chunk instanceof Uint8Array ? chunk : undefined, { stream: true })
        .split("\n");
      for (const [i, piece] of pieces.entries()) {
        rest = (rest + piece).slice(0, longestLine);
        if (i === pieces.length - 1) break;
        yield rest;
        rest = "";
      }
    }
  } catch (error) {
    throw unreadable(path, error);
  } finally {
    raw.destroy();
  }
  rest += decoder.decode();
  if (rest !== "") yield rest;
}

async function isGzip(path: string): Promise<boolean> {
  try {
    await using file = await open(path);
    const { bytesRead, buffer } = await file.read(Buffer.alloc(2), 0, 2, 0);
    return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b;
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** A reading failure in words. */
export function unreadable(path: string, error: unknown): FileError {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const why = code === "ENOENT" ? "no such file" : error instanceof Error ? error.message : String(error);
  return new FileError(`papers add: ${path} must be readable, got ${why}.`, { cause: error });
}
