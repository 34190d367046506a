// The models of tokenizer.json over text that is already cut (`model`), as
// https://github.com/huggingface/tokenizers has them (src/models): WordLevel, WordPiece, BPE, Unigram.
import { OptionError } from "../../errors.ts";
import type { IdBuffer } from "../encode/ids.ts";
import { madeBy, pairTable } from "../encode/bpe-tables.ts";
import { mergeByRank } from "../encode/merge-heap.ts";
import { type Fields, countField, flagField, madeFrom, refuse, textField, textOrNone } from "./fields.ts";
import { type Model, byteTokens } from "./model.ts";
import { unigram } from "./unigram.ts";
import { type Vocabulary, mergesOf, vocabularyOf } from "./vocabulary.ts";

/** Makes a model; `hidden` are ids that text never spells. */
type Maker = (hidden: ReadonlySet<number>) => Model;

/**
 * The model that a file describes. @param hidden Ids that no text may give: the specials'.
 * @throws FileError that names the field at fault.
 */
export function modelOf(
  json: Record<string, unknown>,
  where: string,
  hidden: (vocabulary: Vocabulary) => ReadonlySet<number>,
): Model {
  const type = json["type"] ?? guessedType(json);
  const makers: Readonly<Record<string, (f: Fields) => { vocabulary: Vocabulary; make: Maker }>> = {
    BPE: bpe,
    Unigram: unigram,
    WordLevel: wordLevel,
    WordPiece: wordPiece,
  };
  const { vocabulary, make } = madeFrom({ ...json, type }, where, makers, 0);
  return make(hidden(vocabulary));
}

/** Files before 2020 do not name the type. */
function guessedType(json: Record<string, unknown>): string | undefined {
  if ("merges" in json) return "BPE";
  if ("continuing_subword_prefix" in json) return "WordPiece";
  if (Array.isArray(json["vocab"])) return "Unigram";
  return "vocab" in json && "unk_token" in json ? "WordLevel" : undefined;
}

/** Names that text may spell, and their longest. */
function spellable(
  { idOf }: Vocabulary,
  hidden: ReadonlySet<number>,
): { idOf: ReadonlyMap<string, number>; longest: number } {
  let longest = 0;
  for (const name of idOf.keys()) longest = Math.max(longest, name.length);
  if (hidden.size === 0) return { idOf, longest };
  return { idOf: new Map([...idOf].filter(([, id]) => !hidden.has(id))), longest };
}

/** The id of the unknown token, asked for when a text needs it. */
function unknownId(f: Fields, vocabulary: Vocabulary, name: string | undefined): () => number {
  const id = name === undefined ? undefined : vocabulary.idOf.get(name);
  return () => {
    if (id !== undefined) return id;
    throw new OptionError(
      `encode: text must be made of tokens of ${f.where}, got one that is none, and "${name}" is no token. Add it.`,
    );
  };
}

function wordLevel(f: Fields): { vocabulary: Vocabulary; make: Maker } {
  const vocabulary = vocabularyOf(f);
  const unknown = unknownId(f, vocabulary, textField(f, "unk_token", "<unk>"));
  return {
    vocabulary,
    make(hidden) {
      const { idOf } = spellable(vocabulary, hidden);
      return { vocabulary, encode: (text, out) => out.push(idOf.get(text) ?? unknown()) };
    },
  };
}

function wordPiece(f: Fields): { vocabulary: Vocabulary; make: Maker } {
  const vocabulary = vocabularyOf(f);
  const unknown = unknownId(f, vocabulary, textField(f, "unk_token", "[UNK]"));
  const prefix = textField(f, "continuing_subword_prefix", "##");
  const most = countField(f, "max_input_chars_per_word", 100);
  return {
    vocabulary,
    make(hidden) {
      const { idOf, longest } = spellable(vocabulary, hidden);
      /** The longest piece from `from` on; its end, or -1. */
      const pieceAt = (text: string, from: number): { id: number; end: number } | undefined => {
        const start = from > 0 ? prefix : "";
        for (let end = Math.min(text.length, from + longest); end > from; end--) {
          if (isLowSurrogate(text, end)) continue;
          const id = idOf.get(start + text.slice(from, end));
          if (id !== undefined) return { id, end };
        }
        return undefined;
      };
      const encode = (text: string, out: IdBuffer): void => {
        const begin = out.length;
        let isBad = text.length > most && Array.from(text).length > most;
        for (let at = 0; at < text.length && !isBad; ) {
          const piece = pieceAt(text, at);
          isBad = piece === undefined;
          if (piece === undefined) break;
          out.push(piece.id);
          at = piece.end;
        }
        if (!isBad) return;
        out.length = begin;
        out.push(unknown());
      };
      return { vocabulary, encode };
    },
  };
}

