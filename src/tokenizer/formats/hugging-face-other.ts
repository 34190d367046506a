// Pipelines that are not ours (WordPiece, Metaspace, SentencePiece conversions …), run by
// @huggingface/tokenizers and shown through the room's contract.
import { Tokenizer as Other } from "@huggingface/tokenizers";
import { FileError, OptionError } from "../../errors.ts";
import type { Special } from "../model.ts";
import type { DecodeOptions, StreamDecoder, Tokenizer } from "../tokenizer.ts";
import { strictTextOf, utf8 } from "../utf8.ts";
import { byteLevelBytes, isRecord } from "./byte-level.ts";
import { roleOf } from "./hugging-face-read.ts";

/** Tokens looked back at while streaming: enough for a character's bytes and for rules on spaces. */
const LOOK_BACK = 6;

/**
 * A tokenizer run by the other library. Text only: bytes must be UTF-8; text that spells a special becomes it;
 * no offsets and no sampling.
 * @param json Content of tokenizer.json. @param config Content of tokenizer_config.json.
 */
export function huggingFaceTokenizer(
  json: Record<string, unknown>,
  config: object = {},
  file = "tokenizer.json",
): Tokenizer {
  let other: Other;
  try {
    other = new Other(json, config);
  } catch (cause) {
    throw new FileError(
      `load: ${file} must be a pipeline that @huggingface/tokenizers knows, got: ${cause instanceof Error ? cause.message : String(cause)}.`,
    );
  }
  const specials: Special[] = [...other.get_added_tokens_decoder()].map(([id, t]) => ({
    id,
    text: t.content,
    role: roleOf(t.content),
  }));
  let size = 0;
  for (const id of other.get_vocab().values()) size = Math.max(size, id + 1);
  const isSpecial = new Set(specials.map((s) => s.id));
  const decoder = JSON.stringify(json["decoder"] ?? null);

  const textIn = (text: string | Uint8Array): string => {
    const string = typeof text === "string" ? text.toWellFormed() : strictTextOf(text);
    if (string === undefined)
      throw new OptionError(`encode: bytes must be UTF-8 for ${file}, got bytes that are not.`);
    return string;
  };
  const checkId = (id: number): void => {
    if (Number.isInteger(id) && id >= 0 && id < size) return;
    throw new OptionError(`decode: id must be an integer from 0 to ${size - 1}, got ${id}.`);
  };
  const decode = (ids: ArrayLike<number>, { specials: show = "skip" }: DecodeOptions = {}): string => {
    const list = Array.from(ids);
    list.forEach(checkId);
    const options = { skip_special_tokens: show === "skip", clean_up_tokenization_spaces: false };
    return list.length === 0 ? "" : other.decode(list, options);
  };

  return {
    kind: "hugging-face",
    vocabularySize: size,
    specials,
    encode: (text) => Int32Array.from(other.encode(textIn(text), { add_special_tokens: false }).ids),
    encodeWithOffsets() {
      throw new OptionError(
        `encodeWithOffsets: tokenizer must be one of ours, got ${file}, which needs another library.`,
      );
    },
    sample() {
      throw new OptionError(`sample: tokenizer must be of kind unigram, got hugging-face. Use encode.`);
    },
    decode,
    decodeBytes: (ids, options) => utf8(decode(ids, options)),
    bytesOf(id) {
      checkId(id);
      if (isSpecial.has(id)) return new Uint8Array(0);
      const token = other.id_to_token(id) ?? "";
      const byte = /^<0x([0-9A-F]{2})>$/.exec(token);
      if (decoder.includes("ByteLevel")) return byteLevelBytes(token) ?? utf8(token);
      return byte ? Uint8Array.of(parseInt(byte[1] ?? "0", 16)) : utf8(token.replaceAll("\u2581", " "));
    },
    decoder: (options = {}) => windowDecoder((ids) => decode(ids, options)),
  };
}

/**
 * Streams through a decoder that only knows whole lists: the text of a window of ids, minus the text of the
 * part that was already given out. Text that ends in U+FFFD waits for the next id.
 */
export function windowDecoder(decode: (ids: number[]) => string): StreamDecoder {
  let ids: number[] = [];
  let given = 0; // ids whose text is out
  const advance = (last: boolean): string => {
    const before = decode(ids.slice(0, given));
    const now = decode(ids);
    if (!last && now.endsWith("\ufffd")) return "";
    const text = now.slice(before.length);
    const drop = Math.max(0, ids.length - LOOK_BACK);
    ids = ids.slice(drop);
    given = ids.length;
    return text;
  };
  return {
    push(more) {
      ids = [...ids, ...(typeof more === "number" ? [more] : Array.from(more))];
      return advance(false);
    },
    flush() {
      const text = advance(true);
      ids = [];
      given = 0;
      return text;
    },
  };
}

/** True if `value` looks like a tokenizer.json. */
export function isHuggingFaceJson(value: unknown): boolean {
  return isRecord(value) && isRecord(value["model"]);
}
