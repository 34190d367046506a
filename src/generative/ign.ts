// Shocher et al. 2023, "Idempotent generative network", https://arxiv.org/abs/2311.01462, in the copy-free form that follows
// from Su 2024, https://kexue.fm/archives/9969. Weights 20, 20, 2.5, a = 1.5 and the choices of ρ are those of independent
// re-implementations; the article has no clamp.
import { OptionError } from "../errors.ts";
import { stopGradient, tanh, type Tensor } from "../tensor/index.ts";

/** A network from data to data of the same shape, its parameters inside. */
export type SameShape = (x: Tensor) => Tensor;

/** Distance of two examples: mean of absolute (`l1`) or squared (`l2`) differences, or their sum of squares (`squared`). */
export type IgnDistance = "l1" | "l2" | "squared";

/**
 * What bounds the tightness of an example, `a · ρ · tanh(L / (a ρ))`: ρ is the reconstruction error of the data example of the
 * same index (`data`), that of the noise (`noise`, `D(f(z), z)`), or the weighted mean of the batch (`batch`). Without a
 * clamp (the article) the tightness is as it is.
 */
export type IgnClamp =
  | { readonly type: "none" }
  | {
      readonly type: "tanh";
      readonly a: number;
      readonly rho: "data" | "noise" | "batch";
      /** Whether gradients pass through ρ. */
      readonly through: boolean;
    };

export interface IgnOptions {
  readonly distance: IgnDistance;
  /** Weights of reconstruction, idempotence and tightness. */
  readonly weights: readonly [reconstruction: number, idempotence: number, tightness: number];
  readonly clamp: IgnClamp;
}

/** The paper's, as re-implementations agree on it, ρ by the noise's own error. */
export const IGN_DEFAULTS: IgnOptions = {
  distance: "l1",
  weights: [20, 20, 2.5],
  clamp: { type: "tanh", a: 1.5, rho: "noise", through: false },
};

/** The three errors, means over a batch, and what is trained on. */
export interface IgnLosses {
  readonly loss: Tensor;
  readonly reconstruction: Tensor;
  /** `mean δ(f(z))`: its share of the loss has this gradient and the value 0. */
  readonly idempotence: Tensor;
  /** The bounded `−δ(f(z))`. */
  readonly tightness: Tensor;
}

/** Distance of each example, `[B]`. @param a, b `[B, …]`. */
export function exampleDistance(kind: IgnDistance, a: Tensor, b: Tensor): Tensor {
  const axis = a.shape.map((_, i) => i).slice(1);
  const d = a.sub(b);
  if (kind === "l1") return d.abs().mean({ axis });
  return kind === "l2" ? d.square().mean({ axis }) : d.square().sum({ axis });
}

/** `a ρ tanh(x / (a ρ))`: odd, slope 1 at 0, never beyond `a ρ`. @param rho `[B]` or `[]`, ≥ 0. */
export function softClamp(x: Tensor, rho: Tensor, a: number): Tensor {
  const bound = rho.mul(a).add(1e-12);
  return tanh(x.div(bound)).mul(bound);
}

/**
 * The losses of one batch in one graph. With `y = f(z)` and `δ(y) = D(f(y), y)` the frozen copy of the paper is not needed:
 * `∇δ(y) − ∇δ(sg y)` is the gradient through the inner application and the target alone, `−∇δ(sg y)` that through the outer
 * one. So `w_r D(f(x), x) + w_i (δ(y) − δ(sg y)) + w_t clamp(−δ(sg y))`.
 * @param f Of the same parameters wherever it is applied; statistics of a batch must not be among them.
 * @param x Data `[B, …]`. @param z Noise like `x`. @throws OptionError for a weight below 0 or an `a` that is not above 0.
 */
export function ignLosses(f: SameShape, x: Tensor, z: Tensor, options: Partial<IgnOptions> = {}): IgnLosses {
  const { distance, weights, clamp } = { ...IGN_DEFAULTS, ...options };
  checkIgn(weights, clamp);
  const [ofData, ofIdempotence, ofTightness] = weights;
  const d = (a: Tensor, b: Tensor): Tensor => exampleDistance(distance, a, b);
  const y = f(z);
  const outer = stopGradient(y);
  const errors = d(f(x), x); // [B]
  const both = d(f(y), y);
  const outside = d(f(outer), outer);
  const bounded = (): Tensor => {
    if (clamp.type === "none") return outside.neg();
    const { rho } = clamp;
    const all = rho === "data" ? errors : rho === "noise" ? d(y, z) : errors.mean().mul(ofData);
    return softClamp(outside.neg(), clamp.through ? all : stopGradient(all), clamp.a);
  };
  const reconstruction = errors.mean();
  const tightness = bounded().mean();
  const inner = both.mean().sub(outside.mean());
  return {
    loss: reconstruction.mul(ofData).add(inner.mul(ofIdempotence)).add(tightness.mul(ofTightness)),
    reconstruction,
    idempotence: both.mean(),
    tightness,
  };
}

function checkIgn(weights: readonly number[], clamp: IgnClamp): void {
  if (weights.length !== 3 || weights.some((w) => !(w >= 0 && Number.isFinite(w)))) {
    throw new OptionError(`ignLosses: weights must be three numbers ≥ 0, got ${weights.join(", ")}.`);
  }
  if (clamp.type === "tanh" && !(clamp.a > 0)) {
    throw new OptionError(`ignLosses: a must be above 0, got ${clamp.a}.`);
  }
}

/** Applies `f` again and again. @returns `x`, `f(x)`, `f(f(x))` …, `times + 1` in all. */
export function iterate(f: SameShape, x: Tensor, times: number): Tensor[] {
  const all = [x];
  for (let i = 0; i < times; i++) all.push(f(all.at(-1) ?? x));
  return all;
}

/** The two losses of a GAN of logits (Goodfellow et al. 2014, https://arxiv.org/abs/1406.2661), the generator's non-saturating. */
export function ganLosses(real: Tensor, made: Tensor): { discriminator: Tensor; generator: Tensor } {
  return {
    discriminator: real.neg().softplus().mean().add(made.softplus().mean()),
    generator: made.neg().softplus().mean(),
  };
}
