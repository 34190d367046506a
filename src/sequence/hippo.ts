// Gu et al. 2020, "HiPPO", section 3 (LegS), https://arxiv.org/abs/2008.07669; as a normal matrix plus rank one in Gu, Goel
// and Ré 2021, "S4", theorem 1, https://arxiv.org/abs/2111.00396.
import { OptionError } from "../errors.ts";
import {
  checkShapes,
  type Complex,
  eigh,
  evaluate,
  gather,
  matmul,
  narrow,
  iota,
  oneHot,
  reshape,
  solve,
  tensor,
  type Tensor,
} from "../tensor/index.ts";

/** `x′ = A x + B u`. */
export interface StateEquation {
  readonly A: Tensor; // [N, N]
  readonly B: Tensor; // [N]
}

function checkOrder(where: string, N: number): void {
  if (!Number.isSafeInteger(N) || N < 1) {
    throw new OptionError(`${where}: order must be a whole number ≥ 1, got ${N}.`);
  }
}

/**
 * The equation of the coefficients of all the past in Legendre polynomials, scaled to its length: `Aₙₖ = −√((2n+1)(2k+1))`
 * for `n > k`, `−(n+1)` for `n = k`, 0 else; `Bₙ = √(2n+1)`. In float64.
 */
export function hippoLegS(N: number): StateEquation {
  checkOrder("hippoLegS", N);
  const A = Float64Array.from({ length: N * N }, (_, at) => {
    const [n, k] = [Math.floor(at / N), at % N];
    if (n === k) return -(n + 1);
    return n > k ? -Math.sqrt((2 * n + 1) * (2 * k + 1)) : 0;
  });
  const B = Float64Array.from({ length: N }, (_, n) => Math.sqrt(2 * n + 1));
  return { A: tensor(A, { shape: [N, N] }), B: tensor(B) };
}

/**
 * Steps of `Δ` by the trapezoidal (bilinear) rule: `Ā = (I − Δ/2 A)⁻¹ (I + Δ/2 A)`, `B̄ = (I − Δ/2 A)⁻¹ Δ B`.
 * @throws OptionError for a step that is not above 0.
 */
export async function discretise({ A, B }: StateEquation, step: number): Promise<StateEquation> {
  const { N } = checkShapes("discretise", { A: [A, "N N"], B: [B, "N"] });
  if (!(step > 0 && step < Infinity)) throw new OptionError(`discretise: step must be above 0, got ${step}.`);
  const eye = oneHot(iota(N), N, { dtype: A.dtype });
  const half = A.mul(step / 2);
  const left = eye.sub(half);
  return { A: await solve(left, eye.add(half)), B: await solve(left, B.mul(step)) };
}

/** `A = V (Λ − p p*) V*` with `V` unitary; `b = V* B`. */
export interface DiagonalPlusLowRank {
  readonly lambda: Complex; // [N]
  readonly p: Complex; // [N]
  readonly b: Complex; // [N]
  readonly v: Complex; // [N, N]
}

/**
 * HiPPO-LegS in the basis that makes it diagonal but for rank one: `A + P Pᵀ`, `Pₙ = √(n + ½)`, is `−½ I` plus a
 * skew-symmetric `S`, and `i S` is Hermitian. Its eigenvectors come from those of the real matrix `[[0, −S], [S, 0]]`, where
 * each eigenvalue stands twice.
 */
export async function hippoDiagonal(N: number): Promise<DiagonalPlusLowRank> {
  checkOrder("hippoDiagonal", N);
  const { B } = hippoLegS(N);
  const root = (n: number): number => Math.sqrt(2 * n + 1);
  const skew = (n: number, k: number): number => (Math.sign(k - n) * root(n) * root(k)) / 2;
  const embedded = Float64Array.from({ length: 4 * N * N }, (_, at) => {
    const [row, column] = [Math.floor(at / (2 * N)), at % (2 * N)];
    if (row < N === column < N) return 0;
    return (row < N ? -1 : 1) * skew(row % N, column % N);
  });
  const { values, vectors } = await eigh(tensor(embedded, { shape: [2 * N, 2 * N] }));
  const every = tensor(Int32Array.from({ length: N }, (_, i) => 2 * i));
  const chosen = gather(vectors, every, 1); // [2N, N], of length one
  const v: Complex = { re: narrow(chosen, 0, 0, N), im: narrow(chosen, 0, N, 2 * N) };
  const P = tensor(Float64Array.from({ length: N }, (_, n) => Math.sqrt(n + 0.5)));
  const turned = (x: Tensor): Complex => ({
    re: reshape(matmul(reshape(x, [1, N]), v.re), [N]),
    im: reshape(matmul(reshape(x, [1, N]), v.im), [N]).neg(),
  });
  // i S v = μ v, so S v = −i μ v.
  const mu = gather(values, every);
  return evaluate({
    lambda: { re: mu.mul(0).sub(0.5), im: mu.neg() },
    p: turned(P),
    b: turned(B),
    v,
  });
}
