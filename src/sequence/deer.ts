// Lim et al. 2023, "Parallelizing non-linear sequential models over the sequence length" (DEER),
// https://arxiv.org/abs/2309.12252; its diagonal and damped forms in Gonzalez et al. 2024 (quasi-DEER, ELK),
// https://arxiv.org/abs/2407.19115; constant slopes and Picard's rounds in Su 2023, https://kexue.fm/archives/9783.
import { OptionError } from "../errors.ts";
import {
  broadcastTo,
  compile,
  concat,
  customGradient,
  expandDims,
  flip,
  leaves,
  narrow,
  squeeze,
  type Tensor,
  transpose,
  unflattenTree,
  vjp,
} from "../tensor/index.ts";
import type { Cell } from "./cells.ts";
import { jacobians, nextGuess, type Rounds, scanDepth, solveLinear, statesBefore } from "./newton.ts";

export interface SolveOptions {
  /** How a guess is bettered; default `{ type: "deer" }`. */
  readonly rounds?: Rounds;
  /** Done when every state moved by at most `absolute + relative·|h|`; defaults 1e-6 and 1e-4 (float64), 1e-4 and 1e-3. */
  readonly absolute?: number;
  readonly relative?: number;
  /** Most iterations; default as many as there are steps, after which all states are exact. */
  readonly most?: number;
  /** States to begin with, those of the last batch for example; default `h0` everywhere. `[T, …, n]` */
  readonly guess?: Tensor;
  /** What errors call the cell; default "cell". */
  readonly name?: string;
}

/** What a solver found, and how. */
export interface Solved {
  readonly states: Tensor; // [T, …, n]
  readonly iterations: number;
  /** Largest move of each iteration. */
  readonly residuals: readonly number[];
  readonly converged: boolean;
  /** Steps that had to wait for one another: rounds of scans, or of filters. A loop has `T`. */
  readonly depth: number;
}

/** `h0` for every step. */
function everywhere(h0: Tensor, T: number): Tensor {
  return broadcastTo(expandDims(h0, 0), [T, ...h0.shape]);
}

/**
 * All states of `hₜ = f(hₜ₋₁, uₜ)` at once, by Newton's method on the whole trajectory: each round a linear recurrence, solved
 * by a scan. After `k` rounds at least the first `k` states are exact.
 * @param u `[T, …, m]`. @param h0 `[…, n]`.
 * @throws OptionError for states that are not finite, with the iteration, the step and the cell.
 */
export async function runDeer(
  cell: Cell,
  u: Tensor,
  h0: Tensor,
  options: SolveOptions = {},
): Promise<Solved> {
  const T = u.shape[0];
  if (typeof T !== "number" || T < 1) {
    throw new OptionError(`runDeer: u must be [T ≥ 1, …, m], got [${u.shape.join(", ")}].`);
  }
  const { rounds = { type: "deer" }, most = T, name = "cell", guess } = options;
  const wide = h0.dtype === "float64";
  const { absolute = wide ? 1e-6 : 1e-4, relative = wide ? 1e-4 : 1e-3 } = options;
  const program = compile((inputs: Tensor, start: Tensor, now: Tensor) =>
    nextGuess(rounds, cell, inputs, start, now),
  );
  const filtered = "damping" in rounds;
  const perRound = filtered ? T : rounds.type === "picard" ? 1 : scanDepth(T);
  let states = guess ?? everywhere(h0, T);
  let old = Float64Array.from(await states.data(), Number);
  const residuals: number[] = [];
  let converged = false;
  try {
    while (residuals.length < most && !converged) {
      states = await program(u, h0, states);
      const now = Float64Array.from(await states.data(), Number);
      const bad = now.findIndex((x) => !Number.isFinite(x));
      if (bad >= 0) {
        throw new OptionError(
          `runDeer: states of ${name} must stay finite, got ${now[bad]} at step ${Math.floor(bad / (now.length / T))} in iteration ${residuals.length + 1}. Use elk, or runSequential.`,
        );
      }
      const moves = now.map((x, i) => Math.abs(x - (old[i] ?? 0)));
      residuals.push(moves.reduce((a, b) => Math.max(a, b), 0));
      converged = moves.every((move, i) => move <= absolute + relative * Math.abs(now[i] ?? 0));
      old = now;
    }
  } finally {
    await program.release();
  }
  const iterations = residuals.length;
  return { states, iterations, residuals, converged, depth: iterations * perRound };
}

