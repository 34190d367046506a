// Update rules on one tensor of numbers, a number at a time: what comes after each of several gradients.

/** A gradient by the parameters of the moment, as a whole (several numbers may share a matrix). */
export type GradientOf = (x: readonly number[], step: number) => readonly number[];

interface Shared {
  readonly rate: number;
  readonly steps: number;
  /** Decoupled decay of every number. */
  readonly decay?: number;
}

/** Parameters after each step; `next` gives a number's update before rate and decay, by its place. */
function path(
  start: readonly number[],
  gradient: GradientOf,
  { rate, steps, decay = 0 }: Shared,
  next: (g: number, i: number, step: number, x: readonly number[]) => number,
  scale: (x: readonly number[], i: number) => number = () => 1,
): number[][] {
  const out: number[][] = [];
  let x = [...start];
  for (let step = 0; step < steps; step++) {
    const before = x;
    const g = gradient(before, step);
    x = before.map(
      (v, i) => v - rate * scale(before, i) * (next(g[i] ?? Number.NaN, i, step, before) + decay * v),
    );
    out.push(x);
  }
  return out;
}

/** Kingma and Ba, algorithm 1, with both corrections written out. */
export function adamwPath(
  start: readonly number[],
  gradient: GradientOf,
  options: Shared & { readonly beta1: number; readonly beta2: number; readonly epsilon: number },
): number[][] {
  const { beta1, beta2, epsilon } = options;
  const m = start.map(() => 0);
  const v = start.map(() => 0);
  return path(start, gradient, options, (g, i, step) => {
    m[i] = beta1 * (m[i] ?? 0) + (1 - beta1) * g;
    v[i] = beta2 * (v[i] ?? 0) + (1 - beta2) * g * g;
    const first = (m[i] ?? 0) / (1 - beta1 ** (step + 1));
    const second = (v[i] ?? 0) / (1 - beta2 ** (step + 1));
    return first / (Math.sqrt(second) + epsilon);
  });
}

/** Gradient descent: `m ← μm + g`, and `g + μm` where it looks ahead. */
export function sgdPath(
  start: readonly number[],
  gradient: GradientOf,
  options: Shared & { readonly momentum: number; readonly nesterov?: boolean },
): number[][] {
  const m = start.map(() => 0);
  return path(start, gradient, options, (g, i) => {
    m[i] = options.momentum * (m[i] ?? 0) + g;
    return options.nesterov ? g + options.momentum * (m[i] ?? 0) : (m[i] ?? 0);
  });
}

/** Chen et al., algorithm 2: the momentum of before in the update, another beta in the momentum after it. */
export function lionPath(
  start: readonly number[],
  gradient: GradientOf,
  options: Shared & { readonly beta1: number; readonly beta2: number },
): number[][] {
  const { beta1, beta2 } = options;
  const m = start.map(() => 0);
  return path(start, gradient, options, (g, i) => {
    const mixed = beta1 * (m[i] ?? 0) + (1 - beta1) * g;
    m[i] = beta2 * (m[i] ?? 0) + (1 - beta2) * g;
    return Math.sign(mixed);
  });
}

/**
 * Su 2023: one beta, and a rate relative to the parameters. `width` numbers make a row: the rate of a table is by row,
 * that of a matrix is one.
 */
export function tigerPath(
  start: readonly number[],
  gradient: GradientOf,
  options: Shared & {
    readonly beta: number;
    readonly floor: number;
    readonly width: number;
    readonly byRow: boolean;
  },
): number[][] {
  const { beta, floor, width, byRow } = options;
  const m = start.map(() => 0);
  return path(
    start,
    gradient,
    options,
    (g, i) => {
      m[i] = beta * (m[i] ?? 0) + (1 - beta) * g;
      return Math.sign(m[i] ?? 0);
    },
    (x, i) => {
      const row = Math.floor(i / width);
      const of = byRow ? x.slice(row * width, (row + 1) * width) : x;
      return Math.max(floor, Math.sqrt(of.reduce((sum, v) => sum + v * v, 0) / of.length));
    },
  );
}

/** Exponentiated gradient. Signed: two positive numbers whose difference is the parameter, `u·v = β²/4` at the start. */
export function egPath(
  start: readonly number[],
  gradient: GradientOf,
  options: Pick<Shared, "rate" | "steps"> & {
    readonly form: "positive" | "simplex" | "signed";
    readonly beta: number;
    /** Numbers of a row, for distributions. */
    readonly width: number;
  },
): number[][] {
  const { rate, steps, form, beta, width } = options;
  const root = (x: number): number => Math.sqrt(x * x + beta * beta);
  let up = start.map((x) => (form === "signed" ? (root(x) + x) / 2 : x));
  let down = start.map((x) => (form === "signed" ? (root(x) - x) / 2 : 0));
  const out: number[][] = [];
  for (let step = 0; step < steps; step++) {
    const g = gradient(
      up.map((u, i) => u - (down[i] ?? 0)),
      step,
    );
    up = up.map((u, i) => u * Math.exp(-rate * (g[i] ?? 0)));
    down = down.map((v, i) => v * Math.exp(rate * (g[i] ?? 0)));
    if (form === "simplex") {
      const whole = up;
      up = whole.map((u, i) => {
        const row = Math.floor(i / width) * width;
        return u / whole.slice(row, row + width).reduce((a, b) => a + b, 0);
      });
    }
    out.push(up.map((u, i) => u - (down[i] ?? 0)));
  }
  return out;
}

