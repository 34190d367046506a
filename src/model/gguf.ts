// Models from GGUF files: weights stay in codes where there is a kernel for them, and become float32 where not.
import { FileError, nearest } from "../errors.ts";
import { checkReadable, dequantise } from "../files/gguf-blocks.ts";
import { readGguf } from "../files/gguf-file.ts";
import type { OpenFile } from "../files/folder.ts";
import type { GgufEntry, GgufHeader } from "../files/gguf-types.ts";
import { type Tensor, tensor } from "../tensor/index.ts";
import { ggufTokenizer } from "../tokenizer/formats/gguf.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import type { CausalLMParams } from "./causal-lm.ts";
import { type ChatTemplate, readChatTemplate } from "./chat.ts";
import type { CausalLMConfig } from "./config.ts";
import { codesOf, staysInCodes } from "./gguf-codes.ts";
import { architectureOf, ggufConfig, ggufName, llama3Scaling, shapeText } from "./gguf-config.ts";
import { fromHuggingFace, type ModelTokens } from "./hugging-face.ts";
import { parametersOf, treeOf } from "./parameters.ts";
import type { WeightDtype } from "./weights.ts";

/** A tensor that takes more memory than in its file. */
export interface Widened {
  readonly name: string;
  /** Its type in the file. */
  readonly from: string;
  /** Bytes in the file, and here. */
  readonly bytes: readonly [there: number, here: number];
}

/** A model as found in a GGUF file. */
export interface GgufModel {
  readonly config: CausalLMConfig;
  readonly params: CausalLMParams;
  readonly tokens: ModelTokens;
  readonly tokenizer: () => Promise<Tokenizer>;
  readonly chat: ChatTemplate | undefined;
  readonly addBos: boolean;
  /** What its weights are saved in: codes have scales of half precision. */
  readonly dtype: WeightDtype;
  /** Matrices that had no kernel for their quantisation. */
  readonly widened: readonly Widened[];
}

/**
 * The model in a GGUF file.
 * @throws FileError for a file that breaks the format, for missing, extra and misshapen tensors (both shapes shown);
 *   OptionError for architectures, settings and tokenizers that are not supported. Both before weights are read.
 */
export async function loadGguf(open: OpenFile): Promise<GgufModel> {
  await using file = await readGguf(open);
  const { metadata, entries, path } = file;
  const parts = metadata.get("split.count");
  if (typeof parts === "number" && parts > 1) {
    throw new FileError(
      `model: ${path} must be whole, got one of ${parts} parts. Join them with llama-gguf-split --merge.`,
    );
  }
  const [, architecture] = architectureOf(file, path);
  const json = ggufConfig(file, path);
  for (const [name, entry] of entries) checkReadable(name, entry, path);
  const raw = async ({ begin, byteLength }: GgufEntry): Promise<Uint8Array> =>
    file.read(begin, begin + byteLength);
  const factors = entries.get("rope_freqs.weight");
  if (factors !== undefined) {
    const values = dequantise(await raw(factors), "rope_freqs.weight", factors, path);
    const scaling = llama3Scaling(values, Number(json["rope_theta"]), path);
    if (scaling !== undefined) json["rope_scaling"] = scaling;
  }
  const { config, tokens } = fromHuggingFace(json, path);
  const where = placesOf(file, config);
  const leaves: [string, Tensor][] = [];
  const widened: Widened[] = [];
  for (const [name, { stored, entry }] of where) {
    const heads = architecture.pairs ? headsOf(config, name) : 0;
    const bytes = heads > 0 ? halves(await raw(entry), entry, heads) : await raw(entry);
    if (staysInCodes(entry)) {
      const at = name.replace(/\.weight$/, "");
      for (const [leaf, t] of Object.entries(codesOf(bytes, entry))) leaves.push([`${at}.${leaf}`, t]);
      continue;
    }
    const data = dequantise(bytes, stored, entry, path);
    leaves.push([name, tensor(data, { shape: [...entry.shape], lend: true })]);
    if (data.byteLength > entry.byteLength) {
      widened.push({ name: stored, from: entry.type.name, bytes: [entry.byteLength, data.byteLength] });
    }
  }
  let tokenizer: Promise<Tokenizer> | undefined;
  return {
    config,
    params: treeOf(leaves) as CausalLMParams,
    tokens,
    tokenizer: () => (tokenizer ??= Promise.resolve().then(() => ggufTokenizer(metadata, path))),
    chat: chatOf(metadata, tokens),
    addBos: addsBos(metadata),
    dtype: [...entries.values()].every(({ type }) => type.name === "F32") ? "float32" : "float16",
    widened,
  };
}

