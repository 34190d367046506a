// A tokenizer as GGUF's metadata: byte-level BPE whose split llama.cpp knows ("gpt2"), or a vocabulary of characters with
// bytes for the rest ("llama").
import { OptionError } from "../../errors.ts";
import type { GgufWrite } from "../../files/gguf-write.ts";
import type { Tokenizer } from "../tokenizer.ts";
import { isRecord, parseJson } from "./byte-level.ts";
import { splitNameOf } from "./gguf-splits.ts";
import { writeHuggingFace } from "./hugging-face-write.ts";

/** `tokenizer.ggml.token_type`. */
const TYPE = { normal: 1, unknown: 2, control: 3, user: 4, unused: 5, byte: 6 } as const;

/** SentencePiece's mark for a space. */
const SPACE_MARK = "\u2581";

function refused(what: string): OptionError {
  return new OptionError(`export: the tokenizer of a GGUF file must ${what} Use --hf or --onnx.`);
}

/**
 * Metadata of `tokenizer` for a model of `size` ids; ids that no text has are called `[PAD17]` as converters do.
 * @throws OptionError for vocabularies that llama.cpp cannot read.
 */
export function ggufVocabulary(tokenizer: Tokenizer, size: number): [key: string, value: GgufWrite][] {
  const json = tokenizer.model ? parseJson(writeHuggingFace(tokenizer.model), "tokenizer") : tokenizer.json;
  const model = isRecord(json) ? json["model"] : undefined;
  if (!isRecord(json) || !isRecord(model) || !isRecord(model["vocab"]) || !Array.isArray(model["merges"])) {
    throw refused("be byte pairs (BPE) that tokenizer.json can hold, got one of another kind.");
  }
  const characters = model["byte_fallback"] === true;
  const text = Array.from({ length: size }, (_, id) => `[PAD${id}]`);
  const types: number[] = Array.from({ length: size }, () => TYPE.unused);
  const unknown = model["unk_token"];
  for (const [name, id] of Object.entries(model["vocab"])) {
    if (typeof id !== "number" || id >= size) continue; // the model has no such token
    text[id] = characters ? name.replaceAll(" ", SPACE_MARK) : name;
    const isByte = characters && /^<0x[0-9A-F]{2}>$/.test(name);
    types[id] = name === unknown ? TYPE.unknown : isByte ? TYPE.byte : TYPE.normal;
  }
  const added: unknown = json["added_tokens"];
  for (const token of Array.isArray(added) ? (added as unknown[]) : []) {
    if (!isRecord(token) || typeof token["id"] !== "number" || token["id"] >= size) continue;
    const { id, content, special } = token;
    text[id] = String(content);
    if (content !== unknown) types[id] = special === true ? TYPE.control : TYPE.user;
  }
  const merges = (model["merges"] as unknown[]).map((pair): readonly [string, string] => {
    const [a, b] = Array.isArray(pair) ? (pair as unknown[]) : String(pair).split(" ");
    return [String(a), String(b)];
  });
  const strings = (value: string[]): GgufWrite => ({ type: "strings", value });
  const common: [string, GgufWrite][] = [
    ["tokenizer.ggml.tokens", strings(text)],
    ["tokenizer.ggml.token_type", { type: "int32s", value: types }],
  ];
  if (!characters) {
    const pre = splitNameOf(json["pre_tokenizer"], json["normalizer"]);
    if (pre === undefined) throw refused("cut text as one that llama.cpp knows does, got another split.");
    return [
      ["tokenizer.ggml.model", { type: "string", value: "gpt2" }],
      ["tokenizer.ggml.pre", { type: "string", value: pre }],
      ...common,
      ["tokenizer.ggml.merges", strings(merges.map(([a, b]) => `${a} ${b}`))],
    ];
  }
  const idOf = new Map(text.map((t, id) => [t, id]));
  const scores = text.map(() => 0);
  merges.forEach(([a, b], rank) => {
    const id = idOf.get((a + b).replaceAll(" ", SPACE_MARK));
    if (id !== undefined && scores[id] === 0) scores[id] = -rank - 1;
  });
  return [
    ["tokenizer.ggml.model", { type: "string", value: "llama" }],
    ["tokenizer.ggml.pre", { type: "string", value: "default" }],
    ...common,
    ["tokenizer.ggml.scores", { type: "float32s", value: scores }],
    ["tokenizer.ggml.unknown_token_id", { type: "uint32", value: Math.max(0, types.indexOf(TYPE.unknown)) }],
    ["tokenizer.ggml.add_space_prefix", { type: "bool", value: prepends(json["normalizer"]) }],
  ];
}

/** Whether a normaliser puts a space before the text. */
function prepends(normalizer: unknown): boolean {
  if (!isRecord(normalizer)) return false;
  const steps: unknown = normalizer["normalizers"];
  return normalizer["type"] === "Prepend" || (Array.isArray(steps) && steps.some(prepends));
}
