// Chen et al. 2023, "Symbolic Discovery of Optimization Algorithms", algorithm 2 (Lion).
// https://arxiv.org/abs/2302.06675
import { sign, zipTrees } from "../../tensor/index.ts";
import { clipByGlobalNorm } from "../clip.ts";
import { FIELDS, type RuleOf } from "../rule.ts";
import { addDecay, scaleByRate, zerosLike } from "../scale.ts";
import { chain, type Schedule, type Transform } from "../transform.ts";

export interface LionOptions {
  /** Share of the momentum in the update; default 0.9 (0.95 for language models). */
  readonly beta1?: number;
  /** Decay of the momentum; default 0.99 (0.98 for language models). */
  readonly beta2?: number;
  /** Decoupled weight decay of matrices and tables; default 0. 3 to 10 times AdamW's at a rate 3 to 10 times lower. */
  readonly decay?: number;
  /** Global norm to clip gradients to; no clipping when absent or 0. */
  readonly clip?: number;
}

/** `u = sign(β₁m + (1 − β₁)g)` with the momentum of before, then `m ← β₂m + (1 − β₂)g`; `sign(0) = 0`. */
export function scaleByLion<P>({
  beta1 = 0.9,
  beta2 = 0.99,
}: Pick<LionOptions, "beta1" | "beta2"> = {}): Transform<P, { readonly m: P }> {
  return {
    init: (params) => ({ m: zerosLike(params) }),
    update: (grads, { m }) => ({
      updates: zipTrees(m, grads, (a, g) => sign(a.mul(beta1).add(g.mul(1 - beta1)))) as P,
      state: { m: zipTrees(m, grads, (a, g) => a.mul(beta2).add(g.mul(1 - beta2))) as P },
    }),
  };
}

/** Lion: clip, sign of the mixed momentum, decoupled decay, rate. */
export function lion<P>(
  schedule: Schedule,
  { decay = 0, clip = 0, ...betas }: LionOptions = {},
): Transform<P, Record<string, unknown>> {
  return chain<P, Record<string, Transform<P, unknown>>>({
    ...(clip !== 0 && { clip: clipByGlobalNorm<P>(clip) }),
    lion: scaleByLion<P>(betas),
    ...(decay !== 0 && { decay: addDecay<P>(decay) }),
    rate: scaleByRate<P>(schedule),
  });
}

export interface LionConfig extends Required<LionOptions> {
  readonly type: "lion";
}

export const lionRule: RuleOf<LionConfig> = {
  type: "lion",
  about: "the sign of a momentum: one moment, every entry moves by the rate (Chen et al. 2023)",
  rate: 2e-4,
  needs: {
    beta1: FIELDS.beta("share of the momentum in the update", 0.95),
    beta2: FIELDS.beta("decay of the momentum", 0.98),
    decay: FIELDS.decay(0.5),
    clip: FIELDS.clip(1),
  },
  make: (rate, config) => lion(rate, config),
};
