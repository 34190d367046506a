// Models as folders of @huggingface/transformers (transformers.js), which runs an ONNX graph by the names of its inputs:
// ids, mask and positions of a batch of texts, and the keys and values of what went before.
// Names and files: https://huggingface.co/docs/transformers.js/custom_usage
import { filesAt } from "#files";
import { OptionError } from "../errors.ts";
import type { Chunks, FilesAt } from "../files/folder.ts";
import {
  addDims,
  and,
  cast,
  type Dim,
  evaluate,
  expandDims,
  exportOnnx,
  type ExportOptions,
  flattenTree,
  greater,
  greaterEqual,
  iota,
  mapTree,
  narrow,
  reshape,
  type Shape,
  type Tensor,
  tensor,
  zeros,
} from "../tensor/index.ts";
import { type CacheShape, grows, SIZES } from "./cache.ts";
import { causalLM, type CausalLMParams } from "./causal-lm.ts";
import { cacheShapes, type CausalLMConfig, layerAttention } from "./config.ts";
import { configText, writeHuggingFace } from "./hugging-face.ts";
import { inBits } from "./in-bits.ts";
import type { State } from "./mixer.ts";
import { type Told, toldFiles } from "./told.ts";
import { widened } from "./widen.ts";
import { toNbit } from "../quantize/index.ts";

/** What the weights are stored in: float32, float16, or codes of 8 and 4 bits in blocks of 32. */
export type Variant = "fp32" | "fp16" | "q8" | "q4";

/** The end of a variant's file name. */
const SUFFIX: Readonly<Record<Variant, string>> = { fp32: "", fp16: "_fp16", q8: "_quantized", q4: "_q4" };

/** The variants, by their names there. */
export const VARIANTS: readonly Variant[] = ["fp32", "fp16", "q8", "q4"];

/** `model_type`s that transformers.js 4 has a class for. What the graph computes is its own matter. */
const KNOWN: readonly string[] = `
  llama mistral qwen2 qwen3 gpt2 smollm3 gemma gemma2 gemma3_text phi3 olmo2 deepseek_v3`
  .trim()
  .split(/\s+/);

/** Weights of more bytes than this stand in a file of their own: a message of protobuf ends at 2 GB. */
const LONGEST_WITHIN = 1 << 30;

/** What is told beside the weights. */
export interface TransformersJsOptions extends Told {
  /** `model_type` that is asked first. */
  readonly family?: string;
  /** Default: `fp32`, which its processors take, and `q8`, which its pages do. */
  readonly variants?: readonly Variant[];
  /** Bytes from which weights stand in a file of their own; default 1 GiB. */
  readonly dataFromBytes?: number;
}

/** A file of the folder. */
export type NamedFile = readonly [name: string, content: string | Uint8Array | Chunks];

/**
 * Writes the folder that `pipeline("text-generation", folder)` of @huggingface/transformers opens: `config.json`,
 * tokenizer, template, `generation_config.json`, and one ONNX file a variant.
 * @throws OptionError for families and mixers that it does not know, with the reason.
 */
export async function saveTransformersJs(
  at: FilesAt,
  config: CausalLMConfig,
  params: CausalLMParams,
  options: TransformersJsOptions,
): Promise<void> {
  const { folder } = await filesAt("saveTransformersJs", at, "folder");
  for await (const [name, content] of transformersJsFiles(config, params, options)) {
    await folder.write(name, content);
  }
}

