// Kingma and Ba 2015, "Adam", algorithm 1. https://arxiv.org/abs/1412.6980
// Decoupled decay: Loshchilov and Hutter 2019, "AdamW", algorithm 2. https://arxiv.org/abs/1711.05101
import { cast, full, mapTree, pow, sqrt, sub, type Tensor, zeros, zipTrees } from "../../tensor/index.ts";
import { clipByGlobalNorm } from "../clip.ts";
import { FIELDS, type RuleOf } from "../rule.ts";
import { addDecay, scaleByRate, zerosLike } from "../scale.ts";
import { chain, type Schedule, type Transform } from "../transform.ts";

/** First and second moments, and the number of steps taken. */
export interface AdamState<P> {
  readonly step: Tensor;
  readonly m: P;
  readonly v: P;
}

export interface AdamOptions {
  /** Decay of the first moment; default 0.9. */
  readonly beta1?: number;
  /** Decay of the second moment; default 0.999. */
  readonly beta2?: number;
  /** Added to the root of the second moment; default 1e-8. */
  readonly epsilon?: number;
}

/** `m̂ / (√v̂ + ε)` with `m ← β₁m + (1 − β₁)g`, `v ← β₂v + (1 − β₂)g²`, each divided by `1 − βᵗ`. */
export function scaleByAdam<P>({
  beta1 = 0.9,
  beta2 = 0.999,
  epsilon = 1e-8,
}: AdamOptions = {}): Transform<P, AdamState<P>> {
  return {
    init: (params) => ({
      step: zeros([], { dtype: "int32" }),
      m: zerosLike(params),
      v: zerosLike(params),
    }),
    update: (grads, state) => {
      const step = state.step.add(1);
      const t = cast(step, "float32");
      // m̂/(√v̂ + ε) = m · c / (√v + ε√(1 − β₂ᵗ)) with one factor c for all parameters.
      const root = sqrt(sub(1, pow(full([], beta2), t)));
      const factor = root.div(sub(1, pow(full([], beta1), t)));
      const floor = root.mul(epsilon);
      // The gradient is scaled once, inside the product that makes it: (1 − β₁)g serves both moments.
      const scaled = mapTree(grads, (g) => g.mul(1 - beta1)) as P;
      const again = (1 - beta2) / (1 - beta1) ** 2;
      const m = zipTrees(state.m, scaled, (a, g) => a.mul(beta1).add(g)) as P;
      const v = zipTrees(state.v, scaled, (a, g) => a.mul(beta2).add(g.mul(g).mul(again))) as P;
      const updates = zipTrees(m, v, (a, b) =>
        a.div(sqrt(b).add(cast(floor, b.dtype))).mul(cast(factor, a.dtype)),
      ) as P;
      return { updates, state: { step, m, v } };
    },
  };
}

export interface AdamWOptions extends AdamOptions {
  /** Decoupled weight decay of matrices and tables; default 0.01. */
  readonly decay?: number;
  /** Global norm to clip gradients to; no clipping when absent or 0. */
  readonly clip?: number;
}

/** AdamW: clip, moments, decoupled decay, rate. */
export function adamw<P>(
  schedule: Schedule,
  { decay = 0.01, clip = 0, ...adam }: AdamWOptions = {},
): Transform<P, Record<string, unknown>> {
  return chain<P, Record<string, Transform<P, unknown>>>({
    ...(clip !== 0 && { clip: clipByGlobalNorm<P>(clip) }),
    adam: scaleByAdam<P>(adam),
    ...(decay !== 0 && { decay: addDecay<P>(decay) }),
    rate: scaleByRate<P>(schedule),
  });
}

export interface AdamWConfig extends Required<AdamWOptions> {
  readonly type: "adamw";
}

export const adamwRule: RuleOf<AdamWConfig> = {
  type: "adamw",
  about: "moments of the gradient and of its square (Kingma and Ba 2015; Loshchilov and Hutter 2019)",
  rate: 1e-3,
  needs: {
    beta1: FIELDS.beta("decay of the first moment", 0.9),
    beta2: FIELDS.beta("decay of the second moment", 0.99),
    epsilon: { about: "added to the root of the second moment", low: 0, high: 1, usual: 1e-8 },
    decay: FIELDS.decay(0.1),
    clip: FIELDS.clip(1),
  },
  make: (rate, config) => adamw(rate, config),
};
