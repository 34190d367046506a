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
import { type Position, productPosition } from "../position/index.ts";
import { type CausalLMConfig, parameterTree, positionOf } from "./config.ts";

/** Parameters of one block. Matrices are `[out, in]`. */
export interface BlockParams {
  readonly input_layernorm: NormParams;
  readonly self_attn: {
    readonly q_proj: LinearParams; // [H·D, C]
    readonly k_proj: LinearParams; // [G·D, C]
    readonly v_proj: LinearParams; // [G·D, C]
    readonly o_proj: LinearParams; // [C, H·D]
    readonly q_norm?: NormParams; // [D], with headNorm only
    readonly k_norm?: NormParams;
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

/**
 * Keys and values of one layer so far, `[B, G, S, D]` each. Keys are kept turned where a key's turn depends on its own
 * place alone, and unturned where it depends on the query's place or the length, so that both are exact.
 */
export interface LayerCache {
  readonly key: Tensor;
  readonly value: Tensor;
}

/** Logits, and the cache including the new tokens. */
export interface CausalLMOutput {
  /** `[B, T, V]`, or `[B, R, V]` for `R` chosen rows. */
  readonly logits: Tensor;
  readonly cache: readonly LayerCache[];
}

/**
 * The model on `T` tokens that follow those of `cache`.
 * @param ids `[B, T]`, int32. @param cache One entry per layer; absent at the start of a text.
 * @param rows `[R]`, int32: which of the `T` places get logits; default all.
 */
export function causalLM(
  config: CausalLMConfig,
  params: CausalLMParams,
  ids: Tensor,
  { cache, rows }: { cache?: readonly LayerCache[]; rows?: Tensor } = {},
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
  if (rows) x = gather(x, rows, 1);
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
  const { q_proj, k_proj, v_proj, o_proj, q_norm, k_norm } = params.self_attn;
  const even = (y: Tensor, gain: NormParams | undefined): Tensor =>
    gain ? norm("rms", gain, y, epsilon) : y;
  const heads = (y: Tensor, n: number): Tensor => permute(reshape(y, [B, T, n, D]), [0, 2, 1, 3]); // [B, n, T, D]
  const q = even(heads(linear(q_proj, h), H), q_norm);
  const position = positionOf(config);
  const turnKey = position.turn?.key;
  const k = even(heads(linear(k_proj, h), G), k_norm);
  const key = turnKey ? turnKey(k, queryPositions) : k;
  const value = heads(linear(v_proj, h), G);
  const kept: LayerCache = cache
    ? { key: concat([cache.key, key], 2), value: concat([cache.value, value], 2) }
    : { key, value };
  const turned: Position = position.turn
    ? productPosition({ query: position.turn.query, key: (x) => x })
    : position;
  const o = attend(q, kept.key, kept.value, { position: turned, queryPositions, keyPositions });
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
  const residual = 1 / Math.sqrt(2 * config.layers);
  return parameterTree(config, (name, shape) => {
    if (name.endsWith(".bias")) return zeros(shape);
    if (shape.length === 1) return ones(shape);
    const intoResidual = name.endsWith("o_proj.weight") || name.endsWith("down_proj.weight");
    return random.normal(random.fold(key, name), shape, { std: 0.02 * (intoResidual ? residual : 1) });
  }) as CausalLMParams;
}
