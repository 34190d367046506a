// Vocabulary files of other programs.
import { FileError } from "../../errors.ts";
import { createTokenizer } from "../create.ts";
import type { TokenizerModel } from "../model.ts";
import type { Tokenizer } from "../tokenizer.ts";
import { strictTextOf } from "../utf8.ts";
import { readBytePiece, writeBytePiece } from "./bytepiece.ts";
import { huggingFaceTokenizer } from "./hugging-face-steps.ts";
import { readHuggingFace } from "./hugging-face-read.ts";
import { writeHuggingFace } from "./hugging-face-write.ts";
import { isLlama2c, readLlama2c } from "./llama2c.ts";
import { isSentencePiece } from "./sentencepiece-file.ts";
import { readSentencePiece } from "./sentencepiece-read.ts";
import { writeSentencePiece } from "./sentencepiece-write.ts";
import { type TiktokenOptions, isTiktoken, readTiktoken } from "./tiktoken.ts";

export { readBytePiece, writeBytePiece } from "./bytepiece.ts";
export { huggingFaceTokenizer } from "./hugging-face-steps.ts";
export { type HuggingFaceFile, readHuggingFace } from "./hugging-face-read.ts";
export { writeHuggingFace } from "./hugging-face-write.ts";
export { readLlama2c } from "./llama2c.ts";
export { readSentencePiece } from "./sentencepiece-read.ts";
export { writeSentencePiece } from "./sentencepiece-write.ts";
export {
  TIKTOKEN_ENCODINGS,
  TIKTOKEN_SPLITS,
  type TiktokenEncoding,
  type TiktokenOptions,
  readTiktoken,
} from "./tiktoken.ts";

/**
 * A tokenizer from a file's bytes; the kind is told from the content: tokenizer.json, BytePiece JSON,
 * llama2.c tokenizer.bin, SentencePiece `.model` or tiktoken.
 * @param file Its name, for messages. @param config tokenizer_config.json, where there is one.
 * @throws FileError if it is none of these, cut off or edited into nonsense.
 */
export function parseTokenizer(
  data: Uint8Array,
  file = "tokenizer",
  { config, ...tiktoken }: TiktokenOptions & { readonly config?: object } = {},
): Tokenizer {
  if (isLlama2c(data)) return checked(readLlama2c(data, file), file);
  if (isSentencePiece(data)) return readSentencePiece(data, file);
  const text = strictTextOf(data)?.replace(/^\ufeff/, "");
  if (text === undefined || text.trim() === "") {
    throw new FileError(
      `load: ${file} must be a tokenizer.json, a SentencePiece or BytePiece model, a tiktoken vocabulary or a llama2.c tokenizer.bin, got ${data.length} other bytes.`,
    );
  }
  if (isTiktoken(text)) return checked(readTiktoken(text, file, tiktoken), file);
  if (!/"model"\s*:\s*\{/.test(text)) return checked(readBytePiece(text, file), file);
  const read = readHuggingFace(text, file, config);
  return read.model === undefined ? huggingFaceTokenizer(read.json, config, file) : checked(read.model, file);
}

function checked(model: TokenizerModel, file: string): Tokenizer {
  try {
    return createTokenizer(model);
  } catch (error) {
    throw new FileError(`load: ${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** File formats that `formatTokenizer` writes. */
export type TokenizerFormat = "tokenizer.json" | "bytepiece" | "sentencepiece";

/** The content of a file in `format`. @throws OptionError if the format cannot hold the vocabulary. */
export function formatTokenizer(model: TokenizerModel, format: TokenizerFormat): string | Uint8Array {
  if (format === "tokenizer.json") return writeHuggingFace(model);
  if (model.kind !== "unigram") {
    throw new FileError(
      `save: format ${format} must get a unigram model, got ${model.kind}. Use tokenizer.json.`,
    );
  }
  return format === "bytepiece" ? writeBytePiece(model) : writeSentencePiece(model);
}
