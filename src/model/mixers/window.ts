// Softmax attention within a window (`attention/window.ts`): time linear in the text, a cache of `window` tokens.
import { windowAttention, windowState, type WindowState, windowStep } from "../../attention/index.ts";
import { WHOLE } from "../fields.ts";
import { type HeadParams, headParameters, headScores, joinHeads, projectHeads } from "../heads.ts";
import { type Mixer, positionOf, refuse } from "../mixer.ts";

/** Softmax over distances `0 ≤ D < window`. */
export interface WindowConfig {
  readonly type: "window";
  readonly window: number;
}

export const window: Mixer<WindowConfig, HeadParams, WindowState> = {
  type: "window",
  needs: { window: WHOLE },
  usualPosition: "rope",
  check(config, layer) {
    const { position } = layer;
    if (position.type === "learned") return;
    if (position.slidingWindow !== undefined) {
      refuse(
        config,
        layer,
        `has a window already, got slidingWindow ${position.slidingWindow}; leave it out`,
      );
    }
    if (position.type === "ntk-dynamic" || position.logScale !== undefined) {
      refuse(config, layer, "never sees how long the text is, so its scores cannot follow the length");
    }
  },
  parameters: (_, layer) => headParameters(layer),
  cache({ window: size }, { keyValueHeads: G, headWidth: D }) {
    return { key: ["B", G, size, D], value: ["B", G, size, D] };
  },
  mix({ window: size }, layer, params, x, before, { queries }) {
    const { q, k, v } = projectHeads(layer, params, x);
    const [B = 1, , T = 1] = k.shape;
    const { keyValueHeads: G, headWidth: D } = layer;
    const options = { position: positionOf(layer), window: size, queryPositions: queries };
    const { o, state } = windowStep(q, k, v, before ?? windowState([B, G, D, D], size), options);
    const whole = before === undefined && typeof T === "number";
    return { y: joinHeads(layer, params, whole ? windowAttention(q, k, v, options) : o), cache: state };
  },
  scores: (config, layer, params, x) => headScores(layer, params, x, config.window),
};
