// The r principal directions of a matrix, one after another: the power method, and what it finds taken off.

type Matrix = readonly (readonly number[])[];

/** `U_r Σ_r V_rᵀ` `[O][I]`, and the r singular values. */
export function principal(w: Matrix, r: number): { product: number[][]; values: number[] } {
  let left = w.map((row) => [...row]);
  const product = w.map((row) => row.map(() => 0));
  const values: number[] = [];
  const length = (x: readonly number[]): number => Math.sqrt(x.reduce((s, v) => s + v * v, 0));
  for (let k = 0; k < r; k++) {
    let v = (w[0] ?? []).map((_, i) => 1 + 0.3 * Math.sin(i + k));
    let u: number[] = [];
    for (let turn = 0; turn < 4000; turn++) {
      u = left.map((row) => row.reduce((s, x, i) => s + x * (v[i] ?? 0), 0));
      const n = length(u);
      u = u.map((x) => x / n);
      v = v.map((_, i) => left.reduce((s, row, o) => s + (row[i] ?? 0) * (u[o] ?? 0), 0));
      const m = length(v);
      if (turn < 3999) v = v.map((x) => x / m);
    }
    values.push(length(v)); // uᵀ W
    u.forEach((x, o) => v.forEach((y, i) => ((product[o] ?? [])[i] = (product[o]?.[i] ?? 0) + x * y)));
    left = left.map((row, o) => row.map((x, i) => x - (u[o] ?? 0) * (v[i] ?? 0)));
  }
  return { product, values };
}