function isLowSurrogate(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return unit >= 0xdc00 && unit < 0xe000;
}

/** What stands for a space where characters are pieces. */
const MARK = "\u2581";

/**
 * Whether a text may be cut before a mark, by the UTF-16 unit before it: where no token holds the two side by
 * side no merge joins them, so that words are merged, and remembered, one by one. A text of one million
 * characters is one word to a file without a pre-tokenizer (Llama 2).
 */
function wordCuts(
  { nameOf }: Vocabulary,
  idOf: ReadonlyMap<string, number>,
): ((before: number) => boolean) | undefined {
  // An unknown mark could be fused with unknown characters before it.
  if (!idOf.has(MARK)) return undefined;
  const glued = new Set<number>();
  for (const name of nameOf) {
    for (let i = name?.indexOf(MARK, 1) ?? -1; i > 0; i = name?.indexOf(MARK, i + 1) ?? -1) {
      glued.add(name?.charCodeAt(i - 1) ?? 0);
    }
  }
  return (before) => !glued.has(before);
}

/** Parts up to this length are remembered, and so many of them. */
const REMEMBERED = { length: 64, count: 1 << 14 } as const;

function bpe(f: Fields): { vocabulary: Vocabulary; make: Maker } {
  const dropout = f.of["dropout"] ?? 0;
  if (dropout !== 0)
    refuse(`${f.where}.dropout`, "null: encode is never random, and `sample` asks for it", dropout);
  const vocabulary = vocabularyOf(f);
  const prefix = textOrNone(f, "continuing_subword_prefix") ?? "";
  const suffix = textOrNone(f, "end_of_word_suffix") ?? "";
  const merges = mergesOf(f, vocabulary, prefix);
  const pairs = pairTable(merges);
  const made = madeBy(merges);
  const unkToken = textOrNone(f, "unk_token");
  const unknown = unknownId(f, vocabulary, unkToken);
  const fuse = flagField(f, "fuse_unk", false);
  const wholeParts = flagField(f, "ignore_merges", false);
  const bytes = flagField(f, "byte_fallback", false) ? byteTokens(vocabulary) : undefined;

  /** Symbols that merging starts from. */
  const symbolsOf = (text: string, idOf: ReadonlyMap<string, number>): number[] => {
    const symbols: number[] = [];
    const characters = Array.from(text);
    let waiting = false; // an unknown token that the next one may join
    for (const [i, c] of characters.entries()) {
      const name = (i > 0 ? prefix : "") + c + (i === characters.length - 1 ? suffix : "");
      const id = idOf.get(name);
      if (id !== undefined) {
        if (waiting) symbols.push(unknown());
        waiting = false;
        symbols.push(id);
        continue;
      }
      const fallback = bytes?.(name);
      // An unknown token that waits is not given out first: so it is there.
      if (fallback !== undefined) symbols.push(...fallback);
      else if (unkToken !== undefined) {
        if (waiting && !fuse) symbols.push(unknown());
        waiting = true;
      }
    }
    if (waiting) symbols.push(unknown());
    return symbols;
  };

  return {
    vocabulary,
    make(hidden) {
      const { idOf } = spellable(vocabulary, hidden);
      const known = new Map<string, Int32Array>();
      const merged = (text: string): Int32Array => {
        const whole = wholeParts ? idOf.get(text) : undefined;
        if (whole !== undefined) return Int32Array.of(whole);
        const symbols = Int32Array.from(symbolsOf(text, idOf));
        return symbols.subarray(0, mergeByRank(symbols, symbols.length, pairs, made));
      };
      // What is unknown must stand between its neighbours, not vanish.
      const isPlain = !wholeParts && prefix === "" && suffix === "" && unkToken !== undefined;
      const cutsAt = isPlain ? wordCuts(vocabulary, idOf) : undefined;
      const encode = (text: string, out: IdBuffer): void => {
        let from = 0;
        if (cutsAt !== undefined) {
          for (let i = text.indexOf(MARK, 1); i > 0; i = text.indexOf(MARK, i + 1)) {
            if (!cutsAt(text.charCodeAt(i - 1))) continue;
            encodeWord(text.slice(from, i), out);
            from = i;
          }
        }
        if (from < text.length) encodeWord(from === 0 ? text : text.slice(from), out);
      };
      const encodeWord = (text: string, out: IdBuffer): void => {
        let ids = known.get(text);
        if (ids === undefined) {
          ids = merged(text);
          if (text.length <= REMEMBERED.length) {
            if (known.size >= REMEMBERED.count) known.clear();
            known.set(text, ids);
          }
        }
        const data = out.reserve(ids.length);
        data.set(ids, out.length);
        out.length += ids.length;
      };
      return { vocabulary, encode };
    },
  };
}
