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
  type VqState,
  vqState,
  vqStateShapes,
  vqStep,
} from "../../attention/index.ts";
import { norm } from "../../nn/index.ts";
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
import { type Layer, type Mixer, refuse, refuseScores } from "../mixer.ts";

/** Keys snapped to `codes` learned codes a head; the last `block` tokens (default 64) carry their distance. */
export interface TransformerVqConfig {
  readonly type: "transformer-vq";
  readonly codes: number;
  readonly block?: number;
}

export interface TransformerVqParams extends HeadParams {
  /** Vectors that queries meet by distance ℓ … 0. */
  readonly distances: { readonly weight: Tensor }; // [ℓ + 1, D]
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
  needs: { codes: WHOLE, block: { ...WHOLE, optional: true } },
  usualPosition: "none",
  check(config, layer) {
    if (layer.headNorm) {
      refuse(config, layer, "normalises its heads itself, without gains; leave headNorm out");
    }
    refuseScores(config, layer, "it has scores by distance of its own; use none, or learned positions");
  },
  parameters({ codes, block = BLOCK }, layer) {
    const { keyValueHeads: G, headWidth: D } = layer;
    return {
      ...headParameters(layer),
      "distances.weight": { shape: [block + 1, D], init: { std: 0.02 } },
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
  mix({ codes: K, block = BLOCK }, layer, params, x, before) {
    const { q, k, v, codebook, snapped, bias } = quantizedHeads(layer, params, x);
    const { codes, keys, commitment } = snapped;
    const { keyValueHeads: G, headWidth: D } = layer;
    const [B = 1, , T = 1] = k.shape;
    const past = before ?? vqState([B, G, K, D, D], { block });
    const { o, state } = vqStep(q, keys, v, past, { codebook, bias });
    const whole = before === undefined && typeof T === "number";
    const options = { codebook, block: Math.max(block, AT_ONCE), bias };
    return {
      y: joinHeads(layer, params, whole ? vqAttention(q, keys, codes, v, options) : o),
      cache: state,
      loss: commitment.mul(COMMITMENT),
      seen: codeSums(k, codes, K),
    };
  },
  scores(_, layer, params, x) {
    const { q, snapped, bias } = quantizedHeads(layer, params, x);
    const [B = 1, T = 1] = x.shape;
    const places = iota(T);
    const distance = expandDims(places, 1).sub(expandDims(places, 0)); // [T, T]
    const farthest = Number(bias.shape.at(-1)) - 1;
    const column = broadcastTo(clip(distance.neg().add(farthest), 0, farthest), [B, layer.heads, T, T]);
    const own = where(lessEqual(distance, farthest), takeAlongAxis(bias, column), full([], 0));
    const keys = repeatHeads(snapped.keys, layer.heads / layer.keyValueHeads);
    const scale = layer.headWidth ** -0.5;
    return hideScores(matmul(q, keys, { transposeB: true, scale }).add(own));
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
  readonly bias: Tensor; // [B, H, T, ℓ + 1], scores by distance
}

/**
 * Queries and keys have root mean square one, so that all codes are of one size (RMS where the paper takes a layer
 * norm). Distances up to the block score by a table of vectors, `q·r_d` (the paper projects sinusoids); farther ones
 * do not count.
 */
function quantizedHeads(layer: Layer, params: TransformerVqParams, x: Tensor): QuantizedHeads {
  const { headWidth: D, normEpsilon } = layer;
  const unit = (y: Tensor): Tensor => norm("rms", { weight: ones([D]) }, y, normEpsilon);
  const { q: query, k: key, v } = projectHeads(layer, params, x);
  const [q, k] = [unit(query), unit(key)];
  const codebook = codebookOf(params.codebook);
  const bias = matmul(q, params.distances.weight, { transposeB: true, scale: D ** -0.5 });
  return { q, k, v, codebook, snapped: quantizeKeys(k, codebook), bias };
}
