// Texts from files: found, unpacked and read.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { FileError, OptionError } from "../../errors.ts";
import type { TextFile } from "../corpus.ts";
import { type ReadOptions, readTexts } from "../texts.ts";
import { findFiles } from "./find-files.ts";

const unzip = promisify(gunzip);

/** The texts of a corpus, and a hash that tells two corpora apart. */
export interface CorpusFiles {
  readonly sources: readonly TextFile[];
  /** The files read, where folders and patterns were named. */
  readonly files: readonly string[];
  /** SHA-256 of all texts, in hexadecimal. */
  readonly fingerprint: string;
  readonly bytes: number;
  /** Some texts are chats. */
  readonly chats: boolean;
  /** What a person should know about how the files were read. */
  readonly notices: readonly string[];
}

/**
 * Reads a corpus: files, folders and patterns (`findFiles`), each file as its ending says (`readTexts`), `.gz` unpacked
 * first.
 * @throws FileError for a file that is missing, empty, binary or broken, OptionError for no files.
 */
export async function readCorpus(paths: readonly string[], options: ReadOptions = {}): Promise<CorpusFiles> {
  if (paths.length === 0) {
    throw new OptionError("train: files must name at least one text, got none. Try: athanor train book.txt");
  }
  const files = await findFiles(paths);
  const sources: TextFile[] = [];
  const notices: string[] = [];
  const hash = createHash("sha256");
  let bytes = 0;
  let chats = false;
  for (const path of files) {
    const { data, name } = await unpacked(path);
    const read = readTexts(data, name, path, options);
    notices.push(...read.notices);
    chats ||= read.chats;
    for (const text of read.texts) {
      hash.update(`${text.length}:`).update(text);
      bytes += text.length;
    }
    sources.push({ name: path, texts: read.texts });
  }
  return { sources, files, fingerprint: hash.digest("hex"), bytes, chats, notices };
}

/** The bytes of a file, and its name without `.gz`. */
async function unpacked(path: string): Promise<{ data: Uint8Array; name: string }> {
  const data = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    throw new FileError(`train: ${path} must be readable, got ${error.code ?? error.message}.`);
  });
  if (!path.toLowerCase().endsWith(".gz")) return { data, name: path };
  const inside = await unzip(data).catch((error: Error) => {
    throw new FileError(`train: ${path} must be a gzip file, got ${error.message}. Fetch it again.`);
  });
  return { data: inside, name: path.slice(0, -3) };
}
