// What a tokenizer knows, as plain data: no methods, so that a file, a worker message and a test all hold
// the same thing. Encoders (unigram.ts, bpe.ts) compile these into tries.
import { OptionError } from "../errors.ts";

/** What a special token is for; roles are what model training asks for (`specialId(model, "bos")`). */
export type SpecialRole = "pad" | "bos" | "eos" | "unk" | "other";

/** A token that text holds as it is written, beside the pieces, and how it is found there. */
export interface AddedToken {
  readonly id: number;
  /** How it is written, e.g. `<think>`. */
  readonly text: string;
  /** Takes the white space before it along. Default false, as all of these. */
  readonly lstrip?: boolean;
  /** Takes the white space after it along. */
  readonly rstrip?: boolean;
  /** Found only where no letter or digit touches it. */
  readonly singleWord?: boolean;
  /** Looked for in the normalised text, not in the original. */
  readonly normalized?: boolean;
}

/**
 * A token that stands for no text of its own. Its entry in `pieces` is empty; text is never read as a special
 * unless allowed.
 */
export interface Special extends AddedToken {
  readonly role: SpecialRole;
}

/** Ids that a model expects around a text: what encoding with specials adds (BOS, EOS, [CLS] …). */
export interface Template {
  readonly before: readonly number[];
  readonly after: readonly number[];
}

/** What vocabularies of every kind may have beside their pieces. */
interface Beside {
  /** Tokens that are always found in text and shown as text: their pieces are that text. Default none. */
  readonly added?: readonly AddedToken[];
  /** Default: nothing is put around a text. */
  readonly template?: Template;
  /** Ids of what begins and ends a text, where that is more than the specials' roles say (GPT-2: one token). */
  readonly bos?: number;
  readonly eos?: number;
}

/**
 * A Unigram vocabulary over bytes: a text's segmentation is the one with the largest Σ log p(piece).
 * All 256 single bytes must be present, so that every byte string has a segmentation.
 */
export interface UnigramModel extends Beside {
  readonly kind: "unigram";
  /** Bytes of each token, indexed by id; empty for specials. */
  readonly pieces: readonly Uint8Array[];
  /** ln p of each token, by id; -Infinity for specials. */
  readonly logProbs: Float64Array;
  /** Integer counts behind `logProbs`, by id (0 for specials), where the trainer counted. */
  readonly counts?: Float64Array;
  readonly specials: readonly Special[];
  /** `"nfc"`: text is brought to Unicode NFC before encoding (lossless only up to NFC). Default none. */
  readonly normalization?: "nfc";
}

/**
 * A byte-pair vocabulary: pairs are merged in the order of `merges`, leftmost first, until none applies.
 */
export interface BpeModel extends Beside {
  readonly kind: "bpe";
  /** Bytes of each token, indexed by id; empty for specials. */
  readonly pieces: readonly Uint8Array[];
  /** `[left id, right id, merged id]` of each merge, flat, in order of rank (first is merged first). */
  readonly merges: Int32Array;
  /**
   * Merges from this index on are of one rank: they come after all others, leftmost first whatever they make
   * (the space runs of Llama 2 share one score). Default: none.
   */
  readonly tiedFrom?: number;
  readonly specials: readonly Special[];
  /** `"nfc"`: text is brought to Unicode NFC before encoding. Default none. */
  readonly normalization?: "nfc";
  /**
   * Regular expression in Oniguruma's notation: each match and each gap is encoded alone. Of several the first
   * cuts the text, the next each of its parts, and so on. Default: lines.
   */
  readonly split?: string | readonly string[];
  /** A part that is itself a token is taken whole, without merging (tiktoken, Llama 3). Default false. */
  readonly wholeParts?: boolean;
  /**
   * Ids of 256 byte tokens for characters outside the vocabulary (llama2.c, SentencePiece). Present only
   * when merging starts from characters; a byte-level vocabulary starts from bytes and needs none.
   */
  readonly byteFallback?: Int32Array;
  /** A space is put before the text and taken off again in decoding (llama2.c, SentencePiece). */
  readonly dummyPrefix?: boolean;
}

/** Any vocabulary this room can encode with. */
export type TokenizerModel = UnigramModel | BpeModel;

/** The specials of BytePiece: ids 0, 1, 2, known to code only, never matched in text. */
export const DEFAULT_SPECIALS: readonly Special[] = [
  { id: 0, text: "<pad>", role: "pad" },
  { id: 1, text: "<bos>", role: "bos" },
  { id: 2, text: "<eos>", role: "eos" },
];

