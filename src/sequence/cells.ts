// Recurrent cells as plain functions, weights and order of gates as in PyTorch. Elman 1990 (tanh); Hochreiter and Schmidhuber
// 1997 with the forget gate of Gers et al. 2000 (LSTM); Cho et al. 2014, https://arxiv.org/abs/1406.1078 (GRU, its reset
// behind the product); Zhou et al. 2016, https://arxiv.org/abs/1603.09420 (minimal gated unit).
import { concat, matmul, narrow, scan, sigmoid, type Tensor, tanh } from "../tensor/index.ts";

/** `(h, u) → h` for any leading axes: `h` `[…, n]`, `u` `[…, m]`. */
export type Cell = (h: Tensor, u: Tensor) => Tensor;

/** What acts on the state, `k` gates side by side. */
export interface CellParams {
  readonly weight: Tensor; // [k·n, n], or [H, k·n, n] for states [H, B, n] of H heads
  readonly bias?: Tensor; // [k·n]
}

/** A cell whose inputs went through their own matrix already: `g` `[…, k·n]`. */
export interface CellKind {
  /** Gates `k`. */
  readonly gates: number;
  /** Numbers of the state for each unit: 2 where a memory stands behind the output. */
  readonly states: number;
  step(params: CellParams, h: Tensor, g: Tensor): Tensor;
}

/** `W h + b`. */
function product({ weight, bias }: CellParams, h: Tensor): Tensor {
  const y = matmul(h, weight, { transposeB: true });
  return bias ? y.add(bias) : y;
}

/** Part `i` of `n` numbers each. */
const part = (x: Tensor, i: number, n: number): Tensor => narrow(x, -1, i * n, (i + 1) * n);
const widthOf = (x: Tensor, parts: number): number => Number(x.shape.at(-1)) / parts;

/** Names of the cells. */
export type CellName = "tanh" | "gru" | "lstm" | "mgu";

/** Every cell by name. */
export const CELLS: Readonly<Record<CellName, CellKind>> = {
  /** `h′ = tanh(W h + g)`. */
  tanh: { gates: 1, states: 1, step: (params, h, g) => tanh(product(params, h).add(g)) },
  /** Gates r, z and the new n: `n = tanh(gₙ + r (Wₙh + bₙ))`, `h′ = n + z (h − n)`. */
  gru: {
    gates: 3,
    states: 1,
    step(params, h, g) {
      const n = widthOf(g, 3);
      const own = product(params, h);
      const gate = (i: number): Tensor => sigmoid(part(own, i, n).add(part(g, i, n)));
      const fresh = tanh(part(g, 2, n).add(gate(0).mul(part(own, 2, n))));
      return fresh.add(gate(1).mul(h.sub(fresh)));
    },
  },
  /** Gates i, f, the new c̃, o; the state is output and memory side by side: `c′ = f c + i c̃`, `h′ = o tanh(c′)`. */
  lstm: {
    gates: 4,
    states: 2,
    step(params, h, g) {
      const n = widthOf(g, 4);
      const all = product(params, part(h, 0, n)).add(g);
      const gate = (i: number): Tensor => sigmoid(part(all, i, n));
      const memory = gate(1)
        .mul(part(h, 1, n))
        .add(gate(0).mul(tanh(part(all, 2, n))));
      return concat([gate(3).mul(tanh(memory)), memory], -1);
    },
  },
  /** Gate f and the new n: `n = tanh(gₙ + Wₙ(f h) + bₙ)`, `h′ = h + f (n − h)`. */
  mgu: {
    gates: 2,
    states: 1,
    step({ weight, bias }, h, g) {
      const n = widthOf(g, 2);
      const rows = (i: number): CellParams => ({
        weight: narrow(weight, -2, i * n, (i + 1) * n),
        ...(bias && { bias: part(bias, i, n) }),
      });
      const f = sigmoid(product(rows(0), h).add(part(g, 0, n)));
      const fresh = tanh(product(rows(1), f.mul(h)).add(part(g, 1, n)));
      return h.add(f.mul(fresh.sub(h)));
    },
  },
};

/** The cell of that name on inputs as they are. @param input Their matrix `[k·n, m]` and bias. */
export function cellOf(name: CellName, input: CellParams, hidden: CellParams): Cell {
  return (h, u) => CELLS[name].step(hidden, h, product(input, u));
}

/**
 * `hₜ = f(hₜ₋₁, uₜ)` one after another.
 * @param u `[T, …, m]`. @param h0 `[…, n]`. @returns All states, `[T, …, n]`, and the last.
 */
export function runThrough(cell: Cell, u: Tensor, h0: Tensor): { states: Tensor; last: Tensor } {
  const step = (h: Tensor, now: Tensor): [Tensor, Tensor] => {
    const next = cell(h, now);
    return [next, next];
  };
  const { carry, ys } = scan(step, h0, u);
  return { states: ys, last: carry };
}

/** All states of `runThrough`. */
export function runSequential(cell: Cell, u: Tensor, h0: Tensor): Tensor {
  return runThrough(cell, u, h0).states;
}
