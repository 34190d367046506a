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
