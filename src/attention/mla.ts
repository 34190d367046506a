// DeepSeek-AI 2024, "DeepSeek-V2", section 2.1. https://arxiv.org/abs/2405.04434
// Why the absorbed form is exact: Su 2024, https://kexue.fm/archives/10091
import { OptionError } from "../errors.ts";
import {
  type LinearParams,
  type MapParams,
  type Maps,
  norm,
  type NormParams,
  plainMaps,
} from "../nn/index.ts";
import {
  checkShapes,
  concat,
  expandDims,
  matmul,
  mulDims,
  ones,
  permute,
  random,
  reshape,
  split,
  type Tensor,
} from "../tensor/index.ts";
import type { AttendOptions } from "./dense.ts";
import { causalMask, maskedSoftmax } from "./masked.ts";

/** Widths of multi-head latent attention. */
export interface MlaSizes {
  /** Width `C` of the residual stream, and heads `H`. */
  readonly width: number;
  readonly heads: number;
  /** `d_k`: part of a query and key without position. */
  readonly contentWidth: number;
  /** `d_r`: part that carries position; its key is shared by all heads. */
  readonly rotaryWidth: number;
  /** `d_v`. */
  readonly valueWidth: number;
  /** `d_c`: what is cached of a token, besides the rotary key. */
  readonly latentWidth: number;
  /** `d_q`; absent: queries come straight from the stream, as in V2-Lite. */
  readonly queryLatentWidth?: number;
}

/** Parameters by their names in DeepSeek checkpoints; maps of any kind that `MlaOptions.maps` applies. */
export interface MlaParams {
  readonly q_proj?: MapParams; // C to H(d_k + d_r), without query latent
  readonly q_a_proj?: MapParams; // C to d_q
  readonly q_a_layernorm?: NormParams; // [d_q]
  readonly q_b_proj?: MapParams; // d_q to H(d_k + d_r)
  readonly kv_a_proj_with_mqa: MapParams; // C to d_c + d_r
  readonly kv_a_layernorm: NormParams; // [d_c]
  readonly kv_b_proj: MapParams; // d_c to H(d_k + d_v)
  readonly o_proj: MapParams; // H·d_v to C
}

/** As for `attend`, and how linear maps are applied; default: as plain matrices `[out, in]`. */
export interface MlaOptions extends AttendOptions {
  readonly maps?: Maps;
}

/** What is kept of the tokens so far: `d_c + d_r` numbers each, whatever the number of heads. */
export type MlaCache = {
  /** Normalised latents `[B, S, d_c]`. */
  readonly latent: Tensor;
  /** Shared rotary keys `[B, S, d_r]`, unrotated. */
  readonly rotaryKey: Tensor;
};

/** Attention's output `[B, T, C]`, and the cache with the new tokens. */
export interface MlaResult {
  readonly y: Tensor;
  readonly cache: MlaCache;
}

/** Added to the mean square in the norms of the latents. */
const EPSILON = 1e-6;

/** Numbers that the cache holds for one token of one layer. */
export function mlaCacheWidth({ latentWidth, rotaryWidth }: MlaSizes): number {
  return latentWidth + rotaryWidth;
}

/**
 * Expanded form, for training and prefill: every head's keys and values are built from the latents.
 * @param x `[B, T, C]`, normalised. @param cache Of the tokens before, absent at the start of a text.
 * @param options As for `attend`; `position` scores the `d_r` part, and the default scale is `1/√(d_k + d_r)`.
 */
export function mlaExpanded(
  sizes: MlaSizes,
  params: MlaParams,
  x: Tensor,
  options: MlaOptions,
  cache?: MlaCache,
): MlaResult {
  const { heads: H, contentWidth: dk, valueWidth: dv } = sizes;
  const { maps = plainMaps } = options;
  const { content, rotary, kept } = project(maps, sizes, params, x, cache);
  const [B = 1, S = 1] = kept.latent.shape;
  const up = maps.apply(params.kv_b_proj, kept.latent);
  const both = permute(reshape(up, [B, S, H, dk + dv]), [0, 2, 1, 3]);
  const [key, value] = split(both, [dk, dv], -1) as [Tensor, Tensor]; // [B, H, S, d_k], [B, H, S, d_v]
  const scale = scaleOf(sizes, options);
  const scores = matmul(content, key, { transposeB: true, scale });
  const weights = weigh(scores, rotary, kept, scale, options);
  return { y: output(maps, params, matmul(weights, value)), cache: kept };
}

/**
 * Absorbed form, for decoding: `W_k` folds into the query and `W_v` into the output, so that all heads attend to the
 * latents themselves, `q̂ = q W_k`, `o = (Σ p c) W_vᵀ`. Two products in turn, never a premultiplied matrix; the scale
 * stays that of the expanded form. Parameters and results as there.
 */
