// Sequences to classes or numbers, top to bottom: an embedding, blocks of any mixer, a mean over the places that count,
// a linear map. As in the experiments of Gu, Goel and Ré 2021, section 4, https://arxiv.org/abs/2111.00396, with the
// blocks of our language models (`causal-lm.ts`).
import { OptionError } from "../errors.ts";
import { initial, type MapParams, norm, type NormParams, type Parameter, treeOf } from "../nn/index.ts";
import {
  cast,
  checkShapes,
  expandDims,
  full,
  gather,
  iota,
  less,
  max,
  random,
  reshape,
  sum,
  type Tensor,
  where,
} from "../tensor/index.ts";
import { mixerOf } from "./attention-config.ts";
import { block, type BlockParams, type Seen } from "./causal-lm.ts";
import type { ClassifierConfig } from "./classifier-config.ts";
import { layerAttention } from "./config.ts";
import { maps } from "./linear.ts";
import type { Places } from "./mixer.ts";
import { type Listed, listedBlocks, table, withLeaves } from "./parameters.ts";

/** All parameters. */
export interface ClassifierParams {
  readonly model: {
    readonly embed_tokens?: MapParams; // [V, C], a table; tokens only
    readonly embed_series?: { readonly weight: Tensor; readonly bias: Tensor }; // [C, F], [C]; series only
    readonly embed_positions?: { readonly weight: Tensor }; // [context, C], learned positions only
    readonly layers: readonly BlockParams[];
    readonly norm: NormParams;
  };
  readonly head: MapParams; // C to the outputs
}

/** Sequences side by side, shorter ones filled up at their ends. */
export interface Sequences {
  /** `[B, T]` int32 for tokens, `[B, T, window · channels]` for series. */
  readonly x: Tensor;
  /** `[B]`, int32: how many of the `T` places count, at least one. */
  readonly lengths: Tensor;
}

/** Numbers of each place of an input, of a series. */
export function featuresOf(config: ClassifierConfig): number {
  return config.input.type === "series" ? config.input.channels * config.input.window : 1;
}

/**
 * Logits of the classes, or the number. What stands behind a sequence's length changes nothing.
 * @returns `y` `[B, outputs]`; what else is trained on, and what codebooks learn from, as in `causalLM`.
 */
export function classifier(
  config: ClassifierConfig,
  params: ClassifierParams,
  { x: given, lengths }: Sequences,
): { readonly y: Tensor; readonly auxiliary?: Tensor; readonly seen: Seen } {
  const { B, T } = sizesOf(params, given, lengths);
  if (config.position.type === "learned" && T > config.context) {
    throw new OptionError(
      `classifier: x must have at most the ${config.context} places of the learned positions, got ${T}.`,
    );
  }
  const places = iota(T);
  const counts = less(expandDims(places, 0), expandDims(lengths, 1)); // [B, T]
  let x = embedded(config, params, given, places);
  const backwards = config.alternate ? turned(lengths, B, T) : undefined;
  const losses: Tensor[] = [];
  const seen: Record<string, Seen[string]> = {};
  params.model.layers.forEach((layer, i) => {
    const anywhere = mixerOf(layerAttention(config, i)).takesMask === true;
    const at: Places = {
      queries: places,
      keys: places,
      ...(anywhere && { mask: reshape(counts, [B, 1, 1, T]) }),
    };
    const around = (y: Tensor): Tensor => (backwards && i % 2 === 1 && !anywhere ? backwards(y) : y);
    const { y, mixed } = block(config, i, layer, around(x), undefined, at, undefined);
    x = around(y);
    if (mixed.loss) losses.push(mixed.loss);
    if (mixed.seen) seen[i] = mixed.seen;
  });
  const pooled = pool(config, norm(config.norm, params.model.norm, x, config.normEpsilon), counts, lengths);
  return {
    y: maps.apply(params.head, pooled),
    ...(losses.length > 0 && { auxiliary: losses.reduce((a, b) => a.add(b)) }),
    seen,
  };
}

