// How a block mixes tokens: the attention of one layer with its projections, its parameters and its cache.
import {
  attend,
  attendByDistance,
  causalLinearAttention,
  type CodebookState,
  codebookOf,
  type CodeSums,
  codeSums,
  eluPlusOne,
  type MlaParams,
  type MlaSizes,
  mlaAbsorbed,
  mlaExpanded,
  performerPair,
  performerProjection,
  type QuantizedKeys,
  quantizeKeys,
  repeatHeads,
  vqAttention,
  vqState,
  vqStateShapes,
  vqStep,
  type VqState,
  windowAttention,
  windowState,
  windowStep,
} from "../attention/index.ts";
import { linear, type LinearParams, norm, type NormParams } from "../nn/index.ts";
import { createPosition, noPosition, type Position, productPosition } from "../position/index.ts";
import {
  concat,
  fused,
  mapTree,
  matmul,
  narrow,
  ones,
  permute,
  random,
  reshape,
  type Shape,
  type Tensor,
  tril,
} from "../tensor/index.ts";
import { VQ_BLOCK } from "./attention-config.ts";
import { type CausalLMConfig, layerAttention, layerPosition } from "./config.ts";

/** Parameters under `self_attn`. Matrices are `[out, in]`. */
export interface DenseParams {
  readonly q_proj: LinearParams; // [H·D, C]
  readonly k_proj: LinearParams; // [G·D, C]
  readonly v_proj: LinearParams; // [G·D, C]
  readonly o_proj: LinearParams; // [C, H·D]
  readonly q_norm?: NormParams; // [D], with headNorm only
  readonly k_norm?: NormParams;
  /** Vectors that queries meet by distance ℓ … 0, with `transformer-vq` only. */
  readonly distances?: { readonly weight: Tensor }; // [ℓ + 1, D]
  /** Learned by moving averages, not by gradient. */
  readonly codebook?: CodebookState; // [G, K, D] and [G, K]
}

/** What a layer keeps of the tokens so far, by name. */
export type LayerCache = Readonly<Record<string, Tensor>>;

/** What a mixer is told besides the tokens. */
export interface MixerInput {
  readonly layer: number;
  /** Normalised stream `[B, T, C]`. */
  readonly x: Tensor;
  readonly queryPositions: Tensor;
  readonly keyPositions: Tensor;
  readonly cache: LayerCache | undefined;
}

export interface MixerOutput {
  /** `[B, T, C]`. */
  readonly y: Tensor;
  readonly cache: LayerCache;
  /** What a layer with a codebook tells its training. */
  readonly quantized?: Quantized;
}

/** How far keys are from their codes (a scalar), and what the codes are to learn from these keys. */
export interface Quantized {
  readonly commitment: Tensor;
  readonly seen: CodeSums;
}

/** Widths of MLA in this model. */
export function mlaSizes(config: CausalLMConfig, layer: number): MlaSizes | undefined {
  const a = layerAttention(config, layer);
  if (a.type !== "mla") return undefined;
  return {
    width: config.width,
    heads: config.heads,
    contentWidth: a.contentWidth ?? config.headWidth,
    rotaryWidth: a.rotaryWidth,
    valueWidth: a.valueWidth ?? config.headWidth,
    latentWidth: a.latentWidth,
    ...(a.queryLatentWidth !== undefined && { queryLatentWidth: a.queryLatentWidth }),
  };
}

/** Shapes of a layer's cache; `B` texts of `S` tokens. */
export function cacheShapes(config: CausalLMConfig, layer: number): Record<string, Shape> {
  const { heads: H, keyValueHeads: G, headWidth: D } = config;
  const a = layerAttention(config, layer);
  if (a.type === "mla") return { latent: ["B", "S", a.latentWidth], rotaryKey: ["B", "S", a.rotaryWidth] };
  if (a.type === "dense") {
    const tokens: Shape = ["B", G, "S", D];
    const twice = positionOfLayer(config, layer).byDistance !== undefined;
    return { key: tokens, ...(twice && { far: tokens }), value: tokens };
  }
  if (a.type === "window") return { key: ["B", G, a.window, D], value: ["B", G, a.window, D] };
  if (a.type === "transformer-vq") return vqStateShapes(["B", G, a.codes, D, D], a.block ?? VQ_BLOCK);
  const features = a.type === "linear" ? D : (a.features ?? Math.max(1, Math.floor(D * Math.log(D))));
  return { sum: ["B", H, features, D + 1] };
}

/** The attention of a layer. */
export function mixTokens(
  config: CausalLMConfig,
  params: DenseParams | MlaParams,
  input: MixerInput,
): MixerOutput {
  const a = layerAttention(config, input.layer);
  switch (a.type) {
    case "mla":
      return mixMla(config, params as MlaParams, input);
    case "dense":
      return mixDense(config, params as DenseParams, input);
    case "window":
      return mixWindow(config, params as DenseParams, input, a.window);
    case "transformer-vq":
      return mixQuantized(config, params as DenseParams, input, a.block ?? VQ_BLOCK);
    default:
      return mixLinear(config, params as DenseParams, input);
  }
}

