// The room's contract: what model training and text generation need from a tokenizer, whatever its kind.
import { OptionError } from "../errors.ts";
import { IdBuffer } from "./encode/ids.ts";
import type { Special, TokenizerModel } from "./model.ts";
import { type Offsets, mapBoundaries, normalizeNfc, offsetsFromBytes } from "./offsets.ts";
import { type Random, randomStream } from "./random.ts";
import { type SampleMethod, checkAlpha } from "./encode/sample.ts";
import { type AllowSpecials, allowedSpecials, splitSpecials } from "./specials.ts";
import { Utf8Stream, strictTextOf, textOf, utf8 } from "./utf8.ts";

export interface EncodeOptions {
  /** Specials the text may spell: `false` (default: none), `true` (all) or their texts. */
  readonly allowSpecials?: AllowSpecials;
}

export interface SampleOptions extends EncodeOptions {
  /** Sharpness ≥ 0: 0 uniform over segmentations, 1 the model's posterior, large: the best one. */
  readonly alpha: number;
  /** Integer ≥ 0. */
  readonly seed: number;
  /** Number of the text within a data set: each has its own random numbers. Default 0. */
  readonly stream?: number;
  /** Default `"backward"`; `"reservoir"` has the same distribution. */
  readonly method?: SampleMethod;
}

export interface DecodeOptions {
  /** `"skip"` (default) leaves specials out, `"show"` writes their text. */
  readonly specials?: "skip" | "show";
}

/** Ids and where their tokens lie in the original. */
export interface Encoding {
  readonly ids: Int32Array;
  readonly offsets: Offsets;
}

/** Text from ids that arrive one by one. */
export interface StreamDecoder {
  /** The text that these ids complete: never half a character, never a complete one withheld. */
  push(ids: number | ArrayLike<number>): string;
  /** What is left: U+FFFD for a character that never ended, else "". */
  flush(): string;
}

/** Text or bytes ↔ ids. Made by `createTokenizer`, `byteTokenizer`, `loadTokenizer` or a trainer. */
export interface Tokenizer {
  readonly kind: "bytes" | "unigram" | "bpe" | "hugging-face";
  /** Ids are 0 … vocabularySize-1. */
  readonly vocabularySize: number;
  readonly specials: readonly Special[];
  /** The vocabulary as data, for saving and for workers; absent where another library holds it. */
  readonly model?: TokenizerModel;
  /** Ids of text (a lone surrogate is read as U+FFFD) or of raw bytes. */
  encode(text: string | Uint8Array, options?: EncodeOptions): Int32Array;
  /** Ids with byte, UTF-16 and code-point offsets into the original. */
  encodeWithOffsets(text: string | Uint8Array, options?: EncodeOptions): Encoding;
  /** Ids of a random segmentation. @throws OptionError where the kind has one segmentation only (BPE). */
  sample(text: string | Uint8Array, options: SampleOptions): Int32Array;
  /** Text of ids; bytes that are not UTF-8 become U+FFFD. `decodeBytes` loses nothing. */
  decode(ids: ArrayLike<number>, options?: DecodeOptions): string;
  decodeBytes(ids: ArrayLike<number>, options?: DecodeOptions): Uint8Array;
  /** Bytes of one token; empty for specials. */
  bytesOf(id: number): Uint8Array;
  decoder(options?: DecodeOptions): StreamDecoder;
}

/** What one kind of tokenizer adds: ids of ordinary text, appended to a buffer. */
export interface Engine {
  readonly kind: Tokenizer["kind"];
  readonly pieces: readonly Uint8Array[];
  readonly specials: readonly Special[];
  readonly model?: TokenizerModel;
  readonly normalization?: "nfc" | undefined;
  /** A space is added before a text and removed again in decoding. */
  readonly dummyPrefix?: boolean | undefined;
  /** `text` is the same as text, where the caller has it. */
  encodeInto(bytes: Uint8Array, from: number, to: number, out: IdBuffer, text?: string): void;
  sampleInto?(bytes: Uint8Array, alpha: number, random: Random, method: SampleMethod, out: IdBuffer): void;
}

/** Appends the ids of ordinary text, given as bytes and, where there is one, as string. */
type Body = (bytes: Uint8Array, from: number, to: number, text?: string) => void;

/** Strings up to this many UTF-16 units share one scratch buffer. */
const SCRATCH_UNITS = 1 << 16;

const SPACE = 32;

const textEncoder = new TextEncoder();

