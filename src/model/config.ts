// The shape of a decoder, in words.
import { OptionError, checkOptions } from "../errors.ts";
import type { NormKind } from "../nn/index.ts";
import { createPosition, type PositionSpec } from "../position/index.ts";
import { type AttentionConfig, checkAttention, usualPosition, VQ_BLOCK } from "./attention-config.ts";

/** How positions enter the model: a way of scoring, or a table of learned positions added to the embeddings. */
export type PositionConfig = PositionSpec | { readonly type: "learned" };

/** What one layer does otherwise than the rest. */
export interface LayerConfig {
  readonly position?: PositionSpec;
  readonly attention?: AttentionConfig;
}

/** A decoder-only transformer. Widths in numbers of elements. */
export interface CausalLMConfig {
  /** Number of tokens `V`. */
  readonly vocabulary: number;
  /** Longest sequence the model is trained on. */
  readonly context: number;
  /** Width `C` of the residual stream. */
  readonly width: number;
  readonly layers: number;
  /** Query heads `H`; key-value heads `G` divide them. */
  readonly heads: number;
  readonly keyValueHeads: number;
  /** Width `D` of a head. */
  readonly headWidth: number;
  /** Inner width of the MLP. */
  readonly hidden: number;
  readonly activation: "swiglu" | "gelu" | "gelu-tanh";
  readonly norm: NormKind;
  readonly normEpsilon: number;
  readonly position: PositionConfig;
  readonly attention: AttentionConfig;
  /** One entry a layer, for plans that differ by layer (HWFA: `hwfaPlan(…).map((position) => ({ position }))`). */
  readonly perLayer?: readonly LayerConfig[];
  /** Biases: in all linear maps and layer norms, in the query, key and value maps only (Qwen2), or nowhere. */
  readonly bias: "all" | "qkv" | "none";
  /** RMS norm of each query and key head before the turn (Qwen3). */
  readonly headNorm: boolean;
  /** The output matrix is the embedding table. */
  readonly tieEmbeddings: boolean;
}

type Field = "whole" | "positive" | "truth" | "structure" | readonly string[];

/**
 * What each field must be: a whole number from 1 on, a number above 0, true or false, one of some words, or a
 * structure that is checked on its own. The compiler keeps it complete.
 */
const FIELDS: Readonly<Record<keyof CausalLMConfig, Field>> = {
  vocabulary: "whole",
  context: "whole",
  width: "whole",
  layers: "whole",
  heads: "whole",
  keyValueHeads: "whole",
  headWidth: "whole",
  hidden: "whole",
  activation: ["swiglu", "gelu", "gelu-tanh"],
  norm: ["rms", "layer"],
  normEpsilon: "positive",
  position: "structure",
  attention: "structure",
  perLayer: "structure",
  bias: ["all", "qkv", "none"],
  headNorm: "truth",
  tieEmbeddings: "truth",
};

/**
 * A full configuration from its essential sizes: Llama's choices (RMS norms, SwiGLU of 8/3 width, RoPE, tied
 * embeddings, no biases) where nothing else is said. Attention that scores no positions gets learned ones, or none
 * where it knows distances itself.
 */
export function causalLMConfig(
  sizes: Pick<CausalLMConfig, "vocabulary" | "context" | "width" | "layers" | "heads"> &
    Partial<CausalLMConfig>,
): CausalLMConfig {
  checkOptions("causalLM", sizes, Object.keys(FIELDS));
  const activation = sizes.activation ?? "swiglu";
  const attention = sizes.attention ?? { type: "dense" };
  checkAttention("causalLM", attention);
  const config: CausalLMConfig = {
    keyValueHeads: sizes.heads,
    headWidth: sizes.width / sizes.heads,
    hidden: activation === "swiglu" ? Math.ceil((8 * sizes.width) / 3 / 32) * 32 : 4 * sizes.width,
    norm: "rms",
    normEpsilon: 1e-5,
    position: usualPosition(attention),
    bias: "none",
    headNorm: false,
    tieEmbeddings: true,
    ...sizes,
    attention,
    activation,
  };
  checkConfig(config);
  return config;
}