/** The id of the first special with `role`, or undefined. */
export function specialId(
  model: { readonly specials: readonly Special[] },
  role: SpecialRole,
): number | undefined {
  return model.specials.find((s) => s.role === role)?.id;
}

/** Compares two byte strings as unsigned bytes, shorter first on a common prefix. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const n = Math.min(a.length, b.length);
  for (let i = 0; i < n; i++) {
    const d = (a[i] ?? 0) - (b[i] ?? 0);
    if (d !== 0) return d;
  }
  return a.length - b.length;
}

/** A piece and how often training counted it. */
export interface CountedPiece {
  readonly bytes: Uint8Array;
  readonly count: number;
}

/**
 * A Unigram model in BytePiece's order: specials first, then pieces by (length, bytes);
 * `ln p = ln count - ln Σ counts`, or `logProb` where a trainer has its own.
 * @param specials Must have the ids 0 … n-1. Default pad, bos, eos.
 * @throws OptionError if a single byte is missing, a piece is empty or appears twice.
 */
export function unigramFromPieces(
  pieces: readonly (CountedPiece & { readonly logProb?: number })[],
  specials: readonly Special[] = DEFAULT_SPECIALS,
): UnigramModel {
  const sorted = [...pieces].sort(
    (x, y) => x.bytes.length - y.bytes.length || compareBytes(x.bytes, y.bytes),
  );
  const first = specials.length;
  const counts = new Float64Array(first + sorted.length);
  const logProbs = new Float64Array(first + sorted.length).fill(-Infinity);
  let total = 0;
  for (const p of sorted) total += p.count;
  const logTotal = Math.log(total);
  const bytes: Uint8Array[] = specials.map(() => new Uint8Array(0));
  sorted.forEach((p, i) => {
    bytes.push(p.bytes);
    counts[first + i] = p.count;
    logProbs[first + i] = p.logProb ?? Math.log(p.count) - logTotal;
  });
  const model: UnigramModel = { kind: "unigram", pieces: bytes, logProbs, counts, specials };
  checkUnigram(model, "unigramFromPieces");
  return model;
}

/** Throws unless the model can encode every byte string: 256 bytes, no duplicates, finite scores, ids that fit. */
export function checkUnigram(model: UnigramModel, where = "unigram model"): void {
  const { pieces, logProbs, specials } = model;
  if (logProbs.length !== pieces.length) {
    throw new OptionError(`${where}: logProbs must have ${pieces.length} entries, got ${logProbs.length}.`);
  }
  const isSpecial = checkSpecials(specials, pieces, where);
  const bytesSeen = new Uint8Array(256);
  const seen = new Set<string>();
  for (const [id, piece] of pieces.entries()) {
    if (isSpecial.has(id)) continue;
    if (piece.length === 0)
      throw new OptionError(`${where}: piece ${id} must have at least one byte, got 0.`);
    if (!(Number.isFinite(logProbs[id]) && (logProbs[id] ?? 0) <= 0)) {
      throw new OptionError(
        `${where}: log probability of piece ${id} must be finite and ≤ 0, got ${logProbs[id]}.`,
      );
    }
    const key = latin1(piece);
    if (seen.has(key)) throw new OptionError(`${where}: pieces must differ, got piece ${id} twice.`);
    seen.add(key);
    if (piece.length === 1) bytesSeen[piece[0] ?? 0] = 1;
  }
  const missing = bytesSeen.indexOf(0);
  if (missing >= 0) {
    throw new OptionError(
      `${where}: all 256 single bytes must be pieces, got none for byte ${missing}. Add it.`,
    );
  }
}

/** Throws unless every special's id points at an empty piece; returns the ids. */
export function checkSpecials(
  specials: readonly Special[],
  pieces: readonly Uint8Array[],
  where: string,
): Set<number> {
  const ids = new Set<number>();
  for (const { id, text } of specials) {
    if (!(Number.isInteger(id) && id >= 0 && id < pieces.length)) {
      throw new OptionError(
        `${where}: special "${text}" must have an id from 0 to ${pieces.length - 1}, got ${id}.`,
      );
    }
    if (ids.has(id)) throw new OptionError(`${where}: special ids must differ, got ${id} twice.`);
    if (text.length === 0) throw new OptionError(`${where}: special ${id} must have a text, got "".`);
    ids.add(id);
  }
  return ids;
}

/** One character per byte (U+0000–U+00FF): a short map key for a byte string. */
export function latin1(bytes: Uint8Array): string {
  let s = "";
  for (let i = 0; i < bytes.length; i++) s += String.fromCharCode(bytes[i] ?? 0);
  return s;
}
