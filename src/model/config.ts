// The shape of a decoder, in words.
import type { NormKind } from "../nn/index.ts";
import type { PositionSpec } from "../position/index.ts";
import { type AttentionConfig, mixerOf } from "./attention-config.ts";
import type { Activation } from "./mlp.ts";
import type { NormPlaces } from "./norms.ts";
import type { CacheShapes } from "./cache.ts";
import { maps } from "./linear.ts";
import type { MapRule } from "./map-rules.ts";
import type { Bias, HeadNormOver, Layer, PositionConfig } from "./mixer.ts";

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
  /** What stands between the matrices of the MLP: a gate (`swiglu`, `geglu`, `reglu`) or a function alone. */
  readonly activation: Activation;
  readonly norm: NormKind;
  readonly normEpsilon: number;
  /** Where the norms of a block stand; default `before`. */
  readonly norms?: NormPlaces;
  readonly position: PositionConfig;
  readonly attention: AttentionConfig;
  /** One entry a layer, for plans that differ by layer (HWFA: `hwfaPlan(…).map((position) => ({ position }))`). */
  readonly perLayer?: readonly LayerConfig[];
  /** Which linear maps have biases. */
  readonly bias: Bias;
  /** RMS norm of queries and keys before the turn. */
  readonly headNorm: boolean;
  /** What one such norm runs over: a head (default, Qwen3), or all heads of a token (OLMo 2). */
  readonly headNormOver?: HeadNormOver;
  /** Factor of the scores of attention; default `1/√D`, `D` the width of a query. */
  readonly scoreScale?: number;
  /** Factor of the embeddings as they enter the first block; default 1. */
  readonly embeddingScale?: number;
  /** Logits are `cap · tanh(logits / cap)`; default: as they are. */
  readonly logitCap?: number;
  /** Kinds of linear maps, by the names of matrices; default: plain ones. */
  readonly maps?: readonly MapRule[];
  /** The output matrix is the embedding table. */
  readonly tieEmbeddings: boolean;
}

/** The part of a configuration that its blocks know; a classifier has blocks too. */
export type BlocksConfig = Omit<
  CausalLMConfig,
  "vocabulary" | "tieEmbeddings" | "embeddingScale" | "logitCap"
>;

/** The attention of a layer. */
export function layerAttention(config: BlocksConfig, layer: number): AttentionConfig {
  // Files written before there was a choice say nothing.
  return (
    config.perLayer?.[layer]?.attention ??
    (config.attention as AttentionConfig | undefined) ?? { type: "dense" }
  );
}

/** The position of a layer. */
export function layerPosition(config: BlocksConfig, layer: number): PositionConfig {
  return config.perLayer?.[layer]?.position ?? config.position;
}

/** A layer, as its mixer knows it. */
export function layerOf(config: BlocksConfig, index: number): Layer {
  const { context, width, heads, keyValueHeads, headWidth, bias } = config;
  const { headNorm, headNormOver, normEpsilon, scoreScale } = config;
  const position = layerPosition(config, index);
  return {
    index,
    context,
    width,
    heads,
    keyValueHeads,
    headWidth,
    bias,
    headNorm,
    ...(headNormOver && { headNormOver }),
    normEpsilon,
    position,
    maps,
    ...(scoreScale !== undefined && { scoreScale }),
  };
}

/** Shapes of what each layer keeps of the tokens so far. */
export function cacheShapes(config: CausalLMConfig): CacheShapes[] {
  return Array.from({ length: config.layers }, (_, i) => {
    const attention = layerAttention(config, i);
    return mixerOf(attention).cache(attention, layerOf(config, i));
  });
}