/** @throws OptionError for a value that its field cannot have; a configuration file may hold anything. */
function checkField(key: string, field: Field, value: unknown): void {
  const must = (what: string): never => {
    throw new OptionError(`causalLM: ${key} must be ${what}, got ${JSON.stringify(value)}.`);
  };
  if (field === "whole" && !(Number.isInteger(value) && (value as number) >= 1)) must("a whole number ≥ 1");
  if (field === "positive" && !(typeof value === "number" && value > 0)) must("a number above 0");
  if (field === "truth" && typeof value !== "boolean") must("true or false");
  if (typeof field === "object" && !field.includes(value as string)) must(`one of ${field.join(", ")}`);
}

/** @throws OptionError for sizes that make no model, with both numbers. */
export function checkConfig(config: CausalLMConfig): void {
  for (const [key, field] of Object.entries(FIELDS)) {
    checkField(key, field, config[key as keyof CausalLMConfig]);
  }
  if (config.heads % config.keyValueHeads !== 0) {
    throw new OptionError(
      `causalLM: keyValueHeads must divide heads, got ${config.keyValueHeads} and ${config.heads}.`,
    );
  }
  if (config.perLayer && config.perLayer.length !== config.layers) {
    throw new OptionError(
      `causalLM: perLayer must have ${config.layers} entries, got ${config.perLayer.length}.`,
    );
  }
  for (let i = 0; i < config.layers; i++) checkLayer(config, i);
}

/** The attention of a layer. */
export function layerAttention(config: CausalLMConfig, layer: number): AttentionConfig {
  // Files written before there was a choice say nothing.
  return (
    config.perLayer?.[layer]?.attention ??
    (config.attention as AttentionConfig | undefined) ?? { type: "dense" }
  );
}

/** The position of a layer. */
export function layerPosition(config: CausalLMConfig, layer: number): PositionConfig {
  return config.perLayer?.[layer]?.position ?? config.position;
}

/** @throws OptionError for combinations that mean nothing, with the reason. */
function checkLayer(config: CausalLMConfig, layer: number): void {
  const position = layerPosition(config, layer);
  const attention = layerAttention(config, layer);
  checkAttention("causalLM", attention);
  if (position.type !== "learned") createPosition(position);
  const refuse = (why: string): never => {
    throw new OptionError(`causalLM: layer ${layer}: ${attention.type} attention ${why}.`);
  };
  const refuseScores = (instead: string): void => {
    if (position.type !== "learned" && position.type !== "none") {
      refuse(`has no scores for ${position.type} to act on; ${instead}`);
    }
    if (position.type === "none" && Object.keys(position).length > 1) {
      refuse(`has no scores for ${Object.keys(position).slice(1).join(", ")} to act on; leave it out`);
    }
  };
  switch (attention.type) {
    case "dense":
      return;
    case "mla":
      if (position.type === "learned" || position.type === "none") {
        refuse(`must have a rotary position for its rotary part, got ${position.type}`);
      }
      if (attention.rotaryWidth % 2 !== 0)
        refuse(`must have an even rotaryWidth, got ${attention.rotaryWidth}`);
      if (config.keyValueHeads !== config.heads || config.headNorm) {
        refuse("has no key-value heads of its own; keyValueHeads must equal heads, without headNorm");
      }
      if (config.bias !== "none") refuse(`must have no biases, got "${config.bias}"`);
      return;
    case "window":
      if (position.type === "learned") return;
      if (position.slidingWindow !== undefined) {
        refuse(`has a window already, got slidingWindow ${position.slidingWindow}; leave it out`);
      }
      if (position.type === "ntk-dynamic" || position.logScale !== undefined) {
        refuse("never sees how long the text is, so its scores cannot follow the length");
      }
      return;
    case "transformer-vq":
      if (config.headNorm) refuse("normalises its heads itself, without gains; leave headNorm out");
      refuseScores("it has scores by distance of its own; use none, or learned positions");
      return;
    default:
      refuseScores("use learned positions or none");
  }
}

