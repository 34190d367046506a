// Texts from files: plain text, JSONL with a "text" in each line, both also gzipped.
import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { FileError, OptionError } from "../../errors.ts";
import type { Source } from "../corpus.ts";

const unzip = promisify(gunzip);
/** How far a file is looked at to tell text from other data, and the share of control bytes text may have there. */
const LOOK = 1 << 16;
const MOST_CONTROLS = 0.02;

/** The texts of a corpus, and a hash that tells two corpora apart. */
export interface Corpus {
  readonly sources: readonly Source[];
  /** SHA-256 of all texts, in hexadecimal. */
  readonly fingerprint: string;
  readonly bytes: number;
}

/**
 * Reads a corpus. Any file is one text, `.jsonl` a text a line; `.gz` is unpacked first. Text need not be UTF-8.
 * @throws FileError for a file that is missing, empty, binary or broken, OptionError for no files.
 */
export async function readCorpus(paths: readonly string[]): Promise<Corpus> {
  if (paths.length === 0) {
    throw new OptionError("train: files must name at least one text, got none. Try: athanor train book.txt");
  }
  const sources: Source[] = [];
  const hash = createHash("sha256");
  let bytes = 0;
  for (const path of paths) {
    const source = { name: path, texts: await readTexts(path) };
    for (const text of source.texts) {
      hash.update(`${text.length}:`).update(text);
      bytes += text.length;
    }
    sources.push(source);
  }
  return { sources, fingerprint: hash.digest("hex"), bytes };
}

async function readTexts(path: string): Promise<Uint8Array[]> {
  if ((await stat(path).catch(() => undefined))?.isDirectory()) {
    throw new FileError(
      `train: ${path} must be a file, got a folder. Name the files in it, as ${path}/*.txt.`,
    );
  }
  let data: Uint8Array = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    throw new FileError(`train: ${path} must be readable, got ${error.code ?? error.message}.`);
  });
  let name = path.toLowerCase();
  if (name.endsWith(".gz")) {
    name = name.slice(0, -3);
    data = await unzip(data).catch((error: Error) => {
      throw new FileError(`train: ${path} must be a gzip file, got ${error.message}. Fetch it again.`);
    });
  }
  if (data.length === 0) throw new FileError(`train: ${path} must hold text, got 0 bytes.`);
  checkText(data, path);
  return name.endsWith(".jsonl") ? jsonTexts(data, path) : [data];
}

/** @throws FileError when `data` looks like anything but text. */
function checkText(data: Uint8Array, path: string): void {
  const zero = data.indexOf(0);
  if (zero >= 0) {
    throw new FileError(`train: ${path} must be text, got a zero byte at ${zero}, as in binary files.`);
  }
  let controls = 0;
  const head = data.subarray(0, LOOK);
  for (const b of head) if (b < 32 && b !== 9 && b !== 10 && b !== 12 && b !== 13) controls++;
  if (controls > MOST_CONTROLS * head.length) {
    throw new FileError(
      `train: ${path} must be text, got ${controls} control bytes in the first ${head.length}, as in binary files.`,
    );
  }
}

function jsonTexts(data: Uint8Array, path: string): Uint8Array[] {
  const encoder = new TextEncoder();
  const texts: Uint8Array[] = [];
  for (const [i, line] of new TextDecoder().decode(data).split("\n").entries()) {
    if (line.trim() === "") continue;
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      throw new FileError(`train: ${path} must hold JSON in every line, got none in line ${i + 1}.`);
    }
    const text = typeof value === "object" && value !== null && "text" in value ? value.text : undefined;
    if (typeof text !== "string") {
      throw new FileError(`train: ${path} must have a "text" in every line, got none in line ${i + 1}.`);
    }
    if (text !== "") texts.push(encoder.encode(text));
  }
  if (texts.length === 0) throw new FileError(`train: ${path} must hold texts, got 0.`);
  return texts;
}
