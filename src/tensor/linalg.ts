// Decompositions of matrices. They run on the host in float64 through ml-matrix, whatever the dtype of the tensor;
// only products, such as those of the randomised decomposition, run in the engine. Not differentiable.
import {
  EigenvalueDecomposition,
  LuDecomposition,
  Matrix,
  QrDecomposition,
  SingularValueDecomposition,
} from "ml-matrix";
import { DtypeError, OptionError, ShapeError } from "../errors.ts";
import { type Dtype, hostArray, isFloat } from "../graph/dtype.ts";
import { evaluate } from "./compile.ts";
import { narrow } from "./movement.ts";
import { matmul } from "./product.ts";
import { type Key, normal } from "./random.ts";
import { type Tensor, tensor } from "./tensor.ts";

/** The elements of a matrix on the host. */
async function read(where: string, x: Tensor): Promise<Matrix> {
  const [rows, columns] = x.shape;
  if (x.rank !== 2 || typeof rows !== "number" || typeof columns !== "number" || rows < 1 || columns < 1) {
    throw new ShapeError(`${where}: input must be a matrix [M, N], got [${x.shape.join(", ")}].`);
  }
  if (!isFloat(x.dtype)) {
    throw new DtypeError(`${where}: input must be a float type, got ${x.dtype}. Use cast first.`);
  }
  const data = Array.from(await x.data(), Number);
  if (data.some((v) => !Number.isFinite(v))) {
    throw new OptionError(`${where}: input must be finite, got a value that is NaN or infinite.`);
  }
  return Matrix.from1DArray(rows, columns, data);
}

function write(m: Matrix, dtype: Dtype): Tensor {
  return tensor(hostArray(m.to1DArray(), dtype), { shape: [m.rows, m.columns], dtype });
}

function requireSquare(where: string, m: Matrix): void {
  if (m.rows !== m.columns) {
    throw new ShapeError(`${where}: matrix must be square, got [${m.rows}, ${m.columns}].`);
  }
}

/** `U diag(s) Vᵀ`, thin. */
export interface Svd {
  /** `[M, R]`, orthonormal columns. */
  readonly u: Tensor;
  /** `[R]`, not negative, largest first. */
  readonly s: Tensor;
  /** `[N, R]`, orthonormal columns. */
  readonly v: Tensor;
}

/**
 * Thin singular value decomposition `X = U diag(s) Vᵀ`, `R = min(M, N)`.
 * @param x `[M, N]`. @throws ShapeError unless `x` is a matrix.
 */
export async function svd(x: Tensor): Promise<Svd> {
  const m = await read("svd", x);
  const { leftSingularVectors, rightSingularVectors, diagonal } = new SingularValueDecomposition(m, {
    autoTranspose: true,
  });
  const rank = Math.min(m.rows, m.columns);
  return {
    u: write(leftSingularVectors.subMatrix(0, m.rows - 1, 0, rank - 1), x.dtype),
    s: tensor(hostArray(diagonal.slice(0, rank), x.dtype), { shape: [rank], dtype: x.dtype }),
    v: write(rightSingularVectors.subMatrix(0, m.columns - 1, 0, rank - 1), x.dtype),
  };
}

/**
 * Thin QR decomposition `X = Q R` with a diagonal of `R` that is not negative, which makes it unique for full rank.
 * @param x `[M, N]`, `M ≥ N`. @returns `q` `[M, N]` with orthonormal columns, `r` `[N, N]` upper triangular.
 */
export async function qr(x: Tensor): Promise<{ q: Tensor; r: Tensor }> {
  const m = await read("qr", x);
  if (m.rows < m.columns) {
    throw new ShapeError(
      `qr: matrix must have at least as many rows as columns, got [${m.rows}, ${m.columns}].`,
    );
  }
  const { orthogonalMatrix: q, upperTriangularMatrix: r } = new QrDecomposition(m);
  for (let i = 0; i < m.columns; i++) {
    if (r.get(i, i) >= 0) continue;
    q.mulColumn(i, -1);
    r.mulRow(i, -1);
  }
  return { q: write(q, x.dtype), r: write(r, x.dtype) };
}

/**
 * Eigenvalues (ascending) and orthonormal eigenvectors of a symmetric matrix: `X = V diag(values) Vᵀ`.
 * @param x `[N, N]`; its symmetric part `(X + Xᵀ)/2` is used. @returns `values` `[N]`, `vectors` `[N, N]`.
 */
