// The tokenizer that a GGUF file carries. Byte-level BPE ("gpt2") becomes the tokenizer.json that its models have, with
// the split that `tokenizer.ggml.pre` names; "llama" is SentencePiece's BPE.
import { FileError, nearest, OptionError } from "../../errors.ts";
import type { GgufHeader, GgufValue } from "../../files/gguf-types.ts";
import { createTokenizer } from "../create.ts";
import type { Tokenizer } from "../tokenizer.ts";
import { SPLITS } from "./gguf-splits.ts";
import { huggingFaceTokenizer } from "./hugging-face-steps.ts";
import { readHuggingFaceJson } from "./hugging-face-read.ts";
import type { SentencePieceFile } from "./sentencepiece-file.ts";
import { sentencePieceTokenizer } from "./sentencepiece-read.ts";

type Metadata = GgufHeader["metadata"];

/** `tokenizer.ggml.token_type`. */
const TYPES = ["", "normal", "unknown", "control", "user", "unused", "byte"] as const;

/** @throws FileError for tables that contradict each other; OptionError for kinds that are not supported. */
export function ggufTokenizer(metadata: Metadata, file: string): Tokenizer {
  const kind = metadata.get("tokenizer.ggml.model");
  const tokens = texts(metadata, "tokens", file);
  if (tokens === undefined || typeof kind !== "string") {
    throw new FileError(
      `load: ${file} must carry tokenizer.ggml.model and tokens, got none. Give a tokenizer.`,
    );
  }
  const given = numbers(metadata, "token_type", tokens.length, file);
  const types = tokens.map((_, id) => typeOf(given?.[id] ?? 1, id, file));
  if (kind === "gpt2") return byteLevel(metadata, tokens, types, file);
  if (kind === "llama") return sentencePiece(metadata, tokens, types, file);
  throw new OptionError(
    `load: ${file}: tokenizer.ggml.model must be gpt2 or llama, got "${kind}". Give the tokenizer.json of the model it was made from.`,
  );
}

type TokenType = (typeof TYPES)[number];

function typeOf(number: number, id: number, file: string): TokenType {
  const type = TYPES[number];
  if (type) return type;
  throw new FileError(
    `load: ${file}: tokenizer.ggml.token_type must be 1 to 6, got ${number} for token ${id}.`,
  );
}

function list(metadata: Metadata, key: string): readonly GgufValue[] | undefined {
  const value = metadata.get(`tokenizer.ggml.${key}`);
  return Array.isArray(value) ? (value as readonly GgufValue[]) : undefined;
}

function texts(metadata: Metadata, key: string, file: string): readonly string[] | undefined {
  const values = list(metadata, key);
  if (values === undefined || values.every((v) => typeof v === "string")) return values;
  throw new FileError(`load: ${file}: tokenizer.ggml.${key} must hold texts, got other values.`);
}

function numbers(
  metadata: Metadata,
  key: string,
  length: number,
  file: string,
): readonly number[] | undefined {
  const values = list(metadata, key);
  if (values === undefined) return undefined;
  if (values.length === length && values.every((v) => typeof v === "number")) return values;
  throw new FileError(
    `load: ${file}: tokenizer.ggml.${key} must hold ${length} numbers, one a token, got ${values.length} values.`,
  );
}

/** The id that a key names. @throws FileError for one that no token has. */
function idOf(metadata: Metadata, key: string, count: number, file: string): number | undefined {
  const id = metadata.get(`tokenizer.ggml.${key}_token_id`);
  if (id === undefined || (typeof id === "number" && id >= 0 && id < count)) return id;
  throw new FileError(
    `load: ${file}: tokenizer.ggml.${key}_token_id must be below ${count}, got ${String(id)}.`,
  );
}

function byteLevel(
  metadata: Metadata,
  tokens: readonly string[],
  types: readonly TokenType[],
  file: string,
): Tokenizer {
  const name = metadata.get("tokenizer.ggml.pre") ?? "default";
  const pre = typeof name === "string" && Object.hasOwn(SPLITS, name) ? SPLITS[name] : undefined;
  if (pre === undefined) {
    const near = nearest(String(name), Object.keys(SPLITS), 1)[0];
    throw new OptionError(
      `load: ${file}: tokenizer.ggml.pre must be one of ${Object.keys(SPLITS).join(", ")}, got "${String(name)}".${near ? ` Nearest: ${near}.` : ""} Give the tokenizer.json of the model it was made from.`,
    );
  }
  const merges = texts(metadata, "merges", file) ?? [];
  const text = (key: string): string | undefined => tokens[idOf(metadata, key, tokens.length, file) ?? -1];
  const json: Record<string, unknown> = {
    version: "1.0",
    added_tokens: tokens.flatMap((content, id) =>
      types[id] === "control" || types[id] === "user" || types[id] === "unknown"
        ? [{ id, content, special: types[id] !== "user", normalized: false }]
        : [],
    ),
    normalizer: pre.nfc ? { type: "NFC" } : null,
    pre_tokenizer: { type: "Sequence", pretokenizers: pre.steps },
    post_processor: null,
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: "BPE",
      unk_token: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: pre.whole === true,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges,
    },
  };
  const config = {
    bos_token: text("bos"),
    eos_token: text("eos"),
    unk_token: text("unknown"),
    pad_token: text("padding"),
  };
  const { model } = readHuggingFaceJson(json, file, config);
  return model === undefined ? huggingFaceTokenizer(json, config, file) : createTokenizer(model);
}

function sentencePiece(
  metadata: Metadata,
  tokens: readonly string[],
  types: readonly TokenType[],
  file: string,
): Tokenizer {
  const scores = numbers(metadata, "scores", tokens.length, file);
  if (scores === undefined)
    throw new FileError(`load: ${file}: tokenizer.ggml.scores must be there, got none.`);
  const id = (key: string): number => idOf(metadata, key, tokens.length, file) ?? -1;
  const unknown = id("unknown") < 0 ? types.indexOf("unknown") : id("unknown");
  if (types[unknown] !== "unknown") {
    throw new FileError(
      `load: ${file}: tokenizer.ggml.unknown_token_id must be that of a token of type 2, got ${unknown}.`,
    );
  }
  const flag = (key: string, otherwise: boolean): boolean => {
    const value = metadata.get(`tokenizer.ggml.${key}`);
    return typeof value === "boolean" ? value : otherwise;
  };
  const f: SentencePieceFile = {
    pieces: tokens.map((text, i) => ({ text, score: scores[i] ?? 0, type: types[i] ?? "normal" })),
    type: "bpe",
    byteFallback: types.includes("byte"),
    suffix: false,
    roles: { unk: unknown, bos: id("bos"), eos: id("eos"), pad: id("padding") },
    charsmap: new Uint8Array(0),
    map: undefined,
    dummyPrefix: flag("add_space_prefix", true),
    removeExtra: flag("remove_extra_whitespaces", false),
    escape: true,
  };
  return sentencePieceTokenizer(f, file);
}
