// Reads `tokenizer.json`. Byte-level files (GPT-2, Llama 3, Qwen, MiniMind, ours) become our own models; for any
// other pipeline the reason is returned, and hugging-face-steps.ts runs it step by step.
import { FileError } from "../../errors.ts";
import type { BpeModel, Template, TokenizerModel, UnigramModel } from "../model.ts";
import { fieldsOf, flagField, refuse } from "../pipeline/fields.ts";
import { jsPattern } from "../pipeline/pattern.ts";
import { GPT2_SPLIT } from "../pipeline/pre-tokenizers.ts";
import { templateOf } from "../pipeline/template.ts";
import { mergesOf, vocabularyOf } from "../pipeline/vocabulary.ts";
import { utf8 } from "../utf8.ts";
import { byteLevelBytes, isRecord, parseJson } from "./byte-level.ts";
import { type AddedTokens, addedTokensOf } from "./hugging-face-added.ts";
import { checkAddedIds } from "./hugging-face-steps.ts";
import { LINES } from "./hugging-face-write.ts";

/** Either a model of ours, or why the file must be run step by step. */
export type HuggingFaceFile =
  | { readonly model: TokenizerModel; readonly json: Record<string, unknown> }
  | { readonly model: undefined; readonly json: Record<string, unknown>; readonly reason: string };

/**
 * Reads a file's text. @param config Content of tokenizer_config.json, which names BOS and EOS.
 * @throws FileError if it is no tokenizer.json or contradicts itself.
 */
export function readHuggingFace(text: string, file = "tokenizer.json", config: object = {}): HuggingFaceFile {
  const json = parseJson(text.replace(/^\ufeff/, ""), file);
  if (!isRecord(json) || !isRecord(json["model"])) {
    throw new FileError(`load: ${file} must have a "model", got none. Is it a tokenizer.json?`);
  }
  return readHuggingFaceJson(json, file, config);
}

/** The same of a file's content. */
export function readHuggingFaceJson(
  json: Record<string, unknown>,
  file: string,
  config: object = {},
): HuggingFaceFile {
  const parts = json["model"] as Record<string, unknown>;
  const type = parts["type"] ?? ("merges" in parts ? "BPE" : undefined);
  const splits = splitsOf(json["pre_tokenizer"], file);
  const normalizers = stepsOf(json["normalizer"], "normalizers");
  const nfc = normalizers.length === 1 && isRecord(normalizers[0]) && normalizers[0]["type"] === "NFC";
  const other = (reason: string): HuggingFaceFile => ({ model: undefined, json, reason });
  if (splits === undefined) return other("its pre-tokenizer is not byte-level");
  if (!nfc && normalizers.length > 0) return other("its normalizer is not NFC");
  const decoder = json["decoder"];
  if (!isRecord(decoder) || decoder["type"] !== "ByteLevel") return other("its decoder is not byte-level");
  const tokens = addedTokensOf(json, config, file);
  const template = templateOf(json["post_processor"], `${file}: post_processor`);
  const beside = {
    ...(nfc && { normalization: "nfc" as const }),
    ...(template.before.length + template.after.length > 0 && { template: template satisfies Template }),
    ...(tokens.added.length > 0 && { added: tokens.added }),
    ...(tokens.bos !== undefined && { bos: tokens.bos }),
    ...(tokens.eos !== undefined && { eos: tokens.eos }),
  };
  if (type === "BPE") {
    const model = bpeOf(parts, tokens, splits, file);
    return typeof model === "string" ? other(model) : { model: { ...model, ...beside }, json };
  }
  if (type === "Unigram" && isRecord(parts["athanor"])) {
    return {
      model: { ...unigramOf(parts, parts["athanor"], tokens, file), ...beside },
      json,
    };
  }
  return other(`its model is ${typeof type === "string" ? type : "unnamed"}`);
}

/** A step and, of a sequence, its steps; what is nested deeper than files are is left as it stands. */
function stepsOf(step: unknown, key: string, depth = 0): readonly unknown[] {
  if (step === null || step === undefined) return [];
  const list: unknown = isRecord(step) && step["type"] === "Sequence" ? step[key] : undefined;
  if (!Array.isArray(list) || depth > 8) return [step];
  return (list as unknown[]).flatMap((s) => stepsOf(s, key, depth + 1));
}

