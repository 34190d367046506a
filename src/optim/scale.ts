// What rules share: decoupled decay, and the learning rate as the last factor.
import { cast, full, mapTree, type Tensor, zeros, zipTrees } from "../tensor/index.ts";
import type { Schedule, Transform } from "./transform.ts";

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
      return {
        updates: mapTree(grads, (g) => g.mul(cast(minus, g.dtype))) as P,
        state: { step: step.add(1), rate },
      };
    },
  };
}

/** A tree of zeros like `params`, for a moment. */
export function zerosLike<P>(params: P): P {
  return mapTree(params, (p) => zeros(p.shape, { dtype: p.dtype })) as P;
}