function join(o: Tensor, params: DenseParams): Tensor {
  const [B = 1, H = 1, T = 1, E = 1] = o.shape;
  return linear(params.o_proj, reshape(permute(o, [0, 2, 1, 3]), [B, T, Number(H) * Number(E)]));
}

/** Queries, keys and values of one layer, unturned: `[B, H, T, D]` and twice `[B, G, T, D]`. */
export function project(
  config: CausalLMConfig,
  params: DenseParams,
  x: Tensor,
): { q: Tensor; k: Tensor; v: Tensor } {
  const { headWidth: D, heads: H, keyValueHeads: G, normEpsilon } = config;
  const [B = 1, T = 1] = x.shape;
  const heads = (y: Tensor, n: number, gain?: NormParams): Tensor => {
    const split = reshape(y, [B, T, n, D]);
    return permute(gain ? norm("rms", gain, split, normEpsilon) : split, [0, 2, 1, 3]); // [B, n, T, D]
  };
  return {
    q: heads(linear(params.q_proj, x), H, params.q_norm),
    k: heads(linear(params.k_proj, x), G, params.k_norm),
    v: heads(linear(params.v_proj, x), G),
  };
}

/**
 * Softmax attention. Keys are kept turned where a key's turn depends on its own place alone (twice, where distance
 * decides between two turns), and unturned where it depends on the query's place or the length: all are exact.
 */
function mixDense(config: CausalLMConfig, params: DenseParams, input: MixerInput): MixerOutput {
  const { cache, queryPositions, keyPositions } = input;
  const { q, k, v } = project(config, params, input.x);
  const spec = layerPosition(config, input.layer);
  const T = q.shape[2];
  if (
    cache === undefined &&
    spec.type !== "learned" &&
    spec.slidingWindow !== undefined &&
    !spec.sinks &&
    !spec.logScale
  ) {
    // A window over a known length needs no square of scores.
    const { slidingWindow: window, ...whole } = spec;
    if (typeof T === "number" && T >= 2 * window) {
      const o = windowAttention(q, k, v, { position: createPosition(whole), window });
      return { y: join(o, params), cache: { key: k, value: v } };
    }
  }
  const position = positionOfLayer(config, input.layer);
  const { turn, byDistance } = position;
  const added = {
    key: (turn ?? byDistance?.near)?.key(k, queryPositions) ?? k,
    ...(byDistance && { far: byDistance.far.key(k, queryPositions) }),
    value: v,
  };
  const kept = cache
    ? (mapTree(added, (x, name) => concat([cache[name] as Tensor, x], 2)) as typeof added)
    : added;
  if (cache && byDistance && kept.far) {
    const keys = { near: kept.key, far: kept.far };
    const o = attendByDistance(q, keys, kept.value, { byDistance, queryPositions, keyPositions });
    return { y: join(o, params), cache: kept };
  }
  if (!turn) {
    const o = attend(q, byDistance ? k : kept.key, kept.value, { position, queryPositions, keyPositions });
    return { y: join(o, params), cache: kept };
  }
  const attendTurned = (a: Tensor, b: Tensor, c: Tensor): Tensor =>
    attend(a, b, c, { position: TURNED, queryPositions, keyPositions });
  const turned: [Tensor, Tensor, Tensor] = [turn.query(q, queryPositions), kept.key, kept.value];
  const scale = 1 / Math.sqrt(config.headWidth);
  const o = cache ? fused({ name: "causalAttention", scale }, turned, attendTurned) : attendTurned(...turned);
  return { y: join(o, params), cache: kept };
}

/** Queries and keys that were turned already. */
const TURNED = productPosition({ query: (x) => x, key: (x) => x });

/** Latent attention: expanded to train and to read a prompt, absorbed to write with a cache. */
function mixMla(config: CausalLMConfig, params: MlaParams, input: MixerInput): MixerOutput {
  const sizes = mlaSizes(config, input.layer);
  if (sizes === undefined) throw new Error("not an MLA layer");
  const { cache, queryPositions, keyPositions } = input;
  const options = { position: positionOfLayer(config, input.layer), queryPositions, keyPositions };
  const before = cache && { latent: cache["latent"] as Tensor, rotaryKey: cache["rotaryKey"] as Tensor };
  const run = before ? mlaAbsorbed : mlaExpanded;
  const { y, cache: kept } = run(sizes, params, input.x, options, before);
  return { y, cache: { ...kept } };
}

