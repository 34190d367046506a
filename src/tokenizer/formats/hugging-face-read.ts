// Reads `tokenizer.json`. Byte-level files (GPT-2, Llama 3, Qwen, MiniMind, ours) become our own models; for
// any other pipeline the reason is returned, and the caller may hand the file to @huggingface/tokenizers.
import { FileError } from "../../errors.ts";
import type { BpeModel, Special, SpecialRole, TokenizerModel, UnigramModel } from "../model.ts";
import { byteLevelBytes, isRecord, parseJson } from "./byte-level.ts";
import { LINES } from "./hugging-face-write.ts";

/** Either a model of ours, or why the file needs the other library. */
export type HuggingFaceFile =
  | { readonly model: TokenizerModel; readonly json: Record<string, unknown> }
  | { readonly model: undefined; readonly json: Record<string, unknown>; readonly reason: string };

/** The pattern of GPT-2, which a ByteLevel pre-tokenizer implies. */
export const GPT2_SPLIT =
  "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

/** Reads a file's text. @throws FileError if it is no tokenizer.json or contradicts itself. */
export function readHuggingFace(text: string, file = "tokenizer.json"): HuggingFaceFile {
  const json = parseJson(text, file);
  if (!isRecord(json) || !isRecord(json["model"])) {
    throw new FileError(`load: ${file} must have a "model", got none. Is it a tokenizer.json?`);
  }
  const type = json["model"]["type"] ?? ("merges" in json["model"] ? "BPE" : undefined);
  const split = splitOf(json["pre_tokenizer"]);
  const normalizer = json["normalizer"];
  const nfc = isRecord(normalizer) && normalizer["type"] === "NFC";
  const other = (reason: string): HuggingFaceFile => ({ model: undefined, json, reason });
  if (split === undefined) return other("its pre-tokenizer is not byte-level");
  if (!nfc && normalizer !== null && normalizer !== undefined) return other("its normalizer is not NFC");
  const added = addedTokens(json, file);
  if (added === undefined) return other("it has added tokens that are ordinary text");
  const common = { ...(nfc && { normalization: "nfc" as const }) };
  if (type === "BPE") {
    const model = bpeOf(json["model"], added, split, file);
    return typeof model === "string" ? other(model) : { model: { ...model, ...common }, json };
  }
  if (type === "Unigram" && isRecord(json["model"]["athanor"])) {
    return { model: { ...unigramOf(json["model"], json["model"]["athanor"], added, file), ...common }, json };
  }
  return other(`its model is ${typeof type === "string" ? type : "unnamed"}`);
}

/** The split pattern of a byte-level pre-tokenizer (null: none), or undefined for another kind. */
function splitOf(pre: unknown): string | null | undefined {
  if (!isRecord(pre)) return undefined;
  if (pre["type"] === "ByteLevel") {
    if (pre["add_prefix_space"] === true) return undefined;
    return pre["use_regex"] === false ? null : jsPattern(GPT2_SPLIT);
  }
  const list: unknown = pre["pretokenizers"];
  if (pre["type"] !== "Sequence" || !Array.isArray(list)) return undefined;
  if (list.length === 1) return splitOf(list[0]);
  const [first, second]: unknown[] = list;
  if (list.length !== 2 || !isRecord(first) || first["type"] !== "Split" || splitOf(second) !== null)
    return undefined;
  const pattern = first["pattern"];
  if (first["behavior"] !== "Isolated" || first["invert"] === true || !isRecord(pattern)) return undefined;
  return typeof pattern["Regex"] === "string" ? jsPattern(pattern["Regex"]) : undefined;
}

/**
 * A pattern in JavaScript's notation: `\s` there has U+FEFF and lacks U+0085, so it is spelt out, and possessive
 * quantifiers become greedy ones (the same matches in every published tokenizer pattern).
 */
export function jsPattern(pattern: string): string {
  return pattern
    .replaceAll(/([+*?]|\{\d+,?\d*\})\+/g, "$1")
    .replaceAll("\\s", "\\p{White_Space}")
    .replaceAll("\\S", "\\P{White_Space}");
}

const ROLES: readonly [SpecialRole, RegExp][] = [
  ["pad", /^(<pad>|\[PAD\]|<\|pad\|>)$/],
  ["bos", /^(<s>|<bos>|\[CLS\]|<\|begin_of_text\|>|<\|im_start\|>|<\|startoftext\|>)$/],
  ["eos", /^(<\/s>|<eos>|\[SEP\]|<\|end_of_text\|>|<\|im_end\|>|<\|endoftext\|>)$/],
  ["unk", /^(<unk>|\[UNK\])$/],
];

/** What a special is for, guessed from how it is written. */
export function roleOf(text: string): SpecialRole {
  return ROLES.find(([, pattern]) => pattern.test(text))?.[0] ?? "other";
}