/** A cell of parameters that are trained. */
export type TrainedCell<P> = (params: P, h: Tensor, u: Tensor) => Tensor;

export interface DeerOptions {
  /** Rounds, as many as are wanted; nothing is measured. */
  readonly iterations: number;
  readonly rounds?: Exclude<Rounds, { readonly type: "fixed" }>;
  /** As in `runDeer`. No gradient goes into it. */
  readonly guess?: Tensor;
}

/** `iterations` rounds inside a program, differentiated as they stand: the rounds themselves as the model. */
export function unrolledDeer(cell: Cell, u: Tensor, h0: Tensor, options: DeerOptions): Tensor {
  const { iterations, rounds = { type: "deer" }, guess } = options;
  if (!Number.isSafeInteger(iterations) || iterations < 1) {
    throw new OptionError(`deer: iterations must be a whole number ≥ 1, got ${iterations}.`);
  }
  let states = guess ?? everywhere(h0, Number(u.shape[0]));
  for (let i = 0; i < iterations; i++) states = nextGuess(rounds, cell, u, h0, states);
  return states;
}

/**
 * All states inside a program, with the gradient of the recurrence itself and never of the rounds: one linear recurrence
 * backwards, `vₜ = gₜ + Jₜ₊₁ᵀ vₜ₊₁` with full Jacobians, whatever the rounds used. Exact where the states are.
 * @param u `[T, …, m]`. @param h0 `[…, n]`. @returns `[T, …, n]`.
 */
export function deer<P>(
  cell: TrainedCell<P>,
  params: P,
  u: Tensor,
  h0: Tensor,
  options: DeerOptions,
): Tensor {
  const count = leaves(params).length;
  const split = (inputs: readonly Tensor[]) => {
    const [inner, start] = inputs.slice(count) as [Tensor, Tensor];
    return { params: unflattenTree(params, inputs.slice(0, count)) as P, u: inner, h0: start };
  };
  const run = customGradient(
    (...inputs: readonly Tensor[]) => {
      const own = split(inputs);
      return unrolledDeer((h, x) => cell(own.params, h, x), own.u, own.h0, options);
    },
    ({ cotangents, inputs, results }) => {
      const own = split(inputs);
      const [g, states] = [cotangents[0], results[0]] as [Tensor, Tensor];
      const before = statesBefore(own.h0, states);
      const v = solveBackwards(
        jacobians((h, x) => cell(own.params, h, x), own.u, before),
        g,
      );
      const at = { params: own.params, u: own.u, before };
      const { pullback } = vjp((p: typeof at) => cell(p.params, p.before, p.u), at);
      const all = pullback(v);
      return [...leaves(all.params), all.u, squeeze(narrow(all.before, 0, 0, 1), 0)];
    },
  );
  return run(...leaves(params), u, h0) as Tensor;
}

/** `vₜ = gₜ + Jₜ₊₁ᵀ vₜ₊₁`, from the last step. */
function solveBackwards(J: Tensor, g: Tensor): Tensor {
  const T = Number(g.shape[0]);
  if (T === 1) return g;
  // Backwards in time, the matrix that leads to step t is that of step t + 1; the first counts for nothing.
  const later = concat([narrow(J, 0, 1, T), narrow(J, 0, 0, 1)]);
  return flip(solveLinear(flip(transpose(later), 0), flip(g, 0)), 0);
}
