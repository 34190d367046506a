// How weights begin, so that activations or gradients keep their size from layer to layer. Weights are `[O, I, …]`: a row
// per output, and behind that the places of a kernel.
import { OptionError, ShapeError } from "../errors.ts";
import { random, type Tensor, tensor } from "../tensor/index.ts";

/** Draws the first value of a parameter, as `Parameter.init` takes it. */
export type Initialiser = (key: random.Key, shape: readonly number[]) => Tensor;

/** Numbers that meet in one output, and outputs that one input meets. */
function fans(where: string, shape: readonly number[]): { in: number; out: number } {
  const [O, I, ...kernel] = shape;
  if (O === undefined || I === undefined) {
    throw new ShapeError(`${where}: shape must be [O, I, …], got [${shape.join(", ")}].`);
  }
  const places = kernel.reduce((a, b) => a * b, 1);
  return { in: I * places, out: O * places };
}

/** Uniform with variance `gain² · 2 / (in + out)`. Glorot and Bengio 2010, https://proceedings.mlr.press/v9/glorot10a.html */
export const xavierUniform =
  ({ gain = 1 }: { gain?: number } = {}): Initialiser =>
  (key, shape) => {
    const { in: from, out } = fans("xavierUniform", shape);
    const bound = gain * Math.sqrt(6 / (from + out));
    return random.uniform(key, shape, { low: -bound, high: bound });
  };

/** Normal with variance `gain² · 2 / (in + out)`. */
export const xavierNormal =
  ({ gain = 1 }: { gain?: number } = {}): Initialiser =>
  (key, shape) => {
    const { in: from, out } = fans("xavierNormal", shape);
    return random.normal(key, shape, { std: gain * Math.sqrt(2 / (from + out)) });
  };

/** `gain`: √2 (default) behind a relu. `keep`: the size of activations (`in`, default) or of gradients (`out`). */
export interface KaimingOptions {
  readonly gain?: number;
  readonly keep?: "in" | "out";
}

/** Uniform with variance `gain² / fan`. He, Zhang, Ren and Sun 2015, https://arxiv.org/abs/1502.01852 */
export const kaimingUniform =
  ({ gain = Math.SQRT2, keep = "in" }: KaimingOptions = {}): Initialiser =>
  (key, shape) => {
    const bound = gain * Math.sqrt(3 / fans("kaimingUniform", shape)[keep]);
    return random.uniform(key, shape, { low: -bound, high: bound });
  };

/** Normal with variance `gain² / fan`. */
export const kaimingNormal =
  ({ gain = Math.SQRT2, keep = "in" }: KaimingOptions = {}): Initialiser =>
  (key, shape) =>
    random.normal(key, shape, { std: gain / Math.sqrt(fans("kaimingNormal", shape)[keep]) });

/** Normal with deviation `std`, drawn from within two of them. */
export const truncatedNormal =
  ({ std = 0.02 }: { std?: number } = {}): Initialiser =>
  (key, shape) =>
    random.truncatedNormal(key, shape, { std });

/**
 * Rows (or columns, where those are fewer) that are orthonormal, times `gain`, uniform over all such matrices; `[O, I, …]`
 * counts as `[O, I · …]`. Saxe, McClelland and Ganguli 2014, https://arxiv.org/abs/1312.6120
 */
export const orthogonal =
  ({ gain = 1 }: { gain?: number } = {}): Initialiser =>
  (key, shape) => {
    if (!Number.isFinite(gain)) throw new OptionError(`orthogonal: gain must be a number, got ${gain}.`);
    const rows = shape[0] ?? 1;
    const columns = fans("orthogonal", shape).in;
    const [few, many] = [Math.min(rows, columns), Math.max(rows, columns)];
    const vectors = orthonormal(random.normals(key, few * many), few, many);
    const out = new Float32Array(rows * columns);
    for (let i = 0; i < few; i++) {
      for (let j = 0; j < many; j++) {
        out[rows <= columns ? i * columns + j : j * columns + i] = gain * (vectors[i * many + j] as number);
      }
    }
    return tensor(out, { shape, lend: true });
  };

/** The `n` rows of length `m` made orthonormal in their order, by Gram and Schmidt, twice for the digits. */
function orthonormal(rows: Float64Array, n: number, m: number): Float64Array {
  for (let i = 0; i < n; i++) {
    const row = rows.subarray(i * m, (i + 1) * m);
    for (let round = 0; round < 2; round++) {
      for (let j = 0; j < i; j++) {
        const other = rows.subarray(j * m, (j + 1) * m);
        const share = dot(row, other);
        for (let k = 0; k < m; k++) row[k] = (row[k] as number) - share * (other[k] as number);
      }
      const length = Math.sqrt(dot(row, row));
      for (let k = 0; k < m; k++) row[k] = (row[k] as number) / length;
    }
  }
  return rows;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}
