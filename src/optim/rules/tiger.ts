// Su 2023, "Tiger: A Tight-fisted Optimizer". https://kexue.fm/archives/9512, https://github.com/bojone/tiger
// Lion with one beta, so that the momentum is all there is to keep: it takes in a batch part by part without a buffer.
// Departures, each for a reason given where it stands: roles in place of names, a floor under the relative rate, and
// the rule for gradients that are not finite is decided for the whole model.
import {
  abs,
  cast,
  flattenTree,
  full,
  less,
  maximum,
  mean,
  ones,
  pow,
  sign,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  where,
  zeros,
  zipTrees,
} from "../../tensor/index.ts";
import { type Role, roleByShape, type RoleOf } from "../role.ts";
import { FIELDS, type RuleOf } from "../rule.ts";
import { zerosLike } from "../scale.ts";
import type { Schedule, Transform } from "../transform.ts";

export interface TigerOptions {
  /** Decay of the momentum; default 0.965 (text; 0.945 for pictures). */
  readonly beta?: number;
  /** Decoupled weight decay of matrices and tables; default 0.01. */
  readonly decay?: number;
  /** Least root mean square that a matrix or a row counts with; default 0.005. */
  readonly floor?: number;
  /** What parameters shrink by for each part whose gradient is not finite; default 0.99. */
  readonly shrink?: number;
}

export interface TigerState<P> extends Record<string, unknown> {
  readonly m: P;
  /** Updates made, and the rate last used. */
  readonly step: Tensor;
  readonly rate: Tensor;
  /** Parts of the update in progress whose gradient was not finite, and all of them so far. */
  readonly bad: Tensor;
  readonly skipped: Tensor;
}

/** Largest sum of absolute values that still counts as finite. */
const FINITE = 3e38;

/**
 * `m ← βm + (1 − β)g`, `θ ← θ − η(sign(m) + λθ)`, with a rate relative to the parameter: `η = α · RMS(θ)`, by row for
 * tables, and `α / 2` without decay for gains and biases. The root mean square counts at least as `floor`: a matrix of
 * zeros would never move.
 *
 * In `k` parts: `m ← b·m + (1 − β)/k · g` with `b = β` in the first part of an update and 1 in the others. A part with
 * an entry that is not finite counts as a gradient of zeros in the whole model, and parameters shrink towards 0 (gains
 * towards 1) by `shrink`; there is no other update when all parts are such. The original decides by tensor, leaves
 * infinities through, and drops the decay of `m` when the first part is such: a model half updated is no step of any
 * loss, and without the decay an old momentum goes on at full strength.
 */
export function tiger<P>(
  schedule: Schedule,
  { beta = 0.965, decay = 0.01, floor = 0.005, shrink = 0.99 }: TigerOptions = {},
  role: RoleOf = roleByShape,
): Transform<P, TigerState<P>> {
  const take = (grads: P, state: TigerState<P>, first: Tensor, parts: number): TigerState<P> => {
    const sizes = flattenTree(grads).map(([, g]) => cast(sum(abs(g)), "float32"));
    // A comparison with a NaN is false.
    const good = less(
      sizes.reduce((a, b) => a.add(b), full([], 0)),
      FINITE,
    );
    const bad = cast(where(good, full([], 0), 1), "int32");
    const starts = less(0, first);
    const keep = where(starts, full([], beta), 1);
    const m = zipTrees(state.m, grads, (a, g) =>
      a.mul(cast(keep, a.dtype)).add(where(good, g.mul((1 - beta) / parts), 0)),
    ) as P;
    return {
      ...state,
      m,
      bad: where(starts, zeros([], { dtype: "int32" }), state.bad).add(bad),
      skipped: state.skipped.add(bad),
    };
  };
  const finish = (state: TigerState<P>, params: P, parts: number): { updates: P; state: TigerState<P> } => {
    const rate = schedule(cast(state.step, "float32"));
    const moving = where(less(state.bad, parts), rate, 0);
    const lost = sub(1, pow(full([], shrink), cast(state.bad, "float32")));
    const updates = zipTrees(state.m, params, (m, p, name) => {
      const as = role(name, p);
      const step = vector(as) ? sign(m) : sign(m).add(p.mul(decay));
      const towards = sub(as === "gain" ? 1 : 0, p).mul(cast(lost, p.dtype));
      return towards.sub(step.mul(relativeRate(as, p, floor)).mul(cast(moving, p.dtype)));
    }) as P;
    return { updates, state: { ...state, step: state.step.add(1), rate } };
  };
  return {
    init: (params) => ({
      m: zerosLike(params),
      step: zeros([], { dtype: "int32" }),
      rate: full([], 0),
      bad: zeros([], { dtype: "int32" }),
      skipped: zeros([], { dtype: "int32" }),
    }),
    update: (grads, state, params) => finish(take(grads, state, ones([]), 1), params, 1),
    micro: { take, finish },
  };
}

function vector(role: Role): boolean {
  return role === "gain" || role === "bias";
}

/** What the rate is multiplied by: ½, or `RMS(p)` of the tensor or of each row. */
function relativeRate(role: Role, p: Tensor, floor: number): Tensor {
  if (vector(role)) return full([], 0.5, { dtype: p.dtype });
  const squares = square(p);
  const rms = sqrt(role === "table" ? mean(squares, { axis: -1, keep: true }) : mean(squares));
  return maximum(rms, floor);
}

export interface TigerConfig extends Required<TigerOptions> {
  readonly type: "tiger";
}

export const tigerRule: RuleOf<TigerConfig> = {
  type: "tiger",
  about: "Lion with one beta and a rate relative to the parameters; accumulates without a buffer (Su 2023)",
  rate: 2e-3,
  mends: true,
  needs: {
    beta: FIELDS.beta("decay of the momentum", 0.965),
    decay: FIELDS.decay(0.01),
    floor: { about: "least root mean square that a matrix counts with", low: 0, high: 1, usual: 0.005 },
    shrink: { about: "what parameters shrink by after a bad gradient", low: 0.5, high: 1, usual: 0.99 },
  },
  make: (rate, config, role) => tiger(rate, config, role),
};
