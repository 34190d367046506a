// Discrete Fourier transforms as a few dense products (the Monarch factorisation): a length n₁ n₂ becomes products
// with the matrices of n₁ and n₂ and a table of twiddle factors between them (Cooley and Tukey 1965; as matrices in
// Dao et al. 2022, https://arxiv.org/abs/2204.00595). Derivatives follow from those of the products.
import { DtypeError, ShapeError } from "../errors.ts";
import { type Dtype, hostArray, isFloat } from "../graph/dtype.ts";
import { concat, flip, narrow, pad, reshape, transpose } from "./movement.ts";
import { matmul } from "./product.ts";
import { requireTensor, type Tensor, tensor, zeros } from "./tensor.ts";

/** A complex tensor in two parts of one shape. */
export interface Complex {
  readonly re: Tensor;
  readonly im: Tensor;
}

/** Up to this length one dense product is quickest. */
const DENSE = 64;
/** A prime above this length goes through Bluestein's convolution. */
const DENSE_PRIME = 256;

/** Constants by name: all transforms of one length and dtype share them, and so do equal programs. */
const constants = new Map<string, Tensor>();

function constant(
  name: string,
  shape: readonly number[],
  dtype: Dtype,
  fill: (at: number) => number,
): Tensor {
  const key = `${name} ${dtype}`;
  const known = constants.get(key);
  if (known) return known;
  const values = Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => fill(i));
  const made = tensor(hostArray(values, dtype), { shape, dtype, lend: true });
  constants.set(key, made);
  return made;
}

/** `cos(2π m / n)`, exact at the quarters. */
function cosine(m: number, n: number): number {
  const r = ((m % n) + n) % n;
  if (4 * r === n || 4 * r === 3 * n) return 0;
  return Math.cos((2 * Math.PI * r) / n);
}

/** `sin(2π m / n)`, exact at the quarters. */
function sine(m: number, n: number): number {
  const r = ((m % n) + n) % n;
  if (r === 0 || 2 * r === n) return 0;
  return Math.sin((2 * Math.PI * r) / n);
}

/** Length of the last axis, and that both parts agree. */
function lengthOf(where: string, re: Tensor, im: Tensor | undefined): number {
  requireTensor(where, "re", re);
  if (im !== undefined) requireTensor(where, "im", im);
  const n = re.shape.at(-1);
  if (typeof n !== "number" || n < 1) {
    throw new ShapeError(`${where}: the last axis must have a known size ≥ 1, got [${re.shape.join(", ")}].`);
  }
  if (!isFloat(re.dtype)) {
    throw new DtypeError(`${where}: input must be a float type, got ${re.dtype}. Use cast first.`);
  }
  if (im !== undefined && (im.rank !== re.rank || im.shape.some((d, i) => d !== re.shape[i]))) {
    throw new ShapeError(
      `${where}: im must be [${re.shape.join(", ")}] as re, got [${im.shape.join(", ")}].`,
    );
  }
  return n;
}

/** `x · y` of complex tensors. */
function times(x: Complex, y: Complex): Complex {
  return { re: x.re.mul(y.re).sub(x.im.mul(y.im)), im: x.re.mul(y.im).add(x.im.mul(y.re)) };
}

const each = (x: Complex, f: (part: Tensor) => Tensor): Complex => ({ re: f(x.re), im: f(x.im) });

/** `[…, N] · [N, M]`, also for a single vector. */
function rowsBy(x: Tensor, matrix: Tensor): Tensor {
  if (x.rank > 1) return matmul(x, matrix);
  return reshape(matmul(reshape(x, [1, ...x.shape]), matrix), matrix.shape.slice(1));
}

/** The transform of length `n` as one product, `[re im] · [[C, −S], [S, C]]`. */
function dense(x: Complex, n: number): Complex {
  const matrix = constant(`dense ${n}`, [2 * n, 2 * n], x.re.dtype, (at) => {
    const [row, column] = [Math.floor(at / (2 * n)), at % (2 * n)];
    const m = (row % n) * (column % n);
    if (row < n === column < n) return cosine(m, n);
    return row < n ? -sine(m, n) : sine(m, n);
  });
  const both = rowsBy(concat([x.re, x.im], -1), matrix);
  return { re: narrow(both, -1, 0, n), im: narrow(both, -1, n, 2 * n) };
}

const costs = new Map<number, { cost: number; factor: number }>();