/** Attention within a window: in blocks over a text of known length, else with a cache of `window` tokens. */
function mixWindow(
  config: CausalLMConfig,
  params: DenseParams,
  { layer, x, cache, queryPositions }: MixerInput,
  window: number,
): MixerOutput {
  const { q, k, v } = project(config, params, x);
  const [B = 1, G = 1, T = 1, D = 1] = k.shape;
  const options = { position: positionOfLayer(config, layer), window, queryPositions };
  const before = cache
    ? { key: cache["key"] as Tensor, value: cache["value"] as Tensor }
    : windowState([B, Number(G), Number(D), Number(D)], window);
  const { o, state } = windowStep(q, k, v, before, options);
  const whole = cache === undefined && typeof T === "number";
  return { y: join(whole ? windowAttention(q, k, v, options) : o, params), cache: { ...state } };
}

/** Heads of a layer with a codebook. */
interface QuantizedHeads {
  readonly q: Tensor; // [B, H, T, D]
  readonly k: Tensor; // [B, G, T, D], before they are snapped
  readonly v: Tensor; // [B, G, T, D]
  readonly codebook: Tensor; // [G, K, D]
  readonly snapped: QuantizedKeys;
  readonly bias: Tensor; // [B, H, T, ℓ + 1], scores by distance
}

/**
 * Queries and keys have root mean square one, so that all codes are of one size (RMS where the paper takes a layer
 * norm). Distances up to the block score by a table of vectors, `q·r_d` (the paper projects sinusoids); farther ones
 * do not count.
 */
export function quantizedHeads(config: CausalLMConfig, params: DenseParams, x: Tensor): QuantizedHeads {
  if (!params.codebook || !params.distances) {
    throw new Error("transformer-vq: parameters lack codebook or distances");
  }
  const D = config.headWidth;
  const unit = (y: Tensor): Tensor => norm("rms", { weight: ones([D]) }, y, config.normEpsilon);
  const { q: query, k: key, v } = project(config, params, x);
  const [q, k] = [unit(query), unit(key)];
  const codebook = codebookOf(params.codebook);
  const bias = matmul(q, params.distances.weight, { transposeB: true, scale: D ** -0.5 });
  return { q, k, v, codebook, snapped: quantizeKeys(k, codebook), bias };
}

/** Tokens of a block over a text of known length: smaller ones are slower, and all give the same. */
const VQ_AT_ONCE = 256;

/** Attention over quantised keys: in blocks over a text of known length, else with a cache of constant size. */
function mixQuantized(
  config: CausalLMConfig,
  params: DenseParams,
  { x, cache }: MixerInput,
  block: number,
): MixerOutput {
  const { q, k, v, codebook, snapped, bias } = quantizedHeads(config, params, x);
  const { codes, keys, commitment } = snapped;
  const [B = 1, G = 1, T = 1, D = 1] = k.shape;
  const K = Number(codebook.shape[1]);
  const before =
    (cache as VqState | undefined) ?? vqState([B, Number(G), K, Number(D), Number(D)], { block });
  const { o, state } = vqStep(q, keys, v, before, { codebook, bias });
  const whole = cache === undefined && typeof T === "number";
  const atOnce = Math.max(block, VQ_AT_ONCE);
  return {
    y: join(whole ? vqAttention(q, keys, codes, v, { codebook, block: atOnce, bias }) : o, params),
    cache: { ...state },
    quantized: { commitment, seen: codeSums(k, codes, K) },
  };
}

/** Attention by features, `φ(q)·Σ φ(k)vᵀ / φ(q)·Σ φ(k)`: the cache is the sum, whatever the length. */
function mixLinear(
  config: CausalLMConfig,
  params: DenseParams,
  { layer, x, cache }: MixerInput,
): MixerOutput {
  const a = layerAttention(config, layer);
  const { headWidth: D, heads: H, keyValueHeads: G } = config;
  const own = project(config, params, x);
  const [k, v] = [repeatHeads(own.k, H / G), repeatHeads(own.v, H / G)];
  const pair = (): { q: Tensor; k: Tensor } => {
    if (a.type !== "performer") return { q: eluPlusOne(own.q), k: eluPlusOne(k) };
    const key = random.fold(random.key(a.seed ?? 0), layer);
    const features = a.features === undefined ? {} : { features: a.features };
    return performerPair(own.q, k, { projection: performerProjection(key, D, features) });
  };
  const { q: fq, k: fk } = pair();
  const columns = concat([v, ones([...v.shape.slice(0, -1), 1])], -1); // [B, H, T, D + 1]: the last counts
  const added = matmul(fk, columns, { transposeA: true });
  const before = cache?.["sum"];
  const sum = before ? before.add(added) : added;
  if (before === undefined && typeof v.shape[2] === "number") {
    return { y: join(causalLinearAttention(fq, fk, v), params), cache: { sum } };
  }
  const near = matmul(tril(matmul(fq, fk, { transposeB: true })), columns);
  const both = before ? near.add(matmul(fq, before)) : near;
  const o = narrow(both, -1, 0, D).div(narrow(both, -1, D, D + 1));
  return { y: join(o, params), cache: { sum } };
}

/** The scores of a layer. */
export function positionOfLayer(config: CausalLMConfig, layer: number): Position {
  const spec = layerPosition(config, layer);
  return spec.type === "learned" ? noPosition() : createPosition(spec);
}
