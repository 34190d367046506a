// A decoder-only language model, top to bottom. Pre-norm blocks as in GPT-2 (Radford et al. 2019) and Llama
// (Touvron et al. 2023, https://arxiv.org/abs/2302.13971); parameters are named as Hugging Face names Llama's.
import type { MlaParams } from "../attention/index.ts";
import {
  embedding,
  type EmbeddingParams,
  linear,
  type LinearParams,
  norm,
  type NormParams,
} from "../nn/index.ts";
import {
  addDims,
  checkShapes,
  type Dim,
  full,
  gather,
  gelu,
  iota,
  matmul,
  narrow,
  ones,
  random,
  silu,
  type Tensor,
  zeros,
} from "../tensor/index.ts";
import type { SeenKeys } from "./codebooks.ts";
import { type CausalLMConfig, parameterTree } from "./config.ts";
import {
  type DenseParams,
  type LayerCache,
  type MixerInput,
  type MixerOutput,
  mixTokens,
  type Quantized,
} from "./mixer.ts";

/** Parameters of one block. Matrices are `[out, in]`. */
export interface BlockParams {
  readonly input_layernorm: NormParams;
  readonly self_attn: DenseParams | MlaParams;
  readonly post_attention_layernorm: NormParams;
  readonly mlp: {
    readonly gate_proj?: LinearParams; // [F, C], SwiGLU only
    readonly up_proj: LinearParams; // [F, C]
    readonly down_proj: LinearParams; // [C, F]
  };
}

/** All parameters. */
export interface CausalLMParams {
  readonly model: {
    readonly embed_tokens: EmbeddingParams; // [V, C]
    readonly embed_positions?: EmbeddingParams; // [context, C], learned positions only
    readonly layers: readonly BlockParams[];
    readonly norm: NormParams;
  };
  readonly lm_head?: { readonly weight: Tensor }; // [V, C], untied only
}

/** Logits, and the cache including the new tokens. */
export interface CausalLMOutput {
  /** `[B, T, V]`, or `[B, R, V]` for `R` chosen rows. */
  readonly logits: Tensor;
  readonly cache: readonly LayerCache[];
  /** Scalar to add to a training loss; absent for models that ask for none. */
  readonly auxiliary?: Tensor;
  /** What the codebooks of the parameters are to learn from these tokens (`learnCodebooks`). */
  readonly seen: SeenKeys;
}

/** How often a code counts as chosen before the first batch. */
const FIRST_COUNT = 0.01;

/** Weight of the distance between keys and their codes in the loss: Lingle 2023, section 3.4. */
const COMMITMENT = 1e-4;

export interface CausalLMInput {
  /** One entry per layer; absent at the start of a text. */
  readonly cache?: readonly LayerCache[];
  /** How many tokens the cache stands for; default 0. */
  readonly past?: Dim;
  /** `[R]`, int32: which of the `T` places get logits; default all. */
  readonly rows?: Tensor;
  /** Is shown what each layer's attention reads, `[B, T, C]`. */
  readonly onLayer?: (layer: number, x: Tensor) => void;
}

/**
 * The model on `T` tokens that follow those of `cache`.
 * @param ids `[B, T]`, int32.
 */
export function causalLM(
  config: CausalLMConfig,
  params: CausalLMParams,
  ids: Tensor,
  { cache, past, rows, onLayer }: CausalLMInput = {},
): CausalLMOutput {
  const { T } = checkShapes("causalLM", { ids: [ids, "B~ T~"] });
  const before = past ?? 0;
  const keyPositions = iota(addDims(before, T));
  const queryPositions = narrow(keyPositions, 0, before, addDims(before, T)); // the same tensor without a cache
  let x = embedding(params.model.embed_tokens, ids); // [B, T, C]
  const table = params.model.embed_positions;
  if (table) x = x.add(gather(table.weight, queryPositions));
  const next: LayerCache[] = [];
  const quantized: Record<string, Quantized> = {};
  params.model.layers.forEach((layer, i) => {
    const { y, mixed } = block(
      config,
      layer,
      x,
      {
        layer: i,
        queryPositions,
        keyPositions,
        cache: cache?.[i],
      },
      onLayer,
    );
    next.push(mixed.cache);
    if (mixed.quantized) quantized[i] = mixed.quantized;
    x = y;
  });
  if (rows) x = gather(x, rows, 1);
  x = norm(config.norm, params.model.norm, x, config.normEpsilon);
  const head = params.lm_head?.weight ?? params.model.embed_tokens.weight;
  const distances = Object.values(quantized).map((layer) => layer.commitment);
  return {
    logits: matmul(x, head, { transposeB: true }),
    cache: next,
    ...(distances.length > 0 && { auxiliary: distances.reduce((a, b) => a.add(b)).mul(COMMITMENT) }),
    seen: Object.fromEntries(Object.entries(quantized).map(([layer, { seen }]) => [layer, seen])),
  };
}

/** `x + attention(norm x)`, then `x + mlp(norm x)`. */
function block(
  config: CausalLMConfig,
  params: BlockParams,
  x: Tensor,
  where: Omit<MixerInput, "x">,
  onLayer: CausalLMInput["onLayer"],
): { y: Tensor; mixed: MixerOutput } {
  const { normEpsilon: epsilon } = config;
  const h = norm(config.norm, params.input_layernorm, x, epsilon);
  onLayer?.(where.layer, h);
  const mixed = mixTokens(config, params.self_attn, { ...where, x: h });
  const a = x.add(mixed.y);
  const m = norm(config.norm, params.post_attention_layernorm, a, epsilon);
  return { y: a.add(mlp(config, params.mlp, m)), mixed };
}

/** `W_down (silu(W_gate x) ⊙ W_up x)`, or `W_down gelu(W_up x)`. */
function mlp(
  config: CausalLMConfig,
  { gate_proj, up_proj, down_proj }: BlockParams["mlp"],
  x: Tensor,
): Tensor {
  const up = linear(up_proj, x);
  if (gate_proj) return linear(down_proj, silu(linear(gate_proj, x)).mul(up));
  return linear(down_proj, gelu(up, { approximate: config.activation === "gelu-tanh" ? "tanh" : "none" }));
}

/**
 * Fresh parameters: normal with deviation 0.02, projections back into the residual stream divided by `√(2·layers)`
 * (Radford et al. 2019, section 2.3), norms one, biases zero. Codes begin short, and with so little weight that those
 * which no key chooses are dealt out again within a few batches.
 */
export function initCausalLM(config: CausalLMConfig, key: random.Key): CausalLMParams {
  const residual = 1 / Math.sqrt(2 * config.layers);
  return parameterTree(config, (name, shape) => {
    if (name.endsWith(".bias")) return zeros(shape);
    if (shape.length === 1) return ones(shape);
    if (name.endsWith("codebook.count")) return full(shape, FIRST_COUNT);
    if (name.endsWith("codebook.sum")) {
      return random.normal(random.fold(key, name), shape, { std: 0.1 * FIRST_COUNT });
    }
    const intoResidual = name.endsWith("o_proj.weight") || name.endsWith("down_proj.weight");
    return random.normal(random.fold(key, name), shape, { std: 0.02 * (intoResidual ? residual : 1) });
  }) as CausalLMParams;
}
