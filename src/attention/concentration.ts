// Su 2023, "Can linear attention concentrate?", https://kexue.fm/archives/9889: the sparsity S(a) = E|a| / √E[a²] of an
// unnormalised row of attention, 1 when flat and towards 0 when one key takes all.
import { OptionError, ShapeError } from "../errors.ts";
import { abs, checkShapes, sqrt, square, sum, type Tensor } from "../tensor/index.ts";

/**
 * `S` of each row, over what is visible.
 * @param weights `[B, H, T, S]`, normalised or not. @param visible Numbers of keys each query sees, `[T]`; default
 *   all `S`. @returns `[B, H, T]`.
 */
export function concentration(weights: Tensor, visible?: Tensor): Tensor {
  const { S, T } = checkShapes("concentration", { weights: [weights, "B~ H~ T~ S~"] });
  if (visible && visible.shape[0] !== T) {
    throw new ShapeError(`concentration: visible must be [T=${T}], got [${visible.shape.join(", ")}].`);
  }
  const first = sum(abs(weights), { axis: -1 });
  const second = sum(square(weights), { axis: -1 });
  if (visible) return first.div(sqrt(second.mul(visible)));
  if (typeof S !== "number") {
    throw new OptionError(`concentration: visible must be given when S is unknown, got ${S}.`);
  }
  return first.div(sqrt(second.mul(S)));
}

/** How scores become weights in the closed forms: `exp`, `relu²`, or the score itself. */
export type ScoreMap = "exp" | "relu2" | "identity";

/**
 * `S` in closed form for keys `N(μ, σ²I)`: `β = q·μ`, `γ = σ‖q‖`.
 * For `exp` it is `e^(−γ²/2)`, whatever β; for `identity` never below √(2/π); for `relu²` it falls to 0 for β < 0 only.
 */
export function expectedConcentration(map: ScoreMap, beta: number, gamma: number): number {
  if (!(gamma > 0)) throw new OptionError(`expectedConcentration: gamma must be above 0, got ${gamma}.`);
  if (map === "exp") return Math.exp(-(gamma ** 2) / 2);
  const G = Math.exp(-(beta ** 2) / (2 * gamma ** 2));
  const e = erf(beta / (Math.SQRT2 * gamma));
  if (map === "identity") {
    return (Math.sqrt(2 / Math.PI) * gamma * G + beta * e) / Math.hypot(beta, gamma);
  }
  const F = e + 1;
  const fourth = beta ** 4 + 6 * beta ** 2 * gamma ** 2 + 3 * gamma ** 4;
  const second =
    2 * Math.SQRT2 * beta * gamma * G * (beta ** 2 + 5 * gamma ** 2) + 2 * Math.sqrt(Math.PI) * fourth * F;
  const first = Math.SQRT2 * beta * gamma * G + Math.sqrt(Math.PI) * (beta ** 2 + gamma ** 2) * F;
  return first / (Math.PI ** 0.25 * Math.sqrt(second));
}

/** The same by quadrature, `E|f(β + γε)| / √E f²(β + γε)`, ε normal: Simpson's rule on either side of the kink. */
export function measuredConcentration(f: (score: number) => number, beta: number, gamma: number): number {
  const kink = Math.min(12, Math.max(-12, -beta / gamma));
  const expectation = (g: (score: number) => number): number => {
    const density = (e: number): number => g(beta + gamma * e) * Math.exp((-e * e) / 2);
    return (simpson(density, -12, kink) + simpson(density, kink, 12)) / Math.sqrt(2 * Math.PI);
  };
  return expectation((a) => Math.abs(f(a))) / Math.sqrt(expectation((a) => f(a) ** 2));
}

function simpson(f: (x: number) => number, from: number, to: number, steps = 4000): number {
  const h = (to - from) / steps;
  let total = f(from) + f(to);
  for (let i = 1; i < steps; i++) total += (i % 2 === 1 ? 4 : 2) * f(from + i * h);
  return (total * h) / 3;
}

/**
 * `S` of non-negative linear attention `a ∝ g(q)·h(k)` with feature mean `μ̃` and covariance `Σ̃`:
 * `(1 + q̃ᵀΣ̃q̃ / (q̃ᵀμ̃)²)^(−1/2)`.
 * @param q Features of the query. @param mean `μ̃`. @param covariance Rows of `Σ̃`.
 */
export function linearConcentration(
  q: readonly number[],
  mean: readonly number[],
  covariance: readonly (readonly number[])[],
): number {
  const spread = inner(
    q,
    covariance.map((row) => inner(row, q)),
  );
  return (1 + spread / inner(q, mean) ** 2) ** -0.5;
}

/**
 * The same for features that are independent and alike, of mean `μ̃` and deviation `σ̃`:
 * `(1 + (σ̃/μ̃ · ‖q̃‖₂/‖q̃‖₁)²)^(−1/2)`. As `‖q̃‖₂/‖q̃‖₁` lies between `1/√d` and 1, a row is flat unless features are nearly
 * pure noise.
 * @param q Features of the query, not negative. @param mean `μ̃` > 0. @param deviation `σ̃` ≥ 0.
 */
export function independentConcentration(q: readonly number[], mean: number, deviation: number): number {
  if (!(mean > 0) || !(deviation >= 0)) {
    throw new OptionError(
      `independentConcentration: mean must be above 0 and deviation at least 0, got ${mean} and ${deviation}.`,
    );
  }
  const ratio = Math.hypot(...q) / q.reduce((s, x) => s + Math.abs(x), 0);
  return (1 + ((deviation / mean) * ratio) ** 2) ** -0.5;
}

function inner(a: readonly number[], b: readonly number[]): number {
  return a.reduce((s, x, i) => s + x * (b[i] ?? 0), 0);
}

/**
 * `S` of weights `λ^(n−j)`: `√((1 − λⁿ)(1 + λ) / (n(1 − λ)(1 + λⁿ)))`, which falls to 0 with n, but always on the newest
 * tokens; λ = 1 is flat.
 */
export function decayConcentration(lambda: number, n: number): number {
  if (!(lambda > 0 && lambda <= 1)) {
    throw new OptionError(`decayConcentration: lambda must be in (0, 1], got ${lambda}.`);
  }
  if (lambda === 1) return 1;
  const power = lambda ** n;
  return Math.sqrt(((1 - power) * (1 + lambda)) / (n * (1 - lambda) * (1 + power)));
}

/** The error function: its series up to 3, its continued fraction beyond, to about 1e-15. */
function erf(x: number): number {
  const a = Math.abs(x);
  if (a > 3) {
    let fraction = 0;
    for (let n = 60; n >= 1; n--) fraction = n / 2 / (a + fraction);
    return Math.sign(x) * (1 - Math.exp(-a * a) / (Math.sqrt(Math.PI) * (a + fraction)));
  }
  let term = x;
  let total = x;
  for (let n = 1; n < 80; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    total += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * total;
}
