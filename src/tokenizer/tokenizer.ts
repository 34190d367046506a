// The room's contract: what model training and text generation need from a tokenizer, whatever its kind.
import { OptionError } from "../errors.ts";
import { type AllowSpecials, type Finders, findersFor, splitAdded } from "./added.ts";
import { IdBuffer } from "./encode/ids.ts";
import { type AddedToken, type Special, type Template, type TokenizerModel, specialId } from "./model.ts";
import { type Offsets, mapBoundaries, normalizeNfc, offsetsFromBytes } from "./offsets.ts";
import { normalForm } from "./pipeline/unicode.ts";
import { type Random, randomStream } from "./random.ts";
import { type SampleMethod, checkAlpha } from "./encode/sample.ts";
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
  /** Ids of the specials that begin and end a text, where the files name them. */
  readonly bos: number | undefined;
  readonly eos: number | undefined;
  /** Ids that encoding with specials puts before and after a text (a post-processor's BOS, EOS, [CLS] …). */
  readonly template: Template;
  /** The vocabulary as data, for saving and for workers; absent where another library holds it. */
  readonly model?: TokenizerModel;
  /** Content of the tokenizer.json that gives these ids elsewhere, where `model` does not hold all of it. */
  readonly json?: Readonly<Record<string, unknown>>;
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
  readonly added?: readonly AddedToken[] | undefined;
  readonly template?: Template | undefined;
  readonly bos?: number | undefined;
  readonly eos?: number | undefined;
  readonly normalization?: "nfc" | undefined;
  /** A space is added before a text and removed again in decoding. */
  readonly dummyPrefix?: boolean | undefined;
  /** `text` is the same as text, where the caller has it. */
  encodeInto(bytes: Uint8Array, from: number, to: number, out: IdBuffer, text?: string): void;
  sampleInto?(bytes: Uint8Array, alpha: number, random: Random, method: SampleMethod, out: IdBuffer): void;
}

/** Appends the ids of ordinary text, given as bytes and, where there is one, as string. */
type Body = (bytes: Uint8Array, from: number, to: number, text?: string) => void;

/** Ordinary text after normalisation, or an added token; `[from, to)` in the normalised stretch. */
interface Piece {
  readonly id: number;
  readonly from: number;
  readonly to: number;
}

/** A stretch of the original that is normalised as a whole, and its pieces. */
interface Stretch {
  /** In the original, UTF-16. */
  readonly from: number;
  readonly to: number;
  readonly normal: string;
  readonly pieces: readonly Piece[];
}

/** Strings up to this many UTF-16 units share one scratch buffer. */
const SCRATCH_UNITS = 1 << 16;

const SPACE = 32;

const NO_TEMPLATE: Template = { before: [], after: [] };

const textEncoder = new TextEncoder();

