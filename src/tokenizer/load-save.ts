// Tokenizers in files, wherever those are.
import { filesAt } from "#files";
import { FileError, OptionError } from "../errors.ts";
import { type FilesAt, fileIn, type Found, jsonObject, readWhole, textIn } from "../files/folder.ts";
import { isGguf } from "../files/gguf.ts";
import { readGguf } from "../files/gguf-file.ts";
import { ggufTokenizer } from "./formats/gguf.ts";
import {
  type TiktokenOptions,
  type TokenizerFormat,
  formatTokenizer,
  parseTokenizer,
} from "./formats/index.ts";
import type { Tokenizer } from "./tokenizer.ts";

/**
 * Loads a tokenizer from a file (tokenizer.json, SentencePiece `.model`, BytePiece model, llama2.c tokenizer.bin,
 * tiktoken, GGUF) or from a folder that holds one of `tokenizer.json`, `tokenizer.bin`, `tokenizer.model`.
 * @param at A path (Node), an address, a handle of the page's storage, or files: see `FilesAt`.
 * @throws FileError if there is none or it cannot be read.
 */
export async function loadTokenizer(at: FilesAt, options: TiktokenOptions = {}): Promise<Tokenizer> {
  return readTokenizer(await tokenizerIn(await filesAt("load", at)), options);
}

/** The tokenizer in a file that was found. @throws FileError if it cannot be read. */
export async function readTokenizer(found: Found, options: TiktokenOptions = {}): Promise<Tokenizer> {
  const file = await fileIn(found, "load");
  if (isGguf(await file.read(0, Math.min(4, file.byteLength)))) {
    await using gguf = await readGguf(file);
    return ggufTokenizer(gguf.metadata, gguf.path);
  }
  const data = await readWhole(file);
  // What the specials are for stands beside the file; of both, tokenizer_config.json is the newer. Broken ones are
  // only advice.
  const beside = ["special_tokens_map.json", "tokenizer_config.json"];
  const texts = await Promise.all(beside.map((name) => textIn(found.folder, name)));
  const config: object = Object.assign({}, ...texts.map((text) => jsonObject(text ?? "")));
  return parseTokenizer(data, file.path, { ...options, config });
}

async function tokenizerIn(found: Found): Promise<Found> {
  if (found.file !== undefined) return found;
  const { folder } = found;
  for (const file of ["tokenizer.json", "tokenizer.bin", "tokenizer.model"]) {
    if (await folder.find(file)) return { folder, file };
  }
  throw new FileError(`load: folder ${folder.path} must hold tokenizer.json or tokenizer.bin, got neither.`);
}

/**
 * Saves a tokenizer, whole or not at all. The format follows the name unless given: `.model` is SentencePiece,
 * `.bytepiece` BytePiece's JSON, all else tokenizer.json.
 * @param at A path (Node) or a file handle of the page's storage.
 */
export async function saveTokenizer(
  tokenizer: Tokenizer,
  at: FilesAt,
  format?: TokenizerFormat,
): Promise<void> {
  const { folder, file } = await filesAt("save", at, "file");
  if (file === undefined) throw new FileError(`save: ${folder.path} must be a file, got a folder.`);
  await folder.write(file, contentOf(tokenizer, format ?? formatOf(file)));
}

/** A file's content; a tokenizer run by the steps of its own file is that file. */
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
