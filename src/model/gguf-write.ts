// Models as GGUF files, for llama.cpp and what is built on it: architectures llama, qwen2 and qwen3, in float16 or Q8_0.
import { filesAt } from "#files";
import { OptionError } from "../errors.ts";
import type { FilesAt } from "../files/folder.ts";
import { ggufChunks, type GgufTensor, type GgufWrite } from "../files/gguf-write.ts";
import type { Tensor } from "../tensor/index.ts";
import { ggufVocabulary } from "../tokenizer/formats/gguf-write.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import type { CausalLMParams } from "./causal-lm.ts";
import type { CausalLMConfig } from "./config.ts";
import { LAYER } from "./gguf-config.ts";
import { type ModelTokens, writeHuggingFace } from "./hugging-face.ts";
import { widenedLeaves } from "./widen.ts";

/** What goes into a file beside the weights. */
export interface GgufExtras {
  readonly tokens: ModelTokens;
  readonly tokenizer: Tokenizer;
  /** Chat template, as its source. */
  readonly template?: string | undefined;
  /** Texts begin with BOS. */
  readonly addBos: boolean;
  /** Bits of a weight: float16, or Q8_0 (tables and vectors of odd width stay float16). */
  readonly bits: 16 | 8;
}

/** Families that can be written: the architecture, and whether heads stand there in pairs. */
const WRITTEN: Readonly<Record<string, { readonly name: string; readonly pairs: boolean }>> = {
  llama: { name: "llama", pairs: true },
  mistral: { name: "llama", pairs: true },
  qwen2: { name: "qwen2", pairs: false },
  qwen3: { name: "qwen3", pairs: false },
};

/**
 * Writes a GGUF file, whole or not at all.
 * @throws OptionError for models and tokenizers that llama.cpp has no words for, with the reason.
 */
export async function saveGguf(
  at: FilesAt,
  config: CausalLMConfig,
  params: CausalLMParams,
  extras: GgufExtras,
): Promise<void> {
  const { folder, file } = await filesAt("saveGguf", at, "file");
  if (file === undefined) throw new OptionError(`saveGguf: ${folder.path} must be a file, got a folder.`);
  const family = writeHuggingFace(config, extras.tokens).family.type;
  const architecture = Object.hasOwn(WRITTEN, family) ? WRITTEN[family] : undefined;
  if (architecture === undefined) {
    throw new OptionError(
      `export: a GGUF file must hold a model of the families ${Object.keys(WRITTEN).join(", ")}, got one of ${family}. Use --hf or --onnx.`,
    );
  }
  const metadata = metadataOf(config, architecture.name, extras);
  const tensors = new Map<string, GgufTensor>();
  for (const [name, leaf] of await widenedLeaves(params)) {
    const heads = architecture.pairs ? headsOf(config, name) : 0;
    tensors.set(name, tensorOf(name, leaf, heads, extras.bits));
  }
  const factors = ropeFactors(config);
  if (factors !== undefined) {
    const { length } = factors;
    tensors.set("rope_freqs", {
      name: "rope_freqs.weight",
      shape: [length],
      type: "F32",
      data: () => factors,
    });
  }
  await folder.write(file, ggufChunks(metadata, [...tensors.values()]));
}

function metadataOf(
  config: CausalLMConfig,
  name: string,
  { tokens, tokenizer, template, addBos, bits }: GgufExtras,
): Map<string, GgufWrite> {
  const { position } = config;
  const u32 = (value: number): GgufWrite => ({ type: "uint32", value });
  const f32 = (value: number): GgufWrite => ({ type: "float32", value });
  const own: Record<string, GgufWrite> = {
    context_length: u32(config.context),
    embedding_length: u32(config.width),
    block_count: u32(config.layers),
    feed_forward_length: u32(config.hidden),
    vocab_size: u32(config.vocabulary),
    "attention.head_count": u32(config.heads),
    "attention.head_count_kv": u32(config.keyValueHeads),
    "attention.key_length": u32(config.headWidth),
    "attention.value_length": u32(config.headWidth),
    "attention.layer_norm_rms_epsilon": f32(config.normEpsilon),
    "rope.dimension_count": u32(config.headWidth),
    ...scalingOf(position, f32, u32),
  };
  if (config.activation !== "swiglu") {
    throw new OptionError(
      `export: a GGUF file of ${name} must have the activation swiglu, got ${config.activation}.`,
    );
  }
  return new Map<string, GgufWrite>([
    ["general.architecture", { type: "string", value: name }],
    ["general.file_type", u32(bits === 8 ? 7 : 1)],
    ...Object.entries(own).map(([key, value]): [string, GgufWrite] => [`${name}.${key}`, value]),
    ...ggufVocabulary(tokenizer, config.vocabulary),
    ...(tokens.bos === undefined ? [] : [["tokenizer.ggml.bos_token_id", u32(tokens.bos)] as const]),
    ...(tokens.eos[0] === undefined ? [] : [["tokenizer.ggml.eos_token_id", u32(tokens.eos[0])] as const]),
    ["tokenizer.ggml.add_bos_token", { type: "bool", value: addBos }],
    ...(template === undefined
      ? []
      : [["tokenizer.chat_template", { type: "string", value: template }] as const]),
    ["general.quantization_version", u32(2)],
  ]);
}

