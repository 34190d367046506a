// One round of each way to better a guess of all states at once. Every one of them solves a linear recurrence.
import { OptionError } from "../errors.ts";
import {
  associativeScan,
  broadcastTo,
  concat,
  expandDims,
  iota,
  jacobian,
  matmul,
  narrow,
  oneHot,
  scan,
  squeeze,
  sum,
  type Tensor,
  transpose,
  zeros,
} from "../tensor/index.ts";
import type { Cell } from "./cells.ts";

/**
 * What stands for the Jacobian `Jₜ` of the cell: all of it (`deer`), its diagonal (`quasi-deer`), a constant matrix
 * (`fixed`), nothing (`picard`); or all of it or its diagonal, damped by trusting the old guess (`elk`, `quasi-elk`).
 */
export type Rounds =
  | { readonly type: "deer" | "quasi-deer" | "picard" }
  | { readonly type: "fixed"; readonly matrix: Tensor } // [n, n]
  | { readonly type: "elk" | "quasi-elk"; readonly damping: number };

/** The states before each: `h0`, then all but the last. @param states `[T, …, n]`. */
export function statesBefore(h0: Tensor, states: Tensor): Tensor {
  const T = Number(states.shape[0]);
  const first = expandDims(h0, 0);
  return T === 1 ? first : concat([first, narrow(states, 0, 0, T - 1)]);
}

/** `J y` of matrices `[…, n, n]` and vectors `[…, n]`. */
export function act(J: Tensor, y: Tensor): Tensor {
  return squeeze(matmul(J, expandDims(y, -1)), -1);
}

/** `hₜ = Jₜ hₜ₋₁ + bₜ` from `h₀ = b₀`, in `O(log T)` rounds; the first matrix counts for nothing. */
export function solveLinear(J: Tensor, b: Tensor): Tensor {
  const full = J.rank > b.rank;
  return associativeScan(
    (earlier: { J: Tensor; b: Tensor }, later: { J: Tensor; b: Tensor }) =>
      full
        ? { J: matmul(later.J, earlier.J), b: act(later.J, earlier.b).add(later.b) }
        : { J: later.J.mul(earlier.J), b: later.J.mul(earlier.b).add(later.b) },
    { J, b },
  ).b;
}

/** Rounds of `solveLinear`, one after another: what its time is bounded by on a machine that is wide enough. */
export function scanDepth(T: number): number {
  return T < 2 ? 0 : 1 + scanDepth(Math.floor(T / 2)) + Number(T > 2);
}

/** All Jacobians `[T, …, n, n]` at the states before each. */
export function jacobians(cell: Cell, u: Tensor, before: Tensor): Tensor {
  return jacobian((h) => cell(h, u), { batch: before.rank - 1 })(before);
}

/** Diagonals of matrices. */
function diagonalOf(J: Tensor): Tensor {
  const n = Number(J.shape.at(-1));
  return sum(J.mul(oneHot(iota(n), n, { dtype: J.dtype })), { axis: -1 });
}

/** The next guess. @param u `[T, …, m]`. @param h0 `[…, n]`. @param guess `[T, …, n]`. */
export function nextGuess(rounds: Rounds, cell: Cell, u: Tensor, h0: Tensor, guess: Tensor): Tensor {
  const before = statesBefore(h0, guess);
  const F = cell(before, u);
  if (rounds.type === "picard") return F;
  const J = slopes(rounds, cell, u, before);
  const moved = J.rank > F.rank ? act(J, before) : J.mul(before);
  // The first state is known: its slope counts for nothing.
  const b = firstFrom(F, F.sub(moved));
  if (!("damping" in rounds)) return solveLinear(J, b);
  if (!(rounds.damping > 0 && rounds.damping < Infinity)) {
    throw new OptionError(
      `${rounds.type}: damping must be above 0, got ${rounds.damping}. Use deer for none.`,
    );
  }
  const free = firstFrom(zeros(J.shape, { dtype: J.dtype }), J);
  return (J.rank > F.rank ? filterFull : filterDiagonal)(free, b, guess, 1 / rounds.damping);
}

/** The first step of `a`, all others of `b`. */
function firstFrom(a: Tensor, b: Tensor): Tensor {
  const T = Number(a.shape[0]);
  return T === 1 ? a : concat([narrow(a, 0, 0, 1), narrow(b, 0, 1, T)]);
}

function slopes(rounds: Rounds, cell: Cell, u: Tensor, before: Tensor): Tensor {
  if (rounds.type === "fixed") {
    return broadcastTo(rounds.matrix, [...before.shape, before.shape.at(-1) ?? 1]);
  }
  const J = jacobians(cell, u, before);
  return rounds.type === "quasi-deer" || rounds.type === "quasi-elk" ? diagonalOf(J) : J;
}

type Series = { J: Tensor; b: Tensor; seen: Tensor };

/**
 * Kalman's filter, means only: transition `Jₜ`, offset `bₜ`, process covariance 1, the old guess seen with variance `R`. The
 * `n` coordinates are taken in one after another, which needs no inverse.
 */
function filterFull(J: Tensor, b: Tensor, seen: Tensor, R: number): Tensor {
  const n = Number(b.shape.at(-1));
  const eye = oneHot(iota(n), n, { dtype: b.dtype });
  return scan(
    ({ m, P }: { m: Tensor; P: Tensor }, x: Series) => {
      let mean = act(x.J, m).add(x.b);
      let covariance = matmul(matmul(x.J, P), transpose(x.J)).add(eye);
      for (let i = 0; i < n; i++) {
        const column = narrow(covariance, -1, i, i + 1); // […, n, 1]
        const gain = column.div(narrow(column, -2, i, i + 1).add(R));
        const miss = narrow(x.seen, -1, i, i + 1).sub(narrow(mean, -1, i, i + 1));
        mean = mean.add(squeeze(gain, -1).mul(miss));
        covariance = covariance.sub(matmul(gain, narrow(covariance, -2, i, i + 1)));
      }
      return [{ m: mean, P: covariance }, mean] as const;
    },
    { m: zeros(b.shape.slice(1), { dtype: b.dtype }), P: zeros(J.shape.slice(1), { dtype: b.dtype }) },
    { J, b, seen },
  ).ys;
}

/** The same, every coordinate on its own. */
function filterDiagonal(J: Tensor, b: Tensor, seen: Tensor, R: number): Tensor {
  const none = zeros(b.shape.slice(1), { dtype: b.dtype });
  return scan(
    ({ m, P }: { m: Tensor; P: Tensor }, x: Series) => {
      const mean = x.J.mul(m).add(x.b);
      const variance = x.J.mul(x.J).mul(P).add(1);
      const gain = variance.div(variance.add(R));
      const next = mean.add(gain.mul(x.seen.sub(mean)));
      return [{ m: next, P: variance.sub(gain.mul(variance)) }, next] as const;
    },
    { m: none, P: none },
    { J, b, seen },
  ).ys;
}
