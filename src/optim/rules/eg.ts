// Exponentiated gradient: Kivinen and Warmuth 1997, "Exponentiated Gradient versus Gradient Descent for Linear
// Predictors", sections 3 and 4; as gradient descent on log θ: Su 2022, https://kexue.fm/archives/8968.
// Signed parameters by one number each: Ghai, Hazan and Singer 2020, "Exponentiated Gradient Meets Gradient Descent".
import { clip, exp, sinh, sqrt, square, sum, type Tensor, zipTrees } from "../../tensor/index.ts";
import { OptionError } from "../../errors.ts";
import { clipByGlobalNorm } from "../clip.ts";
import { FIELDS, type RuleOf } from "../rule.ts";
import { addDecay, scaleByRate } from "../scale.ts";
import { chain, type Schedule, type Transform } from "../transform.ts";

/** `positive`: entries ≥ 0 stay so. `simplex`: rows of the last axis stay distributions. `signed`: any numbers. */
export type EgForm = "positive" | "simplex" | "signed";

export interface EgOptions {
  /** Default `positive`. */
  readonly form?: EgForm;
  /** Largest exponent of a step, either way; default 30. */
  readonly limit?: number;
  /** Of the signed form: size below which parameters move as under gradient descent; default 0.1. */
  readonly beta?: number;
}

/**
 * Exponents of one step that a form can bear. What is added to θ is `θ(eˣ − 1)`: a float32 has no sum with it that is
 * above 0 and below e⁻¹⁵ θ, and an entry that has become 0 stays there.
 */
const MOST = { positive: { float32: 15, float64: 30 }, signed: { float32: 8, float64: 16 } } as const;

/**
 * From `x = η·g` to what is added. With exponents limited to ±`limit`:
 * - positive: `θ ← θ·e^{−x}`. Positive entries stay positive at any rate, zeros stay zero.
 * - simplex: `θ ← θ·e^{−x} / Σ θ·e^{−x}` over the last axis, x first centred by the mean under θ, limited to half.
 * - signed: `θ ← β·sinh(asinh(θ/β) − x)`: the difference `u − v` of two positive numbers with `u·v = β²/4`, each moved by
 *   the rule above. Where |θ| is far above β that is `θ·e^{−x·sign θ}`, far below it `θ − βx`.
 * @throws OptionError for a limit or β that is no number above 0.
 */
export function exponentiate<P>({
  form = "positive",
  limit = 30,
  beta = 0.1,
}: EgOptions = {}): Transform<P, Record<never, never>> {
  for (const [name, value] of Object.entries({ limit, beta })) {
    if (!(value > 0 && Number.isFinite(value)))
      throw new OptionError(`eg: ${name} must be a number above 0, got ${value}.`);
  }
  const next = (x: Tensor, p: Tensor): Tensor => {
    const most =
      MOST[form === "signed" ? "signed" : "positive"][p.dtype === "float64" ? "float64" : "float32"];
    const bound = Math.min(limit, most);
    if (form === "signed") {
      const e = clip(x, -bound, bound);
      // cosh e − 1 = 2 sinh²(e/2), exact where e is small.
      const grown = p.mul(square(sinh(e.mul(0.5))).mul(2));
      return grown.sub(sqrt(square(p).add(beta ** 2)).mul(sinh(e)));
    }
    if (form === "positive") return p.mul(exp(clip(x.neg(), -bound, bound)).sub(1));
    const centred = x.sub(sum(p.mul(x), { axis: -1, keep: true }));
    const moved = p.mul(exp(clip(centred.neg(), -bound / 2, bound / 2)));
    return moved.div(sum(moved, { axis: -1, keep: true })).sub(p);
  };
  return {
    init: () => ({}),
    // What comes in has been multiplied by −η.
    update: (updates, state, params) => ({
      updates: zipTrees(updates, params, (u, p) => next(u.neg(), p)) as P,
      state,
    }),
  };
}

export interface EgRuleOptions extends EgOptions {
  /** Decoupled weight decay of matrices and tables, inside the exponent; default 0. Only where numbers are signed. */
  readonly decay?: number;
  /** Global norm to clip gradients to; no clipping when absent or 0. */
  readonly clip?: number;
}

/**
 * Exponentiated gradient: clip, decay, rate, exponential.
 * @example
 * eg(constantRate(0.1), { form: "simplex" });
 */
export function eg<P>(
  schedule: Schedule,
  { decay = 0, clip: most = 0, ...form }: EgRuleOptions = {},
): Transform<P, Record<string, unknown>> {
  return chain<P, Record<string, Transform<P, unknown>>>({
    ...(most !== 0 && { clip: clipByGlobalNorm<P>(most) }),
    ...(decay !== 0 && { decay: addDecay<P>(decay) }),
    rate: scaleByRate<P>(schedule),
    eg: exponentiate<P>(form),
  });
}

export interface EgConfig {
  readonly type: "eg";
  readonly beta: number;
  readonly limit: number;
  readonly decay: number;
  readonly clip: number;
}

/** In a training weights have both signs, so the signed form is meant; with a small β it is the positive one by size. */
export const egRule: RuleOf<EgConfig> = {
  type: "eg",
  about: "exponentiated gradient: steps in proportion to the parameter (Kivinen and Warmuth 1997)",
  rate: 5,
  needs: {
    beta: { about: "size below which steps are those of gradient descent", low: 1e-6, high: 1e6, usual: 0.1 },
    limit: { about: "largest exponent of a step", low: 1e-6, high: 30, usual: 1 },
    decay: FIELDS.decay(0),
    clip: FIELDS.clip(1),
  },
  make: (rate, { beta, limit, decay, clip: most }) =>
    eg(rate, { form: "signed", beta, limit, decay, clip: most }),
};