/** How positions are scored, in llama.cpp's keys. @throws OptionError for ways that it has none for. */
function scalingOf(
  position: CausalLMConfig["position"],
  f32: (value: number) => GgufWrite,
  u32: (value: number) => GgufWrite,
): Record<string, GgufWrite> {
  if (position.type === "learned") throw noWords(position.type);
  const { type, base = 10_000, scale = 1, trainingLength, slidingWindow, fraction, ...rest } = position;
  if (slidingWindow !== undefined || fraction !== undefined || (rest.layout ?? "half") !== "half")
    throw noWords(type);
  const text = (value: string): GgufWrite => ({ type: "string", value });
  const common = { "rope.freq_base": f32(base) };
  switch (type) {
    case "rope":
    case "llama3": // by a tensor of factors
      return common;
    case "pi":
      return { ...common, "rope.scaling.type": text("linear"), "rope.scaling.factor": f32(scale) };
    case "yarn-index":
      if (rest.magnitude !== undefined || rest.fast !== undefined || rest.slow !== undefined)
        throw noWords(type);
      return {
        ...common,
        "rope.scaling.type": text("yarn"),
        "rope.scaling.factor": f32(scale),
        "rope.scaling.original_context_length": u32(trainingLength ?? 0),
      };
    default:
      throw noWords(type);
  }
}

function noWords(type: string): OptionError {
  return new OptionError(
    `export: positions of a GGUF file must be rope, pi, llama3 or yarn-index of usual settings, got ${type}. Use --hf or --onnx.`,
  );
}

/** What llama.cpp divides the frequency of each pair by, of Llama 3's scaling. */
function ropeFactors({ position, headWidth }: CausalLMConfig): Float32Array | undefined {
  if (position.type !== "llama3") return undefined;
  const { base = 10_000, scale = 1, trainingLength = 8192, fast = 4, slow = 1 } = position;
  return Float32Array.from({ length: headWidth / 2 }, (_, i) => {
    const turns = trainingLength / (2 * Math.PI * base ** ((2 * i) / headWidth));
    const smooth = Math.min(1, Math.max(0, (turns - slow) / (fast - slow)));
    return 1 / ((1 - smooth) / scale + smooth);
  });
}

function headsOf({ heads, keyValueHeads }: CausalLMConfig, name: string): number {
  if (/\.q_proj\.(?:weight|bias)$/.test(name)) return heads;
  return /\.k_proj\.(?:weight|bias)$/.test(name) ? keyValueHeads : 0;
}

const TOP: Readonly<Record<string, string>> = {
  "model.embed_tokens": "token_embd",
  "model.norm": "output_norm",
  lm_head: "output",
};

const INNER: ReadonlyMap<string, string> = new Map(
  Object.entries(LAYER).map(([there, here]) => [here, there]),
);

/** The name of a parameter in a file. */
function nameThere(name: string): string {
  const [, part = "", leaf = ""] = /^(.*)\.(weight|bias)$/.exec(name) ?? [];
  if (Object.hasOwn(TOP, part)) return `${TOP[part]}.${leaf}`;
  const [, layer, inner = ""] = /^model\.layers\.(\d+)\.(.*)$/.exec(part) ?? [];
  const there = INNER.get(inner);
  if (there === undefined)
    throw new OptionError(`export: a GGUF file has no place for "${name}". Use --hf or --onnx.`);
  return `blk.${layer}.${there}.${leaf}`;
}

/** Vectors are float32 there; matrices float16, or Q8_0 where whole blocks fit their rows. */
function tensorOf(name: string, leaf: Tensor, heads: number, bits: 16 | 8): GgufTensor {
  const shape = leaf.shape.map(Number);
  const blocks = bits === 8 && (shape.at(-1) ?? 0) % 32 === 0;
  const data = async (): Promise<Float32Array> => {
    const own = (await leaf.data()) as Float32Array;
    return heads > 0 ? pairs(own, shape, heads) : own;
  };
  return { name: nameThere(name), shape, type: shape.length < 2 ? "F32" : blocks ? "Q8_0" : "F16", data };
}

/** Rows of each head from halves to neighbouring pairs. */
function pairs(data: Float32Array, [rows = 0, C = 1]: readonly number[], heads: number): Float32Array {
  const D = rows / heads;
  const out = new Float32Array(data.length);
  for (let r = 0; r < rows; r++) {
    const [head, i] = [Math.floor(r / D), r % D];
    const from = head * D + (i % 2) * (D / 2) + (i >> 1);
    out.set(data.subarray(from * C, (from + 1) * C), r * C);
  }
  return out;
}
