// A decoder-only language model, top to bottom. Pre-norm blocks as in GPT-2 (Radford et al. 2019) and Llama
// (Touvron et al. 2023, https://arxiv.org/abs/2302.13971); parameters are named as Hugging Face names Llama's.
import { attend } from "../attention/index.ts";
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
  concat,
  gelu,
  iota,
  matmul,
  narrow,
  permute,
  random,
  reshape,
  silu,
  type Tensor,
  ones,
  zeros,
  gather,
} from "../tensor/index.ts";
import { type CausalLMConfig, positionOf } from "./config.ts";

/** Parameters of one block. Matrices are `[out, in]`. */
export interface BlockParams {
  readonly input_layernorm: NormParams;
  readonly self_attn: {
    readonly q_proj: LinearParams; // [H·D, C]
    readonly k_proj: LinearParams; // [G·D, C]
    readonly v_proj: LinearParams; // [G·D, C]
    readonly o_proj: LinearParams; // [C, H·D]
  };
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

/** Keys and values of one layer so far, unrotated: `[B, G, S, D]` each. */
export interface LayerCache {
  readonly key: Tensor;
  readonly value: Tensor;
}

/** Logits, and the cache including the new tokens. */
export interface CausalLMOutput {
  /** `[B, T, V]`. */
  readonly logits: Tensor;
  readonly cache: readonly LayerCache[];
}

/**
 * The model on `T` tokens that follow those of `cache`.
 * @param ids `[B, T]`, int32. @param cache One entry per layer; absent at the start of a text.
 */
export function causalLM(
  config: CausalLMConfig,
  params: CausalLMParams,
  ids: Tensor,
  cache?: readonly LayerCache[],
): CausalLMOutput {
  const { T } = checkShapes("causalLM", { ids: [ids, "B~ T~"] });
  const before = cache?.[0]?.key.shape[2] ?? 0;
  const keyPositions = iota(addDims(before, T));
  const queryPositions = narrow(keyPositions, 0, before, addDims(before, T)); // the same tensor without a cache
  let x = embedding(params.model.embed_tokens, ids); // [B, T, C]
  const table = params.model.embed_positions;
  if (table) x = x.add(gather(table.weight, queryPositions));
  const next: LayerCache[] = [];
  params.model.layers.forEach((layer, i) => {
    const { y, kept } = block(config, layer, x, queryPositions, keyPositions, cache?.[i]);
    next.push(kept);
    x = y;
  });
  x = norm(config.norm, params.model.norm, x, config.normEpsilon);
  const head = params.lm_head?.weight ?? params.model.embed_tokens.weight;
  return { logits: matmul(x, head, { transposeB: true }), cache: next };
}

/** `x + attention(norm x)`, then `x + mlp(norm x)`. */
function block(
  config: CausalLMConfig,
  params: BlockParams,
  x: Tensor,
  queryPositions: Tensor,
  keyPositions: Tensor,
  cache: LayerCache | undefined,
): { y: Tensor; kept: LayerCache } {
  const { headWidth: D, heads: H, keyValueHeads: G, normEpsilon: epsilon } = config;
  const [B = 1, T = 1] = x.shape;
  const h = norm(config.norm, params.input_layernorm, x, epsilon);
  const { q_proj, k_proj, v_proj, o_proj } = params.self_attn;
  const heads = (y: Tensor, n: number): Tensor => permute(reshape(y, [B, T, n, D]), [0, 2, 1, 3]); // [B, n, T, D]
  const q = heads(linear(q_proj, h), H);
  const key = heads(linear(k_proj, h), G);
  const value = heads(linear(v_proj, h), G);
  const kept: LayerCache = cache
    ? { key: concat([cache.key, key], 2), value: concat([cache.value, value], 2) }
    : { key, value };
  const o = attend(q, kept.key, kept.value, { position: positionOf(config), queryPositions, keyPositions });
  const a = x.add(linear(o_proj, reshape(permute(o, [0, 2, 1, 3]), [B, T, H * D])));
  const m = norm(config.norm, params.post_attention_layernorm, a, epsilon);
  return { y: a.add(mlp(config, params.mlp, m)), kept };
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
 * (Radford et al. 2019, section 2.3), norms one, biases zero.
 */
export function initCausalLM(config: CausalLMConfig, key: random.Key): CausalLMParams {
  const { width: C, headWidth: D, heads: H, keyValueHeads: G, hidden: F, vocabulary: V } = config;
  const std = 0.02;
  const residual = std / Math.sqrt(2 * config.layers);
  const matrix = (name: string, out: number, from: number, deviation = std): LinearParams => ({
    weight: random.normal(random.fold(key, name), [out, from], { std: deviation }),
    ...(config.bias && { bias: zeros([out]) }),
  });
  const gain = (): NormParams => ({
    weight: ones([C]),
    ...(config.bias && config.norm === "layer" && { bias: zeros([C]) }),
  });
  const table = (name: string, rows: number): EmbeddingParams => ({
    weight: random.normal(random.fold(key, name), [rows, C], { std }),
  });
  const layers = Array.from(
    { length: config.layers },
    (_, i): BlockParams => ({
      input_layernorm: gain(),
      self_attn: {
        q_proj: matrix(`${i}.q`, H * D, C),
        k_proj: matrix(`${i}.k`, G * D, C),
        v_proj: matrix(`${i}.v`, G * D, C),
        o_proj: matrix(`${i}.o`, C, H * D, residual),
      },
      post_attention_layernorm: gain(),
      mlp: {
        ...(config.activation === "swiglu" && { gate_proj: matrix(`${i}.gate`, F, C) }),
        up_proj: matrix(`${i}.up`, F, C),
        down_proj: matrix(`${i}.down`, C, F, residual),
      },
    }),
  );
  return {
    model: {
      embed_tokens: table("embed_tokens", V),
      ...(config.position.type === "learned" && {
        embed_positions: table("embed_positions", config.context),
      }),
      layers,
      norm: gain(),
    },
    ...(!config.tieEmbeddings && {
      lm_head: { weight: random.normal(random.fold(key, "lm_head"), [V, C], { std }) },
    }),
  };
}
