// Cells against their formulas and PyTorch's; whole trajectories by Newton's method against the loop.
import { describe, expect, test } from "vitest";
import {
  type Cell,
  type CellName,
  cellOf,
  CELLS,
  deer,
  type Rounds,
  runDeer,
  runSequential,
  scanDepth,
  unrolledDeer,
} from "../../src/sequence/index.ts";
import {
  evaluate,
  grad,
  matmul,
  narrow,
  random,
  reshape,
  sum,
  tanh,
  type Tensor,
  tensor,
} from "../../src/tensor/index.ts";
import golden from "../golden/sequence.json" with { type: "json" };
import { states, type Weights } from "../reference/sequence.ts";
import { expectClose, list, sample } from "../support/check.ts";

const NAMES: readonly CellName[] = ["tanh", "gru", "lstm", "mgu"];
const matrix = (rows: readonly (readonly number[])[]): Tensor =>
  tensor(Float64Array.from(rows.flat()), { shape: [rows.length, rows[0]?.length ?? 0] });
const vector = (x: readonly number[]): Tensor => tensor(Float64Array.from(x));

function weightsOf(name: CellName, n: number, m: number): Weights {
  const rows = CELLS[name].gates * n;
  const of = (what: string, columns: number): number[][] => {
    const { data } = sample([rows, columns], { seed: `${name} ${what}`, low: -0.8, high: 0.8 }).ref;
    return Array.from({ length: rows }, (_, i) => Array.from(data.slice(i * columns, (i + 1) * columns)));
  };
  return {
    input: of("u", m),
    inputBias: of("c", 1).flat(),
    hidden: of("h", n),
    hiddenBias: of("b", 1).flat(),
  };
}

const made = (name: CellName, w: Weights): Cell =>
  cellOf(
    name,
    { weight: matrix(w.input), bias: vector(w.inputBias) },
    { weight: matrix(w.hidden), bias: vector(w.hiddenBias) },
  );

describe.each(NAMES)("%s", (name) => {
  const [n, m, T] = [3, 2, 9];
  const w = weightsOf(name, n, m);
  const width = n * CELLS[name].states;
  const u = sample([T, 1, m], { seed: "u" });
  const h0 = sample([1, width], { seed: "h0", low: -1, high: 1 });
  const rows = Array.from({ length: T }, (_, t) => Array.from(u.ref.data.slice(t * m, (t + 1) * m)));
  const expected = states(name, w, rows, Array.from(h0.ref.data)).flat();

  test("is its formula, one unit at a time", async () => {
    expectClose(await list(runSequential(made(name, w), u.x, h0.x)), expected, 1e-13);
  });

  test("all states at once are those of the loop", async () => {
    const got = await runDeer(made(name, w), u.x, h0.x, { absolute: 1e-11, relative: 0 });
    expectClose(await list(got.states), expected, 1e-10);
    expect(got.converged).toBe(true);
    expect(got.iterations).toBeLessThanOrEqual(8);
    expect(got.residuals).toHaveLength(got.iterations);
    expect(got.depth).toBe(got.iterations * scanDepth(T));
  });

  test("gradients through one linear solve are those of the loop", async () => {
    const params = { weight: matrix(w.hidden), bias: vector(w.hiddenBias) };
    const input = { weight: matrix(w.input), bias: vector(w.inputBias) };
    const mix = sample([T, 1, width], { seed: "mix" }).x;
    type P = { p: typeof params; u: Tensor; h0: Tensor };
    const at: P = { p: params, u: u.x, h0: h0.x };
    const cell = (p: typeof params, h: Tensor, x: Tensor): Tensor => cellOf(name, input, p)(h, x);
    const loop = (x: P) => sum(runSequential((h, v) => cell(x.p, h, v), x.u, x.h0).mul(mix));
    const solved = (x: P) => sum(deer(cell, x.p, x.u, x.h0, { iterations: 8 }).mul(mix));
    const rough = (x: P) =>
      sum(deer(cell, x.p, x.u, x.h0, { iterations: T, rounds: { type: "quasi-deer" } }).mul(mix));
    const [a, b, c] = await evaluate([grad(loop)(at), grad(solved)(at), grad(rough)(at)] as const);
    for (const got of [b, c]) {
      expectClose(await list(got.p.weight), await list(a.p.weight), 1e-10, "weight");
      expectClose(await list(got.p.bias), await list(a.p.bias), 1e-10, "bias");
      expectClose(await list(got.u), await list(a.u), 1e-10, "u");
      expectClose(await list(got.h0), await list(a.h0), 1e-10, "h0");
    }
  });
});

