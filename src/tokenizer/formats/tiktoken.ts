// tiktoken vocabularies (https://github.com/openai/tiktoken, load.py): lines of `base64(token) rank`; the rank
// is the id and the order of merging. The split pattern and the specials are not in the file.
import { FileError } from "../../errors.ts";
import { mergesFromOrder } from "../encode/bpe-tables.ts";
import type { BpeModel } from "../model.ts";
import { buildTrie } from "../encode/trie.ts";
import { base64Bytes } from "./bytepiece.ts";
import { GPT2_SPLIT } from "../pipeline/pre-tokenizers.ts";
import { usualRole } from "./hugging-face-added.ts";

/** Split patterns by the name of an encoding. */
export const TIKTOKEN_SPLITS: Readonly<Record<"gpt2" | "cl100k_base" | "o200k_base", string>> = {
  gpt2: GPT2_SPLIT,
  cl100k_base:
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+",
  o200k_base:
    "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
};

export interface TiktokenOptions {
  /** Which split pattern goes with the file. Default `"cl100k_base"`. */
  readonly encoding?: keyof typeof TIKTOKEN_SPLITS;
  /** Specials: text → id. Default `<|endoftext|>` after the last rank. */
  readonly specials?: Readonly<Record<string, number>>;
}

/** True if `text` starts like a tiktoken file. */
export function isTiktoken(text: string): boolean {
  return /^[A-Za-z0-9+/]+=* \d+\r?\n/.test(text);
}

/** Reads a tiktoken vocabulary. @throws FileError that names the line at fault. */
export function readTiktoken(
  text: string,
  file = "vocabulary.tiktoken",
  { encoding = "cl100k_base", specials }: TiktokenOptions = {},
): BpeModel {
  const pieces: Uint8Array[] = [];
  const lines = text.split("\n");
  for (const [i, line] of lines.entries()) {
    if (line === "" && i === lines.length - 1) break;
    const match = /^(\S+) (\d+)\r?$/.exec(line);
    const id = Number(match?.[2]);
    if (match === null || pieces[id] !== undefined) {
      throw new FileError(
        `load: ${file}: line ${i + 1} must be base64 and a new rank, got "${line.slice(0, 60)}".`,
      );
    }
    pieces[id] = base64Bytes(match[1] ?? "", file);
  }
  const order: number[] = [];
  for (let id = 0; id < pieces.length; id++) {
    const piece = pieces[id];
    if (piece === undefined) {
      throw new FileError(
        `load: ${file}: ranks must run without gaps, got none for ${id}. The file is cut or edited.`,
      );
    }
    if (piece.length > 1) order.push(id);
  }
  const merges = mergesFromOrder(pieces, order, buildTrie(pieces));
  const listed = Object.entries(specials ?? { "<|endoftext|>": pieces.length });
  for (const [, id] of listed) for (let k = pieces.length; k <= id; k++) pieces.push(new Uint8Array(0));
  return {
    kind: "bpe",
    pieces,
    merges,
    specials: listed.map(([special, id]) => ({ id, text: special, role: usualRole(special) })),
    split: TIKTOKEN_SPLITS[encoding],
    wholeParts: true,
  };
}
