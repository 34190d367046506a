// A decoder-only language model, top to bottom. Pre-norm blocks as in GPT-2 (Radford et al. 2019) and Llama
// (Touvron et al. 2023, https://arxiv.org/abs/2302.13971); parameters are named as Hugging Face names Llama's.
import { type EmbeddingParams, initial, type MapParams, norm, type NormParams } from "../nn/index.ts";
import {
  addDims,
  checkShapes,
  type Dim,
  gather,
  iota,
  narrow,
  random,
  tanh,
  type Tensor,
} from "../tensor/index.ts";
import { mixerOf, type MixerParams, type MixerSeen } from "./attention-config.ts";
import { type BlocksConfig, type CausalLMConfig, layerAttention, layerOf } from "./config.ts";
import { logitsOf, maps } from "./linear.ts";
import { type Mixed, type Places, refuse, type State } from "./mixer.ts";
import { mlp, type MlpParams } from "./mlp.ts";
import { type BlockNorms, NORM_PLACES } from "./norms.ts";
import { parameterTree } from "./parameters.ts";

/** Parameters of one block. */
export interface BlockParams extends BlockNorms {
  readonly self_attn: MixerParams;
  readonly mlp: MlpParams;
}

/** All parameters. */
export interface CausalLMParams {
  readonly model: {
    readonly embed_tokens: MapParams; // [V, C], a table
    readonly embed_positions?: EmbeddingParams; // [context, C], learned positions only
    readonly layers: readonly BlockParams[];
    readonly norm: NormParams;
  };
  readonly lm_head?: MapParams; // C to V, untied only
}

/** What the layers saw of some tokens, by layer: sums, so that those of parts of a batch add up. */
export type Seen = Readonly<Record<string, MixerSeen>>;

/** Logits, and the cache including the new tokens. */
export interface CausalLMOutput {
  /** `[B, T, V]`, or `[B, R, V]` for `R` chosen rows. */
  readonly logits: Tensor;
  readonly cache: readonly State[];
  /** Scalar to add to a training loss; absent for models that ask for none. */
  readonly auxiliary?: Tensor;
  /** What the layers are to be told of these tokens by `learn`. */
  readonly seen: Seen;
}

export interface CausalLMInput {
  /** One entry per layer; absent at the start of a text. */
  readonly cache?: readonly State[];
  /** How many tokens the cache stands for; default 0. */
  readonly past?: Dim;
  /** `[R]`, int32: which of the `T` places get logits; default all. */
  readonly rows?: Tensor;
  /** Who may see whom (`Places.mask`); default: every token itself and what stands before it. */
  readonly mask?: Tensor;
  /** `[B, T]`, int32: places of the tokens in their own texts (`Places.own`). */
  readonly own?: Tensor;
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
  { cache, past, rows, mask, own, onLayer }: CausalLMInput = {},
): CausalLMOutput {
  const { T } = checkShapes("causalLM", { ids: [ids, "B~ T~"] });
  const before = past ?? 0;
  const keys = iota(addDims(before, T));
  const queries = narrow(keys, 0, before, addDims(before, T)); // the same tensor without a cache
  const at: Places = { queries, keys, ...(mask && { mask }), ...(own && { own }) };
  let x = maps.rows(params.model.embed_tokens, ids); // [B, T, C]
  const table = params.model.embed_positions;
  if (config.embeddingScale !== undefined) x = x.mul(config.embeddingScale);
  if (table) x = x.add(gather(table.weight, own ?? queries));
  const layers = params.model.layers.map((layer, i) => {
    const { y, mixed } = block(config, i, layer, x, cache?.[i], at, onLayer);
    x = y;
    return mixed;
  });
  if (rows) x = gather(x, rows, 1);
  x = norm(config.norm, params.model.norm, x, config.normEpsilon);
  const losses = layers.flatMap(({ loss }) => loss ?? []);
  const logits = params.lm_head ? maps.apply(params.lm_head, x) : logitsOf(params.model.embed_tokens, x);
  const { logitCap: cap } = config;
  return {
    logits: cap === undefined ? logits : tanh(logits.div(cap)).mul(cap),
    cache: layers.map((mixed) => mixed.cache),
    ...(losses.length > 0 && { auxiliary: losses.reduce((a, b) => a.add(b)) }),
    seen: Object.fromEntries(layers.flatMap(({ seen }, i) => (seen ? [[i, seen]] : []))),
  };
}

/** `x + mix(norm x)`, then `x + mlp(norm x)`; the norms stand where `norms` says. */
export function block(
  config: BlocksConfig,
  index: number,
  params: BlockParams,
  x: Tensor,
  before: State | undefined,
  at: Places,
  onLayer?: CausalLMInput["onLayer"],
): { y: Tensor; mixed: Mixed<State, MixerSeen> } {
  const { normEpsilon: epsilon } = config;
  const attention = layerAttention(config, index);
  const mixer = mixerOf(attention);
  const layer = layerOf(config, index);
  if (at.mask && !mixer.takesMask)
    refuse(attention, layer, "sees what stands before a token and takes no other mask");
  const places = NORM_PLACES[config.norms ?? "before"];
  const normed = (name: keyof BlockNorms | undefined, y: Tensor): Tensor => {
    const own = name && params[name];
    return own ? norm(config.norm, own, y, epsilon) : y;
  };
  const h = normed(places.mixer.before, x);
  onLayer?.(index, h);
  const mixed = mixer.mix(attention, layer, params.self_attn, h, before, at);
  const a = x.add(normed(places.mixer.after, mixed.y));
  const m = mlp(config, maps, params.mlp, normed(places.mlp.before, a));
  return { y: a.add(normed(places.mlp.after, m)), mixed };
}

/** Fresh parameters, as `parametersOf` says; one key gives the same everywhere. */
export function initCausalLM(config: CausalLMConfig, key: random.Key): CausalLMParams {
  return parameterTree(config, (name, parameter) =>
    initial(parameter, random.fold(key, name)),
  ) as CausalLMParams;
}
