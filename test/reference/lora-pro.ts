// LoRA-Pro by what it is defined as: of all pairs (H_A, H_B), the dense gradient s (H_B A + B H_A) nearest to G, found by
// projecting G on a basis of all that such pairs can reach (Gram and Schmidt), one number at a time.

type Matrix = readonly (readonly number[])[];

/** The nearest reachable gradient, `[O][I]`. @param g `[O][I]`. @param a `[r][I]`. @param b `[O][r]`. */
export function nearestGradient(g: Matrix, a: Matrix, b: Matrix): number[][] {
  const [O, I, r] = [g.length, g[0]?.length ?? 0, a.length];
  const reach: number[][] = [];
  for (let k = 0; k < r; k++) {
    for (let i = 0; i < I; i++)
      reach.push(g.flatMap((_, o) => Array.from({ length: I }, (__, j) => (j === i ? (b[o]?.[k] ?? 0) : 0))));
    for (let o = 0; o < O; o++)
      reach.push(g.flatMap((_, p) => Array.from({ length: I }, (__, j) => (p === o ? (a[k]?.[j] ?? 0) : 0))));
  }
  const dot = (x: readonly number[], y: readonly number[]): number =>
    x.reduce((s, v, i) => s + v * (y[i] ?? 0), 0);
  const basis: number[][] = [];
  for (const vector of reach) {
    let left = vector;
    for (let twice = 0; twice < 2; twice++)
      for (const e of basis) {
        const along = dot(left, e);
        left = left.map((v, i) => v - along * (e[i] ?? 0));
      }
    const size = Math.sqrt(dot(left, left));
    if (size > 1e-9 * Math.sqrt(dot(vector, vector))) basis.push(left.map((v) => v / size));
  }
  const flat = g.flat();
  const near = flat.map(() => 0);
  for (const e of basis) {
    const along = dot(flat, e);
    e.forEach((v, i) => (near[i] = (near[i] ?? 0) + along * v));
  }
  return g.map((_, o) => near.slice(o * I, (o + 1) * I));
}

/** One step of Adam on a number, moments given: `[m, v, update]`. */
export function adamStep(
  g: number,
  m: number,
  v: number,
  t: number,
  { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 }: { beta1?: number; beta2?: number; epsilon?: number } = {},
): [m: number, v: number, u: number] {
  const [m1, v1] = [beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g * g];
  return [m1, v1, m1 / (1 - beta1 ** t) / (Math.sqrt(v1 / (1 - beta2 ** t)) + epsilon)];
}
