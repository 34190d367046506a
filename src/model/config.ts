// The shape of a decoder, in words.
import { checkOptions, OptionError } from "../errors.ts";
import type { NormKind } from "../nn/index.ts";
import { createPosition, type PositionSpec } from "../position/index.ts";
import { type AttentionConfig, checkAttention, mixerOf, usualPosition } from "./attention-config.ts";
import type { CacheShapes } from "./cache.ts";
import { type Field, misfit, show, WHOLE } from "./fields.ts";
import { maps } from "./linear.ts";
import type { Bias, Layer, PositionConfig } from "./mixer.ts";

export type { PositionConfig } from "./mixer.ts";

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
  /** Which linear maps have biases. */
  readonly bias: Bias;
  /** RMS norm of each query and key head before the turn (Qwen3). */
  readonly headNorm: boolean;
  /** The output matrix is the embedding table. */
  readonly tieEmbeddings: boolean;
}

/** What each field must be, the structures aside, which are checked on their own. The compiler keeps it complete. */
const FIELDS: Readonly<Record<keyof CausalLMConfig, Field | "structure">> = {
  vocabulary: WHOLE,
  context: WHOLE,
  width: WHOLE,
  layers: WHOLE,
  heads: WHOLE,
  keyValueHeads: WHOLE,
  headWidth: WHOLE,
  hidden: WHOLE,
  activation: { is: ["swiglu", "gelu", "gelu-tanh"] },
  norm: { is: ["rms", "layer"] },
  normEpsilon: { is: "positive" },
  position: "structure",
  attention: "structure",
  perLayer: "structure",
  bias: { is: ["all", "attention", "qkv", "mlp", "none"] },
  headNorm: { is: "truth" },
  tieEmbeddings: { is: "truth" },
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

/** @throws OptionError for sizes that make no model, with both numbers. */
export function checkConfig(config: CausalLMConfig): void {
  for (const [key, field] of Object.entries(FIELDS)) {
    const value = config[key as keyof CausalLMConfig];
    const must = field === "structure" ? undefined : misfit(field, value);
    if (must !== undefined) throw new OptionError(`causalLM: ${key} must be ${must}, got ${show(value)}.`);
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

/** A layer, as its mixer knows it. */
export function layerOf(config: CausalLMConfig, index: number): Layer {
  const { width, heads, keyValueHeads, headWidth, bias, headNorm, normEpsilon } = config;
  const position = layerPosition(config, index);
  return { index, width, heads, keyValueHeads, headWidth, bias, headNorm, normEpsilon, position, maps };
}

/** Shapes of what each layer keeps of the tokens so far. */
export function cacheShapes(config: CausalLMConfig): CacheShapes[] {
  return Array.from({ length: config.layers }, (_, i) => {
    const attention = layerAttention(config, i);
    return mixerOf(attention).cache(attention, layerOf(config, i));
  });
}

/** @throws OptionError for combinations that mean nothing, with the reason. */
function checkLayer(config: CausalLMConfig, index: number): void {
  const layer = layerOf(config, index);
  const attention = layerAttention(config, index);
  checkAttention("causalLM", attention);
  if (layer.position.type !== "learned") createPosition(layer.position);
  mixerOf(attention).check?.(attention, layer);
  if (!("rotaryWidth" in attention)) checkPairs(layer);
}

/** Positions that turn numbers turn them in pairs: told with the sizes a person chose, before anything is made. */
function checkPairs({ position, headWidth, heads }: Layer): void {
  if (position.type === "learned" || position.type === "alibi" || position.type === "none") return;
  const { fraction = 1 } = position;
  const turned = Math.floor(headWidth * fraction);
  if (turned > 0 && turned % 2 === 0) return;
  throw new OptionError(
    `causalLM: the part of a head that turns must have an even width, got ${turned} of ${headWidth} (${heads} heads). Change width or heads, or take positions that do not turn: learned, alibi, none.`,
  );
}