/** Builds the contract around an engine. */
export function tokenizerFrom(engine: Engine): Tokenizer {
  const { pieces, specials } = engine;
  const specialText = new Map(specials.map((s) => [s.id, utf8(s.text)]));
  const scratch = { bytes: new Uint8Array(0) };
  const out = new IdBuffer();
  const findersOf = findersFor(specials, engine.added ?? [], (text) => normalized(engine, text));

  const bytesOf = (id: number): Uint8Array => {
    const piece = pieces[id];
    if (piece !== undefined) return piece;
    throw new OptionError(`decode: id must be an integer from 0 to ${pieces.length - 1}, got ${id}.`);
  };

  /** Runs `body` over ordinary text as bytes, and appends allowed specials between. */
  const walk = (text: string | Uint8Array, allow: AllowSpecials, body: Body): Int32Array => {
    out.length = 0;
    const finders = findersOf(allow);
    if (typeof text !== "string" && engine.normalization === undefined && isNone(finders)) {
      runBody(engine, text, body);
    } else {
      // Bytes that are no text cannot hold added tokens and have no normal form.
      const string = typeof text === "string" ? text : strictTextOf(text);
      if (string === undefined) runBody(engine, asBytes(text, scratch), body);
      else {
        for (const { normal, pieces: parts } of stretches(engine, string, finders)) {
          for (const part of parts) {
            if (part.id >= 0) out.push(part.id);
            else if (part.to > part.from) {
              const slice = normal.slice(part.from, part.to);
              runBody(engine, asBytes(slice, scratch), body, slice);
            }
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
    bos: engine.bos ?? specialId(engine, "bos"),
    eos: engine.eos ?? specialId(engine, "eos"),
    template: engine.template ?? NO_TEMPLATE,
    ...(engine.model && { model: engine.model }),
    encode,
    encodeWithOffsets(text, options = {}) {
      const string = typeof text === "string" ? text : strictTextOf(text);
      if (string === undefined) return withOffsets(engine, asBytes(text, scratch), encode(text, options));
      const found = stretches(engine, string, findersOf(options.allowSpecials ?? false));
      return textWithOffsets(engine, string, found, (part) => encodeOrdinary(engine, part, scratch));
    },
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

/** Ids of ordinary, normalised text. */
function encodeOrdinary(engine: Engine, text: string, scratch: { bytes: Uint8Array }): Int32Array {
  const ids = new IdBuffer();
  if (text !== "") {
    runBody(
      engine,
      asBytes(text, scratch),
      (bytes, from, to, string) => engine.encodeInto(bytes, from, to, ids, string),
      text,
    );
  }
  return ids.toArray();
}

function isNone({ original, normal }: Finders): boolean {
  return original === undefined && normal === undefined;
}

function normalized(engine: Engine, text: string): string {
  return engine.normalization === "nfc" ? normalForm(text, "NFC") : text;
}

/** Cuts `text` at its added tokens, normalises the rest and cuts that again. */
function stretches(engine: Engine, text: string, finders: Finders): Stretch[] {
  return splitAdded(text, finders.original).map(({ id, from, to }) => {
    const slice = from === 0 && to === text.length ? text : text.slice(from, to);
    if (id >= 0) return { from, to, normal: slice, pieces: [{ id, from: 0, to: slice.length }] };
    const normal = normalized(engine, slice);
    return { from, to, normal, pieces: splitAdded(normal, finders.normal) };
  });
}

/** Ids and offsets, stretch by stretch. */
function textWithOffsets(
  engine: Engine,
  text: string,
  found: readonly Stretch[],
  encode: (part: string) => Int32Array,
): Encoding {
  const ids = new IdBuffer();
  const boundaries: number[] = [0];
  let base = 0; // bytes of the original before the stretch
  for (const { from, to, normal, pieces } of found) {
    const local: number[] = [0];
    let at = 0; // bytes of the normalised stretch
    for (const piece of pieces) {
      const part = normal.slice(piece.from, piece.to);
      const end = at + utf8(part).length;
      if (piece.id >= 0) {
        ids.push(piece.id);
        local.push(end);
      } else {
        const own = encode(part);
        walkLengths(engine, own, at, (boundary) => local.push(Math.min(boundary, end)));
        for (const id of own) ids.push(id);
      }
      at = end;
    }
    const original = text.slice(from, to);
    const map = normal === original ? undefined : normalizeNfc([original]);
    const back = map === undefined ? local : mapBoundaries(map, Int32Array.from(local));
    for (let i = 1; i < back.length; i++) boundaries.push(base + (back[i] ?? 0));
    base += utf8(original).length;
  }
  return { ids: ids.toArray(), offsets: offsetsFromBytes(utf8(text), Int32Array.from(boundaries)) };
}

/** Calls `each` with the end of every token; an added space is nowhere in the text. */
function walkLengths(engine: Engine, ids: Int32Array, start: number, each: (boundary: number) => void): void {
  let at = start;
  ids.forEach((id, i) => {
    at += engine.pieces[id]?.length ?? 0;
    if (i === 0 && engine.dummyPrefix === true) at -= 1;
    each(at);
  });
}

/** Adds offsets to the ids of bytes that are no text. */
function withOffsets(engine: Engine, bytes: Uint8Array, ids: Int32Array): Encoding {
  const boundaries = [0];
  walkLengths(engine, ids, 0, (boundary) => boundaries.push(boundary));
  return { ids, offsets: offsetsFromBytes(bytes, Int32Array.from(boundaries)) };
}