/** Where each parameter of `config` lies. @throws FileError for tensors that are missing, extra or misshapen. */
function placesOf(
  { entries, path }: GgufHeader & { readonly path: string },
  config: CausalLMConfig,
): Map<string, { readonly stored: string; readonly entry: GgufEntry }> {
  const expected = parametersOf(config);
  const found = new Map<string, { stored: string; entry: GgufEntry }>();
  for (const [stored, entry] of entries) {
    const name = ggufName(stored);
    if (name === undefined) continue;
    if (!expected.has(name)) {
      const near = nearest(name, expected.keys(), 1)[0];
      throw new FileError(
        `model: ${path} holds "${stored}", which no ${config.layers}-layer model has.${near ? ` Nearest: "${near}".` : ""}`,
      );
    }
    found.set(name, { stored, entry });
  }
  const inOrder = new Map<string, { stored: string; entry: GgufEntry }>();
  for (const [name, { shape }] of expected) {
    const place = found.get(name);
    if (place === undefined) {
      throw new FileError(`model: ${path} lacks the tensor of "${name}" (${entries.size} tensors found).`);
    }
    if (place.entry.shape.join() !== shape.join()) {
      throw new FileError(
        `model: "${place.stored}" must be [${shape.join(", ")}] by the metadata, got ${shapeText(place.entry)} in ${path}.`,
      );
    }
    inOrder.set(name, place);
  }
  return inOrder;
}

/** Heads of a query or key matrix or bias; 0 for all else. */
function headsOf({ heads, keyValueHeads }: CausalLMConfig, name: string): number {
  if (/\.q_proj\.(?:weight|bias)$/.test(name)) return heads;
  return /\.k_proj\.(?:weight|bias)$/.test(name) ? keyValueHeads : 0;
}

/** Rows of each head from neighbouring pairs to halves: `[heads, D/2, 2]` to `[heads, 2, D/2]`, whatever the type. */
function halves(bytes: Uint8Array, { shape }: GgufEntry, heads: number): Uint8Array {
  const rows = shape[0] ?? 0;
  const size = bytes.length / rows;
  const D = rows / heads;
  const out = new Uint8Array(bytes.length);
  for (let r = 0; r < rows; r++) {
    const [head, i] = [Math.floor(r / D), r % D];
    const to = head * D + (i % 2) * (D / 2) + (i >> 1);
    out.set(bytes.subarray(r * size, (r + 1) * size), to * size);
  }
  return out;
}

/** Texts begin with BOS where the file says so, or where files of its kind do. */
function addsBos(metadata: GgufHeader["metadata"]): boolean {
  const said = metadata.get("tokenizer.ggml.add_bos_token");
  if (typeof said === "boolean") return said;
  const pre = metadata.get("tokenizer.ggml.pre");
  return metadata.get("tokenizer.ggml.model") === "llama" || pre === "llama-bpe" || pre === "llama3";
}

function chatOf(metadata: GgufHeader["metadata"], { bos, eos }: ModelTokens): ChatTemplate | undefined {
  const tokens = metadata.get("tokenizer.ggml.tokens");
  const text = (id: number | undefined): GgufValueText =>
    Array.isArray(tokens) && id !== undefined ? (tokens[id] as GgufValueText) : undefined;
  return readChatTemplate({
    chat_template: metadata.get("tokenizer.chat_template"),
    bos_token: text(bos),
    eos_token: text(eos[0]),
  });
}

type GgufValueText = string | undefined;