/** The first factor to split off `n`, so that the products cost least; `n` itself when it has none. */
function plan(n: number): { cost: number; factor: number } {
  const known = costs.get(n);
  if (known) return known;
  let best = { cost: n <= DENSE ? n : Infinity, factor: n };
  for (let d = 2; d <= DENSE && d * d <= n * DENSE; d++) {
    if (n % d !== 0 || d === n) continue;
    const cost = d + plan(n / d).cost + 4;
    if (cost < best.cost) best = { cost, factor: d };
  }
  if (best.cost === Infinity) {
    // No factor up to 64: the smallest prime factor, or n is prime.
    let d = DENSE + 1;
    while (d * d <= n && n % d !== 0) d++;
    best = d * d <= n ? { cost: d + n / d, factor: d } : { cost: n, factor: n };
  }
  costs.set(n, best);
  return best;
}

function transform(x: Complex, n: number): Complex {
  const { factor: a } = plan(n);
  if (a === n) return n <= DENSE_PRIME ? dense(x, n) : bluestein(x, n);
  const b = n / a;
  const lead = x.re.shape.slice(0, -1);
  // Input j = j₁ b + j₂, output k = k₁ + a k₂.
  const rows = each(x, (p) => transpose(reshape(p, [...lead, a, b]))); // [j₂, j₁]
  const inner = transform(rows, a); // [j₂, k₁]
  const turned = times(inner, {
    re: constant(`twiddle re ${a} ${b}`, [b, a], x.re.dtype, (at) =>
      cosine(Math.floor(at / a) * (at % a), n),
    ),
    im: constant(`twiddle im ${a} ${b}`, [b, a], x.re.dtype, (at) => -sine(Math.floor(at / a) * (at % a), n)),
  });
  const outer = transform(
    each(turned, (p) => transpose(p)),
    b,
  ); // [k₁, k₂]
  return each(outer, (p) => reshape(transpose(p), [...lead, n]));
}

/**
 * Any length as a convolution of a longer, composite one: `X_k = w_k Σ x_j w_j / w_{k−j}`, `w_j = e^{−iπj²/n}`.
 * Bluestein 1970, https://doi.org/10.1109/TAU.1970.1162132
 */
function bluestein(x: Complex, n: number): Complex {
  let m = 1;
  while (m < 2 * n - 1) m *= 2;
  const { dtype } = x.re;
  // j² modulo 2n keeps the angle small and hence exact.
  const chirp: Complex = {
    re: constant(`chirp re ${n}`, [n], dtype, (j) => cosine((j * j) % (2 * n), 2 * n)),
    im: constant(`chirp im ${n}`, [n], dtype, (j) => -sine((j * j) % (2 * n), 2 * n)),
  };
  const kernel: Complex = {
    re: constant(`kernel re ${n}`, [m], dtype, (j) => distance(j, n, m, cosine)),
    im: constant(`kernel im ${n}`, [m], dtype, (j) => distance(j, n, m, sine)),
  };
  const lead = x.re.shape.slice(0, -1).map((): [number, number] => [0, 0]);
  const padded = each(times(x, chirp), (p) => pad(p, [...lead, [0, m - n]]));
  const product = times(transform(padded, m), transform(kernel, m));
  return times(
    each(inverse(product, m), (p) => narrow(p, -1, 0, n)),
    chirp,
  );
}

/** `f(π j²/n)` for the distance `j` on a circle of `m`, 0 where no two indices lie so far apart. */
function distance(at: number, n: number, m: number, f: (m: number, n: number) => number): number {
  const j = at < n ? at : m - at;
  return j < n ? f((j * j) % (2 * n), 2 * n) : 0;
}

/** The inverse by the forward transform with the parts swapped. */
function inverse(x: Complex, n: number): Complex {
  const { re, im } = transform({ re: x.im, im: x.re }, n);
  return { re: im.mul(1 / n), im: re.mul(1 / n) };
}

/**
 * `X_k = Σ_j x_j e^{−2πi jk/n}` over the last axis, of any length.
 * @param re, im `[…, N]`; `im` is zero when absent. @returns `[…, N]`.
 */
export function fft(re: Tensor, im?: Tensor): Complex {
  const n = lengthOf("fft", re, im);
  return transform({ re, im: im ?? zeros(re.shape, { dtype: re.dtype }) }, n);
}

/** The inverse of `fft`: `x_j = 1/n Σ_k X_k e^{2πi jk/n}`. */
export function ifft(re: Tensor, im?: Tensor): Complex {
  const n = lengthOf("ifft", re, im);
  return inverse({ re, im: im ?? zeros(re.shape, { dtype: re.dtype }) }, n);
}

/**
 * The first half of the transform of a real tensor; the rest is its mirror image, conjugated.
 * @param x `[…, N]`. @returns `[…, ⌊N/2⌋ + 1]`.
 */
