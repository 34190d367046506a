// A tokenizer whose text goes through the steps of a tokenizer.json or a SentencePiece model, for vocabularies
// that are not plain bytes: added tokens, normalizer, pre-tokenizer, model; decoder and template on the way back.
import { OptionError } from "../../errors.ts";
import { type Finder, findersFor, splitAdded } from "../added.ts";
import { IdBuffer } from "../encode/ids.ts";
import { byteLevelBytes } from "../formats/byte-level.ts";
import { type AddedToken, type Special, type Template, specialId } from "../model.ts";
import type { DecodeOptions, StreamDecoder, Tokenizer } from "../tokenizer.ts";
import { strictTextOf, utf8 } from "../utf8.ts";
import type { Stage } from "./decoders.ts";
import type { Model } from "./model.ts";
import type { Normalizer } from "./normalizers.ts";
import type { PreTokenizer } from "./pre-tokenizers.ts";

/** The steps, compiled. */
export interface Pipeline {
  /** Names the file in messages. */
  readonly file: string;
  readonly specials: readonly Special[];
  /** Tokens that are always found in text. */
  readonly added: readonly AddedToken[];
  readonly normalize: Normalizer;
  readonly preTokenize: PreTokenizer;
  readonly model: Model;
  readonly decoder: () => Stage;
  readonly template: Template;
  readonly bos?: number | undefined;
  readonly eos?: number | undefined;
  /** Content of the tokenizer.json that describes the steps, where one can. */
  readonly json: Readonly<Record<string, unknown>> | undefined;
}

/** The steps through the room's contract. Text only: bytes must be UTF-8; no offsets, no sampling. */
export function pipelineTokenizer(p: Pipeline): Tokenizer {
  const { specials, added, file } = p;
  const nameOf = [...p.model.vocabulary.nameOf];
  for (const token of [...added, ...specials]) {
    for (let hole = nameOf.length; hole < token.id; hole++) nameOf.push(undefined);
    nameOf[token.id] = token.normalized === true ? p.normalize(token.text) : token.text;
  }
  const isSpecial = new Set(specials.map((s) => s.id));
  const findersOf = findersFor(specials, added, p.normalize);
  const out = new IdBuffer();
  const isByteLevel = JSON.stringify(p.json?.["decoder"] ?? null).includes('"ByteLevel"');

  const encodeOrdinary = (text: string, isFirst: boolean, inNormal: Finder | undefined): void => {
    const normal = p.normalize(text);
    for (const part of splitAdded(normal, inNormal)) {
      if (part.id >= 0) {
        out.push(part.id);
        continue;
      }
      if (part.to === part.from) continue;
      const first = isFirst && part.from === 0 && keepsStart(p.normalize, text);
      const slice = normal.slice(part.from, part.to);
      for (const segment of p.preTokenize([{ text: slice, first }])) p.model.encode(segment.text, out);
    }
  };

  const checkId = (id: number): void => {
    if (Number.isInteger(id) && id >= 0 && id < nameOf.length) return;
    throw new OptionError(`decode: id must be an integer from 0 to ${nameOf.length - 1}, got ${id}.`);
  };

  const decoder = ({ specials: show = "skip" }: DecodeOptions = {}): StreamDecoder => {
    let stage = p.decoder();
    const push = (id: number): string => {
      checkId(id);
      const name = nameOf[id];
      return name === undefined || (show === "skip" && isSpecial.has(id)) ? "" : stage.push(name).join("");
    };
    return {
      push: (ids) => (typeof ids === "number" ? push(ids) : Array.from(ids, push).join("")),
      flush() {
        const rest = stage.flush().join("");
        stage = p.decoder();
        return rest;
      },
    };
  };
  const decode = (ids: ArrayLike<number>, options?: DecodeOptions): string => {
    const stream = decoder(options);
    return stream.push(ids) + stream.flush();
  };

  return {
    kind: "hugging-face",
    vocabularySize: nameOf.length,
    specials,
    bos: p.bos ?? specialId(p, "bos"),
    eos: p.eos ?? specialId(p, "eos"),
    template: p.template,
    ...(p.json && { json: p.json }),
    encode(text, { allowSpecials = false } = {}) {
      const string = typeof text === "string" ? text.toWellFormed() : strictTextOf(text);
      if (string === undefined) {
        throw new OptionError(`encode: bytes must be UTF-8 for ${file}, got bytes that are not.`);
      }
      const { original, normal } = findersOf(allowSpecials);
      out.length = 0;
      for (const part of splitAdded(string, original)) {
        if (part.id >= 0) out.push(part.id);
        else encodeOrdinary(string.slice(part.from, part.to), part.from === 0, normal);
      }
      return out.toArray();
    },
    encodeWithOffsets() {
      throw new OptionError(
        `encodeWithOffsets: tokenizer must be one of ours, got ${file}, whose steps change the text. Use encode.`,
      );
    },
    sample() {
      throw new OptionError(`sample: tokenizer must be of kind unigram, got hugging-face. Use encode.`);
    },
    decode,
    decodeBytes: (ids, options) => utf8(decode(ids, options)),
    bytesOf(id) {
      checkId(id);
      const name = nameOf[id];
      if (name === undefined || isSpecial.has(id)) return new Uint8Array(0);
      const byte = /^<0x([0-9A-F]{2})>$/.exec(name);
      if (isByteLevel) return byteLevelBytes(name) ?? utf8(name);
      return byte ? Uint8Array.of(parseInt(byte[1] ?? "0", 16)) : utf8(name.replaceAll("\u2581", " "));
    },
    decoder,
  };
}

/** False if normalising takes the first character away: then what is left does not begin the original. */
function keepsStart(normalize: Normalizer, text: string): boolean {
  const first = String.fromCodePoint(text.codePointAt(0) ?? 0);
  return text === "" || normalize(first) !== "";
}