/** The files of that folder, one after the other, weights before the graphs that need them. */
export async function* transformersJsFiles(
  given: CausalLMConfig,
  params: CausalLMParams,
  { family, variants = ["fp32", "q8"], dataFromBytes = LONGEST_WITHIN, ...told }: TransformersJsOptions,
): AsyncGenerator<NamedFile> {
  const { maps: _, ...config } = given; // matrices are plain by now
  const json = configOf(config, told, family);
  const plain = await evaluate(await widened(params));
  const apart: Record<string, number> = {};
  for (const variant of variants) {
    const file = `model${SUFFIX[variant]}.onnx`;
    const { bytes, external } = await graphOf(config, plain, variant, `${file}_data`, dataFromBytes);
    if (external !== undefined) {
      apart[file] = 1;
      yield [`onnx/${file}_data`, external.chunks()];
    }
    yield [`onnx/${file}`, bytes];
  }
  const own = Object.keys(apart).length > 0 ? { use_external_data_format: apart } : {};
  yield ["config.json", configText({ ...json, "transformers.js_config": own })];
  yield* toldFiles({ ...told, template: "inside" });
}

/** `config.json`. @throws OptionError for what transformers.js does not know. */
function configOf(config: CausalLMConfig, { tokens }: Told, family: string | undefined): object {
  for (const [i] of cacheShapes(config).entries()) {
    const { type } = layerAttention(config, i);
    if (type === "dense" || type === "mla") continue;
    throw new OptionError(
      `export: a folder of transformers.js must hold a model that keeps keys and values, got the mixer ${type} in layer ${i}, whose state it has no input for. Use --onnx.`,
    );
  }
  const written = writeHuggingFace(config, tokens, "float32", family);
  if (KNOWN.includes(written.family.type)) return written.json;
  throw new OptionError(
    `export: a folder of transformers.js must be of a family that it knows (${KNOWN.join(", ")}), got a model that none of them has words for, only ${written.family.type}. Use --onnx.`,
  );
}

/** A graph, and what of its weights stands apart. */
async function graphOf(
  config: CausalLMConfig,
  plain: CausalLMParams,
  variant: Variant,
  dataFile: string,
  dataFromBytes: number,
): ReturnType<typeof exportOnnx> {
  const weights = await variantWeights(config, plain, variant);
  const shapes = cacheShapes(config);
  const names = shapes.flatMap((layer, i) => pairOf(layer).map((_, part) => `${i}.${PARTS[part] ?? ""}`));
  const past = shapes.map((layer) =>
    pairOf(layer).map((name) => zeros(portShape(layer[name] ?? []).map(one))),
  );
  const long = (...shape: number[]): Tensor =>
    tensor(new BigInt64Array(shape.reduce((a, b) => a * b, 1)), { shape });
  const options: ExportOptions = {
    symbolic: (name) => symbolicShape(name, shapes),
    inputNames: [
      "input_ids",
      "attention_mask",
      "position_ids",
      ...names.map((name) => `past_key_values.${name}`),
    ],
    outputNames: ["logits", ...names.map((name) => `present.${name}`)],
    weights,
    allowed: ["MatMulNBits"],
  };
  const run = (ids: Tensor, mask: Tensor, places: Tensor, kept: readonly (readonly Tensor[])[]): object =>
    forward(config, weights, ids, mask, places, kept);
  const size = flattenTree(weights).reduce((n, [, t]) => n + bytesOf(t), 0);
  const args = [long(1, 1), long(1, 2), long(1, 1), past] as const;
  return exportOnnx(run, [...args], { ...options, ...(size > dataFromBytes && { dataFile }) });
}

/** The model as the names of the graph have it. @returns Logits, then keys and values of each layer. */
function forward(
  config: CausalLMConfig,
  weights: CausalLMParams,
  ids: Tensor,
  attentionMask: Tensor,
  positionIds: Tensor,
  kept: readonly (readonly Tensor[])[],
): readonly Tensor[] {
  const shapes = cacheShapes(config);
  const params = mapTree(weights, (t) => (t.dtype === "float16" ? cast(t, "float32") : t));
  const [B = 1, T = 1] = ids.shape;
  const S: Dim = kept[0]?.[0]?.shape[2] ?? 0;
  const all = addDims(S, T);
  const keys = iota(all);
  const causal = greaterEqual(expandDims(narrow(keys, 0, S, all), 1), expandDims(keys, 0)); // [T, S + T]
  const there = reshape(greater(cast(attentionMask, "int32"), 0), [B, 1, 1, all]);
  const { logits, cache } = causalLM(config, params, cast(ids, "int32"), {
    cache: kept.map((parts, i) => stateOf(shapes[i] ?? {}, parts)),
    past: S,
    mask: and(causal, there),
    own: cast(positionIds, "int32"),
  });
  return [logits, ...cache.flatMap((state, i) => portsOf(shapes[i] ?? {}, state))];
}

