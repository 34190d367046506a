// Models as GGUF files, for llama.cpp and what is built on it, in float16 or Q8_0 (`gguf-architectures.ts` lists them).
import { filesAt } from "#files";
import { OptionError } from "../errors.ts";
import type { FilesAt } from "../files/folder.ts";
import { ggufChunks, type GgufTensor, type GgufWrite } from "../files/gguf-write.ts";
import type { Tensor } from "../tensor/index.ts";
import { ggufVocabulary } from "../tokenizer/formats/gguf-write.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import type { CausalLMParams } from "./causal-lm.ts";
import type { CausalLMConfig } from "./config.ts";
import { FULL } from "./families/layers.ts";
import { ARCHITECTURES } from "./gguf-architectures.ts";
import { ggufPlaces, headsOf } from "./gguf-places.ts";
import { f32, type GgufArchitecture, type Json, must, u32, type Words } from "./gguf-words.ts";
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
  /** `model_type` that is asked first for words. */
  readonly family?: string;
  /** Bits of a weight: float16, or Q8_0 (tables and vectors of odd width stay float16). */
  readonly bits: 16 | 8;
}

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
  const { json, family } = writeHuggingFace(config, extras.tokens, "float16", extras.family);
  const [name, architecture] = architectureFor(family.type);
  const own = architecture.write?.(json) ?? {};
  const metadata = metadataOf(config, json, name, own, extras);
  const leaves = new Map(await widenedLeaves(params));
  const table = leaves.get("model.embed_tokens.weight");
  if (architecture.ownHead && table && !leaves.has("lm_head.weight")) leaves.set("lm_head.weight", table);
  const shapes = new Map([...leaves].map(([leaf, t]) => [leaf, t.shape.map(Number)] as const));
  const tensors = new Map<string, Part[]>();
  for (const [leaf, place] of ggufPlaces(architecture, shapes)) {
    const t = leaves.get(leaf);
    if (place === undefined || t === undefined) {
      throw new OptionError(`export: a GGUF file has no place for "${leaf}". Use --hf or --onnx.`);
    }
    const heads = architecture.pairs ? headsOf(config, leaf) : 0;
    tensors.set(place.name, [...(tensors.get(place.name) ?? []), { leaf: t, heads }]);
  }
  const written = [...tensors].map(([there, parts]) => tensorOf(there, parts, extras.bits));
  for (const [there, factors] of Object.entries(factorsOf(config, json))) {
    const data = Float32Array.from(factors);
    written.push({ name: `${there}.weight`, shape: [data.length], type: "F32", data: () => data });
  }
  await folder.write(file, ggufChunks(metadata, written));
}

/** The architecture that `family` is written as. @throws OptionError with those that there are. */
function architectureFor(family: string): readonly [name: string, architecture: GgufArchitecture] {
  const all = Object.entries(ARCHITECTURES);
  const writes = (a: GgufArchitecture): readonly string[] => a.writes ?? [a.family];
  const found = all.find(([, a]) => writes(a).includes(family));
  if (found !== undefined) return found;
  throw new OptionError(
    `export: a GGUF file must hold a model of the families ${all.flatMap(([, a]) => writes(a)).join(", ")}, got one of ${family}. Use --hf or --onnx.`,
  );
}

function metadataOf(
  config: CausalLMConfig,
  json: Json,
  name: string,
  own: Words,
  { tokens, tokenizer, template, addBos, bits }: GgufExtras,
): Map<string, GgufWrite> {
  const all: Words = {
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
    "rope.dimension_count": u32(Math.floor(config.headWidth * Number(json["partial_rotary_factor"] ?? 1))),
    ...ropeWords(json),
    ...own,
  };
  const said = Object.entries(all).flatMap(([key, value]): [string, GgufWrite][] =>
    value === undefined ? [] : [[`${name}.${key}`, value]],
  );
  const { bos, eos, pad } = tokens;
  const id = (key: string, value: number | undefined): [string, GgufWrite][] =>
    value === undefined ? [] : [[`tokenizer.ggml.${key}_token_id`, u32(value)]];
  return new Map<string, GgufWrite>([
    ["general.architecture", { type: "string", value: name }],
    ["general.file_type", u32(bits === 8 ? 7 : 1)],
    ...said,
    ...ggufVocabulary(tokenizer, config.vocabulary),
    ...id("bos", bos),
    ...id("eos", eos.find((end) => end !== bos) ?? eos[0]),
    ...id("padding", pad),
    ["tokenizer.ggml.add_bos_token", { type: "bool", value: addBos }],
    ...(template === undefined
      ? []
      : [["tokenizer.chat_template", { type: "string", value: template }] as const]),
    ["general.quantization_version", u32(2)],
  ]);
}

