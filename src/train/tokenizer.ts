// Which tokenizer a training uses: bytes, characters, or pieces learnt from its own text.
import { FileError, nearest, OptionError } from "../errors.ts";
import { byteTokenizer, createTokenizer, type Tokenizer, unigramFromPieces } from "../tokenizer/index.ts";
import { trainUnigram } from "../tokenizer/train/unigram.ts";
import type { TrainControl } from "../tokenizer/pace.ts";

const WORDS = ["bytes", "chars", "train"];

/** A tokenizer that is made from a word and the training texts; a file is loaded by the caller. */
export type TokenizerChoice =
  | { readonly kind: "bytes" }
  | { readonly kind: "chars" }
  | { readonly kind: "train"; readonly size: number }
  | { readonly kind: "file"; readonly path: string };

/** Reads `bytes`, `chars`, `train:SIZE` or a path. @throws OptionError for a size that is none, or a misspelt word. */
export function parseTokenizerChoice(word: string): TokenizerChoice {
  if (word === "bytes" || word === "chars") return { kind: word };
  if (word === "train" || word.startsWith("train:")) {
    const size = Number(word.slice("train:".length));
    if (!Number.isInteger(size) || size < 300 || size > 1 << 20) {
      throw new OptionError(
        `train: tokenizer train:SIZE must have a size from 300 to ${1 << 20}, got "${word}". Try train:4096.`,
      );
    }
    return { kind: "train", size };
  }
  const near = nearest(word, WORDS, 1)[0];
  if (near !== undefined && !/[./\\]/.test(word)) {
    throw new OptionError(
      `train: tokenizer must be bytes, chars, train:SIZE or a file, got "${word}". Did you mean ${near}?`,
    );
  }
  return { kind: "file", path: word };
}

/** Makes a tokenizer from training texts. */
export async function makeTokenizer(
  choice: Exclude<TokenizerChoice, { kind: "file" }>,
  texts: readonly Uint8Array[],
  control: TrainControl = {},
): Promise<Tokenizer> {
  if (choice.kind === "bytes") return byteTokenizer();
  if (choice.kind === "chars") return characterTokenizer(texts);
  // As `athanor tokenizer train` does: the mode that needs the fewest tokens, with pieces that may be parts of characters.
  const options = { vocabularySize: choice.size, ensureUnicode: false };
  const { models } = await trainUnigram(texts, options, control);
  const [model] = models;
  if (model === undefined) throw new Error("trainUnigram returned no model");
  return createTokenizer(model);
}

/**
 * One token for each character that occurs in `texts`, and for each byte, so that nothing is unknown.
 * @throws FileError for texts that are not UTF-8.
 */
export function characterTokenizer(texts: readonly Uint8Array[]): Tokenizer {
  const counts = new Map<string, number>();
  for (const bytes of texts) {
    for (const c of decode(bytes)) counts.set(c, (counts.get(c) ?? 0) + 1);
  }
  const encoder = new TextEncoder();
  const pieces = Array.from({ length: 256 }, (_, b) => ({
    bytes: Uint8Array.of(b),
    count: b < 128 ? (counts.get(String.fromCharCode(b)) ?? 1) : 1,
  }));
  for (const [c, count] of counts) {
    const bytes = encoder.encode(c);
    if (bytes.length > 1) pieces.push({ bytes, count });
  }
  return createTokenizer(unigramFromPieces(pieces, []));
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new FileError(
      "train: tokenizer chars must read UTF-8, got other bytes. Convert the text or use bytes.",
    );
  }
}