export function rfft(x: Tensor): Complex {
  const n = lengthOf("rfft", x, undefined);
  const m = Math.floor(n / 2);
  if (n <= 2 * DENSE) {
    const k = m + 1;
    const matrix = constant(`real ${n}`, [n, 2 * k], x.dtype, (at) => {
      const [row, column] = [Math.floor(at / (2 * k)), at % (2 * k)];
      return column < k ? cosine(row * column, n) : -sine(row * (column - k), n);
    });
    const both = rowsBy(x, matrix);
    return { re: narrow(both, -1, 0, k), im: narrow(both, -1, k, 2 * k) };
  }
  if (n % 2 === 1) return each(fft(x), (p) => narrow(p, -1, 0, m + 1));
  // Even and odd samples as one complex signal of half the length.
  const lead = x.shape.slice(0, -1);
  const pairs = reshape(x, [...lead, m, 2]);
  const z = transform(
    {
      re: reshape(narrow(pairs, -1, 0, 1), [...lead, m]),
      im: reshape(narrow(pairs, -1, 1, 2), [...lead, m]),
    },
    m,
  );
  const round = each(z, (p) => concat([p, narrow(p, -1, 0, 1)], -1));
  const mirror = each(round, (p) => flip(p));
  const even: Complex = { re: round.re.add(mirror.re), im: round.im.sub(mirror.im) };
  const odd: Complex = { re: round.im.add(mirror.im), im: mirror.re.sub(round.re) };
  const turned = times(odd, halfTwiddle(n, m + 1, x.dtype));
  return { re: even.re.add(turned.re).mul(0.5), im: even.im.add(turned.im).mul(0.5) };
}

/** `e^{−2πi k/n}` for `k < count`. */
function halfTwiddle(n: number, count: number, dtype: Dtype): Complex {
  return {
    re: constant(`half re ${n} ${count}`, [count], dtype, (k) => cosine(k, n)),
    im: constant(`half im ${n} ${count}`, [count], dtype, (k) => -sine(k, n)),
  };
}

/**
 * The real tensor of which `re + i·im` is the `rfft`. Imaginary parts that a real signal cannot have (of the first
 * entry, and of the last when `length` is even) are passed over.
 * @param re, im `[…, ⌊N/2⌋ + 1]`. @param options `length` N; default twice the entries less two.
 * @returns `[…, N]`.
 */
export function irfft(re: Tensor, im: Tensor, { length }: { length?: number } = {}): Tensor {
  const k = lengthOf("irfft", re, im);
  const n = length ?? 2 * (k - 1);
  if (n < 1 || Math.floor(n / 2) + 1 !== k) {
    throw new ShapeError(`irfft: the last axis must be [⌊N/2⌋ + 1 = ${Math.floor(n / 2) + 1}], got ${k}.`);
  }
  const lead = re.shape.slice(0, -1);
  const { dtype } = re;
  if (n <= 2 * DENSE) {
    const matrix = constant(`real back ${n}`, [2 * k, n], dtype, (at) => {
      const [row, column] = [Math.floor(at / n), at % n];
      const frequency = row % k;
      const weight = (frequency === 0 || 2 * frequency === n ? 1 : 2) / n;
      return weight * (row < k ? cosine(frequency * column, n) : -sine(frequency * column, n));
    });
    return rowsBy(concat([re, im], -1), matrix);
  }
  const real = im.mul(constant(`mask ${n}`, [k], dtype, (f) => Number(f !== 0 && 2 * f !== n)));
  if (n % 2 === 1) {
    const tail = each({ re, im: real }, (p) => flip(narrow(p, -1, 1, k)));
    return inverse({ re: concat([re, tail.re], -1), im: concat([real, tail.im.neg()], -1) }, n).re;
  }
  const m = n / 2;
  const mirror = each({ re, im: real }, (p) => flip(p));
  const even: Complex = { re: re.add(mirror.re), im: real.sub(mirror.im) };
  const twiddle = halfTwiddle(n, k, dtype);
  const odd = times(
    { re: re.sub(mirror.re), im: real.add(mirror.im) },
    { re: twiddle.re, im: twiddle.im.neg() },
  );
  // Z = E + iO, halved.
  const z = each({ re: even.re.sub(odd.im), im: even.im.add(odd.re) }, (p) => narrow(p, -1, 0, m).mul(0.5));
  const back = inverse(z, m);
  const pairs = concat([reshape(back.re, [...lead, m, 1]), reshape(back.im, [...lead, m, 1])], -1);
  return reshape(pairs, [...lead, n]);
}