/** Builds the contract around an engine. */
export function tokenizerFrom(engine: Engine): Tokenizer {
  const { pieces, specials } = engine;
  const specialText = new Map(specials.map((s) => [s.id, utf8(s.text)]));
  const scratch = { bytes: new Uint8Array(0) };
  const out = new IdBuffer();

  const bytesOf = (id: number): Uint8Array => {
    const piece = pieces[id];
    if (piece !== undefined) return piece;
    throw new OptionError(`decode: id must be an integer from 0 to ${pieces.length - 1}, got ${id}.`);
  };

  /** Runs `body` over ordinary text as bytes, and appends allowed specials between. */
  const walk = (text: string | Uint8Array, allow: AllowSpecials, body: Body): Int32Array => {
    out.length = 0;
    const allowed = allowedSpecials(specials, allow);
    if (typeof text !== "string" && engine.normalization === undefined && allowed.length === 0) {
      runBody(engine, text, body);
    } else {
      // Bytes that are no text cannot hold specials and have no normal form.
      const string = typeof text === "string" ? text : strictTextOf(text);
      if (string === undefined) runBody(engine, asBytes(text, scratch), body);
      else {
        for (const part of splitSpecials(string, allowed)) {
          if (part.special >= 0) out.push(part.special);
          else if (part.to > part.from) {
            const slice = part.to - part.from === string.length ? string : string.slice(part.from, part.to);
            const normal = engine.normalization === "nfc" ? slice.normalize("NFC") : slice;
            runBody(engine, asBytes(normal, scratch), body, normal);
          }
        }
      }
    }
    return out.toArray();
  };

  const encode = (text: string | Uint8Array, options: EncodeOptions = {}): Int32Array =>
    walk(text, options.allowSpecials ?? false, (bytes, from, to, string) =>
      engine.encodeInto(bytes, from, to, out, string),
    );

  const decodeBytes = (ids: ArrayLike<number>, options: DecodeOptions = {}): Uint8Array => {
    const parts = decoderOfBytes(engine, bytesOf, specialText, options);
    return parts(ids);
  };

  return {
    kind: engine.kind,
    vocabularySize: pieces.length,
    specials,
    ...(engine.model && { model: engine.model }),
    encode,
    encodeWithOffsets: (text, options = {}) =>
      withOffsets(engine, text, encode(text, options), specialText, options.allowSpecials ?? false),
    sample(text, { alpha, seed, stream = 0, method = "backward", allowSpecials = false }) {
      checkAlpha(alpha);
      const random = randomStream(seed, stream);
      if (engine.sampleInto === undefined) {
        throw new OptionError(`sample: tokenizer must be of kind unigram, got ${engine.kind}. Use encode.`);
      }
      return walk(text, allowSpecials, (bytes, from, to) =>
        engine.sampleInto?.(bytes.subarray(from, to), alpha, random, method, out),
      );
    },
    decode: (ids, options) => textOf(decodeBytes(ids, options)),
    decodeBytes,
    bytesOf,
    decoder(options = {}) {
      const bytesOfNext = decoderOfBytes(engine, bytesOf, specialText, options);
      const stream = new Utf8Stream();
      return {
        push: (ids) => stream.push(bytesOfNext(typeof ids === "number" ? [ids] : ids)),
        flush: () => stream.flush(),
      };
    },
  };
}

/** UTF-8 of a string, in a buffer that the next call overwrites; bytes are passed through. */
function asBytes(text: string | Uint8Array, scratch: { bytes: Uint8Array }): Uint8Array {
  if (typeof text !== "string") return text;
  if (text.length > SCRATCH_UNITS) return utf8(text);
  if (scratch.bytes.length < text.length * 3) scratch.bytes = new Uint8Array(Math.max(4096, text.length * 6));
  return scratch.bytes.subarray(0, textEncoder.encodeInto(text, scratch.bytes).written);
}

function runBody(engine: Engine, bytes: Uint8Array, body: Body, text?: string): void {
  if (engine.dummyPrefix !== true || bytes.length === 0) {
    body(bytes, 0, bytes.length, text);
    return;
  }
  const prefixed = new Uint8Array(bytes.length + 1);
  prefixed[0] = SPACE;
  prefixed.set(bytes, 1);
  body(prefixed, 0, prefixed.length);
}

/** A function from ids to their bytes that remembers whether the added space is still to be removed. */
function decoderOfBytes(
  engine: Engine,
  bytesOf: (id: number) => Uint8Array,
  specialText: ReadonlyMap<number, Uint8Array>,
  { specials = "skip" }: DecodeOptions,
): (ids: ArrayLike<number>) => Uint8Array {
  let atStart = engine.dummyPrefix === true;
  return (ids) => {
    const parts: Uint8Array[] = [];
    let length = 0;
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i] ?? -1;
      let part = bytesOf(id);
      const special = specialText.get(id);
      if (special !== undefined) {
        if (engine.dummyPrefix === true) atStart = true; // each text between specials had its own space
        if (specials === "skip") continue;
        part = special;
      } else if (atStart && part.length > 0) {
        atStart = false;
        if (part[0] === SPACE) part = part.subarray(1);
      }
      parts.push(part);
      length += part.length;
    }
    const bytes = new Uint8Array(length);
    let at = 0;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  };
}

/** Adds offsets to ids by walking their lengths over the text they came from. */
function withOffsets(
  engine: Engine,
  text: string | Uint8Array,
  ids: Int32Array,
  specialText: ReadonlyMap<number, Uint8Array>,
  allow: AllowSpecials,
): Encoding {
  const boundaries = new Int32Array(ids.length + 1);
  let at = 0;
  let atStart = engine.dummyPrefix === true;
  ids.forEach((id, i) => {
    const special = specialText.get(id);
    at += special === undefined ? (engine.pieces[id]?.length ?? 0) : special.length;
    if (special !== undefined) atStart = engine.dummyPrefix === true;
    else if (atStart) {
      at -= 1;
      atStart = false;
    }
    boundaries[i + 1] = at;
  });
  const original = typeof text === "string" ? utf8(text) : text;
  const string = typeof text === "string" ? text : strictTextOf(text);
  if (engine.normalization === "nfc" && string !== undefined) {
    const parts = splitSpecials(string, allowedSpecials(engine.specials, allow));
    const map = normalizeNfc(parts.map((p) => string.slice(p.from, p.to)));
    if (map !== undefined)
      return { ids, offsets: offsetsFromBytes(original, mapBoundaries(map, boundaries)) };
  }
  return { ids, offsets: offsetsFromBytes(original, boundaries) };
}