function sizesOf(
  { model: { embed_series } }: ClassifierParams,
  x: Tensor,
  lengths: Tensor,
): { readonly B: number; readonly T: number } {
  const places = [lengths, "B"] as const;
  return embed_series
    ? checkShapes("classifier", { x: [x, "B T F"], lengths: places, embed: [embed_series.weight, "C F"] })
    : checkShapes("classifier", { x: [x, "B T"], lengths: places });
}

/** The first vectors, `[B, T, C]`. */
function embedded(config: ClassifierConfig, { model }: ClassifierParams, x: Tensor, places: Tensor): Tensor {
  const { embed_tokens, embed_series, embed_positions } = model;
  const first = embed_tokens ? maps.rows(embed_tokens, x) : embed_series ? maps.apply(embed_series, x) : x;
  return embed_positions ? first.add(gather(embed_positions.weight, places)) : first;
}

/** Each sequence from its end to its beginning; what fills it up stays where it is. Twice is nothing. */
function turned(lengths: Tensor, B: number, T: number): (x: Tensor) => Tensor {
  const places = expandDims(iota(T), 0); // [1, T]
  const ends = expandDims(lengths, 1); // [B, 1]
  const from = where(less(places, ends), ends.sub(1).sub(places), places);
  const rows = reshape(from.add(expandDims(iota(B), 1).mul(T)), [B * T]);
  return (x) => reshape(gather(reshape(x, [B * T, Number(x.shape[2])]), rows), x.shape);
}

/** One vector of all places that count, `[B, C]`. */
function pool({ pooling }: ClassifierConfig, x: Tensor, counts: Tensor, lengths: Tensor): Tensor {
  const [B = 1, T = 1, C = 1] = x.shape.map(Number);
  if (pooling === "last") {
    return gather(reshape(x, [B * T, C]), iota(B).mul(T).add(lengths).sub(1));
  }
  const inside = expandDims(counts, 2); // [B, T, 1]
  if (pooling === "max") return max(where(inside, x, full([], -1e9, { dtype: x.dtype })), { axis: 1 });
  return sum(where(inside, x, full([], 0, { dtype: x.dtype })), { axis: 1 }).div(
    cast(expandDims(lengths, 1), x.dtype),
  );
}

/** Every parameter by name. Series enter by a map that begins `U(±1/√F)`, its bias too, so that size is seen. */
export function classifierParametersOf(config: ClassifierConfig): Map<string, Parameter> {
  const { input, width: C, outputs } = config;
  const bound = 1 / Math.sqrt(featuresOf(config));
  const flat = (...shape: number[]): Parameter => ({
    shape,
    init: (key) => random.uniform(key, shape, { low: -bound, high: bound }),
  });
  const parts: Listed = [
    ...(input.type === "tokens"
      ? ([["model.embed_tokens.weight", table(input.vocabulary, config)]] as const)
      : ([
          ["model.embed_series.weight", flat(C, featuresOf(config))],
          ["model.embed_series.bias", flat(C)],
        ] as const)),
    ...(config.position.type === "learned"
      ? ([["model.embed_positions.weight", table(config.context, config)]] as const)
      : []),
    ...listedBlocks(config),
    ["head", { out: outputs, from: C, bias: true }],
  ];
  return withLeaves(config, parts);
}

/** A tree of parameters from leaves by name. */
export function classifierTree(
  config: ClassifierConfig,
  leaf: (name: string, parameter: Parameter) => Tensor,
): ClassifierParams {
  const all = [...classifierParametersOf(config)];
  return treeOf(all.map(([name, parameter]) => [name, leaf(name, parameter)])) as ClassifierParams;
}

/** Fresh parameters; one key gives the same everywhere. */
export function initClassifier(config: ClassifierConfig, key: random.Key): ClassifierParams {
  return classifierTree(config, (name, parameter) => initial(parameter, random.fold(key, name)));
}
