// How byte-level tokenizers cut a text before merging, by the names that llama.cpp has for them.
// https://github.com/ggml-org/llama.cpp/blob/master/src/llama-vocab.cpp (llm_tokenizer_bpe)
import { GPT2_SPLIT } from "../pipeline/pre-tokenizers.ts";
import { isRecord } from "./byte-level.ts";

const LLAMA3 =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const QWEN2 = LLAMA3.replace("\\p{N}{1,3}", "\\p{N}");

/** A way of cutting. */
export interface Split {
  /** As `pre_tokenizer` of tokenizer.json. */
  readonly steps: readonly object[];
  /** Text is brought to NFC before. */
  readonly nfc?: true;
  /** A part that is a token is taken whole, without merging. */
  readonly whole?: true;
}

const byPattern = (pattern: string): object[] => [
  { type: "Split", pattern: { Regex: pattern }, behavior: "Isolated", invert: false },
  { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: false },
];
const gpt2: Split = { steps: byPattern(GPT2_SPLIT) };
/** GPT-2's, each digit alone. */
const digits: Split = {
  steps: [
    { type: "Digits", individual_digits: true },
    { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true },
  ],
};

/** By `tokenizer.ggml.pre`. */
export const SPLITS: Readonly<Record<string, Split>> = {
  default: gpt2,
  "gpt-2": gpt2,
  phi: gpt2,
  olmo: gpt2,
  smollm: digits,
  starcoder: digits,
  refact: digits,
  "llama-bpe": { steps: byPattern(LLAMA3), whole: true },
  llama3: { steps: byPattern(LLAMA3), whole: true },
  "llama-v3": { steps: byPattern(LLAMA3), whole: true },
  smaug: { steps: byPattern(LLAMA3) },
  "smaug-bpe": { steps: byPattern(LLAMA3) },
  dbrx: { steps: byPattern(LLAMA3) },
  qwen2: { steps: byPattern(QWEN2), nfc: true },
};

/** The name for a `pre_tokenizer` and `normalizer` of tokenizer.json; nothing where there is none. */
export function splitNameOf(pre: unknown, normalizer: unknown): string | undefined {
  if (!isRecord(pre)) return undefined;
  const list: unknown = pre["type"] === "Sequence" ? pre["pretokenizers"] : [pre];
  const [first, second]: unknown[] = Array.isArray(list) ? list : [];
  const nfc = isRecord(normalizer) && normalizer["type"] === "NFC";
  if (!nfc && normalizer !== null && normalizer !== undefined) return undefined;
  if (isRecord(first) && first["type"] === "Digits" && first["individual_digits"] === true) {
    return isRecord(second) && second["type"] === "ByteLevel" && !nfc ? "smollm" : undefined;
  }
  const regex =
    isRecord(first) && isRecord(first["pattern"])
      ? first["pattern"]["Regex"]
      : isRecord(first) && first["type"] === "ByteLevel" && first["use_regex"] !== false
        ? GPT2_SPLIT
        : undefined;
  if (regex === GPT2_SPLIT) return nfc ? undefined : "gpt-2";
  if (regex === QWEN2) return nfc ? "qwen2" : undefined;
  return regex === LLAMA3 && !nfc ? "llama-bpe" : undefined;
}
