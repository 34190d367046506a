// Multi-head latent attention (`attention/mla.ts`): all heads share one latent a token, which is all that is kept.
import {
  mlaAbsorbed,
  type MlaCache,
  mlaExpanded,
  type MlaParams,
  type MlaSizes,
} from "../../attention/index.ts";
import { WHOLE } from "../fields.ts";
import { type Layer, type Mixer, positionOf, refuse } from "../mixer.ts";

/** `contentWidth` and `valueWidth` default to the width of a head; without `queryLatentWidth` queries have no latent. */
export interface MlaConfig {
  readonly type: "mla";
  readonly latentWidth: number;
  readonly rotaryWidth: number;
  readonly contentWidth?: number;
  readonly valueWidth?: number;
  readonly queryLatentWidth?: number;
}

export const mla: Mixer<MlaConfig, MlaParams, MlaCache> = {
  type: "mla",
  needs: {
    latentWidth: WHOLE,
    rotaryWidth: WHOLE,
    contentWidth: { ...WHOLE, optional: true },
    valueWidth: { ...WHOLE, optional: true },
    queryLatentWidth: { ...WHOLE, optional: true },
  },
  usualPosition: "rope",
  takesMask: true,
  takesScale: true,
  check(config, layer) {
    const { position, bias } = layer;
    if (position.type === "learned" || position.type === "none") {
      refuse(config, layer, `must have a rotary position for its rotary part, got ${position.type}`);
    }
    if (config.rotaryWidth % 2 !== 0) {
      refuse(config, layer, `must have an even rotaryWidth, got ${config.rotaryWidth}`);
    }
    if (layer.keyValueHeads !== layer.heads || layer.headNorm) {
      refuse(
        config,
        layer,
        "has no key-value heads of its own; keyValueHeads must equal heads, without headNorm",
      );
    }
    if (bias === "qkv")
      refuse(config, layer, `has no biases of queries, keys and values alone, got "${bias}"`);
  },
  parameters(config, layer) {
    const { width: C, heads: H, contentWidth, rotaryWidth, valueWidth, latentWidth } = sizesOf(config, layer);
    const { queryLatentWidth } = config;
    const queries = H * (contentWidth + rotaryWidth);
    // What reads from the residual stream into a latent, and what writes into it: DeepSeek's attention_bias.
    const bias = layer.bias === "all" || layer.bias === "attention";
    return {
      ...(queryLatentWidth === undefined
        ? { q_proj: { out: queries, from: C } }
        : {
            q_a_proj: { out: queryLatentWidth, from: C, bias },
            "q_a_layernorm.weight": { shape: [queryLatentWidth], init: "ones" },
            q_b_proj: { out: queries, from: queryLatentWidth },
          }),
      kv_a_proj_with_mqa: { out: latentWidth + rotaryWidth, from: C, bias },
      "kv_a_layernorm.weight": { shape: [latentWidth], init: "ones" },
      kv_b_proj: { out: H * (contentWidth + valueWidth), from: latentWidth },
      o_proj: { out: C, from: H * valueWidth, bias, init: "residual" },
    };
  },
  cache({ latentWidth, rotaryWidth }) {
    return { latent: ["B", "S", latentWidth], rotaryKey: ["B", "S", rotaryWidth] };
  },
  // Expanded to train and to read a prompt, absorbed to write with a cache.
  mix(config, layer, params, x, before, at) {
    const run = before ? mlaAbsorbed : mlaExpanded;
    const options = {
      position: positionOf(layer),
      queryPositions: at.queries,
      keyPositions: at.keys,
      maps: layer.maps,
      ...(layer.scoreScale !== undefined && { scale: layer.scoreScale }),
      ...(at.mask && { mask: at.mask }),
    };
    return run(sizesOf(config, layer), params, x, options, before);
  },
};

function sizesOf(config: MlaConfig, layer: Layer): MlaSizes {
  const { queryLatentWidth } = config;
  return {
    width: layer.width,
    heads: layer.heads,
    contentWidth: config.contentWidth ?? layer.headWidth,
    rotaryWidth: config.rotaryWidth,
    valueWidth: config.valueWidth ?? layer.headWidth,
    latentWidth: config.latentWidth,
    ...(queryLatentWidth !== undefined && { queryLatentWidth }),
  };
}
