// Posteriors, idempotence and patches in the slowest clear code over plain arrays.

type Matrix = readonly (readonly number[])[];

const sumOf = (xs: readonly number[]): number => xs.reduce((a, b) => a + b, 0);
const meanOf = (xs: readonly number[]): number => sumOf(xs) / xs.length;
const column = (rows: Matrix, j: number): number[] => rows.map((row) => row[j] ?? 0);

/** Mean over the rows of `½ Σ (μ² + σ² − log σ² − 1)`. */
export function meanDivergence(mean: Matrix, logVariance: Matrix): number {
  return meanOf(
    mean.map((row, b) =>
      sumOf(
        row.map((mu, j) => {
          const s = logVariance[b]?.[j] ?? 0;
          return 0.5 * (mu * mu + Math.exp(s) - s - 1);
        }),
      ),
    ),
  );
}

/** Each column with mean 0 and (biased) variance 1, times `gamma`, plus `beta`. */
export function normalisedColumns(x: Matrix, gamma: number, beta: number, epsilon: number): number[][] {
  return x.map((row) =>
    row.map((v, j) => {
      const all = column(x, j);
      const m = meanOf(all);
      const variance = meanOf(all.map((u) => (u - m) ** 2));
      return ((v - m) / Math.sqrt(variance + epsilon)) * gamma + beta;
    }),
  );
}

/** `W z` of a square matrix. */
export function times(w: Matrix, z: readonly number[]): number[] {
  return w.map((row) => sumOf(row.map((v, j) => v * (z[j] ?? 0))));
}

/**
 * Gradients of the squared errors of a linear `f(x) = W x` at one `z`, in closed form: idempotence `2 (W − I)ᵀ(W − I) W z zᵀ`
 * and tightness `−2 (W − I) y yᵀ` with `y = W z`.
 */
export function linearIgn(
  w: Matrix,
  z: readonly number[],
): { idempotence: number[][]; tightness: number[][] } {
  const less = w.map((row, i) => row.map((v, j) => v - Number(i === j)));
  const y = times(w, z);
  const e = times(less, y);
  const back = less.map((_, j) => sumOf(less.map((row, i) => (row[j] ?? 0) * (e[i] ?? 0))));
  return {
    idempotence: back.map((b) => z.map((v) => 2 * b * v)),
    tightness: e.map((v) => y.map((u) => -2 * v * u)),
  };
}

/** Patch `(r, c)` of an image `[H][W][C]`, its rows one after another. */
export function patchAt(image: readonly Matrix[], r: number, c: number, p: number): number[] {
  const out: number[] = [];
  for (let i = 0; i < p; i++) {
    for (let j = 0; j < p; j++) out.push(...(image[r * p + i]?.[c * p + j] ?? []));
  }
  return out;
}

/** Real part of the inverse discrete Fourier transform of `re + i im`. */
export function inverseFourier(re: Matrix, im: Matrix): number[][] {
  const [H, W] = [re.length, re[0]?.length ?? 0];
  return re.map((_, y) =>
    Array.from({ length: W }, (__, x) => {
      let sum = 0;
      for (let v = 0; v < H; v++) {
        for (let u = 0; u < W; u++) {
          const angle = 2 * Math.PI * ((v * y) / H + (u * x) / W);
          sum += (re[v]?.[u] ?? 0) * Math.cos(angle) - (im[v]?.[u] ?? 0) * Math.sin(angle);
        }
      }
      return sum / (H * W);
    }),
  );
}
