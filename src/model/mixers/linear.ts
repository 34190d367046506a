// Attention by features instead of a softmax (`attention/linear.ts`): `φ(q)·Σ φ(k)vᵀ / φ(q)·Σ φ(k)`. All that is kept
// of the past is the sum, of constant size: a mixer with a recurrent state begins well as a copy of this file.
import { causalLinearAttention, eluPlusOne, repeatHeads } from "../../attention/index.ts";
import { concat, matmul, narrow, ones, type Tensor, tril } from "../../tensor/index.ts";
import { type HeadParams, headParameters, joinHeads, projectHeads } from "../heads.ts";
import { type Layer, type Mixed, type Mixer, refuseScores } from "../mixer.ts";

/** `elu + 1` features. */
export interface LinearConfig {
  readonly type: "linear";
}

/** `Σ φ(k)vᵀ` over the tokens so far; the last column is `Σ φ(k)`. */
export type FeatureState = {
  readonly sum: Tensor; // [B, H, F, D + 1]
};

export const linear: Mixer<LinearConfig, HeadParams, FeatureState> = {
  type: "linear",
  needs: {},
  usualPosition: "learned",
  check: (config, layer) => refuseScores(config, layer, "use learned positions or none"),
  parameters: (_, layer) => headParameters(layer),
  cache: (_, { heads: H, headWidth: D }) => ({ sum: ["B", H, D, D + 1] }),
  mix: (_, layer, params, x, before) =>
    mixFeatures(layer, params, x, before, (q, k) => ({ q: eluPlusOne(q), k: eluPlusOne(k) })),
};

/** Positive features of queries and keys `[B, H, T, D]`: each `[B, H, T, F]`. */
export type Features = (q: Tensor, k: Tensor) => { readonly q: Tensor; readonly k: Tensor };

/**
 * The parallel form for a text of known length, blocks of masked products and sums between them; and the step form for
 * the `T` tokens after a state, any number: masked products among themselves, and the state for all before.
 */
export function mixFeatures(
  layer: Layer,
  params: HeadParams,
  x: Tensor,
  before: FeatureState | undefined,
  features: Features,
): Mixed<FeatureState, never> {
  const { headWidth: D, heads: H, keyValueHeads: G } = layer;
  const own = projectHeads(layer, params, x);
  const [k, v] = [repeatHeads(own.k, H / G), repeatHeads(own.v, H / G)];
  const { q: fq, k: fk } = features(own.q, k);
  const columns = concat([v, ones([...v.shape.slice(0, -1), 1])], -1); // [B, H, T, D + 1]: the last counts
  const added = matmul(fk, columns, { transposeA: true });
  const sum = before ? before.sum.add(added) : added;
  if (before === undefined && typeof v.shape[2] === "number") {
    return { y: joinHeads(layer, params, causalLinearAttention(fq, fk, v)), cache: { sum } };
  }
  const near = matmul(tril(matmul(fq, fk, { transposeB: true })), columns);
  const both = before ? near.add(matmul(fq, before.sum)) : near;
  const o = narrow(both, -1, 0, D).div(narrow(both, -1, D, D + 1));
  return { y: joinHeads(layer, params, o), cache: { sum } };
}