/** The split patterns of a byte-level pre-tokenizer, or undefined for another kind. */
function splitsOf(pre: unknown, file: string): readonly string[] | undefined {
  const steps = stepsOf(pre, "pretokenizers");
  const last = steps.at(-1);
  if (!isRecord(last) || last["type"] !== "ByteLevel" || last["add_prefix_space"] !== false) return undefined;
  const patterns: string[] = [];
  for (const step of steps.slice(0, -1)) {
    if (!isRecord(step) || step["type"] !== "Split") return undefined;
    const pattern = step["pattern"];
    if (step["behavior"] !== "Isolated" || step["invert"] === true || !isRecord(pattern)) return undefined;
    if (typeof pattern["Regex"] !== "string") return undefined;
    jsPattern(pattern["Regex"], `load: ${file}: pre_tokenizer`); // refused here, with the file's name
    patterns.push(pattern["Regex"]);
  }
  return last["use_regex"] === false ? patterns : [...patterns, GPT2_SPLIT];
}

/** Pieces by id from names by id; specials and ids without a name are empty. */
function piecesOf(
  nameOf: readonly (string | undefined)[],
  { specials, added }: AddedTokens,
): Uint8Array[] | undefined {
  const outside = new Map<number, Uint8Array>(specials.map((s) => [s.id, new Uint8Array(0)]));
  for (const { id, text } of added) outside.set(id, byteLevelBytes(text) ?? utf8(text));
  const size = Math.max(nameOf.length, ...Array.from(outside.keys(), (id) => id + 1));
  const pieces: Uint8Array[] = [];
  for (let id = 0; id < size; id++) {
    const name = nameOf[id];
    const bytes = outside.get(id) ?? (name === undefined ? new Uint8Array(0) : byteLevelBytes(name));
    if (bytes === undefined) return undefined;
    pieces.push(bytes);
  }
  return pieces;
}

function bpeOf(
  model: Record<string, unknown>,
  tokens: AddedTokens,
  splits: readonly string[],
  file: string,
): BpeModel | string {
  const f = fieldsOf(model, `${file}: model`);
  if (!isRecord(model["vocab"]) || !Array.isArray(model["merges"])) {
    throw new FileError(`load: ${file}: a BPE model must have vocab and merges. The file is edited or cut.`);
  }
  for (const key of ["dropout", "continuing_subword_prefix", "end_of_word_suffix"]) {
    if (model[key] !== null && model[key] !== undefined && model[key] !== "") return `its model has ${key}`;
  }
  const vocabulary = vocabularyOf(f);
  checkAddedIds(tokens, vocabulary.idOf, file);
  const pieces = piecesOf(vocabulary.nameOf, tokens);
  if (pieces === undefined) return "its vocabulary is not byte-level";
  const merges = mergesOf(f, vocabulary);
  const outside = new Set([...tokens.specials, ...tokens.added].map((t) => t.id));
  const isOutside = Uint8Array.from(pieces, (_, id) => (outside.has(id) ? 1 : 0));
  if (merges.some((id) => isOutside[id] === 1)) return "its merges make added tokens";
  const bytes = new Set(pieces.filter((p, id) => p.length === 1 && !outside.has(id)).map((p) => p[0]));
  if (bytes.size < 256) return "its vocabulary lacks some bytes";
  const [first] = splits;
  return {
    kind: "bpe",
    pieces,
    merges,
    specials: tokens.specials,
    ...(!(splits.length === 1 && first === LINES) && { split: splits.length > 1 ? splits : (first ?? ALL) }),
    ...(flagField(f, "ignore_merges", false) && { wholeParts: true }),
  };
}

/** A split that never cuts. */
const ALL = "[\\s\\S]+";

function unigramOf(
  model: Record<string, unknown>,
  own: Record<string, unknown>,
  tokens: AddedTokens,
  file: string,
): UnigramModel {
  const vocab: unknown = model["vocab"];
  if (!Array.isArray(vocab)) throw new FileError(`load: ${file}: a Unigram model must have a vocab list.`);
  const names: string[] = [];
  const logProbs = new Float64Array(vocab.length).fill(-Infinity);
  const special = new Set(tokens.specials.map((s) => s.id));
  for (const [id, entry] of (vocab as unknown[]).entries()) {
    const [name, score]: unknown[] = Array.isArray(entry) ? entry : [];
    if (typeof name !== "string" || typeof score !== "number") {
      return refuse(`${file}: model.vocab[${id}]`, "[text, score]", entry);
    }
    names.push(name);
    if (!special.has(id)) logProbs[id] = score;
  }
  const pieces = piecesOf(names, tokens);
  if (pieces === undefined || pieces.length !== names.length) {
    throw new FileError(`load: ${file}: pieces must be byte-level text. The file is edited.`);
  }
  const counts: unknown = own["counts"];
  return {
    kind: "unigram",
    pieces,
    logProbs,
    specials: tokens.specials,
    ...(Array.isArray(counts) &&
      counts.length === pieces.length && { counts: Float64Array.from(counts, Number) }),
  };
}
