// State spaces, filters and recurrences over plain arrays, one number at a time.

/** `x` times a square matrix from the left, `A x`. */
export function times(A: readonly (readonly number[])[], x: readonly number[]): number[] {
  return A.map((row) => row.reduce((sum, a, j) => sum + a * (x[j] ?? 0), 0));
}

const dot = (x: readonly number[], y: readonly number[]): number =>
  x.reduce((sum, a, i) => sum + a * (y[i] ?? 0), 0);

/** `Kₜ = c Aᵗ b` for `t < T`. */
export function kernel(
  A: readonly (readonly number[])[],
  b: readonly number[],
  c: readonly number[],
  T: number,
): number[] {
  const out: number[] = [];
  let x = [...b];
  for (let t = 0; t < T; t++) {
    out.push(dot(c, x));
    x = times(A, x);
  }
  return out;
}

/** The companion matrix: `−a` above, ones below the diagonal. */
export function companion(a: readonly number[]): number[][] {
  return a.map((_, i) => a.map((x, j) => (i === 0 ? -x : Number(i === j + 1))));
}

export function transposed(A: readonly (readonly number[])[]): number[][] {
  return A.map((_, i) => A.map((row) => row[i] ?? 0));
}

/** `I − Aᴸ`. */
export function withoutPower(A: readonly (readonly number[])[], L: number): number[][] {
  let columns = A.map((_, i) => A.map((__, j) => Number(i === j)));
  for (let t = 0; t < L; t++) columns = columns.map((x) => times(A, x));
  return A.map((_, i) => A.map((__, j) => Number(i === j) - (columns[j]?.[i] ?? 0)));
}

/** The solution of `A x = b` by Gauss's elimination with pivots. */
export function solved(A: readonly (readonly number[])[], b: readonly number[]): number[] {
  const rows = A.map((row, i) => [...row, b[i] ?? 0]);
  const n = rows.length;
  for (let k = 0; k < n; k++) {
    let best = k;
    for (let i = k; i < n; i++) {
      if (Math.abs(rows[i]?.[k] ?? 0) > Math.abs(rows[best]?.[k] ?? 0)) best = i;
    }
    [rows[k], rows[best]] = [rows[best] ?? [], rows[k] ?? []];
    const pivot = rows[k] ?? [];
    for (let i = 0; i < n; i++) {
      if (i === k) continue;
      const ratio = (rows[i]?.[k] ?? 0) / (pivot[k] ?? Number.NaN);
      rows[i] = (rows[i] ?? []).map((x, j) => x - ratio * (pivot[j] ?? 0));
    }
  }
  return rows.map((row, i) => (row[n] ?? 0) / (row[i] ?? Number.NaN));
}

/** `y_t = ⟨c, x_t⟩ + h₀u_t` of the companion recurrence, and its last state. */
export function recurrence(
  a: readonly number[],
  c: readonly number[],
  h0: number,
  u: readonly number[],
): { y: number[]; state: number[] } {
  let x = a.map(() => 0);
  const y = u.map((now) => {
    x = [now - dot(a, x), ...x.slice(0, -1)];
    return dot(c, x) + h0 * now;
  });
  return { y, state: x };
}
