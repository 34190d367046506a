// Filters by rational transfer functions (`sequence/rtf.ts`) between two gates, `q ⊙ rtf(k ⊙ v)`, as in the Hyena-RTF of the
// paper without its short convolutions: trained in parallel by FFT, written with a state of constant size.
import type { MapParams, Parameter } from "../../nn/index.ts";
import { montel, rationalInit, rtf as filter, rtfPrefill, rtfState, rtfSteps } from "../../sequence/index.ts";
import type { Tensor } from "../../tensor/index.ts";
import { WHOLE } from "../fields.ts";
import { headBias } from "../heads.ts";
import { type Mixer, refuse, refuseScores } from "../mixer.ts";

/**
 * `state`: order `d`, the numbers kept of each channel. `length` (default: the model's context): what numerators are made
 * for; texts may be longer. `poles`: `montel` (default) keeps them inside the unit circle and begins with `U(±1/√d)`; `free`
 * begins with all at the origin and lets them go anywhere. Each head has one denominator.
 */
export interface RtfConfig {
  readonly type: "rtf";
  readonly state: number;
  readonly length?: number;
  readonly poles?: "montel" | "free";
}

export interface RtfMixerParams {
  readonly q_proj: MapParams; // C to C
  readonly k_proj: MapParams; // C to C
  readonly v_proj: MapParams; // C to C
  readonly o_proj: MapParams; // C to C
  readonly filter: {
    readonly a: Tensor; // [H, d], denominators
    readonly b: Tensor; // [C, d], numerators
    readonly h0: Tensor; // [C], what passes at once
    readonly slack?: Tensor; // [H], with montel only
  };
}

/** The last `d` samples of the input over the denominator, newest first. */
export type RtfState = {
  readonly samples: Tensor; // [B, C, d]
};

export const rtf: Mixer<RtfConfig, RtfMixerParams, RtfState> = {
  type: "rtf",
  needs: {
    state: WHOLE,
    length: { ...WHOLE, optional: true },
    poles: { is: ["montel", "free"], optional: true },
  },
  usualPosition: "none",
  placeless: true,
  check(config, layer) {
    refuseScores(config, layer, "use learned positions or none");
    const L = config.length ?? layer.context;
    if (config.state >= L)
      refuse(
        config,
        layer,
        `needs a length above its state of ${config.state}, got ${L}. Lower state, or give a length`,
      );
    if (layer.width % layer.heads !== 0) {
      refuse(config, layer, `needs heads that divide the width ${layer.width}, got ${layer.heads}`);
    }
  },
  parameters({ state: d, poles }, { width: C, heads: H, bias }) {
    const { qkv, out } = headBias(bias);
    const constrained = poles !== "free";
    const coefficients = (rows: number, init: "xavier" | "zero"): Parameter => ({
      shape: [rows, d],
      init: (key) => rationalInit(init, key, [rows, d]),
    });
    return {
      q_proj: { out: C, from: C, bias: qkv },
      k_proj: { out: C, from: C, bias: qkv },
      v_proj: { out: C, from: C, bias: qkv },
      o_proj: { out: C, from: C, bias: out, init: "residual" },
      "filter.a": coefficients(H, constrained ? "xavier" : "zero"),
      // Not zero: no gradient would reach the poles.
      "filter.b": coefficients(C, "xavier"),
      "filter.h0": { shape: [C], init: "ones" },
      ...(constrained && { "filter.slack": { shape: [H], init: "ones" } satisfies Parameter }),
    };
  },
  cache: ({ state: d }, { width: C }) => ({ samples: ["B", C, d] }),
  mix(config, layer, params, x, before) {
    const { maps } = layer;
    const { a: given, b, h0, slack } = params.filter;
    const a = slack ? montel(given, slack) : given;
    const own = { a, b, h0 };
    const length = { length: config.length ?? layer.context };
    const u = maps.apply(params.k_proj, x).mul(maps.apply(params.v_proj, x));
    const gated = (y: Tensor): Tensor => maps.apply(params.o_proj, maps.apply(params.q_proj, x).mul(y));
    if (before === undefined && typeof x.shape[1] === "number") {
      return { y: gated(filter(own, u, length)), cache: { samples: rtfPrefill(a, u) } };
    }
    const state = before?.samples ?? rtfState(own, x.shape[0] ?? 1);
    const { y, state: samples } = rtfSteps(own, u, state, length);
    return { y: gated(y), cache: { samples } };
  },
};
