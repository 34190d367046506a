// Queries, keys and values of a layer's heads, and the way back: what most mixers have in common.
import { repeatHeads } from "../attention/index.ts";
import { type MapParams, norm, type NormParams, type Parameter } from "../nn/index.ts";
import {
  and,
  expandDims,
  full,
  greaterEqual,
  iota,
  less,
  permute,
  reshape,
  type Tensor,
  where,
} from "../tensor/index.ts";
import { type Bias, type Layer, type Matrix, OUT_OF_SIGHT, positionOf } from "./mixer.ts";

/** Parameters by Llama's names. */
export interface HeadParams {
  readonly q_proj: MapParams; // C to H·D
  readonly k_proj: MapParams; // C to G·D
  readonly v_proj: MapParams; // C to G·D
  readonly o_proj: MapParams; // H·D to C
  readonly q_norm?: NormParams; // [D], or [H·D] over all heads; with headNorm only
  readonly k_norm?: NormParams;
}

/** Where `bias` puts biases in the maps of heads. */
export function headBias(bias: Bias): { readonly qkv: boolean; readonly out: boolean } {
  const every = bias === "all" || bias === "attention";
  return { qkv: every || bias === "qkv", out: every };
}

/** The parameters that `projectHeads` and `joinHeads` take. */
export function headParameters(layer: Layer): Readonly<Record<string, Matrix | Parameter>> {
  const { width: C, heads: H, keyValueHeads: G, headWidth: D } = layer;
  const { qkv, out } = headBias(layer.bias);
  const whole = layer.headNormOver === "all";
  const gain = (n: number): Parameter => ({ shape: [whole ? n * D : D], init: "ones" });
  return {
    q_proj: { out: H * D, from: C, bias: qkv },
    k_proj: { out: G * D, from: C, bias: qkv },
    v_proj: { out: G * D, from: C, bias: qkv },
    o_proj: { out: C, from: H * D, bias: out, init: "residual" },
    ...(layer.headNorm && { "q_norm.weight": gain(H), "k_norm.weight": gain(G) }),
  };
}

/** Queries `[B, H, T, D]`, keys and values `[B, G, T, D]` of `x` `[B, T, C]`, unturned. */
export function projectHeads(
  layer: Layer,
  params: HeadParams,
  x: Tensor,
): { q: Tensor; k: Tensor; v: Tensor } {
  const { headWidth: D, heads: H, keyValueHeads: G, normEpsilon, maps } = layer;
  const [B = 1, T = 1] = x.shape;
  const whole = layer.headNormOver === "all";
  const heads = (y: Tensor, n: number, gain?: NormParams): Tensor => {
    const normed = (z: Tensor, by: boolean): Tensor => (gain && by ? norm("rms", gain, z, normEpsilon) : z);
    const split = normed(reshape(normed(y, whole), [B, T, n, D]), !whole);
    return permute(split, [0, 2, 1, 3]); // [B, n, T, D]
  };
  return {
    q: heads(maps.apply(params.q_proj, x), H, params.q_norm),
    k: heads(maps.apply(params.k_proj, x), G, params.k_norm),
    v: heads(maps.apply(params.v_proj, x), G),
  };
}

/** Factor of a layer's scores. */
export function scaleOf({ scoreScale, headWidth }: Layer): number {
  return scoreScale ?? 1 / Math.sqrt(headWidth);
}

/** Heads `[B, H, T, D]` side by side, mapped back to `[B, T, C]`. */
export function joinHeads({ maps }: Layer, { o_proj }: HeadParams, o: Tensor): Tensor {
  const [B = 1, H = 1, T = 1, E = 1] = o.shape;
  return maps.apply(o_proj, reshape(permute(o, [0, 2, 1, 3]), [B, T, Number(H) * Number(E)]));
}

/**
 * Scores of a text of known length, `[B, H, T, T]`, far below where a query may not look: at later keys, and at
 * distances from `reach` on.
 */
export function headScores(layer: Layer, params: HeadParams, x: Tensor, reach?: number): Tensor {
  const { q, k } = projectHeads(layer, params, x);
  const places = iota(x.shape[1] ?? 1);
  const keys = repeatHeads(k, layer.heads / layer.keyValueHeads);
  const scores = positionOf(layer).scores(q, keys, places, places, scaleOf(layer));
  return hideScores(scores, reach);
}

/** Causal scores `[B, H, T, T]`, hidden at later keys and at distances from `reach` on. */
export function hideScores(scores: Tensor, reach?: number): Tensor {
  const places = iota(scores.shape[3] ?? 1);
  const distance = expandDims(places, 1).sub(expandDims(places, 0)); // [T, T]
  const causal = greaterEqual(distance, 0);
  const seen = reach === undefined ? causal : and(causal, less(distance, reach));
  return where(seen, scores, full([], 10 * OUT_OF_SIGHT));
}
