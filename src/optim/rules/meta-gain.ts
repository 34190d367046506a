// Gains that learn themselves by exponentiated gradient. Per parameter, for plain SGD: Su 2022,
// https://kexue.fm/archives/8968. With one gain of the whole beside them ("funnelled", with momentum): Amid, Anil, Fifty
// and Warmuth 2022, "Step-size Adaptation Using Exponentiated Gradient Updates", https://arxiv.org/abs/2202.00145.
// Neither says bounds; the post gives no values at all, and the paper's were not found: γ is asked for. Ours are the
// bounds, without which products of gradients overflow, and the normalised mode.
import {
  cast,
  clip,
  exp,
  flattenTree,
  full,
  mapTree,
  maximum,
  ones,
  sign,
  sqrt,
  sum,
  type Tensor,
  zipTrees,
} from "../../tensor/index.ts";
import { clipByGlobalNorm } from "../clip.ts";
import { FIELDS, type NumberField, type RuleOf } from "../rule.ts";
import { addDecay, scaleByRate, zerosLike } from "../scale.ts";
import { chain, type Schedule, type Transform } from "../transform.ts";

export interface GainOptions {
  /** Rate of the gains, `γ`. Raw products of gradients have a unit, so no value fits all; normalised, 0.02 does. */
  readonly gamma: number;
  /** Least and largest gain; default 0.01 and 200. */
  readonly low?: number;
  readonly high?: number;
  /** Products of gradients count by their sign only; default false. */
  readonly normalise?: boolean;
}

export interface GainState<P> {
  /** Gains, `ν`. */
  readonly gain: P;
  /** The gradient of before, zeros at first. */
  readonly before: P;
}

const BOUNDS = { low: 0.01, high: 200 } as const;
/** Exponents of a step are held within this: e³⁰ is far beyond any gain's bounds, and finite. */
const LIMIT = 30;

const grown = (gain: Tensor, exponent: Tensor, low: number, high: number): Tensor =>
  clip(gain.mul(exp(clip(exponent, -LIMIT, LIMIT))), low, high);

/**
 * `ν ← ν·exp(γ·g′·g)` with the gradient g′ of before, then the update is `ν·g`: steps of one sign raise a parameter's
 * rate, alternation lowers it. `∂L/∂ν = −η g′·g` holds for plain gradient descent alone: put no momentum behind it.
 */
export function scaleByMetaGain<P>({
  gamma,
  low = BOUNDS.low,
  high = BOUNDS.high,
  normalise = false,
}: GainOptions): Transform<P, GainState<P>> {
  return {
    init: (params) => ({ gain: onesLike(params), before: zerosLike(params) }),
    update: (grads, { gain, before }) => {
      const agree = zipTrees(before, grads, (b, g) => (normalise ? sign(b).mul(sign(g)) : b.mul(g))) as P;
      const next = zipTrees(gain, agree, (v, a) => grown(v, a.mul(gamma), low, high)) as P;
      return {
        updates: zipTrees(next, grads, (v, g) => v.mul(g)) as P,
        state: { gain: next, before: mapTree(grads, (g) => g) as P },
      };
    },
  };
}

export interface FunnelOptions extends GainOptions {
  /** Rate of the gain of the whole, `γ_s`. */
  readonly whole: number;
  /** Decay of the mean gradient that gains compare with; default 0.9. */
  readonly beta?: number;
  /** Share of the former update that goes on, `μ`; default 0.9. */
  readonly momentum?: number;
}

export interface FunnelState<P> {
  /** Gains by parameter, and the gain of the whole. */
  readonly gain: P;
  readonly whole: Tensor;
  readonly mean: P;
  readonly momentum: P;
}

/**
 * `p ← p·exp(γ·m·g)`, `s ← s·exp(γ_s·⟨h, g⟩)`, `m ← βm + (1 − β)g`, `h ← μh + p·g`; the update is `s·h`. m and h are those of
 * before in the gains. Normalised, `m·g` counts by its sign and `⟨h, g⟩` as a cosine. The rate comes after, so it is
 * not in h and `⟨h, g⟩` differs from the paper's by that factor.
 */