test.each(["tanh", "gru", "lstm"] as const)("%s is PyTorch's", async (name) => {
  const { u, h0 } = golden.cells;
  const { weights, states: expected } = golden.cells[name];
  const w = {
    input: weights.weight_ih,
    inputBias: weights.bias_ih,
    hidden: weights.weight_hh,
    hiddenBias: weights.bias_hh,
  };
  const start = name === "lstm" ? [...h0, ...h0.map(() => 0)] : h0;
  const inputs = reshape(matrix(u), [u.length, 1, 2]);
  expectClose(await list(runSequential(made(name, w), inputs, matrix([start]))), expected.flat(), 1e-13);
  const all = unrolledDeer(made(name, w), inputs, matrix([start]), { iterations: u.length });
  expectClose(await list(all), expected.flat(), 1e-12);
});

/** `tanh(A h + u)` with `A ~ N(0, g²/n)`, `u ~ 0.5 N(0, 1)`. */
function network(gain: number, n: number, T: number): { cell: Cell; u: Tensor; h0: Tensor } {
  const A = random.normal(random.key(7), [n, n], { std: gain / Math.sqrt(n), dtype: "float64" });
  return {
    cell: (h, x) => tanh(matmul(h, A, { transposeB: true }).add(x)),
    u: random.normal(random.key(8), [T, 1, n], { std: 0.5, dtype: "float64" }),
    h0: tensor(new Float64Array(n), { shape: [1, n] }),
  };
}

const A_HALF: Rounds = {
  type: "fixed",
  matrix: matrix([
    [0.4, 0, 0, 0],
    [0, 0.4, 0, 0],
    [0, 0, 0.4, 0],
    [0, 0, 0, 0.4],
  ]),
};
const WAYS: readonly Rounds[] = [
  { type: "deer" },
  { type: "quasi-deer" },
  { type: "picard" },
  A_HALF,
  { type: "elk", damping: 0.1 },
  { type: "quasi-elk", damping: 0.1 },
];

test.each(WAYS.map((rounds) => [rounds.type, rounds] as const))(
  "%s comes to the states of the loop, whatever the gain",
  async (_, rounds) => {
    for (const gain of [0.6, 1.5]) {
      const { cell, u, h0 } = network(gain, 4, 24);
      const got = await runDeer(cell, u, h0, { rounds, absolute: 1e-11, relative: 0, most: 200 });
      expect(got.converged).toBe(true);
      expectClose(await list(got.states), await list(runSequential(cell, u, h0)), 1e-9);
    }
  },
);

test.each(WAYS.slice(0, 4).map((rounds) => [rounds.type, rounds] as const))(
  "%s: after k rounds the first k states are exact",
  async (_, rounds) => {
    const { cell, u, h0 } = network(2.5, 4, 11);
    const exact = runSequential(cell, u, h0);
    for (const k of [1, 4, 11]) {
      const got = unrolledDeer(cell, u, h0, {
        iterations: k,
        rounds: rounds as Exclude<Rounds, { type: "fixed" }>,
      });
      expectClose(await list(narrow(got, 0, 0, k)), await list(narrow(exact, 0, 0, k)), 1e-12);
    }
  },
);

test("iterations by gain: Newton needs least below the edge of chaos, and all need more beyond it", async () => {
  const count = async (gain: number, rounds: Rounds): Promise<number> => {
    const { cell, u, h0 } = network(gain, 8, 64);
    return (await runDeer(cell, u, h0, { rounds, absolute: 1e-10, relative: 0, most: 100 })).iterations;
  };
  const rows: number[][] = [];
  for (const gain of [0.3, 0.9, 2]) {
    const row: number[] = [];
    for (const rounds of [WAYS[0], WAYS[1], WAYS[2], WAYS[4]]) row.push(await count(gain, rounds as Rounds));
    rows.push(row);
  }
  for (const [newton = 0, ...others] of rows.slice(0, 2)) {
    expect(newton).toBeLessThanOrEqual(10);
    for (const other of others) expect(other).toBeGreaterThan(1.5 * newton);
  }
  rows[2]?.forEach((rounds, way) => expect(rounds).toBeGreaterThan(rows[0]?.[way] ?? Number.NaN));
  expect(rows[2]?.[0]).toBeGreaterThan(1.5 * (rows[1]?.[0] ?? Number.NaN));
});

