// Softmax attention over all tokens so far (`attention/dense.ts`), or over a sliding window of them. The cache holds
// every key and value.
import { attend, attendByDistance, windowAttention } from "../../attention/index.ts";
import { createPosition, productPosition } from "../../position/index.ts";
import { concat, fused, type Tensor } from "../../tensor/index.ts";
import type { CacheShape } from "../cache.ts";
import { type HeadParams, headParameters, headScores, joinHeads, projectHeads, scaleOf } from "../heads.ts";
import { type Layer, type Mixed, type Mixer, type Places, positionOf } from "../mixer.ts";

export interface DenseConfig {
  readonly type: "dense";
}

/** All keys and values; keys are turned where their turn depends on their own place alone. */
export type DenseState = {
  readonly key: Tensor; // [B, G, S, D]
  readonly value: Tensor; // [B, G, S, D]
  /** Keys turned for far queries, where distance decides between two turns. */
  readonly far?: Tensor; // [B, G, S, D]
};

export const dense: Mixer<DenseConfig, HeadParams, DenseState> = {
  type: "dense",
  needs: {},
  usualPosition: "rope",
  takesMask: true,
  takesScale: true,
  parameters: (_, layer) => headParameters(layer),
  cache(_, layer) {
    const tokens: CacheShape = ["B", layer.keyValueHeads, "S", layer.headWidth];
    const twice = positionOf(layer).byDistance !== undefined;
    return { key: tokens, ...(twice && { far: tokens }), value: tokens };
  },
  mix(_, layer, params, x, before, at) {
    const { q, k, v } = projectHeads(layer, params, x);
    const near = before === undefined ? attendNear(layer, q, k, v, at) : undefined;
    const { o, cache } = near ?? attendAll(layer, q, k, v, before, at);
    return { y: joinHeads(layer, params, o), cache };
  },
  scores: (_, layer, params, x) => headScores(layer, params, x),
};

type Attended = Pick<Mixed<DenseState, never>, "cache"> & { readonly o: Tensor };

/** A sliding window over a text of known length needs no square of scores; nothing where this is not one. */
function attendNear(layer: Layer, q: Tensor, k: Tensor, v: Tensor, { mask }: Places): Attended | undefined {
  const { position: spec } = layer;
  if (spec.type === "learned" || spec.slidingWindow === undefined) return undefined;
  if (spec.sinks || spec.logScale || mask) return undefined;
  const { slidingWindow: window, ...whole } = spec;
  const position = createPosition(whole);
  if (position.whole) return undefined;
  const T = q.shape[2];
  if (typeof T !== "number" || T < 2 * window) return undefined;
  const o = windowAttention(q, k, v, { position, window, scale: scaleOf(layer) });
  return { o, cache: { key: k, value: v } };
}

/**
 * Keys are kept turned where a key's turn depends on its own place alone (twice, where distance decides between two
 * turns), and unturned where it depends on the query's place or the length: all are exact.
 */
function attendAll(
  layer: Layer,
  q: Tensor,
  k: Tensor,
  v: Tensor,
  before: DenseState | undefined,
  at: Places,
): Attended {
  const where = {
    queryPositions: at.queries,
    keyPositions: at.keys,
    scale: scaleOf(layer),
    ...(at.mask && { mask: at.mask }),
  };
  const position = positionOf(layer);
  const { turn, byDistance } = position;
  const places = turn ? (at.own ?? at.queries) : at.queries;
  const longer = (past: Tensor | undefined, news: Tensor): Tensor => (past ? concat([past, news], 2) : news);
  const cache: DenseState = {
    key: longer(before?.key, (turn ?? byDistance?.near)?.key(k, places) ?? k),
    ...(byDistance && { far: longer(before?.far, byDistance.far.key(k, at.queries)) }),
    value: longer(before?.value, v),
  };
  if (before && byDistance && cache.far) {
    const keys = { near: cache.key, far: cache.far };
    return { o: attendByDistance(q, keys, cache.value, { byDistance, ...where }), cache };
  }
  if (!turn) return { o: attend(q, byDistance ? k : cache.key, cache.value, { position, ...where }), cache };
  const attendTurned = (a: Tensor, b: Tensor, c: Tensor): Tensor =>
    attend(a, b, c, { position: TURNED, ...where });
  const turned: [Tensor, Tensor, Tensor] = [turn.query(q, places), cache.key, cache.value];
  const { scale } = where;
  const kernel = before !== undefined && at.mask === undefined;
  const o = kernel
    ? fused({ name: "causalAttention", scale }, turned, attendTurned)
    : attendTurned(...turned);
  return { o, cache };
}

/** Queries and keys that were turned already. */
const TURNED = productPosition({ query: (x) => x, key: (x) => x });
