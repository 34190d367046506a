// Attention over keys snapped to codes (`attention/transformer-vq.ts`): time linear in the text, a cache of constant
// size. The codebook is among the parameters, and learns by moving averages.
import {
  type CodebookState,
  codebookOf,
  type CodeSums,
  codeSums,
  dealUnusedCodes,
  type QuantizedKeys,
  quantizeKeys,
  repeatHeads,
  updateCodebook,
  vqAttention,
  type VqOptions,
  type VqState,
  vqState,
  vqStateShapes,
  vqStep,
} from "../../attention/index.ts";
import { unreachable } from "../../errors.ts";
import { norm } from "../../nn/index.ts";
import { positionByDistance, type PositionSpec, type TurnsByDistance } from "../../position/index.ts";
import {
  broadcastTo,
  clip,
  expandDims,
  full,
  iota,
  lessEqual,
  matmul,
  ones,
  takeAlongAxis,
  type Tensor,
  where,
} from "../../tensor/index.ts";
import { WHOLE } from "../fields.ts";
import { type HeadParams, headParameters, hideScores, joinHeads, projectHeads } from "../heads.ts";
import { type Layer, type Mixer, positionOf, refuse, refuseScores } from "../mixer.ts";

/** Keys snapped to `codes` learned codes a head; the last `block` tokens (default 64) carry their distance. */
export interface TransformerVqConfig {
  readonly type: "transformer-vq";
  readonly codes: number;
  readonly block?: number;
  /**
   * What near distances score by where the position is not ReRoPE: vectors that queries meet, `q·r_d` (`query`, default),
   * or a number of each head, which depends on `i − j` alone (`bias`).
   */
  readonly distance?: "query" | "bias";
  /**
   * Where derivatives go: through all that is met exactly and through the cache (`flow`, default: the faster, as blocks
   * are long), or as the article has it, through a block and the one before, and not through the cache (`near`).
   */
  readonly gradient?: "flow" | "near";
  /** Queries and keys of root mean square one (`unit`, default), or as they come (`plain`: a model that was converted). */
  readonly heads?: "unit" | "plain";
}

export interface TransformerVqParams extends HeadParams {
  /** By distance ℓ … 0: vectors that queries meet, or numbers of the heads. Absent where ReRoPE tells distances. */
  readonly distances?: { readonly weight: Tensor }; // [ℓ + 1, D] or [H, ℓ + 1]
  /** Learned by moving averages, not by gradient. */
  readonly codebook: CodebookState; // [G, K, D] and [G, K]
}

const BLOCK = 64;
/**
 * Tokens of a block over a text of known length: smaller ones are slower. Values are the same for all sizes. Gradients of
 * keys are not: a key that is met by its code passes none on, and which keys are met so depends on the block.
 */
const AT_ONCE = 256;
/** How often a code counts as chosen before the first batch. */
const FIRST_COUNT = 0.01;
/** Weight of the distance between keys and their codes in the loss: Lingle 2023, section 3.4. */
const COMMITMENT = 1e-4;

