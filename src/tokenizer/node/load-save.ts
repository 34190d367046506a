// Tokenizers on disk.
import { readFile, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { FileError, OptionError } from "../../errors.ts";
import { writeFileAtomic } from "../../files/node/atomic.ts";
import {
  type TiktokenOptions,
  type TokenizerFormat,
  formatTokenizer,
  parseTokenizer,
} from "../formats/index.ts";
import type { Tokenizer } from "../tokenizer.ts";

/**
 * Loads a tokenizer from a file (tokenizer.json, BytePiece model, llama2.c tokenizer.bin, tiktoken) or from a
 * folder that holds one of `tokenizer.json`, `tokenizer.bin`, `tokenizer.model`.
 * @throws FileError if there is none or it cannot be read.
 */
export async function loadTokenizer(path: string, options: TiktokenOptions = {}): Promise<Tokenizer> {
  const file = await tokenizerFile(path);
  const data = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    throw new FileError(`load: ${file} must be readable, got ${error.code ?? error.message}.`);
  });
  const config = await readFile(join(dirname(file), "tokenizer_config.json"), "utf8").catch(() => "");
  return parseTokenizer(data, file, { ...options, ...(config && { config: objectOf(config) }) });
}

/** The object that `json` holds, or an empty one: a broken tokenizer_config.json is only advice. */
function objectOf(json: string): object {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}

async function tokenizerFile(path: string): Promise<string> {
  const info = await stat(path).catch(() => undefined);
  if (info === undefined) throw new FileError(`load: ${path} must exist, got nothing there.`);
  if (!info.isDirectory()) return path;
  for (const name of ["tokenizer.json", "tokenizer.bin", "tokenizer.model"]) {
    const inside = join(path, name);
    if (await stat(inside).catch(() => undefined)) return inside;
  }
  throw new FileError(`load: folder ${path} must hold tokenizer.json or tokenizer.bin, got neither.`);
}

/**
 * Saves a tokenizer, whole or not at all. The format follows the name unless given: `.model` is SentencePiece,
 * `.bytepiece` BytePiece's JSON, all else tokenizer.json.
 */
export async function saveTokenizer(
  tokenizer: Tokenizer,
  path: string,
  format?: TokenizerFormat,
): Promise<void> {
  if (tokenizer.model === undefined) {
    throw new OptionError(
      `save: tokenizer must hold its own vocabulary, got kind ${tokenizer.kind}. Copy its tokenizer.json.`,
    );
  }
  await writeFileAtomic(path, formatTokenizer(tokenizer.model, format ?? formatOf(basename(path))));
}

function formatOf(name: string): TokenizerFormat {
  if (name.endsWith(".model")) return "sentencepiece";
  return name.endsWith(".bytepiece") ? "bytepiece" : "tokenizer.json";
}