export function scaleByFunnelledGain<P>({
  gamma,
  whole: gammaWhole,
  beta = 0.9,
  momentum = 0.9,
  low = BOUNDS.low,
  high = BOUNDS.high,
  normalise = false,
}: FunnelOptions): Transform<P, FunnelState<P>> {
  return {
    init: (params) => ({
      gain: onesLike(params),
      whole: full([], 1),
      mean: zerosLike(params),
      momentum: zerosLike(params),
    }),
    update: (grads, state) => {
      const agree = zipTrees(state.mean, grads, (m, g) => (normalise ? sign(m).mul(sign(g)) : m.mul(g))) as P;
      const gain = zipTrees(state.gain, agree, (p, a) => grown(p, a.mul(gamma), low, high)) as P;
      const along = inner(state.momentum, grads);
      const size = maximum(sqrt(inner(grads, grads).mul(inner(state.momentum, state.momentum))), 1e-30);
      const exponent = (normalise ? along.div(size) : along).mul(gammaWhole);
      const whole = grown(state.whole, exponent, low, high);
      const mean = zipTrees(state.mean, grads, (m, g) => m.mul(beta).add(g.mul(1 - beta))) as P;
      const scaled = zipTrees(gain, grads, (p, g) => p.mul(g)) as P;
      const h = zipTrees(state.momentum, scaled, (a, g) => a.mul(momentum).add(g)) as P;
      return {
        updates: mapTree(h, (a) => a.mul(cast(whole, a.dtype))) as P,
        state: { gain, whole, mean, momentum: h },
      };
    },
  };
}

/** `⟨a, b⟩` over all leaves, float32. */
function inner<P>(a: P, b: P): Tensor {
  const products = zipTrees(a, b, (x, y) => cast(sum(x.mul(y)), "float32"));
  return flattenTree(products)
    .map(([, t]) => t)
    .reduce((x, y) => x.add(y), full([], 0));
}

function onesLike<P>(params: P): P {
  return mapTree(params, (p) => ones(p.shape, { dtype: p.dtype })) as P;
}

interface Around {
  /** Decoupled weight decay of matrices and tables; default 0. */
  readonly decay?: number;
  /** Global norm to clip gradients to; no clipping when absent or 0. */
  readonly clip?: number;
}

/** Gradient descent with a gain for each parameter: clip, gains, decoupled decay, rate. */
export function metaGain<P>(
  schedule: Schedule,
  { decay = 0, clip: most = 0, ...gain }: GainOptions & Around,
): Transform<P, Record<string, unknown>> {
  return around(schedule, scaleByMetaGain<P>(gain), { decay, clip: most });
}

/** Gradient descent with momentum, a gain for each parameter and one of the whole. */
export function funnelledGain<P>(
  schedule: Schedule,
  { decay = 0, clip: most = 0, ...gain }: FunnelOptions & Around,
): Transform<P, Record<string, unknown>> {
  return around(schedule, scaleByFunnelledGain<P>(gain), { decay, clip: most });
}

function around<P>(
  schedule: Schedule,
  gain: Transform<P, unknown>,
  { decay, clip: most }: Required<Around>,
): Transform<P, Record<string, unknown>> {
  return chain<P, Record<string, Transform<P, unknown>>>({
    ...(most !== 0 && { clip: clipByGlobalNorm<P>(most) }),
    gain,
    ...(decay !== 0 && { decay: addDecay<P>(decay) }),
    rate: scaleByRate<P>(schedule),
  });
}

export interface MetaGainConfig {
  readonly type: "meta-gain";
  readonly gamma: number;
  readonly low: number;
  readonly high: number;
  readonly normalise: number;
  readonly decay: number;
  readonly clip: number;
}

export interface FunnelledGainConfig extends Omit<MetaGainConfig, "type"> {
  readonly type: "funnelled-gain";
  readonly whole: number;
  readonly beta: number;
  readonly momentum: number;
}

const gainField = (about: string, usual: number): NumberField => ({ about, low: 0, high: 100, usual });

const COMMON = {
  low: { about: "least gain", low: 1e-6, high: 1, usual: BOUNDS.low },
  high: { about: "largest gain", low: 1, high: 1e6, usual: BOUNDS.high },
  normalise: { about: "1: only signs and cosines count", low: 0, high: 1, usual: 1, whole: true },
  decay: FIELDS.decay(0),
  clip: FIELDS.clip(1),
} as const;

export const metaGainRule: RuleOf<MetaGainConfig> = {
  type: "meta-gain",
  about: "gradient descent whose rate for each parameter learns itself (Su 2022)",
  rate: 0.3,
  needs: { gamma: gainField("rate of the gains", 0.02), ...COMMON },
  make: (rate, config) => metaGain(rate, { ...config, normalise: config.normalise === 1 }),
};

export const funnelledGainRule: RuleOf<FunnelledGainConfig> = {
  type: "funnelled-gain",
  about: "momentum with learning gains, of each parameter and of the whole (Amid et al. 2022)",
  rate: 0.1,
  needs: {
    gamma: gainField("rate of the gains of parameters", 0.002),
    whole: gainField("rate of the gain of the whole", 0.02),
    beta: FIELDS.beta("decay of the mean gradient that gains compare with", 0.9),
    momentum: FIELDS.beta("share of the former update that goes on", 0.9),
    ...COMMON,
  },
  make: (rate, config) => funnelledGain(rate, { ...config, normalise: config.normalise === 1 }),
};