/** Names there of the two things that a layer keeps. */
const PARTS = ["key", "value"] as const;

/** The names here. */
function pairOf(layer: Readonly<Record<string, CacheShape>>): readonly string[] {
  return Object.keys(layer).filter((name) => grows(layer[name] ?? []));
}

/** `[B, heads, S, width]`; what all heads share has one. */
function portShape(shape: CacheShape): CacheShape {
  const [texts = SIZES.texts, ...rest] = shape;
  return shape.length === 4 ? shape : [texts, 1, ...rest];
}

function one(d: CacheShape[number]): number {
  return typeof d === "number" ? d : 1;
}

function stateOf(layer: Readonly<Record<string, CacheShape>>, parts: readonly Tensor[]): State {
  return Object.fromEntries(
    pairOf(layer).flatMap((name, i) => {
      const [part] = [parts[i]];
      if (part === undefined) return [];
      const [B = 1, , S = 1, D = 1] = part.shape;
      return [[name, (layer[name] ?? []).length === 4 ? part : reshape(part, [B, S, D])]];
    }),
  );
}

function portsOf(layer: Readonly<Record<string, CacheShape>>, state: State): Tensor[] {
  return pairOf(layer).flatMap((name) => {
    const kept = state[name];
    return kept === undefined ? [] : [kept.shape.length === 4 ? kept : expandDims(kept, 1)];
  });
}

/** Names of sizes as transformers.js looks for them: `batch_size` is filled in, all others begin as 0. */
function symbolicShape(name: string, shapes: readonly Readonly<Record<string, CacheShape>>[]): Shape {
  const [B, T, S] = ["batch_size", "sequence_length", "past_sequence_length"];
  const [input, layer = "", part = ""] = name.split(".");
  if (input === "1") return [B, addDims(S, T)];
  if (input !== "3") return [B, T];
  const own = shapes[Number(layer)] ?? {};
  const shape = portShape(own[pairOf(own)[Number(part)] ?? ""] ?? []);
  return shape.map((d) => (d === SIZES.texts ? B : d === SIZES.tokens ? S : d));
}

/**
 * Parameters as a variant stores them. In codes, a table has 8 bits whatever the matrices have, and is the head of a tied
 * model as well; float16 is how numbers are stored: they are computed with in float32.
 */
export async function variantWeights(
  config: CausalLMConfig,
  plain: CausalLMParams,
  variant: Variant,
): Promise<CausalLMParams> {
  if (variant === "fp32") return plain;
  if (variant === "fp16") {
    return evaluate(mapTree(plain, (t) => (t.dtype === "float32" ? cast(t, "float16") : t)));
  }
  const few = await inBits(config, plain, variant === "q8" ? 8 : 4);
  const table = plain.model.embed_tokens["weight"];
  const [V = 0, C = 0] = table?.shape.map(Number) ?? [];
  if (table === undefined || C % 32 !== 0) return few;
  const codes = toNbit((await table.data()) as Float32Array, V, C, 8);
  return {
    ...few,
    model: { ...few.model, embed_tokens: codes },
    ...(few.lm_head && { lm_head: config.tieEmbeddings ? codes : few.lm_head }),
  };
}

const WIDTH: Readonly<Record<string, number>> = { float32: 4, float16: 2, uint8: 1 };

function bytesOf(t: Tensor): number {
  return t.shape.reduce<number>((n, d) => n * Number(d), WIDTH[t.dtype] ?? 4);
}
