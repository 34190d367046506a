// Parnichkun et al. 2024, "State-free inference of state-space models: the transfer function approach", sections 3 and 4.
// https://arxiv.org/abs/2405.06147 — in the layout of Su 2024, https://kexue.fm/archives/10180: the output is read after the
// state took the input, so that the kernel needs no index of its own for time 0.
import { OptionError } from "../errors.ts";
import {
  abs,
  checkShapes,
  concat,
  type Dim,
  expandDims,
  flip,
  irfft,
  min,
  narrow,
  permute,
  reshape,
  rfft,
  scan,
  sqrt,
  sum,
  type Tensor,
  broadcastTo,
  zeros,
} from "../tensor/index.ts";
import { over, squaredModulus } from "./complex.ts";
import { causalConvolution, inverseSeries, monicOf, toLength } from "./convolution.ts";

/**
 * A filter of every channel: `K(z) = (b₁ + b₂z + … + b_d z^{d−1}) / (1 + a₁z + … + a_d z^d)` at the roots of unity of the
 * length it is made for, and `h₀` times the input beside it. Channels come in `G` groups of one denominator each.
 */
export interface RtfParams {
  readonly a: Tensor; // [G, d]
  readonly b: Tensor; // [C, d]
  readonly h0: Tensor; // [C]
}

/** What every function here is told of the length `L` that the numerator was made for. */
export interface RtfLength {
  readonly length: number;
}

function sizes(
  where: string,
  { a, b }: Omit<RtfParams, "h0">,
  L: number,
): { C: number; G: number; d: number } {
  const { G, C, d } = checkShapes(where, { a: [a, "G d"], b: [b, "C d"] });
  if (C % G !== 0) {
    throw new OptionError(`${where}: groups of a must divide the ${C} channels of b, got ${G}.`);
  }
  if (!Number.isSafeInteger(L) || d >= L) {
    throw new OptionError(`${where}: length must be a whole number above the order ${d}, got ${L}.`);
  }
  return { C, G, d };
}

/** A row for each group repeated for its channels. @param x `[G, n]`. @returns `[C, n]`. */
function perChannel(x: Tensor, C: number): Tensor {
  const [G = 1, n = 1] = x.shape;
  return reshape(broadcastTo(expandDims(x, 1), [G, C / Number(G), n]), [C, n]);
}

/**
 * The impulse response at `t < L`: `irfft(rfft(b) / rfft([1, a]))`, at a cost that does not depend on the order.
 * @param params `a` `[G, d]`, `b` `[C, d]`. @returns `[C, L]`.
 * @throws OptionError for an order that is not below the length, and for groups that do not divide the channels.
 */
export function rtfKernel(params: Omit<RtfParams, "h0">, { length: L }: RtfLength): Tensor {
  const { C, G } = sizes("rtfKernel", params, L);
  const below = rfft(toLength(monicOf(params.a), L)); // [G, ⌊L/2⌋ + 1]
  const above = rfft(toLength(params.b, L)); // [C, ⌊L/2⌋ + 1]
  const F = Number(below.re.shape[1]);
  const grouped = (x: Tensor): Tensor => reshape(x, [G, C / G, F]);
  const ratio = over(
    { re: grouped(above.re), im: grouped(above.im) },
    { re: expandDims(below.re, 1), im: expandDims(below.im, 1) },
  );
  return irfft(reshape(ratio.re, [C, F]), reshape(ratio.im, [C, F]), { length: L });
}

/**
 * The row `c` by which a companion state is read: that of `c (I − Aᴸ) = b`, so of the system `(I − Aᴸ)ᵀ cᵀ = bᵀ`. (The
 * authors' code solves it untransposed.) Nothing is solved here: `c(z) / (1 + a(z))` and the kernel agree at the first `L`
 * places, so `c = K (1 + a)` modulo `z^d`. @returns `[C, d]`.
 */
export function rtfReadout(params: Omit<RtfParams, "h0">, { length }: RtfLength): Tensor {
  const { C, d } = sizes("rtfReadout", params, length);
  const kernel = narrow(rtfKernel(params, { length }), -1, 0, d);
  return causalConvolution(perChannel(monicOf(params.a), C), kernel, d);
}

