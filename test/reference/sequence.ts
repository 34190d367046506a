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

/** Weights of a cell, rows in the order of its gates. */
export interface Weights {
  readonly input: readonly (readonly number[])[];
  readonly inputBias: readonly number[];
  readonly hidden: readonly (readonly number[])[];
  readonly hiddenBias: readonly number[];
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** All states of a cell by its formulas, one unit at a time. */
export function states(
  name: "tanh" | "gru" | "lstm" | "mgu",
  w: Weights,
  u: readonly (readonly number[])[],
  h0: readonly number[],
): number[][] {
  const n = name === "lstm" ? h0.length / 2 : h0.length;
  const units = Array.from({ length: n }, (_, i) => i);
  const row = (
    rows: readonly (readonly number[])[],
    bias: readonly number[],
    i: number,
    x: readonly number[],
  ) => dot(rows[i] ?? [], x) + (bias[i] ?? 0);
  let h = [...h0];
  return u.map((now) => {
    const [out, memory] = [h.slice(0, n), h.slice(n)];
    const own = (gate: number, i: number, x: readonly number[] = out): number =>
      row(w.hidden, w.hiddenBias, gate * n + i, x);
    const given = (gate: number, i: number): number => row(w.input, w.inputBias, gate * n + i, now);
    if (name === "tanh") h = units.map((i) => Math.tanh(own(0, i) + given(0, i)));
    if (name === "gru") {
      h = units.map((i) => {
        const [r, z] = [sigmoid(own(0, i) + given(0, i)), sigmoid(own(1, i) + given(1, i))];
        return (1 - z) * Math.tanh(given(2, i) + r * own(2, i)) + z * (out[i] ?? 0);
      });
    }
    if (name === "lstm") {
      const gate = (k: number, i: number): number => own(k, i) + given(k, i);
      const c = units.map(
        (i) => sigmoid(gate(1, i)) * (memory[i] ?? 0) + sigmoid(gate(0, i)) * Math.tanh(gate(2, i)),
      );
      h = [...units.map((i) => sigmoid(gate(3, i)) * Math.tanh(c[i] ?? 0)), ...c];
    }
    if (name === "mgu") {
      const f = units.map((i) => sigmoid(own(0, i) + given(0, i)));
      const kept = out.map((x, i) => x * (f[i] ?? 0));
      h = units.map(
        (i) => (1 - (f[i] ?? 0)) * (out[i] ?? 0) + (f[i] ?? 0) * Math.tanh(given(1, i) + own(1, i, kept)),
      );
    }
    return h;
  });
}
