// Singular values by one-sided Jacobi rotations, the plainest way there is, and what LoRA-GA's start is measured by.

type Matrix = readonly (readonly number[])[];

const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, x, i) => sum + x * (b[i] ?? Number.NaN), 0);

export const turned = (m: Matrix): number[][] =>
  (m[0] ?? []).map((_, j) => m.map((row) => row[j] ?? Number.NaN));

export const product = (a: Matrix, b: Matrix): number[][] => {
  const columns = turned(b);
  return a.map((row) => columns.map((column) => dot(row, column)));
};

/** Singular values of a matrix, largest first: its rows are turned in pairs until all are orthogonal. */
export function singularValues(m: Matrix): number[] {
  const rows = m.map((row) => [...row]);
  for (let sweep = 0; sweep < 60; sweep++) {
    for (let p = 0; p < rows.length; p++) {
      for (let q = p + 1; q < rows.length; q++) {
        const [x, y] = [rows[p] ?? [], rows[q] ?? []];
        const angle = 0.5 * Math.atan2(2 * dot(x, y), dot(x, x) - dot(y, y));
        const [c, s] = [Math.cos(angle), Math.sin(angle)];
        rows[p] = x.map((v, i) => c * v + s * (y[i] ?? 0));
        rows[q] = x.map((v, i) => c * (y[i] ?? 0) - s * v);
      }
    }
  }
  return rows.map((row) => Math.sqrt(dot(row, row))).sort((a, b) => b - a);
}

/** `√Σ x²`. */
export const norm = (m: Matrix): number => Math.sqrt(m.reduce((sum, row) => sum + dot(row, row), 0));

export const less = (a: Matrix, b: Matrix): number[][] =>
  a.map((row, i) => row.map((x, j) => x - (b[i]?.[j] ?? Number.NaN)));

export const plus = (a: Matrix, b: Matrix): number[][] =>
  a.map((row, i) => row.map((x, j) => x + (b[i]?.[j] ?? Number.NaN)));

/** `‖G AᵀA + B Bᵀ G − G‖`, what the start is to make small. */
export function residual(g: Matrix, a: Matrix, b: Matrix): number {
  const left = product(g, product(turned(a), a));
  const right = product(product(b, turned(b)), g);
  return norm(less(plus(left, right), g));
}
