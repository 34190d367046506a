// Robbins and Monro 1951, "A Stochastic Approximation Method"; momentum: Polyak 1964; Nesterov 1983 in the form of
// Sutskever et al. 2013, "On the importance of initialization and momentum in deep learning", section 2.
import { zipTrees } from "../../tensor/index.ts";
import { clipByGlobalNorm } from "../clip.ts";
import { FIELDS, type RuleOf } from "../rule.ts";
import { addDecay, scaleByRate, zerosLike } from "../scale.ts";
import { chain, type Schedule, type Transform } from "../transform.ts";

export interface SgdOptions {
  /** Share of the former update that goes on, `μ`; default 0: none, and no state. */
  readonly momentum?: number;
  /** 1: looks ahead, `u = g + μm` in place of `m`; default 0. */
  readonly nesterov?: number;
  /** Decoupled weight decay of matrices and tables; default 0. */
  readonly decay?: number;
  /** Global norm to clip gradients to; no clipping when absent or 0. */
  readonly clip?: number;
}

/** `m ← μm + g`; the update is `m`, or `g + μm` with `nesterov`. PyTorch's form: the rate is not in `m`. */
export function scaleByMomentum<P>(momentum: number, nesterov = false): Transform<P, { readonly m: P }> {
  return {
    init: (params) => ({ m: zerosLike(params) }),
    update: (grads, state) => {
      const m = zipTrees(state.m, grads, (a, g) => a.mul(momentum).add(g)) as P;
      const updates = nesterov ? (zipTrees(grads, m, (g, a) => g.add(a.mul(momentum))) as P) : m;
      return { updates, state: { m } };
    },
  };
}

/** Gradient descent: clip, momentum, decoupled decay, rate. */
export function sgd<P>(
  schedule: Schedule,
  { momentum = 0, nesterov = 0, decay = 0, clip = 0 }: SgdOptions = {},
): Transform<P, Record<string, unknown>> {
  return chain<P, Record<string, Transform<P, unknown>>>({
    ...(clip !== 0 && { clip: clipByGlobalNorm<P>(clip) }),
    ...(momentum !== 0 && { momentum: scaleByMomentum<P>(momentum, nesterov === 1) }),
    ...(decay !== 0 && { decay: addDecay<P>(decay) }),
    rate: scaleByRate<P>(schedule),
  });
}

export interface SgdConfig extends Required<SgdOptions> {
  readonly type: "sgd";
}

export const sgdRule: RuleOf<SgdConfig> = {
  type: "sgd",
  about: "gradient descent with momentum (Polyak 1964), looking ahead with nesterov=1 (Nesterov 1983)",
  rate: 0.1,
  needs: {
    momentum: FIELDS.beta("share of the former update that goes on", 0.9),
    nesterov: { about: "1: looks ahead", low: 0, high: 1, usual: 0, whole: true },
    decay: FIELDS.decay(0),
    clip: FIELDS.clip(1),
  },
  make: (rate, config) => sgd(rate, config),
};