/** The kernel beyond the length it was made for, as the recurrence goes on. @returns `[C, T]`. */
function kernelUpTo(params: RtfParams, length: number, T: number): Tensor {
  if (T <= length) return narrow(rtfKernel(params, { length }), -1, 0, T);
  const C = Number(params.b.shape[0]);
  const inverse = perChannel(inverseSeries(monicOf(params.a), T), C);
  return causalConvolution(rtfReadout(params, { length }), inverse, T);
}

/**
 * `y = K ∗ u + h₀ u` of a text from its start, in parallel.
 * @param u `[B, T, C]`, of any `T`. @returns `[B, T, C]`.
 */
export function rtf(params: RtfParams, u: Tensor, { length }: RtfLength): Tensor {
  const { T } = checkShapes("rtf", { u: [u, "B~ T C"], b: [params.b, "C d"], h0: [params.h0, "C"] });
  const y = causalConvolution(kernelUpTo(params, length, T), permute(u, [0, 2, 1]), T);
  return permute(y, [0, 2, 1]).add(u.mul(params.h0));
}

/**
 * The companion state after a text: the last `d` samples of `u / (1 + a₁z + … + a_d z^d)`, newest first, zeros before the
 * first. @param a `[G, d]`. @param u `[B, T, C]`. @returns `[B, C, d]`.
 */
export function rtfPrefill(a: Tensor, u: Tensor): Tensor {
  const { T, C, d } = checkShapes("rtfPrefill", { a: [a, "G d"], u: [u, "B~ T C"] });
  const inverse = perChannel(inverseSeries(monicOf(a), T), C);
  const samples = causalConvolution(inverse, permute(u, [0, 2, 1]), T); // [B, C, T]
  return toLength(flip(narrow(samples, -1, Math.max(0, T - d), T)), d);
}

/** The state before any input. @returns `[B, C, d]`. */
export function rtfState({ b }: RtfParams, B: Dim): Tensor {
  return zeros([B, ...b.shape], { dtype: b.dtype });
}

/**
 * Inputs one after another, at `O(d)` a channel: `x ← [u − ⟨a, x⟩, x₀, …, x_{d−2}]`, `y = ⟨c, x⟩ + h₀u`. For a single new
 * token, for a length that is not known, and for a text that goes on from a state.
 * @param u `[B, T, C]`. @param state `[B, C, d]`. @returns `y` `[B, T, C]` and the state after it.
 */
export function rtfSteps(
  params: RtfParams,
  u: Tensor,
  state: Tensor,
  { length }: RtfLength,
): { y: Tensor; state: Tensor } {
  const { C, d } = checkShapes("rtfSteps", {
    u: [u, "B~ T~ C"],
    b: [params.b, "C d"],
    h0: [params.h0, "C"],
    state: [state, "B~ C d"],
  });
  const c = rtfReadout(params, { length });
  const a = perChannel(params.a, C);
  const { carry, ys } = scan(
    (x: Tensor, now: Tensor) => {
      const newest = expandDims(now.sub(sum(x.mul(a), { axis: -1 })), -1); // [B, C, 1]
      const next = d === 1 ? newest : concat([newest, narrow(x, -1, 0, d - 1)], -1);
      return [next, sum(next.mul(c), { axis: -1 })] as const;
    },
    state,
    permute(u, [1, 0, 2]),
  );
  return { y: permute(ys, [1, 0, 2]).add(u.mul(params.h0)), state: carry };
}

/**
 * Denominators whose roots lie in the disc, whatever the numbers: `a / (Σ|a| + |s| + 10⁻⁶)`, so that `Σ|a| < 1` (Montel).
 * @param a `[G, d]`. @param slack `s` `[G]`.
 */
export function montel(a: Tensor, slack: Tensor): Tensor {
  checkShapes("montel", { a: [a, "G d"], slack: [slack, "G"] });
  const size = sum(abs(a), { axis: -1, keep: true })
    .add(expandDims(abs(slack), -1))
    .add(1e-6);
  return a.div(size);
}

/** The least `|1 + a₁z + … + a_d z^d|` at the roots of unity of a length: near 0, a pole lies near one. @returns `[G]`. */
export function rtfLeastDenominator(a: Tensor, { length }: RtfLength): Tensor {
  return sqrt(min(squaredModulus(rfft(toLength(monicOf(a), length))), { axis: -1 }));
}
