// Models from GGUF files: weights stay in codes where there is a kernel for them, and become float32 where not.
import { FileError, nearest } from "../errors.ts";
import { checkReadable, dequantise } from "../files/gguf-blocks.ts";
import { readGguf } from "../files/gguf-file.ts";
import type { OpenFile } from "../files/folder.ts";
import type { GgufEntry, GgufHeader } from "../files/gguf-types.ts";
import { freeArray } from "../graph/storage.ts";
import { type Tensor, tensor } from "../tensor/index.ts";
import { ggufTokenizer } from "../tokenizer/formats/gguf.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import type { CausalLMParams } from "./causal-lm.ts";
import { type ChatTemplate, readChatTemplate } from "./chat.ts";
import type { CausalLMConfig } from "./config.ts";
import { codesOf, staysInCodes } from "./gguf-codes.ts";
import { architectureOf, FACTORS, ggufConfig, shapeText } from "./gguf-config.ts";
import { ggufPlaces, headsOf } from "./gguf-places.ts";
import type { GgufArchitecture, Numbers } from "./gguf-words.ts";
import { fromHuggingFace, type ModelTokens } from "./hugging-face.ts";
import { treeOf } from "../nn/index.ts";
import { parametersOf } from "./parameters.ts";
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
  for (const [name, entry] of entries) checkReadable(name, entry, path);
  const raw = async ({ begin, byteLength }: GgufEntry): Promise<Uint8Array> =>
    file.read(begin, begin + byteLength);
  const factors: Record<string, readonly number[]> = {};
  for (const name of FACTORS) {
    const entry = entries.get(`${name}.weight`);
    if (entry) factors[name] = Array.from(dequantise(await raw(entry), name, entry, path));
  }
  const { config, tokens } = fromHuggingFace(ggufConfig(file, path, factors), path);
  const leaves: [string, Tensor][] = [];
  const widened: Widened[] = [];
  for (const [name, { stored, entry, second }] of placesOf(file, architecture, config)) {
    if (second !== undefined && architecture.joined) {
      const numbers = async (e: GgufEntry): Promise<Numbers> => ({
        data: dequantise(await raw(e), stored, e, path),
        shape: e.shape,
      });
      const { data, shape } = architecture.joined.join(await numbers(entry), await numbers(second));
      if (shape.join() !== parametersOf(config).get(name)?.shape.join()) {
        throw new FileError(
          `model: "${stored}" and its like must make a matrix [${parametersOf(config).get(name)?.shape.join(", ")}] by the metadata, got ${shapeText(entry)} and ${shapeText(second)} in ${path}.`,
        );
      }
      leaves.push([name, tensor(data, { shape: [...shape], lend: true })]);
      const there = entry.byteLength + second.byteLength;
      if (data.byteLength > there)
        widened.push({ name: stored, from: entry.type.name, bytes: [there, data.byteLength] });
      continue;
    }
    const heads = architecture.pairs ? headsOf(config, name) : 0;
    const read = await raw(entry);
    const bytes = heads > 0 ? halves(read, entry, heads) : read;
    let taken: unknown; // float32 stays where it was read
    if (staysInCodes(entry)) {
      const at = name.replace(/\.weight$/, "");
      for (const [leaf, t] of Object.entries(codesOf(bytes, entry))) leaves.push([`${at}.${leaf}`, t]);
    } else {
      const data = dequantise(bytes, stored, entry, path);
      taken = data.buffer;
      leaves.push([name, tensor(data, { shape: [...entry.shape], lend: true })]);
      if (data.byteLength > entry.byteLength) {
        widened.push({ name: stored, from: entry.type.name, bytes: [entry.byteLength, data.byteLength] });
      }
    }
    // They stand elsewhere now; a collector would wait until there are as many again.
    for (const done of new Set([read, bytes])) if (done.buffer !== taken) freeArray(done);
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

/** A tensor of a file, and another that is joined with it. */
interface Place {
  readonly stored: string;
  readonly entry: GgufEntry;
  readonly second?: GgufEntry;
}

/** Where each parameter of `config` lies. @throws FileError for tensors that are missing, extra or misshapen. */
function placesOf(
  { entries, path }: GgufHeader & { readonly path: string },
  architecture: GgufArchitecture,
  config: CausalLMConfig,
): Map<string, Place> {
  const expected = new Map([...parametersOf(config)].map(([name, { shape }]) => [name, shape] as const));
  const places = ggufPlaces(architecture, expected);
  const known = new Set([...places.values()].map((place) => place?.name));
  const pairOf = (name: string): readonly string[] => {
    const [, layer, part] = /^model\.layers\.(\d+)\.(.+)\.weight$/.exec(name) ?? [];
    const { joined } = architecture;
    return joined && part === joined.part ? joined.there.map((there) => `blk.${layer}.${there}.weight`) : [];
  };
  for (const name of expected.keys()) for (const there of pairOf(name)) known.add(there);
  for (const stored of entries.keys()) {
    if (known.has(stored) || FACTORS.includes(stored.replace(/\.weight$/, ""))) continue;
    const near = nearest(
      stored,
      [...known].filter((name) => name !== undefined),
      1,
    )[0];
    throw new FileError(
      `model: ${path} holds "${stored}", which no ${config.layers}-layer model has.${near ? ` Nearest: "${near}".` : ""}`,
    );
  }
  const inOrder = new Map<string, Place>();
  for (const [name, shape] of expected) {
    const [a = "", b = ""] = pairOf(name);
    const [first, second] = [entries.get(a), entries.get(b)];
    if (first && second) {
      inOrder.set(name, { stored: a, entry: first, second });
      continue;
    }
    const { name: stored = "", part } = places.get(name) ?? {};
    const entry = entries.get(stored);
    if (entry === undefined) {
      throw new FileError(`model: ${path} lacks the tensor of "${name}" (${entries.size} tensors found).`);
    }
    const whole = part ? [part.of, ...shape.slice(1)] : [...shape];
    if (entry.shape.join() !== whole.join()) {
      throw new FileError(
        `model: "${stored}" must be [${whole.join(", ")}] by the metadata, got ${shapeText(entry)} in ${path}.`,
      );
    }
    inOrder.set(name, { stored, entry: part ? rowsOf(entry, part.first, shape) : entry });
  }
  return inOrder;
}

/** Some rows of a tensor, as one of its own: blocks never cross rows. */
function rowsOf(entry: GgufEntry, first: number, shape: readonly number[]): GgufEntry {
  const size = entry.byteLength / (entry.shape[0] ?? 1);
  const { begin } = entry;
  return { ...entry, shape: [...shape], begin: begin + first * size, byteLength: (shape[0] ?? 0) * size };
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