interface Bounds {
  readonly gamma: number;
  readonly low: number;
  readonly high: number;
  readonly normalise: boolean;
}

const within = (x: number, low: number, high: number): number => Math.min(high, Math.max(low, x));

/** Su 2022: gains of single numbers for plain gradient descent. */
export function metaGainPath(
  start: readonly number[],
  gradient: GradientOf,
  options: Shared & Bounds,
): number[][] {
  const { gamma, low, high, normalise } = options;
  const gain = start.map(() => 1);
  const before = start.map(() => 0);
  return path(start, gradient, options, (g, i) => {
    const product = g * (before[i] ?? 0);
    gain[i] = within(
      (gain[i] ?? 1) * Math.exp(gamma * (normalise ? Math.sign(product) : product)),
      low,
      high,
    );
    before[i] = g;
    return (gain[i] ?? 1) * g;
  });
}

/** Amid et al. 2022: gains of single numbers and one of the whole, with momentum. */
export function funnelledGainPath(
  start: readonly number[],
  gradient: GradientOf,
  options: Shared & Bounds & { readonly whole: number; readonly beta: number; readonly momentum: number },
): number[][] {
  const { rate, steps, decay = 0, gamma, low, high, normalise, whole, beta, momentum } = options;
  const zeros = start.map(() => 0);
  let x = [...start];
  let [gain, mean, h, s] = [start.map(() => 1), zeros, zeros, 1];
  const dot = (a: readonly number[], b: readonly number[]): number =>
    a.reduce((sum, v, i) => sum + v * (b[i] ?? 0), 0);
  const out: number[][] = [];
  for (let step = 0; step < steps; step++) {
    const g = gradient(x, step);
    gain = gain.map((p, i) => {
      const product = (mean[i] ?? 0) * (g[i] ?? 0);
      return within(p * Math.exp(gamma * (normalise ? Math.sign(product) : product)), low, high);
    });
    const size = Math.sqrt(dot(h, h) * dot(g, g));
    const along = normalise ? (size === 0 ? 0 : dot(h, g) / size) : dot(h, g);
    s = within(s * Math.exp(whole * along), low, high);
    mean = mean.map((m, i) => beta * m + (1 - beta) * (g[i] ?? 0));
    h = h.map((a, i) => momentum * a + (gain[i] ?? 1) * (g[i] ?? 0));
    x = x.map((v, i) => v - rate * (s * (h[i] ?? 0) + decay * v));
    out.push(x);
  }
  return out;
}

/** Jordan et al. 2024, with the size of Liu et al. 2025: rows of `width` numbers as one matrix. */
export function muonPath(
  start: readonly number[],
  gradient: GradientOf,
  options: Shared & { readonly momentum: number; readonly turns: number; readonly width: number },
): number[][] {
  const { rate, steps, decay = 0, momentum, turns, width } = options;
  const height = start.length / width;
  const entry = (a: readonly number[], i: number, j: number, of: number): number =>
    a[i * of + j] ?? Number.NaN;
  /** `a bᵀ` of two matrices with rows of `of` numbers. */
  const product = (a: readonly number[], b: readonly number[], of: number): number[] => {
    const [rows, columns] = [a.length / of, b.length / of];
    return Array.from({ length: rows * columns }, (_, at) => {
      const [i, j] = [Math.floor(at / columns), at % columns];
      let sum = 0;
      for (let k = 0; k < of; k++) sum += entry(a, i, k, of) * entry(b, j, k, of);
      return sum;
    });
  };
  const flipped = (a: readonly number[], of: number): number[] =>
    Array.from({ length: a.length }, (_, at) =>
      entry(a, at % (a.length / of), Math.floor(at / (a.length / of)), of),
    );
  let x = [...start];
  let m = start.map(() => 0);
  const out: number[][] = [];
  for (let step = 0; step < steps; step++) {
    const g = gradient(x, step);
    m = m.map((a, i) => momentum * a + (1 - momentum) * (g[i] ?? 0));
    let y = g.map((v, i) => (1 - momentum) * v + momentum * (m[i] ?? 0));
    const norm = Math.sqrt(y.reduce((sum, v) => sum + v * v, 0));
    y = y.map((v) => v / norm);
    for (let turn = 0; turn < turns; turn++) {
      const gram = product(y, y, width);
      const twice = product(gram, gram, height);
      const mixed = gram.map((v, i) => -4.775 * v + 2.0315 * (twice[i] ?? 0));
      const along = product(mixed, flipped(y, width), height);
      y = y.map((v, i) => 3.4445 * v + (along[i] ?? 0));
    }
    const size = 0.2 * Math.sqrt(Math.max(width, height));
    x = x.map((v, i) => v - rate * (size * (y[i] ?? 0) + decay * v));
    out.push(x);
  }
  return out;
}