test("near the solution every round squares the error", async () => {
  const { cell, u, h0 } = network(0.9, 8, 64);
  const { residuals } = await runDeer(cell, u, h0, { absolute: 1e-13, relative: 0 });
  // Moves of 10^-k with exponents that at least grow by half each time, once below 0.1 and above rounding.
  const exponents = residuals.map((x) => -Math.log10(x)).filter((e) => e > 1 && e < 14);
  expect(exponents.length).toBeGreaterThanOrEqual(2);
  exponents.slice(1).forEach((e, i) => expect(e).toBeGreaterThan(1.5 * (exponents[i] ?? Number.NaN)));
});

test("a linear cell takes one round, and no damping is Newton", async () => {
  const { u, h0 } = network(1, 4, 16);
  const A = sample([4, 4], { seed: "A", low: -0.5, high: 0.5 }).x;
  const linear: Cell = (h, x) => matmul(h, A).add(x);
  const one = await list(unrolledDeer(linear, u, h0, { iterations: 1 }));
  expectClose(one, await list(runSequential(linear, u, h0)), 1e-12);
  const { cell } = network(0.9, 4, 16);
  const newton = await list(unrolledDeer(cell, u, h0, { iterations: 2 }));
  for (const [full, bare] of [
    ["elk", "deer"],
    ["quasi-elk", "quasi-deer"],
  ] as const) {
    const damped = unrolledDeer(cell, u, h0, { iterations: 2, rounds: { type: full, damping: 1e-12 } });
    const free = unrolledDeer(cell, u, h0, { iterations: 2, rounds: { type: bare } });
    expectClose(await list(damped), await list(free), 1e-9);
  }
  expect(newton).toHaveLength(64);
});

test("the last batch's states save rounds, and a single step is one", async () => {
  const { cell, u, h0 } = network(1.2, 8, 64);
  const cold = await runDeer(cell, u, h0, {});
  const warm = await runDeer(cell, u.add(1e-4), h0, { guess: cold.states });
  expect(warm.iterations).toBeLessThan(cold.iterations);
  for (const { type } of WAYS.filter((r) => r.type !== "fixed")) {
    const rounds = (type === "elk" || type === "quasi-elk" ? { type, damping: 1e-9 } : { type }) as Rounds;
    const got = await runDeer(cell, narrow(u, 0, 0, 1), h0, { rounds });
    expectClose(await list(got.states), await list(runSequential(cell, narrow(u, 0, 0, 1), h0)), 1e-6, type);
  }
});

test("rounds themselves can be the model: their own gradient is that of differences", async () => {
  const { cell, u, h0 } = network(1.2, 2, 6);
  const mix = sample([6, 1, 2], { seed: "mix" }).x;
  const loss = (x: Tensor): Tensor =>
    sum(unrolledDeer(cell, x, h0, { iterations: 2, rounds: { type: "picard" } }).mul(mix));
  const values = await list(u);
  const at = (i: number, by: number): Tensor =>
    loss(
      tensor(
        Float64Array.from(values, (x, j) => (i === j ? x + by : x)),
        { shape: [6, 1, 2] },
      ),
    );
  const slopes = await evaluate(values.map((_, i) => at(i, 1e-5).sub(at(i, -1e-5)).mul(5e4)));
  expectClose(await list(grad(loss)(u)), await Promise.all(slopes.map((x) => x.item().then(Number))), 1e-8);
});

test("states that are not finite stop with iteration, step and cell; options that mean nothing are refused", async () => {
  const { u, h0 } = network(1, 4, 16);
  const exploding: Cell = (h, x) => h.mul(h).mul(h).add(x.mul(1e90));
  await expect(runDeer(exploding, u, h0, { name: "cube" })).rejects.toThrow(
    /^runDeer: states of cube must stay finite, got (NaN|-?Infinity) at step \d+ in iteration \d+\. Use elk, or runSequential\.$/,
  );
  const { cell } = network(1, 4, 16);
  expect(() => unrolledDeer(cell, u, h0, { iterations: 0 })).toThrow(
    "deer: iterations must be a whole number ≥ 1, got 0.",
  );
  expect(() => unrolledDeer(cell, u, h0, { iterations: 1, rounds: { type: "elk", damping: 0 } })).toThrow(
    "elk: damping must be above 0, got 0. Use deer for none.",
  );
});