export const transformerVq: Mixer<TransformerVqConfig, TransformerVqParams, VqState, CodeSums> = {
  type: "transformer-vq",
  needs: {
    codes: WHOLE,
    block: { ...WHOLE, optional: true },
    distance: { is: ["query", "bias"], optional: true },
    gradient: { is: ["flow", "near"], optional: true },
    heads: { is: ["unit", "plain"], optional: true },
  },
  usualPosition: "none",
  check(config, layer) {
    if (layer.headNorm) {
      refuse(config, layer, "normalises its heads itself, without gains; leave headNorm out");
    }
    if (layer.position.type === "rerope") checkRerope(config, layer, layer.position);
    else {
      refuseScores(
        config,
        layer,
        "it has scores by distance of its own; use none, learned positions, or rerope in their place",
      );
    }
  },
  parameters({ codes, block = BLOCK, distance }, layer) {
    const { heads, keyValueHeads: G, headWidth: D } = layer;
    const distances = {
      shape: distance === "bias" ? [heads, block + 1] : [block + 1, D],
      init: { std: 0.02 },
    };
    return {
      ...headParameters(layer),
      ...(layer.position.type !== "rerope" && { "distances.weight": distances }),
      // Codes begin short, and with so little weight that those which no key chooses are dealt out again within a few
      // batches.
      "codebook.sum": { shape: [G, codes, D], init: { std: 0.1 * FIRST_COUNT }, by: "average" },
      "codebook.count": {
        shape: [G, codes],
        init: (_, shape) => full(shape, FIRST_COUNT),
        by: "average",
      },
    };
  },
  cache({ codes, block = BLOCK }, { keyValueHeads: G, headWidth: D }) {
    return vqStateShapes(["B", G, codes, D, D], block);
  },
  // In blocks over a text of known length, else with the cache.
  mix(config, layer, params, x, before) {
    const { codes: K, block = BLOCK, gradient } = config;
    const { q, k, v, codebook, snapped, ...distances } = quantizedHeads(config, layer, params, x);
    const { codes, keys, commitment } = snapped;
    const { keyValueHeads: G, headWidth: D } = layer;
    const [B = 1, , T = 1] = k.shape;
    const past = before ?? vqState([B, G, K, D, D], { block });
    const { o, state } = vqStep(q, keys, v, past, { codebook, ...distances });
    const whole = before === undefined && typeof T === "number";
    const options: VqOptions = {
      codebook,
      ...distances,
      ...(gradient === "near" ? { block, cacheGradient: "stop" } : { block: Math.max(block, AT_ONCE) }),
    };
    return {
      y: joinHeads(layer, params, whole ? vqAttention(q, keys, codes, v, options) : o),
      cache: state,
      loss: commitment.mul(COMMITMENT),
      seen: codeSums(k, codes, K),
    };
  },
  scores(config, layer, params, x) {
    const { q, snapped, bias, turns } = quantizedHeads(config, layer, params, x);
    const [B = 1, T = 1] = x.shape;
    const places = iota(T);
    const snappedKeys = repeatHeads(snapped.keys, layer.heads / layer.keyValueHeads);
    const factor = layer.headWidth ** -0.5;
    if (turns) return hideScores(positionByDistance(turns).scores(q, snappedKeys, places, places, factor));
    if (!bias) return hideScores(matmul(q, snappedKeys, { transposeB: true, scale: factor }));
    const distance = expandDims(places, 1).sub(expandDims(places, 0)); // [T, T]
    const farthest = Number(bias.shape.at(-1)) - 1;
    const column = broadcastTo(clip(distance.neg().add(farthest), 0, farthest), [B, layer.heads, T, T]);
    const own = where(lessEqual(distance, farthest), takeAlongAxis(bias, column), full([], 0));
    return hideScores(matmul(q, snappedKeys, { transposeB: true, scale: factor }).add(own));
  },
  learn: (params, seen) => ({
    ...params,
    codebook: dealUnusedCodes(updateCodebook(params.codebook, seen)),
  }),
};

interface QuantizedHeads {
  readonly q: Tensor; // [B, H, T, D]
  readonly k: Tensor; // [B, G, T, D], before they are snapped
  readonly v: Tensor; // [B, G, T, D]
  readonly codebook: Tensor; // [G, K, D]
  readonly snapped: QuantizedKeys;
  readonly bias?: Tensor; // [B, H, T, ℓ + 1], scores by distance
  readonly turns?: TurnsByDistance;
}

/** @throws OptionError for ReRoPE that reaches beyond what is met exactly, or carries what a code cannot honour. */
function checkRerope(config: TransformerVqConfig, layer: Layer, spec: PositionSpec): void {
  const { block = BLOCK } = config;
  if (spec.window !== undefined && spec.window > block) {
    refuse(
      config,
      layer,
      `meets ${block} tokens exactly, so that rerope must have a window of at most that, got ${spec.window}`,
    );
  }
  const honoured = ["type", "window", "base", "layout", "fraction", "magnitude", "trainingLength"];
  const more = Object.keys(spec).filter((key) => !honoured.includes(key));
  if (more.length > 0) refuse(config, layer, `knows no ${more.join(", ")} beside rerope; leave it out`);
  if (config.distance !== undefined) {
    refuse(config, layer, "has distances by rerope already; leave distance out");
  }
}

/**
 * Queries and keys have root mean square one, so that all codes are of one size (RMS where the paper takes a layer
 * norm). Distances up to the block score by a table of vectors, `q·r_d` (the paper projects sinusoids), or by one number
 * a head; farther ones do not count. ReRoPE in their place (the article's advice) turns near queries and keys truly.
 */
function quantizedHeads(
  config: TransformerVqConfig,
  layer: Layer,
  params: TransformerVqParams,
  x: Tensor,
): QuantizedHeads {
  const { headWidth: D, normEpsilon } = layer;
  const unit = (y: Tensor): Tensor =>
    config.heads === "plain" ? y : norm("rms", { weight: ones([D]) }, y, normEpsilon);
  const { q: query, k: key, v } = projectHeads(layer, params, x);
  const [q, k] = [unit(query), unit(key)];
  const codebook = codebookOf(params.codebook);
  const heads = { q, k, v, codebook, snapped: quantizeKeys(k, codebook) };
  const turns = layer.position.type === "rerope" ? positionOf(layer).byDistance : undefined;
  if (turns) return { ...heads, turns };
  const { weight } = params.distances ?? unreachable("distances without a table");
  if (config.distance !== "bias") {
    return { ...heads, bias: matmul(q, weight, { transposeB: true, scale: D ** -0.5 }) };
  }
  const [B = 1, H = 1, T = 1] = q.shape;
  const rows = expandDims(expandDims(weight, 1), 0); // [1, H, 1, ℓ + 1]
  return { ...heads, bias: broadcastTo(rows, [B, H, T, weight.shape[1] ?? 1]) };
}
