// Hugging Face `tokenizer.json` (https://github.com/huggingface/tokenizers), our own format for saving: other
// programs read it. Bytes are written as printable characters (byte-level.ts), so nothing is ever unknown and
// ids are the same everywhere. What the format does not hold (counts, roles of specials) is in `model.athanor`.
import { OptionError } from "../../errors.ts";
import type { AddedToken, BpeModel, Special, TokenizerModel, UnigramModel } from "../model.ts";
import { byteName } from "../pipeline/model.ts";
import { strictTextOf } from "../utf8.ts";
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
  const splitters = [split ?? []]
    .flat()
    .map((Regex) => ({ type: "Split", pattern: { Regex }, behavior: "Isolated", invert: false }));
  const steps =
    model.kind === "bpe" && model.byteFallback !== undefined
      ? characterSteps(model, model.byteFallback)
      : {
          normalizer,
          pre_tokenizer:
            splitters.length === 0
              ? byteLevel
              : { type: "Sequence", pretokenizers: [...splitters, byteLevel] },
          decoder: { ...byteLevel, use_regex: true },
          model: model.kind === "bpe" ? bpeJson(model) : unigramJson(model),
        };
  return JSON.stringify({
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: [
      ...model.specials.map((s) => addedJson(s, true)),
      ...(model.added ?? []).map((t) => addedJson(t, false)),
    ].sort((a, b) => a.id - b.id),
    normalizer: steps.normalizer,
    pre_tokenizer: steps.pre_tokenizer,
    post_processor: templateJson(model),
    decoder: steps.decoder,
    model: steps.model,
  });
}

function addedJson(t: AddedToken, special: boolean): { id: number } & Record<string, unknown> {
  return {
    id: t.id,
    content: t.text,
    single_word: t.singleWord === true,
    lstrip: t.lstrip === true,
    rstrip: t.rstrip === true,
    normalized: t.normalized === true,
    special,
  };
}

/** The template as a post-processor; null where nothing is put around a text. */
function templateJson({ template, specials, added = [] }: TokenizerModel): object | null {
  if (template === undefined || template.before.length + template.after.length === 0) return null;
  const nameOf = (id: number): string => [...specials, ...added].find((t) => t.id === id)?.text ?? `id ${id}`;
  const special = (id: number): object => ({ SpecialToken: { id: nameOf(id), type_id: 0 } });
  const sequence = (id: string, type_id: number): object => ({ Sequence: { id, type_id } });
  const around = (text: object): object[] => [
    ...template.before.map(special),
    text,
    ...template.after.map(special),
  ];
  const all = [...template.before, ...template.after];
  return {
    type: "TemplateProcessing",
    single: around(sequence("A", 0)),
    pair: [...around(sequence("A", 0)), ...around(sequence("B", 1))],
    special_tokens: Object.fromEntries(
      all.map((id) => [nameOf(id), { id: nameOf(id), ids: [id], tokens: [nameOf(id)] }]),
    ),
  };
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
    ...(model.bos !== undefined && { bos: model.bos }),
    ...(model.eos !== undefined && { eos: model.eos }),
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
  if (model.dummyPrefix === true || model.tiedFrom !== undefined) {
    throw new OptionError(
      "writeHuggingFace: BPE model must start from bytes without a space put before the text, got one that does not. Keep its own file.",
    );
  }
  const added = new Map((model.added ?? []).map((t) => [t.id, t.text]));
  const text = names(model.pieces, model.specials).map((name, id) => added.get(id) ?? name);
  return bpeModelJson(model, text, mergedPairs(model.merges, text), false);
}

function bpeModelJson(
  model: BpeModel,
  text: readonly string[],
  merges: readonly [string, string][],
  byteFallback: boolean,
): object {
  const unknown = byteFallback ? model.specials.find((s) => s.role === "unk")?.text : undefined;
  const used = text.flatMap((t, id) => (t === "" ? [] : [[t, id] as const]));
  return {
    type: "BPE",
    dropout: null,
    unk_token: unknown ?? null,
    continuing_subword_prefix: null,
    end_of_word_suffix: null,
    fuse_unk: byteFallback,
    byte_fallback: byteFallback,
    ignore_merges: model.wholeParts === true,
    vocab: Object.fromEntries(used),
    merges,
    athanor: ours(model),
  };
}

function mergedPairs(merges: Int32Array, text: readonly string[]): [string, string][] {
  return Array.from({ length: merges.length / 3 }, (_, k) => [
    text[merges[3 * k] ?? 0] ?? "",
    text[merges[3 * k + 1] ?? 0] ?? "",
  ]);
}

function tiedTokens(tied: Int32Array, text: readonly string[]): string[] {
  return Array.from({ length: tied.length / 3 }, (_, k) => text[tied[3 * k + 2] ?? 0] ?? "");
}

/**
 * A vocabulary of characters with bytes for the rest (llama2.c, SentencePiece). Spaces stay spaces: were they
 * written U+2581, as is usual, a text that holds U+2581 itself would get other ids.
 */
function characterSteps(
  model: BpeModel,
  byteFallback: Int32Array,
): { normalizer: object | null; pre_tokenizer: null; decoder: object; model: object } {
  const special = new Map(model.specials.map((s) => [s.id, s.text]));
  const byteOf = new Map(Array.from(byteFallback, (id, b) => [id, b]));
  const text = model.pieces.map((piece, id) => {
    const byte = byteOf.get(id);
    const name = special.get(id) ?? (byte === undefined ? strictTextOf(piece) : byteName(byte));
    if (name !== undefined) return name;
    throw new OptionError(
      `writeHuggingFace: pieces must be text beside single bytes, got bytes ${piece.join(" ")} for piece ${id}. Keep its own file.`,
    );
  });
  const tiedFrom = 3 * (model.tiedFrom ?? model.merges.length / 3);
  const runs = runMerges(tiedTokens(model.merges.subarray(tiedFrom), text));
  if (runs === undefined) {
    throw new OptionError(
      "writeHuggingFace: merges of one rank must make all runs of one character, got others. Keep its own file.",
    );
  }
  const merges = [...mergedPairs(model.merges.subarray(0, tiedFrom), text), ...runs];
  const prefix = model.dummyPrefix === true;
  const strip = { type: "Strip", content: " ", start: 1, stop: 0 };
  return {
    normalizer: prefix ? { type: "Prepend", prepend: " " } : null,
    pre_tokenizer: null,
    decoder: {
      type: "Sequence",
      decoders: [{ type: "ByteFallback" }, { type: "Fuse" }, ...(prefix ? [strip] : [])],
    },
    model: bpeModelJson(model, text, merges, true),
  };
}

/**
 * Merges of one rank, leftmost first, as a list of ranks. For runs of one character in all lengths 2 … n (the
 * spaces of Llama 2) that is: what grows the longest run comes first, so that the leftmost run grows to n
 * before the next begins.
 * @param made What the merges make. @returns Undefined for anything else than such runs.
 */
export function runMerges(made: readonly string[]): [string, string][] | undefined {
  if (made.length === 0) return [];
  const all = new Set(made);
  const unit = made[0]?.charAt(0) ?? "";
  const most = all.size + 1;
  for (let n = 2; n <= most; n++) {
    if (!all.has(unit.repeat(n))) return undefined;
  }
  return Array.from({ length: most - 1 }, (_, i) => [unit.repeat(most - 1 - i), unit]);
}
