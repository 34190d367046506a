// Power series modulo z^T, which is what causal filters are: products by our FFT, inverses by Newton's method.
import { concat, irfft, narrow, pad, rfft, type Tensor } from "../tensor/index.ts";
import { times } from "./complex.ts";

/** `x` cut, or continued by zeros, to `T` places of its last axis. */
export function toLength(x: Tensor, T: number): Tensor {
  const n = Number(x.shape.at(-1));
  if (n >= T) return narrow(x, -1, 0, T);
  return pad(
    x,
    x.shape.map((_, axis) => [0, axis === x.rank - 1 ? T - n : 0] as const),
  );
}

/**
 * `yₜ = Σ_{j ≤ t} kⱼ u_{t−j}` for `t < T`, the product of two series modulo `z^T`; leading axes broadcast.
 * @param k `[…, any]`. @param u `[…, any]`. @returns `[…, T]`.
 */
export function causalConvolution(k: Tensor, u: Tensor, T: number): Tensor {
  // A power of two of at least 2T − 1 places, so that nothing wraps round.
  let n = 2;
  while (n < 2 * T - 1) n *= 2;
  const spectrum = (x: Tensor) => rfft(toLength(toLength(x, Math.min(T, Number(x.shape.at(-1)))), n));
  const { re, im } = times(spectrum(k), spectrum(u));
  return narrow(irfft(re, im, { length: n }), -1, 0, T);
}

/**
 * `1 / (1 + a₁z + … + a_d z^d)` modulo `z^T`: `g ← g(2 − ag)` doubles the places that are right.
 * @param monic `[…, d + 1]`, beginning with 1. @returns `[…, T]`.
 */
export function inverseSeries(monic: Tensor, T: number): Tensor {
  let g = narrow(monic, -1, 0, 1); // 1
  for (let n = 1; n < T; ) {
    n = Math.min(2 * n, T);
    const product = causalConvolution(monic, g, n); // 1 + error
    g = toLength(g, n)
      .mul(2)
      .sub(causalConvolution(g, product, n));
  }
  return g;
}

/** `[1, a₁, …, a_d]`. @param a `[…, d]`. */
export function monicOf(a: Tensor): Tensor {
  const one = narrow(a, -1, 0, 1).mul(0).add(1);
  return concat([one, a], -1);
}
