// Kingma and Ba 2015, "Adam", algorithm 1. https://arxiv.org/abs/1412.6980
// Decoupled decay: Loshchilov and Hutter 2019, "AdamW", algorithm 2. https://arxiv.org/abs/1711.05101
import { mapTree, pow, sqrt, sub, type Tensor, zeros, zipTrees, full, cast } from "../tensor/index.ts";
import { clipByGlobalNorm } from "./clip.ts";
import { chain, type Schedule, type Transform } from "./transform.ts";

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
      m: mapTree(params, (p) => zeros(p.shape)) as P,
      v: mapTree(params, (p) => zeros(p.shape)) as P,
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
      const updates = zipTrees(m, v, (a, b) => a.div(sqrt(b).add(floor)).mul(factor)) as P;
      return { updates, state: { step, m, v } };
    },
  };
}

/** Adds `decay · p` to the update of each parameter that `applies` (default: matrices and tables, not vectors). */
export function addDecay<P>(
  decay: number,
  applies: (name: string, parameter: Tensor) => boolean = (_, p) => p.rank >= 2,
): Transform<P, Record<never, never>> {
  return {
    init: () => ({}),
    update: (grads, state, params) => ({
      updates: zipTrees(grads, params, (g, p, name) =>
        decay !== 0 && applies(name, p) ? g.add(p.mul(decay)) : g,
      ) as P,
      state,
    }),
  };
}

/** Updates times `−schedule(step)`; the state keeps the step and the rate last used. */
export function scaleByRate<P>(
  schedule: Schedule,
): Transform<P, { readonly step: Tensor; readonly rate: Tensor }> {
  return {
    init: () => ({ step: zeros([], { dtype: "int32" }), rate: full([], 0) }),
    update: (grads, { step }) => {
      const rate = schedule(cast(step, "float32"));
      const minus = rate.neg();
      return { updates: mapTree(grads, (g) => g.mul(minus)) as P, state: { step: step.add(1), rate } };
    },
  };
}

export interface AdamWOptions extends AdamOptions {
  /** Decoupled weight decay of matrices and tables; default 0.01. */
  readonly decay?: number;
  /** Global norm to clip gradients to; no clipping when absent. */
  readonly clip?: number;
}

/** AdamW: clip, moments, decoupled decay, rate. */
export function adamw<P>(
  schedule: Schedule,
  { decay = 0.01, clip, ...adam }: AdamWOptions = {},
): Transform<P, Record<string, unknown>> {
  return chain<P, Record<string, Transform<P, unknown>>>({
    ...(clip !== undefined && { clip: clipByGlobalNorm<P>(clip) }),
    adam: scaleByAdam<P>(adam),
    ...(decay !== 0 && { decay: addDecay<P>(decay) }),
    rate: scaleByRate<P>(schedule),
  });
}
