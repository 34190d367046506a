// Softmax attention in expectation, by random features (`attention/performer.ts`): cost and state of `linear`.
import { performerPair, type PerformerProjection, performerProjection } from "../../attention/index.ts";
import { random } from "../../tensor/index.ts";
import { WHOLE } from "../fields.ts";
import { type HeadParams, headParameters } from "../heads.ts";
import { type Layer, type Mixer, refuseScores } from "../mixer.ts";
import { type FeatureState, mixFeatures } from "./linear.ts";

/** `features` default to `⌊D ln D⌋`; the directions of a layer follow from `seed` (default 0) and its place. */
export interface PerformerConfig {
  readonly type: "performer";
  readonly features?: number;
  readonly seed?: number;
}

export const performer: Mixer<PerformerConfig, HeadParams, FeatureState> = {
  type: "performer",
  needs: {
    features: { ...WHOLE, optional: true },
    seed: { is: "whole", least: 0, optional: true },
  },
  usualPosition: "learned",
  check: (config, layer) => refuseScores(config, layer, "use learned positions or none"),
  parameters: (_, layer) => headParameters(layer),
  cache({ features }, { heads: H, headWidth: D }) {
    return { sum: ["B", H, features ?? Math.max(1, Math.floor(D * Math.log(D))), D + 1] };
  },
  mix(config, layer, params, x, before) {
    return mixFeatures(layer, params, x, before, (q, k) =>
      performerPair(q, k, { projection: projectionOf(config, layer) }),
    );
  },
};

function projectionOf(
  { features, seed = 0 }: PerformerConfig,
  { index, headWidth }: Layer,
): PerformerProjection {
  const key = random.fold(random.key(seed), index);
  return performerProjection(key, headWidth, features === undefined ? {} : { features });
}
