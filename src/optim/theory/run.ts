// Runs of stochastic gradient descent as plain numbers in float64, and the problem they are made on.

/** A vector of parameters. */
export type Vector = readonly number[];

/** Losses of examples by number, convex in the parameters. */
export interface Problem {
  /** How many examples there are. */
  readonly examples: number;
  loss(example: number, theta: Vector): number;
  gradient(example: number, theta: Vector): number[];
  /** The nearest point of the set that parameters may be in; absent where they may be anything. */
  project?(theta: Vector): number[];
}

/** What happened. */
export interface SgdRun {
  /** `θ_1 … θ_{T+1}`. */
  readonly thetas: readonly Vector[];
  /** `g_1 … g_T`, `η_1 … η_T`. */
  readonly gradients: readonly Vector[];
  readonly rates: readonly number[];
  /** `L(x_t, θ)`: loss of the example of step `t`, counted from 0. */
  loss(t: number, theta: Vector): number;
}

/** One line of a proof with its numbers: `left ≤ right`, or `left = right`. */
export interface Line {
  readonly says: string;
  readonly left: number;
  readonly right: number;
  readonly equal?: true;
}

/** Whether a line is true up to rounding, `slack` times the size of its numbers. */
export function lineHolds({ left, right, equal }: Line, slack = 1e-10): boolean {
  const room = slack * (1 + Math.max(Math.abs(left), Math.abs(right)));
  return equal ? Math.abs(left - right) <= room : left <= right + room;
}

export const dot = (a: Vector, b: Vector): number => a.reduce((sum, v, i) => sum + v * (b[i] ?? 0), 0);
export const minus = (a: Vector, b: Vector): number[] => a.map((v, i) => v - (b[i] ?? 0));
export const square = (a: Vector): number => dot(a, a);
export const total = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0);

/** `θ_{t+1} = Π(θ_t − η_t g_t)` from `start` over the examples given. */
export function runSgd(
  problem: Problem,
  start: Vector,
  rates: readonly number[],
  examples: readonly number[],
): SgdRun {
  const thetas: Vector[] = [start];
  const gradients: Vector[] = [];
  let theta = start;
  for (const [t, rate] of rates.entries()) {
    const g = problem.gradient(examples[t] ?? 0, theta);
    const moved = theta.map((v, i) => v - rate * (g[i] ?? 0));
    theta = problem.project?.(moved) ?? moved;
    gradients.push(g);
    thetas.push(theta);
  }
  return {
    thetas,
    gradients,
    rates,
    loss: (t: number, at: Vector): number => problem.loss(examples[t] ?? 0, at),
  };
}

/** `L(θ)`, the mean of all examples' losses. */
export function meanLoss(problem: Problem, theta: Vector): number {
  let sum = 0;
  for (let i = 0; i < problem.examples; i++) sum += problem.loss(i, theta);
  return sum / problem.examples;
}

/**
 * Logistic regression: `ln(1 + e^{−y a·θ})` over rows `a` with labels `y = ±1`; the gradients' norms are at most those of the
 * rows.
 * @param radius Parameters stay in a ball of this radius around 0; default anywhere.
 */
export function logisticRegression(
  rows: readonly Vector[],
  labels: readonly number[],
  radius: number = Infinity,
): Problem {
  const margin = (i: number, theta: Vector): number => (labels[i] ?? 1) * dot(rows[i] ?? [], theta);
  const anywhere: Problem = {
    examples: rows.length,
    loss: (i, theta) => {
      const m = margin(i, theta);
      return Math.max(0, -m) + Math.log1p(Math.exp(-Math.abs(m)));
    },
    gradient: (i, theta) => {
      const factor = -(labels[i] ?? 1) / (1 + Math.exp(margin(i, theta)));
      return (rows[i] ?? []).map((a) => factor * a);
    },
  };
  if (radius === Infinity) return anywhere;
  return {
    ...anywhere,
    project: (theta) => {
      const length = Math.sqrt(square(theta));
      return length <= radius ? [...theta] : theta.map((v) => (v * radius) / length);
    },
  };
}

/**
 * The best parameters, within the set where there is one: projected gradient descent with Nesterov's momentum. `smooth`
 * bounds the curvature of the mean loss; a quarter of the largest squared row for logistic regression.
 */
export function minimiser(problem: Problem, start: Vector, smooth: number, turns = 2000): Vector {
  let theta: Vector = start;
  let ahead: Vector = start;
  let k = 1;
  for (let turn = 0; turn < turns; turn++) {
    const g = start.map(() => 0);
    for (let i = 0; i < problem.examples; i++)
      for (const [j, v] of problem.gradient(i, ahead).entries()) g[j] = (g[j] ?? 0) + v / problem.examples;
    const moved = ahead.map((v, i) => v - (g[i] ?? 0) / smooth);
    const next: Vector = problem.project?.(moved) ?? moved;
    const after = (1 + Math.sqrt(1 + 4 * k * k)) / 2;
    const last = theta;
    ahead = next.map((v, i) => v + ((k - 1) / after) * (v - (last[i] ?? 0)));
    theta = next;
    k = after;
  }
  return theta;
}
