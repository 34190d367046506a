// The shape of a decoder, in words.
import { OptionError, checkOptions } from "../errors.ts";
import type { NormKind } from "../nn/index.ts";
import { createPosition, noPosition, type Position, type PositionSpec } from "../position/index.ts";

/** How positions enter the model: a way of scoring, or a table of learned positions added to the embeddings. */
export type PositionConfig = PositionSpec | { readonly type: "learned" };

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
  /** Biases: in all linear maps and layer norms, in the query, key and value maps only (Qwen2), or nowhere. */
  readonly bias: "all" | "qkv" | "none";
  /** RMS norm of each query and key head before the turn (Qwen3). */
  readonly headNorm: boolean;
  /** The output matrix is the embedding table. */
  readonly tieEmbeddings: boolean;
}

const KEYS: readonly (keyof CausalLMConfig)[] = [
  "vocabulary",
  "context",
  "width",
  "layers",
  "heads",
  "keyValueHeads",
  "headWidth",
  "hidden",
  "activation",
  "norm",
  "normEpsilon",
  "position",
  "bias",
  "headNorm",
  "tieEmbeddings",
];

/**
 * A full configuration from its essential sizes: Llama's choices (RMS norms, SwiGLU of 8/3 width, RoPE, tied
 * embeddings, no biases) where nothing else is said.
 */
export function causalLMConfig(
  sizes: Pick<CausalLMConfig, "vocabulary" | "context" | "width" | "layers" | "heads"> &
    Partial<CausalLMConfig>,
): CausalLMConfig {
  checkOptions("causalLM", sizes, KEYS);
  const activation = sizes.activation ?? "swiglu";
  const config: CausalLMConfig = {
    keyValueHeads: sizes.heads,
    headWidth: sizes.width / sizes.heads,
    hidden: activation === "swiglu" ? Math.ceil((8 * sizes.width) / 3 / 32) * 32 : 4 * sizes.width,
    norm: "rms",
    normEpsilon: 1e-5,
    position: { type: "rope" },
    bias: "none",
    headNorm: false,
    tieEmbeddings: true,
    ...sizes,
    activation,
  };
  checkConfig(config);
  return config;
}

/** @throws OptionError for sizes that make no model, with both numbers. */
export function checkConfig(config: CausalLMConfig): void {
  for (const key of [
    "vocabulary",
    "context",
    "width",
    "layers",
    "heads",
    "keyValueHeads",
    "headWidth",
    "hidden",
  ] as const) {
    const value = config[key];
    if (!Number.isInteger(value) || value < 1) {
      throw new OptionError(`causalLM: ${key} must be a whole number ≥ 1, got ${value}.`);
    }
  }
  if (config.heads % config.keyValueHeads !== 0) {
    throw new OptionError(
      `causalLM: keyValueHeads must divide heads, got ${config.keyValueHeads} and ${config.heads}.`,
    );
  }
  positionOf(config);
}

/** The scores that `config.position` stands for. */
export function positionOf(config: CausalLMConfig): Position {
  return config.position.type === "learned" ? noPosition() : createPosition(config.position);
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
    linear(`${at}.self_attn.q_proj`, H * D, C, qkv);
    linear(`${at}.self_attn.k_proj`, G * D, C, qkv);
    linear(`${at}.self_attn.v_proj`, G * D, C, qkv);
    linear(`${at}.self_attn.o_proj`, C, H * D, every);
    if (config.headNorm) {
      shapes.set(`${at}.self_attn.q_norm.weight`, [D]);
      shapes.set(`${at}.self_attn.k_norm.weight`, [D]);
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

/** Number of parameters. */
export function parameterCount(config: CausalLMConfig): number {
  let count = 0;
  for (const shape of parameterShapes(config).values()) count += shape.reduce((a, b) => a * b, 1);
  return count;
}

/** A tree of parameters from leaves by name; whole numbers in names are places in an array. */
export function parameterTree<L>(
  config: CausalLMConfig,
  leaf: (name: string, shape: readonly number[]) => L,
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