export function mlaAbsorbed(
  sizes: MlaSizes,
  params: MlaParams,
  x: Tensor,
  options: MlaOptions,
  cache?: MlaCache,
): MlaResult {
  const { heads: H, contentWidth: dk, valueWidth: dv, latentWidth: dc } = sizes;
  if (params.kv_b_proj.bias) {
    throw new OptionError("mlaAbsorbed: kv_b_proj must have no bias, got one. Use mlaExpanded.");
  }
  const { maps = plainMaps } = options;
  const { content, rotary, kept } = project(maps, sizes, params, x, cache);
  const [B = 1, , T = 1] = content.shape;
  const S = kept.latent.shape[1] ?? 1;
  const up = reshape(maps.toDense(params.kv_b_proj), [H, dk + dv, dc]);
  const [keyUp, valueUp] = split(up, [dk, dv], 1) as [Tensor, Tensor]; // [H, d_k, d_c], [H, d_v, d_c]
  const rows = mulDims(H, T);
  const query = reshape(matmul(content, keyUp), [B, rows, dc]); // all heads as rows of one product
  const scale = scaleOf(sizes, options);
  const scores = reshape(matmul(query, kept.latent, { transposeB: true, scale }), [B, H, T, S]);
  const weights = weigh(scores, rotary, kept, scale, options);
  const mixed = reshape(matmul(reshape(weights, [B, rows, S]), kept.latent), [B, H, T, dc]);
  return { y: output(maps, params, matmul(mixed, valueUp, { transposeB: true })), cache: kept };
}

function scaleOf({ contentWidth, rotaryWidth }: MlaSizes, { scale }: AttendOptions): number {
  return scale ?? 1 / Math.sqrt(contentWidth + rotaryWidth);
}

/** Queries by part, `[B, H, T, d_k]` and `[B, H, T, d_r]`, and the cache with the new tokens. */
function project(
  maps: Maps,
  sizes: MlaSizes,
  params: MlaParams,
  x: Tensor,
  cache: MlaCache | undefined,
): { content: Tensor; rotary: Tensor; kept: MlaCache } {
  const { width, heads: H, contentWidth: dk, rotaryWidth: dr, latentWidth: dc } = sizes;
  const { B, T } = checkShapes("mla", { x: [x, `B~ T~ ${width}`] });
  const q = permute(reshape(queries(maps, params, x), [B, T, H, dk + dr]), [0, 2, 1, 3]);
  const [content, rotary] = split(q, [dk, dr], -1) as [Tensor, Tensor];
  const [down, rotaryKey] = split(maps.apply(params.kv_a_proj_with_mqa, x), [dc, dr], -1) as [Tensor, Tensor];
  const latent = norm("rms", params.kv_a_layernorm, down, EPSILON);
  if (cache === undefined) return { content, rotary, kept: { latent, rotaryKey } };
  checkShapes("mla", {
    "cache.latent": [cache.latent, `B~ S~ ${dc}`],
    "cache.rotaryKey": [cache.rotaryKey, `B~ S~ ${dr}`],
  });
  const kept = {
    latent: concat([cache.latent, latent], 1),
    rotaryKey: concat([cache.rotaryKey, rotaryKey], 1),
  };
  return { content, rotary, kept };
}

function queries(maps: Maps, { q_proj, q_a_proj, q_a_layernorm, q_b_proj }: MlaParams, x: Tensor): Tensor {
  if (q_proj) return maps.apply(q_proj, x);
  if (q_a_proj && q_a_layernorm && q_b_proj) {
    return maps.apply(q_b_proj, norm("rms", q_a_layernorm, maps.apply(q_a_proj, x), EPSILON));
  }
  throw new OptionError(
    "mla: params must have q_proj, or q_a_proj, q_a_layernorm and q_b_proj, got neither.",
  );
}

/** Softmax of content and rotary scores together, `[B, H, T, S]`. */
function weigh(
  content: Tensor,
  rotary: Tensor,
  { rotaryKey }: MlaCache,
  scale: number,
  { position, queryPositions, keyPositions, mask }: AttendOptions,
): Tensor {
  checkShapes("mla", {
    scores: [content, "B~ H T~ S~"],
    queryPositions: [queryPositions, "T~"],
    keyPositions: [keyPositions, "S~"],
  });
  const turned = position.scores(rotary, expandDims(rotaryKey, 1), queryPositions, keyPositions, scale);
  return maskedSoftmax(content.add(turned), mask ?? causalMask(queryPositions, keyPositions));
}

/** Heads `[B, H, T, d_v]` joined and projected. */
function output(maps: Maps, { o_proj }: MlaParams, o: Tensor): Tensor {
  const { B, H, T, E } = checkShapes("mla", { o: [o, "B~ H T~ E"] });
  return maps.apply(o_proj, reshape(permute(o, [0, 2, 1, 3]), [B, T, H * E]));
}

/** Fresh parameters, normal with deviation `std` (0.006 in DeepSeek-V2), gains one. */
export function initMla(sizes: MlaSizes, key: random.Key, { std = 0.006 }: { std?: number } = {}): MlaParams {
  const { width: C, heads: H, contentWidth: dk, rotaryWidth: dr, valueWidth: dv, latentWidth: dc } = sizes;
  const matrix = (name: string, out: number, from: number): LinearParams => ({
    weight: random.normal(random.fold(key, name), [out, from], { std }),
  });
  const dq = sizes.queryLatentWidth;
  return {
    ...(dq === undefined
      ? { q_proj: matrix("q", H * (dk + dr), C) }
      : {
          q_a_proj: matrix("q_a", dq, C),
          q_a_layernorm: { weight: ones([dq]) },
          q_b_proj: matrix("q_b", H * (dk + dr), dq),
        }),
    kv_a_proj_with_mqa: matrix("kv_a", dc + dr, C),
    kv_a_layernorm: { weight: ones([dc]) },
    kv_b_proj: matrix("kv_b", H * (dk + dv), dc),
    o_proj: matrix("o", C, H * dv),
  };
}