/** Specials of the file; undefined if an added token is plain text that must always be matched. */
function addedTokens(json: Record<string, unknown>, file: string): Special[] | undefined {
  const list: unknown = json["added_tokens"] ?? [];
  if (!Array.isArray(list))
    throw new FileError(`load: ${file}: added_tokens must be a list, got ${typeof list}.`);
  const ours = isRecord(json["model"]) ? json["model"]["athanor"] : undefined;
  const own = isRecord(ours) && isRecord(ours["roles"]) ? ours["roles"] : {};
  const specials: Special[] = [];
  for (const token of list as unknown[]) {
    const { id, content, special } = isRecord(token) ? token : {};
    if (typeof id !== "number" || typeof content !== "string" || content === "") {
      throw new FileError(
        `load: ${file}: an added token must have id and content, got ${JSON.stringify(token)}.`,
      );
    }
    if (special !== true && !/^[<[].*[>\]]$/s.test(content)) return undefined;
    const named = ["pad", "bos", "eos", "unk", "other"] as const;
    specials.push({ id, text: content, role: named.find((r) => r === own[id]) ?? roleOf(content) });
  }
  return specials;
}

/** Pieces by id from names by id; specials are empty. */
function piecesOf(
  nameOf: ReadonlyMap<number, string>,
  specials: readonly Special[],
  file: string,
): Uint8Array[] | undefined {
  const special = new Map(specials.map((s) => [s.id, s.text]));
  let size = 0;
  for (const id of [...special.keys(), ...nameOf.keys()]) size = Math.max(size, id + 1);
  const pieces: Uint8Array[] = [];
  for (let id = 0; id < size; id++) {
    const name = nameOf.get(id);
    if (special.has(id)) pieces.push(new Uint8Array(0));
    else {
      if (name === undefined) {
        throw new FileError(
          `load: ${file}: ids must run from 0 without gaps, got none for ${id}. The file is edited or cut.`,
        );
      }
      const bytes = byteLevelBytes(name);
      if (bytes === undefined) return undefined;
      pieces.push(bytes);
    }
  }
  return pieces;
}

function bpeOf(
  model: Record<string, unknown>,
  specials: readonly Special[],
  split: string | null,
  file: string,
): BpeModel | string {
  const { vocab, merges } = model;
  if (!isRecord(vocab) || !Array.isArray(merges)) {
    throw new FileError(`load: ${file}: a BPE model must have vocab and merges. The file is edited or cut.`);
  }
  for (const key of ["dropout", "continuing_subword_prefix", "end_of_word_suffix"]) {
    if (model[key] !== null && model[key] !== undefined && model[key] !== "") return `its model has ${key}`;
  }
  const idOf = new Map<string, number>();
  for (const [name, id] of Object.entries(vocab)) {
    if (!(typeof id === "number" && Number.isInteger(id) && id >= 0)) {
      throw new FileError(`load: ${file}: id of "${name}" must be an integer ≥ 0, got ${String(id)}.`);
    }
    idOf.set(name, id);
  }
  const nameOf = new Map([...idOf].map(([name, id]) => [id, name] as const).sort((a, b) => a[0] - b[0]));
  const pieces = piecesOf(nameOf, specials, file);
  if (pieces === undefined) return "its vocabulary is not byte-level";
  const flat: number[] = [];
  for (const [k, merge] of (merges as unknown[]).entries()) {
    const parts: unknown[] = Array.isArray(merge) ? merge : typeof merge === "string" ? merge.split(" ") : [];
    const [a, b] = parts;
    const left = typeof a === "string" ? idOf.get(a) : undefined;
    const right = typeof b === "string" ? idOf.get(b) : undefined;
    const joined = idOf.get(`${String(a)}${String(b)}`);
    if (parts.length !== 2 || left === undefined || right === undefined || joined === undefined) {
      throw new FileError(
        `load: ${file}: merge ${k} must join two tokens into a third, got ${JSON.stringify(merge)}.`,
      );
    }
    flat.push(left, right, joined);
  }
  if (new Set(pieces.filter((p) => p.length === 1).map((p) => p[0])).size < 256) {
    return "its vocabulary lacks some bytes";
  }
  return {
    kind: "bpe",
    pieces,
    merges: Int32Array.from(flat),
    specials,
    ...(split !== null && split !== LINES && { split }),
    ...(split === null && { split: "[^]+" }),
    ...(model["ignore_merges"] === true && { wholeParts: true }),
  };
}

function unigramOf(
  model: Record<string, unknown>,
  own: Record<string, unknown>,
  specials: readonly Special[],
  file: string,
): UnigramModel {
  const vocab: unknown = model["vocab"];
  if (!Array.isArray(vocab)) throw new FileError(`load: ${file}: a Unigram model must have a vocab list.`);
  const nameOf = new Map<number, string>();
  const logProbs = new Float64Array(vocab.length).fill(-Infinity);
  const special = new Set(specials.map((s) => s.id));
  for (const [id, entry] of (vocab as unknown[]).entries()) {
    const [name, score]: unknown[] = Array.isArray(entry) ? entry : [];
    if (typeof name !== "string" || typeof score !== "number") {
      throw new FileError(
        `load: ${file}: vocab entry ${id} must be [text, score], got ${JSON.stringify(entry)}.`,
      );
    }
    nameOf.set(id, name);
    if (!special.has(id)) logProbs[id] = score;
  }
  const pieces = piecesOf(nameOf, specials, file);
  if (pieces === undefined)
    throw new FileError(`load: ${file}: pieces must be byte-level text. The file is edited.`);
  const counts: unknown = own["counts"];
  return {
    kind: "unigram",
    pieces,
    logProbs,
    specials,
    ...(Array.isArray(counts) &&
      counts.length === pieces.length && { counts: Float64Array.from(counts, Number) }),
  };
}
