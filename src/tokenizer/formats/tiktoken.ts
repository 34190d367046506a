// tiktoken vocabularies (https://github.com/openai/tiktoken, load.py): lines of `base64(token) rank`; the rank
// is the id and the order of merging. The split pattern and the specials are not in the file.
import { FileError } from "../../errors.ts";
import { mergesFromOrder } from "../encode/bpe-tables.ts";
import type { BpeModel } from "../model.ts";
import { buildTrie } from "../encode/trie.ts";
import { base64Bytes } from "./bytepiece.ts";
import { GPT2_SPLIT } from "../pipeline/pre-tokenizers.ts";
import { MOST_IDS } from "../pipeline/vocabulary.ts";
import { usualRole } from "./hugging-face-added.ts";

/** Published encodings. */
export type TiktokenEncoding = "gpt2" | "p50k_base" | "cl100k_base" | "o200k_base";

/** What a file does not hold. */
interface Encoding {
  readonly split: string;
  readonly specials: Readonly<Record<string, number>>;
  /** Ranks in the file, and the hash of their pieces: how a file is recognised. */
  readonly ranks: number;
  readonly hash: number;
}

const O200K_SPLIT =
  "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

/** Published encodings (tiktoken_ext/openai_public.py). */
const ENCODINGS: Readonly<Record<TiktokenEncoding, Encoding>> = {
  gpt2: { split: GPT2_SPLIT, specials: { "<|endoftext|>": 50256 }, ranks: 50256, hash: 0xa81d05d4 },
  p50k_base: { split: GPT2_SPLIT, specials: { "<|endoftext|>": 50256 }, ranks: 50280, hash: 0xc9a56ef1 },
  cl100k_base: {
    split:
      "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
    specials: {
      "<|endoftext|>": 100257,
      "<|fim_prefix|>": 100258,
      "<|fim_middle|>": 100259,
      "<|fim_suffix|>": 100260,
      "<|endofprompt|>": 100276,
    },
    ranks: 100256,
    hash: 0xf8368d5e,
  },
  o200k_base: {
    split: O200K_SPLIT,
    specials: { "<|endoftext|>": 199999, "<|endofprompt|>": 200018 },
    ranks: 199998,
    hash: 0x18675a6f,
  },
};

/** Names of the published encodings. */
export const TIKTOKEN_ENCODINGS: readonly TiktokenEncoding[] = [
  "gpt2",
  "p50k_base",
  "cl100k_base",
  "o200k_base",
];

/** Split patterns by the name of an encoding. */
export const TIKTOKEN_SPLITS: Readonly<Record<TiktokenEncoding, string>> = {
  gpt2: ENCODINGS.gpt2.split,
  p50k_base: ENCODINGS.p50k_base.split,
  cl100k_base: ENCODINGS.cl100k_base.split,
  o200k_base: ENCODINGS.o200k_base.split,
};

export interface TiktokenOptions {
  /** Which split pattern and specials go with the file. Default: recognised by the file's size and hash. */
  readonly encoding?: TiktokenEncoding;
  /** Specials: text → id. Default those of the encoding; none but `<|endoftext|>` in a file of another size. */
  readonly specials?: Readonly<Record<string, number>>;
}

/** FNV-1a over all pieces, each followed by a byte that is in none of UTF-8's. */
export function hashOf(pieces: readonly (Uint8Array | undefined)[]): number {
  let hash = 0x811c9dc5;
  const add = (b: number): void => {
    hash = Math.imul(hash ^ b, 0x01000193);
  };
  for (const piece of pieces) {
    for (const b of piece ?? []) add(b);
    add(0xff);
  }
  return hash >>> 0;
}

/** The published encoding that a file is. @throws FileError if it is none. */
function recognised(pieces: readonly (Uint8Array | undefined)[], file: string): TiktokenEncoding {
  const ranks = pieces.filter((p) => p !== undefined).length;
  const hash = hashOf(pieces);
  const found = TIKTOKEN_ENCODINGS.find((e) => ENCODINGS[e].ranks === ranks && ENCODINGS[e].hash === hash);
  if (found !== undefined) return found;
  throw new FileError(
    `load: ${file} must be a published encoding (${TIKTOKEN_ENCODINGS.join(", ")}), got another of ${ranks} ranks, and its split pattern is not in the file. Name one with --encoding (option encoding).`,
  );
}

/** True if `text` starts like a tiktoken file. */
export function isTiktoken(text: string): boolean {
  return /^[A-Za-z0-9+/]+=* \d+\r?\n/.test(text);
}

/** Reads a tiktoken vocabulary. @throws FileError that names the line at fault. */
export function readTiktoken(
  text: string,
  file = "vocabulary.tiktoken",
  { encoding, specials }: TiktokenOptions = {},
): BpeModel {
  const pieces: (Uint8Array | undefined)[] = [];
  const lines = text.split("\n");
  for (const [i, line] of lines.entries()) {
    if (line === "" && i === lines.length - 1) break;
    const match = /^(\S+) (\d+)\r?$/.exec(line);
    const id = Number(match?.[2]);
    if (match === null || pieces[id] !== undefined || id >= MOST_IDS) {
      throw new FileError(
        `load: ${file}: line ${i + 1} must be base64 and a new rank, got "${line.slice(0, 60)}".`,
      );
    }
    pieces[id] = base64Bytes(match[1] ?? "", file);
  }
  const hole = pieces.findIndex((p) => p === undefined);
  // In p50k_base the end of text lies among the ranks.
  const isLeftOut = TIKTOKEN_ENCODINGS.some((e) => Object.values(ENCODINGS[e].specials).includes(hole));
  if (hole >= 0 && !isLeftOut) {
    throw new FileError(
      `load: ${file}: ranks must run without gaps, got none for ${hole}. The file is cut or edited.`,
    );
  }
  const name = encoding ?? recognised(pieces, file);
  const known = ENCODINGS[name];
  // A shorter file of one's own with that pattern has its end of text after its ranks.
  const listed =
    specials ?? (hashOf(pieces) === known.hash ? known.specials : { "<|endoftext|>": pieces.length });
  const byId = new Map(Object.entries(listed).map(([special, id]) => [id, special]));
  const order: number[] = [];
  const all: Uint8Array[] = [];
  for (let id = 0; id < Math.max(pieces.length, ...Array.from(byId.keys(), (k) => k + 1)); id++) {
    const piece = pieces[id];
    if (piece !== undefined && byId.has(id)) {
      throw new FileError(
        `load: ${file}: special ${byId.get(id)} must have an id of its own, got ${id}, which is a rank of the file.`,
      );
    }
    all.push(piece ?? new Uint8Array(0));
    if (piece !== undefined && piece.length > 1) order.push(id);
  }
  return {
    kind: "bpe",
    pieces: all,
    merges: mergesFromOrder(all, order, buildTrie(all)),
    specials: Array.from(byId, ([id, special]) => ({ id, text: special, role: usualRole(special) })),
    split: known.split,
    wholeParts: true,
  };
}
