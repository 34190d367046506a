// Gu, Goel and Ré 2021, "Efficiently modeling long sequences with structured state spaces", section 3 and appendix C.
// https://arxiv.org/abs/2111.00396 — the slow road to a kernel, beside which `rtf` is the short one.
import { OptionError } from "../errors.ts";
import {
  checkShapes,
  type Complex,
  expandDims,
  irfft,
  reshape,
  sum,
  type Tensor,
  tensor,
} from "../tensor/index.ts";
import { minus, over, times } from "./complex.ts";

/** A state space `x′ = (Λ − p p*) x + b u`, and the row `c̃ = c (I − Āᴸ)` in the same basis. */
export interface S4Params {
  readonly lambda: Complex; // [N]
  readonly p: Complex; // [N]
  readonly b: Complex; // [N]
  readonly c: Complex; // [N]
}

/**
 * The kernel `Kₜ = c Āᵗ B̄` of `L` steps of `Δ` by the bilinear rule, as the truncated generating function at the roots of unity
 * `z`: with `w = 1 − z`, `v = Δ(1 + z)/2` and Cauchy sums `⟨x, y⟩ = Σ xₙ yₙ / (w − v λₙ)`, Woodbury's identity gives
 * `K̂(z) = Δ (⟨c̃, b⟩ − v ⟨c̃, p⟩ ⟨p*, b⟩ / (1 + v ⟨p*, p⟩))`.
 * @param params Eigenvalues in conjugate pairs, so that the kernel is real. @returns `[L]`.
 */
export function s4Kernel(
  params: S4Params,
  { length: L, step }: { readonly length: number; readonly step: number },
): Tensor {
  const { lambda, p, b, c } = params;
  const one = (x: Complex) => [x.re, "N"] as const;
  checkShapes("s4Kernel", { lambda: one(lambda), p: one(p), b: one(b), c: one(c) });
  if (!Number.isSafeInteger(L) || L < 1 || !(step > 0)) {
    throw new OptionError(
      `s4Kernel: length must be a whole number ≥ 1 and step above 0, got ${L} and ${step}.`,
    );
  }
  const { dtype } = lambda.re;
  const roots = Array.from({ length: Math.floor(L / 2) + 1 }, (_, k) => (2 * Math.PI * k) / L);
  const column = (f: (angle: number) => number): Tensor =>
    tensor(Float64Array.from(roots, f), { shape: [roots.length, 1], dtype });
  const w: Complex = { re: column((x) => 1 - Math.cos(x)), im: column(Math.sin) };
  const v: Complex = {
    re: column((x) => (step / 2) * (1 + Math.cos(x))),
    im: column((x) => (-step / 2) * Math.sin(x)),
  };
  const below = minus(w, times(v, lambda)); // [F, N]
  const cauchy = (x: Complex, y: Complex): Complex => {
    const { re, im } = over(times(x, y), below);
    return { re: expandDims(sum(re, { axis: -1 }), 1), im: expandDims(sum(im, { axis: -1 }), 1) };
  };
  const adjoint: Complex = { re: p.re, im: p.im.neg() };
  const inner = times(v, cauchy(adjoint, p));
  const low = over(times(times(v, cauchy(c, p)), cauchy(adjoint, b)), { re: inner.re.add(1), im: inner.im });
  const { re, im } = minus(cauchy(c, b), low); // [F, 1]
  return irfft(reshape(re, [roots.length]), reshape(im, [roots.length]), { length: L }).mul(step);
}
