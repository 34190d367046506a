// LoRA one number at a time: W0 + s (B A − B0 A0), and the gradients of a loss by its factors from the dense one.

type Matrix = readonly (readonly number[])[];

const at = (m: Matrix, i: number, j: number): number => m[i]?.[j] ?? Number.NaN;

/** `W0 + s (B A − B0 A0)` of rows. */
export function adapted(w: Matrix, a: Matrix, b: Matrix, s: number, a0?: Matrix, b0?: Matrix): number[][] {
  return w.map((row, o) =>
    row.map((x, i) => {
      let sum = 0;
      for (let k = 0; k < a.length; k++) {
        sum += at(b, o, k) * at(a, k, i);
        if (a0 && b0) sum -= at(b0, o, k) * at(a0, k, i);
      }
      return x + s * sum;
    }),
  );
}

/** From `G` `[O, I]`, the gradient by the dense matrix: `s Bᵀ G` by `lora_A`, `s G Aᵀ` by `lora_B`. */
export function factorGradients(
  g: Matrix,
  a: Matrix,
  b: Matrix,
  s: number,
): { a: number[][]; b: number[][] } {
  const rank = a.length;
  const columns = g[0]?.length ?? 0;
  return {
    a: Array.from({ length: rank }, (_, k) =>
      Array.from(
        { length: columns },
        (_, i) => s * g.reduce((sum, _, o) => sum + at(b, o, k) * at(g, o, i), 0),
      ),
    ),
    b: g.map((row) =>
      Array.from({ length: rank }, (_, k) => s * row.reduce((sum, x, i) => sum + x * at(a, k, i), 0)),
    ),
  };
}
