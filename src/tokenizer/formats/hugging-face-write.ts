// Hugging Face `tokenizer.json` (https://github.com/huggingface/tokenizers), our own format for saving: other
// programs read it. Bytes are written as printable characters (byte-level.ts), so nothing is ever unknown and
// ids are the same everywhere. What the format does not hold (counts, roles of specials) is in `model.athanor`.
import { OptionError } from "../../errors.ts";
import type { BpeModel, Special, TokenizerModel, UnigramModel } from "../model.ts";
import { byteLevelText } from "./byte-level.ts";

/** Each line with the newlines after it: what the Unigram encoder takes as one chunk. */
export const LINES = "[^\\n]*\\n+|[^\\n]+";

/** Far below the sum of any real segmentation of a special's text, so that text never becomes it. */
const NEVER = -1e6;

/** `tokenizer.json` of a vocabulary. @throws OptionError if the format cannot express it. */
export function writeHuggingFace(model: TokenizerModel): string {
  const normalizer = model.normalization === "nfc" ? { type: "NFC" } : null;
  const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: false, use_regex: false };
  const split = model.kind === "bpe" ? (model.split ?? LINES) : crossesLines(model) ? undefined : LINES;
  const splitter = split && { type: "Split", pattern: { Regex: split }, behavior: "Isolated", invert: false };
  return JSON.stringify({
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: model.specials.map((s) => ({
      id: s.id,
      content: s.text,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer,
    pre_tokenizer: splitter ? { type: "Sequence", pretokenizers: [splitter, byteLevel] } : byteLevel,
    post_processor: null,
    decoder: { ...byteLevel, use_regex: true },
    model: model.kind === "bpe" ? bpeJson(model) : unigramJson(model),
  });
}

function crossesLines(model: UnigramModel): boolean {
  return model.pieces.some((p) => p.some((b, i) => b === 10 && i + 1 < p.length && p[i + 1] !== 10));
}

/** The printable form of each token; a special is its own text. */
function names(pieces: readonly Uint8Array[], specials: readonly Special[]): string[] {
  const result = pieces.map(byteLevelText);
  const taken = new Map(result.map((text, id) => [text, id]));
  for (const { id, text } of specials) {
    const other = taken.get(text);
    if (other !== undefined && other !== id) {
      throw new OptionError(
        `writeHuggingFace: special ${id} must not be written like piece ${other}, got "${text}" for both. Rename the special.`,
      );
    }
    result[id] = text;
  }
  return result;
}

/** What only we read. Other programs skip unknown keys here, but not at the top. */
function ours(model: TokenizerModel): object {
  return {
    roles: Object.fromEntries(model.specials.map((s) => [s.id, s.role])),
    ...(model.kind === "unigram" && model.counts && { counts: Array.from(model.counts) }),
  };
}

function unigramJson(model: UnigramModel): object {
  const special = new Set(model.specials.map((s) => s.id));
  const vocab = names(model.pieces, model.specials).map((text, id) => [
    text,
    special.has(id) ? NEVER : model.logProbs[id],
  ]);
  return { type: "Unigram", unk_id: null, vocab, byte_fallback: false, athanor: ours(model) };
}

function bpeJson(model: BpeModel): object {
  if (model.byteFallback !== undefined || model.tiedFrom !== undefined) {
    throw new OptionError(
      "writeHuggingFace: BPE model must start from bytes, got one that starts from characters. Keep its own file.",
    );
  }
  const text = names(model.pieces, model.specials);
  const merges: [string, string][] = [];
  for (let k = 0; k < model.merges.length; k += 3) {
    merges.push([text[model.merges[k] ?? 0] ?? "", text[model.merges[k + 1] ?? 0] ?? ""]);
  }
  return {
    type: "BPE",
    dropout: null,
    unk_token: null,
    continuing_subword_prefix: null,
    end_of_word_suffix: null,
    fuse_unk: false,
    byte_fallback: false,
    ignore_merges: model.wholeParts === true,
    vocab: Object.fromEntries(text.map((t, id) => [t, id])),
    merges,
    athanor: ours(model),
  };
}