/** How positions are scored, in llama.cpp's keys. @throws OptionError for ways that it has none for. */
function ropeWords(json: Json): Words {
  // Gemma 3 says it by kind of layer; those with windows have a base alone.
  const byKind = json["rope_parameters"] as Readonly<Record<string, Json>> | undefined;
  const { rope_theta: base = 10_000, rope_scaling: beside, ...full } = byKind?.[FULL] ?? json;
  const scaling = byKind ? full : ((beside as Json | undefined) ?? {});
  const text = (value: string): GgufWrite => ({ type: "string", value });
  const common = { "rope.freq_base": f32(Number(base)) };
  const factor = Number(scaling["factor"]);
  switch (scaling["rope_type"] ?? "default") {
    case "default":
    case "llama3": // by a tensor of factors
      return common;
    case "longrope": // by two
      return { ...common, "rope.scaling.attn_factor": f32(Number(scaling["attention_factor"])) };
    case "linear":
      return { ...common, "rope.scaling.type": text("linear"), "rope.scaling.factor": f32(factor) };
    case "yarn": {
      must(scaling, "truncate", (value) => value !== false, "true");
      const { attention_factor: magnitude, beta_fast: fast, beta_slow: slow } = scaling;
      const usual = factor <= 1 ? 1 : 0.1 * Math.log(factor) + 1;
      // Scores that are multiplied as a whole leave cosine and sine alone; llama.cpp knows by its own key.
      const own = scaling["mscale_all_dim"] === undefined ? Number(magnitude ?? usual) / usual : 1;
      return {
        ...common,
        "rope.scaling.type": text("yarn"),
        "rope.scaling.factor": f32(factor),
        "rope.scaling.original_context_length": u32(Number(scaling["original_max_position_embeddings"])),
        ...(Math.abs(own - 1) > 1e-6 && { "rope.scaling.attn_factor": f32(own) }),
        ...(typeof fast === "number" && { "rope.scaling.yarn_beta_fast": f32(fast) }),
        ...(typeof slow === "number" && { "rope.scaling.yarn_beta_slow": f32(slow) }),
      };
    }
    default:
      throw new OptionError(
        `export: positions of a GGUF file must be of type default, linear, llama3, longrope or yarn, got ${String(scaling["rope_type"])}. Use --hf or --onnx.`,
      );
  }
}

/** Tensors of factors by which the frequency of each pair is divided. */
function factorsOf(config: CausalLMConfig, json: Json): Readonly<Record<string, readonly number[]>> {
  const scaling = json["rope_scaling"] as Json | undefined;
  if (scaling?.["rope_type"] === "longrope") {
    return {
      rope_factors_short: scaling["short_factor"] as readonly number[],
      rope_factors_long: scaling["long_factor"] as readonly number[],
    };
  }
  const llama3 = ropeFactors(config);
  return llama3 ? { rope_freqs: llama3 } : {};
}

/** What llama.cpp divides the frequency of each pair by, of Llama 3's scaling. */
function ropeFactors({ position, headWidth }: CausalLMConfig): number[] | undefined {
  if (position.type !== "llama3") return undefined;
  const { base = 10_000, scale = 1, trainingLength = 8192, fast = 4, slow = 1 } = position;
  return Array.from({ length: headWidth / 2 }, (_, i) => {
    const turns = trainingLength / (2 * Math.PI * base ** ((2 * i) / headWidth));
    const smooth = Math.min(1, Math.max(0, (turns - slow) / (fast - slow)));
    return 1 / ((1 - smooth) / scale + smooth);
  });
}

/** A parameter, and the heads whose rows are turned. */
interface Part {
  readonly leaf: Tensor;
  readonly heads: number;
}

/** Vectors are float32 there; matrices float16, or Q8_0 where whole blocks fit their rows. Parts stand row below row. */
function tensorOf(name: string, parts: readonly Part[], bits: 16 | 8): GgufTensor {
  const shapes = parts.map(({ leaf }) => leaf.shape.map(Number));
  const [, ...columns] = shapes[0] ?? [];
  const shape = [shapes.reduce((n, [rows = 0]) => n + rows, 0), ...columns];
  const blocks = bits === 8 && (shape.at(-1) ?? 0) % 32 === 0;
  const data = async (): Promise<Float32Array> => {
    const all: Float32Array[] = [];
    for (const [i, { leaf, heads }] of parts.entries()) {
      const own = (await leaf.data()) as Float32Array;
      all.push(heads > 0 ? pairs(own, shapes[i] ?? [], heads) : own);
    }
    const [first = new Float32Array()] = all;
    if (all.length < 2) return first;
    const whole = new Float32Array(shape.reduce((a, b) => a * b, 1));
    let at = 0;
    for (const part of all) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  };
  return { name, shape, type: shape.length < 2 ? "F32" : blocks ? "Q8_0" : "F16", data };
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