/** Name and shape of every parameter, in the order of the model. */
export function parameterShapes(config: CausalLMConfig): Map<string, readonly number[]> {
  const { width: C, headWidth: D, heads: H, keyValueHeads: G, hidden: F, vocabulary: V } = config;
  const shapes = new Map<string, readonly number[]>();
  const linear = (name: string, out: number, from: number, bias: boolean): void => {
    shapes.set(`${name}.weight`, [out, from]);
    if (bias) shapes.set(`${name}.bias`, [out]);
  };
  const norm = (name: string, width = C): void => {
    shapes.set(`${name}.weight`, [width]);
    if (config.norm === "layer" && config.bias === "all") shapes.set(`${name}.bias`, [width]);
  };
  shapes.set("model.embed_tokens.weight", [V, C]);
  if (config.position.type === "learned") shapes.set("model.embed_positions.weight", [config.context, C]);
  const every = config.bias === "all";
  const qkv = config.bias !== "none";
  for (let i = 0; i < config.layers; i++) {
    const at = `model.layers.${i}`;
    norm(`${at}.input_layernorm`);
    const attention = layerAttention(config, i);
    if (attention.type === "mla") {
      const { latentWidth, rotaryWidth, contentWidth = D, valueWidth = D, queryLatentWidth } = attention;
      const queryWidth = H * (contentWidth + rotaryWidth);
      if (queryLatentWidth === undefined) linear(`${at}.self_attn.q_proj`, queryWidth, C, false);
      else {
        linear(`${at}.self_attn.q_a_proj`, queryLatentWidth, C, false);
        shapes.set(`${at}.self_attn.q_a_layernorm.weight`, [queryLatentWidth]);
        linear(`${at}.self_attn.q_b_proj`, queryWidth, queryLatentWidth, false);
      }
      linear(`${at}.self_attn.kv_a_proj_with_mqa`, latentWidth + rotaryWidth, C, false);
      shapes.set(`${at}.self_attn.kv_a_layernorm.weight`, [latentWidth]);
      linear(`${at}.self_attn.kv_b_proj`, H * (contentWidth + valueWidth), latentWidth, false);
      linear(`${at}.self_attn.o_proj`, C, H * valueWidth, false);
    } else {
      linear(`${at}.self_attn.q_proj`, H * D, C, qkv);
      linear(`${at}.self_attn.k_proj`, G * D, C, qkv);
      linear(`${at}.self_attn.v_proj`, G * D, C, qkv);
      linear(`${at}.self_attn.o_proj`, C, H * D, every);
    }
    if (config.headNorm) {
      shapes.set(`${at}.self_attn.q_norm.weight`, [D]);
      shapes.set(`${at}.self_attn.k_norm.weight`, [D]);
    }
    if (attention.type === "transformer-vq") {
      const { codes, block = VQ_BLOCK } = attention;
      shapes.set(`${at}.self_attn.distances.weight`, [block + 1, D]);
      shapes.set(`${at}.self_attn.codebook.sum`, [G, codes, D]);
      shapes.set(`${at}.self_attn.codebook.count`, [G, codes]);
    }
    norm(`${at}.post_attention_layernorm`);
    if (config.activation === "swiglu") linear(`${at}.mlp.gate_proj`, F, C, every);
    linear(`${at}.mlp.up_proj`, F, C, every);
    linear(`${at}.mlp.down_proj`, C, F, every);
  }
  norm("model.norm");
  if (!config.tieEmbeddings) shapes.set("lm_head.weight", [V, C]);
  return shapes;
}

/** Number of parameters, codebooks included. */
export function parameterCount(config: CausalLMConfig): number {
  let count = 0;
  for (const shape of parameterShapes(config).values()) count += shape.reduce((a, b) => a * b, 1);
  return count;
}

/** A tree of parameters from leaves by name; whole numbers in names are places in an array. */
export function parameterTree(
  config: CausalLMConfig,
  leaf: (name: string, shape: readonly number[]) => unknown,
): unknown {
  const root: Record<string, unknown> = {};
  for (const [name, shape] of parameterShapes(config)) {
    const path = name.split(".");
    const last = path.pop() ?? "";
    let node = root;
    path.forEach((key, i) => {
      const next = /^\d+$/.test(path[i + 1] ?? last) ? [] : {};
      node = (node[key] ??= next) as Record<string, unknown>;
    });
    node[last] = leaf(name, shape);
  }
  return root;
}
