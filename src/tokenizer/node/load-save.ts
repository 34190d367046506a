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
 * Loads a tokenizer from a file (tokenizer.json, SentencePiece `.model`, BytePiece model, llama2.c tokenizer.bin,
 * tiktoken) or from a folder that holds one of `tokenizer.json`, `tokenizer.bin`, `tokenizer.model`.
 * @throws FileError if there is none or it cannot be read.
 */
export async function loadTokenizer(path: string, options: TiktokenOptions = {}): Promise<Tokenizer> {
  const file = await tokenizerFile(path);
  const data = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    throw new FileError(`load: ${file} must be readable, got ${error.code ?? error.message}.`);
  });
  // What the specials are for stands beside the file; of both, tokenizer_config.json is the newer.
  const beside = await Promise.all(
    ["special_tokens_map.json", "tokenizer_config.json"].map((name) =>
      readFile(join(dirname(file), name), "utf8").catch(() => ""),
    ),
  );
  const config = Object.assign({}, ...beside.map(objectOf)) as object;
  return parseTokenizer(data, file, { ...options, config });
}

/** The object that `json` holds, or an empty one: a broken file beside the tokenizer is only advice. */
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
  const wanted = format ?? formatOf(basename(path));
  await writeFileAtomic(path, contentOf(tokenizer, wanted));
}

function contentOf(tokenizer: Tokenizer, format: TokenizerFormat): string | Uint8Array {
  if (tokenizer.model !== undefined) return formatTokenizer(tokenizer.model, format);
  if (tokenizer.json !== undefined && format === "tokenizer.json") return JSON.stringify(tokenizer.json);
  throw new OptionError(
    `save: tokenizer must be one that ${format} can hold, got one run by the steps of its own file. ${tokenizer.json === undefined ? "Copy that file." : "Use tokenizer.json."}`,
  );
}

function formatOf(name: string): TokenizerFormat {
  if (name.endsWith(".model")) return "sentencepiece";
  return name.endsWith(".bytepiece") ? "bytepiece" : "tokenizer.json";
}
