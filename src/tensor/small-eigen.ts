// Eigenvalues of many small symmetric matrices inside a program, where `eigh` runs on the host between programs.
// Jacobi 1846; in rounds of disjoint pairs: Brent and Luk 1985, "The solution of singular-value and symmetric eigenvalue
// problems on multiprocessor arrays", section 2.
import { OptionError, ShapeError } from "../errors.ts";
import { scan } from "./control.ts";
import { abs, div, less, maximum, sqrt, square, where } from "./elementwise.ts";
import { expandDims } from "./movement.ts";
import { matmul } from "./product.ts";
import { sum } from "./reduce.ts";
import { type Tensor, tensor } from "./tensor.ts";

/** Keeps a division by zero away from matrices of zeros. */
const LEAST = 1e-30;

/** Pairs of every round: each index meets each other once in `n − 1` rounds (n even), or sits one out (n odd). */
function rounds(n: number): (readonly [p: number, q: number])[][] {
  const even = n + (n % 2);
  const ring = Array.from({ length: even }, (_, i) => i);
  return Array.from({ length: even - 1 }, (_, round) => {
    const turned = [0, ...ring.slice(1).map((__, i) => 1 + ((i + round) % (even - 1)))];
    return Array.from({ length: even / 2 }, (__, k): [number, number] => {
      const [a = 0, b = 0] = [turned[k], turned[even - 1 - k]];
      return a < b ? [a, b] : [b, a];
    }).filter(([, q]) => q < n);
  });
}

/**
 * Eigenvalues, in no order, and orthonormal eigenvectors of symmetric matrices: `X = V diag(values) Vᵀ`, by Jacobi
 * rotations of disjoint pairs, all matrices at once. For sizes up to about 64; derivatives are not meant to be taken.
 * @param x `[M, N, N]`. @param sweeps Times that every pair is turned; default `5 + ⌈log₂ N⌉`.
 * @returns `values` `[M, N]`, `vectors` `[M, N, N]`.
 * @throws ShapeError unless `x` holds square matrices of known size.
 */
export function smallEigh(
  x: Tensor,
  { sweeps }: { readonly sweeps?: number } = {},
): { values: Tensor; vectors: Tensor } {
  const [, N, columns] = x.shape;
  if (x.rank !== 3 || typeof N !== "number" || N < 1 || columns !== N) {
    throw new ShapeError(`smallEigh: x must be [M, N, N] with N ≥ 1, got [${x.shape.join(", ")}].`);
  }
  const times = sweeps ?? 5 + Math.ceil(Math.log2(N));
  if (!Number.isInteger(times) || times < 1) {
    throw new OptionError(`smallEigh: sweeps must be a whole number ≥ 1, got ${times}.`);
  }
  const { dtype } = x;
  const unit = tensor(
    Float64Array.from({ length: N * N }, (_, i) => Number(i % (N + 1) === 0)),
    { shape: [N, N], dtype },
  );
  const diagonal = (a: Tensor): Tensor => sum(a.mul(unit), { axis: -1 });
  // Small and large matrices alike: squares below neither vanish nor overflow.
  const size = expandDims(expandDims(sum(abs(diagonal(x)), { axis: -1 }), -1), -1).add(LEAST);
  const start = { a: x.div(size), v: x.mul(0).add(unit) };
  const all = N === 1 ? [] : Array.from({ length: times }, () => rounds(N)).flat();
  if (all.length === 0) return { values: diagonal(x), vectors: start.v };
  // Of each round: which index meets which, and which of the two comes first.
  const partner = new Float64Array(all.length * N * N);
  const side = new Float64Array(all.length * N);
  all.forEach((pairs, t) => {
    const met = new Set(pairs.flat());
    for (let i = 0; i < N; i++) if (!met.has(i)) partner[(t * N + i) * N + i] = 1;
    for (const [p, q] of pairs) {
      partner[(t * N + p) * N + q] = 1;
      partner[(t * N + q) * N + p] = 1;
      side[t * N + p] = 1;
      side[t * N + q] = -1;
    }
  });
  const tables = {
    partner: tensor(partner, { shape: [all.length, N, N], dtype }),
    side: tensor(side, { shape: [all.length, N], dtype }),
  };
  const { carry } = scan(
    ({ a, v }: typeof start, { partner: P, side: σ }: typeof tables) => {
      const d = diagonal(a);
      const o = sum(a.mul(P), { axis: -1 });
      // t = tan of the angle, the smaller root of t² + 2θt − 1 with θ = δ/2o.
      const δ = matmul(d, P).sub(d).mul(σ);
      const steep = maximum(abs(δ).add(sqrt(square(δ).add(square(o).mul(4)))), LEAST);
      const t = where(less(δ, 0), o.mul(-2), o.mul(2)).div(steep).mul(abs(σ));
      const c = div(1, sqrt(square(t).add(1)));
      const turn = expandDims(c, -1)
        .mul(unit)
        .add(expandDims(t.mul(c).mul(σ), -1).mul(P));
      const next = { a: matmul(matmul(turn, a, { transposeA: true }), turn), v: matmul(v, turn) };
      return [next, undefined];
    },
    start,
    tables,
  );
  return { values: diagonal(carry.a).mul(sum(size, { axis: -1 })), vectors: carry.v };
}