export async function eigh(x: Tensor): Promise<{ values: Tensor; vectors: Tensor }> {
  const m = await read("eigh", x);
  requireSquare("eigh", m);
  const symmetric = Matrix.add(m, m.transpose()).mul(0.5);
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(symmetric, {
    assumeSymmetric: true,
  });
  const order = realEigenvalues
    .map((_, i) => i)
    .sort((a, b) => (realEigenvalues[a] ?? 0) - (realEigenvalues[b] ?? 0));
  const values = order.map((i) => realEigenvalues[i] ?? 0);
  const all = eigenvectorMatrix.subMatrixColumn(order);
  return {
    values: tensor(hostArray(values, x.dtype), { shape: [m.rows], dtype: x.dtype }),
    vectors: write(all, x.dtype),
  };
}

/**
 * The solution of `A x = b`, by LU with pivots for a square `A` and by least squares otherwise.
 * @param a `[M, N]`, `M ≥ N`, of full rank. @param b `[M]` or `[M, K]`. @returns `[N]` or `[N, K]`.
 * @throws OptionError when `a` is singular.
 */
export async function solve(a: Tensor, b: Tensor): Promise<Tensor> {
  const m = await read("solve", a);
  const [rows, columns] = [m.rows, m.columns];
  if (rows < columns) {
    throw new ShapeError(`solve: a must have at least as many rows as columns, got [${rows}, ${columns}].`);
  }
  const given = b.shape[0];
  if (b.rank < 1 || b.rank > 2 || given !== rows) {
    throw new ShapeError(`solve: b must be [M=${rows}] or [M=${rows}, K], got [${b.shape.join(", ")}].`);
  }
  const width = b.rank === 2 ? Number(b.shape[1]) : 1;
  const right = Matrix.from1DArray(rows, width, Array.from(await b.data(), Number));
  const factors = rows === columns ? new LuDecomposition(m) : new QrDecomposition(m);
  const singular = factors instanceof LuDecomposition ? factors.isSingular() : !factors.isFullRank();
  if (singular) throw new OptionError("solve: a must have full rank, got a singular matrix. Use svd.");
  const x = write(factors.solve(right), b.dtype);
  return b.rank === 1 ? tensor(await x.data(), { shape: [columns], dtype: b.dtype }) : x;
}

/** Options of `randomizedSvd`. */
export interface RandomizedSvdOptions {
  /** Extra directions that are sampled and dropped in the end; default 8. */
  readonly oversampling?: number;
  /** Rounds of power iteration, each two products; default 2. More help where singular values fall slowly. */
  readonly iterations?: number;
}

/**
 * The `rank` largest singular values and vectors by random projection. Halko, Martinsson and Tropp 2011,
 * algorithms 4.4 and 5.1, https://arxiv.org/abs/0909.4061. Products with `x` run in the engine.
 * @param x `[M, N]`. @param key Of the random test matrix. @returns `u` `[M, rank]`, `s` `[rank]`, `v` `[N, rank]`.
 */
export async function randomizedSvd(
  x: Tensor,
  rank: number,
  key: Key,
  { oversampling = 8, iterations = 2 }: RandomizedSvdOptions = {},
): Promise<Svd> {
  const [rows, columns] = x.shape;
  if (x.rank !== 2 || typeof rows !== "number" || typeof columns !== "number") {
    throw new ShapeError(`randomizedSvd: input must be a matrix [M, N], got [${x.shape.join(", ")}].`);
  }
  const most = Math.min(rows, columns);
  if (!Number.isInteger(rank) || rank < 1 || rank > most) {
    throw new OptionError(`randomizedSvd: rank must be between 1 and ${most}, got ${rank}.`);
  }
  const width = Math.min(most, rank + oversampling);
  const matrix = await evaluate(x);
  const test = normal(key, [columns, width], { dtype: x.dtype });
  let q = await orthonormal(matmul(matrix, test));
  for (let i = 0; i < iterations; i++) {
    const back = await orthonormal(matmul(matrix, q, { transposeA: true }));
    q = await orthonormal(matmul(matrix, back));
  }
  const small = await svd(matmul(q, matrix, { transposeA: true })); // [width, N]
  const first = (t: Tensor): Tensor => narrow(t, -1, 0, rank);
  return evaluate({ u: first(matmul(q, small.u)), s: first(small.s), v: first(small.v) });
}

async function orthonormal(x: Tensor): Promise<Tensor> {
  return (await qr(x)).q;
}
