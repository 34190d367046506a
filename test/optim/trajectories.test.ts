// Update rules against PyTorch and against numpy from the papers (test/golden/optimizers.py), in float64.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import {
  adamw,
  applyUpdates,
  constantRate,
  eg,
  funnelledGain,
  lion,
  metaGain,
  muon,
  sgd,
  tiger,
  type Transform,
} from "../../src/optim/index.ts";
import { evaluate, ones, type Tensor, tensor, zeros } from "../../src/tensor/index.ts";

type Params = { readonly x: Tensor };
type Path = readonly (readonly number[])[];
const golden = JSON.parse(
  readFileSync(new URL("../golden/optimizers.json", import.meta.url), "utf8"),
) as Record<string, Path> & Readonly<Record<"h" | "x0" | "matrix" | "curvature", number[]>>;

const float64 = { dtype: "float64" } as const;
const vector = (values: readonly number[]): Tensor => tensor(Float64Array.from(values), float64);
const matrix = (values: readonly number[]): Tensor =>
  tensor(Float64Array.from(values), { ...float64, shape: [1, values.length] });

/** Parameters after each step on `½ Σ h x²`. */
async function path(
  rule: Transform<Params, Record<string, unknown>>,
  steps: number,
  start: Tensor,
  h = vector(golden.h),
): Promise<{ xs: number[][]; state: Record<string, unknown> }> {
  let params: Params = { x: start };
  let state = rule.init(params);
  const xs: number[][] = [];
  for (let i = 0; i < steps; i++) {
    const next = rule.update({ x: params.x.mul(h) }, state, params);
    ({ params, state } = await evaluate({ params: applyUpdates(params, next.updates), state: next.state }));
    xs.push(Array.from(await params.x.data(), Number));
  }
  return { xs, state };
}

function close(got: Path, wanted: Path, digits: number): void {
  expect(got).toHaveLength(wanted.length);
  wanted.forEach((row, i) => row.forEach((v, j) => expect(got[i]?.[j]).toBeCloseTo(v, digits)));
}

const rate = constantRate(0.05);
// Scalars that follow the step (rates, bias corrections) are float32.
test.each([
  ["adamw", adamw<Params>(rate, { beta2: 0.99, decay: 0.1 }), 6],
  ["sgd", sgd<Params>(rate, { momentum: 0.9 }), 6],
  ["nesterov", sgd<Params>(rate, { momentum: 0.9, nesterov: 1 }), 6],
  ["lion", lion<Params>(constantRate(0.01), { decay: 0.1 }), 7],
  ["tiger", tiger<Params>(constantRate(0.01)), 7],
] as const)("%s goes where its reference goes", async (name, rule, digits) => {
  const { xs } = await path(rule, 12, matrix(golden.x0));
  close(xs, golden[name] ?? [], digits);
});

const sizes = golden.x0.map(Math.abs);
const whole = sizes.reduce((a, b) => a + b, 0);
test.each([
  ["eg", eg<Params>(rate), sizes, 7],
  ["egSimplex", eg<Params>(rate, { form: "simplex" }), sizes.map((v) => v / whole), 7],
  ["egSigned", eg<Params>(rate, { form: "signed" }), golden.x0, 7],
  ["meta-gain", metaGain<Params>(constantRate(0.01), { gamma: 0.001 }), golden.x0, 6],
  [
    "funnelled",
    funnelledGain<Params>(constantRate(0.01), { gamma: 0.05, whole: 0.1, momentum: 0.5, normalise: true }),
    golden.x0,
    6,
  ],
] as const)("%s goes where numpy goes", async (name, rule, start, digits) => {
  const { xs } = await path(rule, 12, matrix(start));
  close(xs, golden[name] ?? [], digits);
});

test("Muon goes where PyTorch's goes", async () => {
  const cast = (values: readonly number[]): Tensor =>
    tensor(Float64Array.from(values), { ...float64, shape: [4, 3] });
  const rule = muon<Params>(rate);
  const { xs } = await path(rule, 12, cast(golden.matrix), cast(golden.curvature));
  close(xs, golden["muon"] ?? [], 6);
});

test("the trajectories that the specification states", async () => {
  const lionPath = await path(lion<Params>(constantRate(0.01), { decay: 0.1 }), 3, matrix(golden.x0));
  close(lionPath.xs.slice(2), [[0.967032989, -1.964035988, 2.961038987]], 7);
  const { m } = (lionPath.state["lion"] as { m: Params }) ?? {};
  close([Array.from(await m.x.data(), Number)], [[0.02937221, -0.5904332, 0.008871443]], 7);
  const tigerPath = await path(tiger<Params>(constantRate(0.01)), 3, matrix(golden.x0));
  close(
    [tigerPath.xs[0] ?? [], tigerPath.xs[2] ?? []],
    [
      [0.9781815063, -1.9779654816, 2.9777494569],
      [0.9351757443, -1.93453392, 2.933892096],
    ],
    7,
  );
});

test("Keras' own test of Lion: gradients of one sign move every entry by the rate", async () => {
  const rule = lion<Params>(constantRate(1e-3));
  let params: Params = { x: tensor(new Float64Array(10).fill(1), float64) };
  let state = rule.init(params);
  for (let step = 0; step < 5; step++) {
    const g =
      step === 0
        ? new Float64Array(10).fill(0.01)
        : Float64Array.from({ length: 10 }, (_, i) => (i + 1) / 10);
    const next = rule.update({ x: tensor(g, float64) }, state, params);
    ({ params, state } = await evaluate({ params: applyUpdates(params, next.updates), state: next.state }));
    for (const x of await params.x.data()) expect(Number(x)).toBeCloseTo(1 - 1e-3 * (step + 1), 8);
  }
});

test("Tiger in two parts, without a buffer, goes where the big batch goes", async () => {
  const rule = tiger<Params>(constantRate(0.01));
  const h = vector(golden.h);
  const noise = [vector([0.3, -1, 0.05]), vector([-0.3, 1, -0.05])];
  let params: Params = { x: matrix(golden.x0) };
  let state = rule.init(params);
  const xs: number[][] = [];
  for (let step = 0; step < 12; step++) {
    for (const [k, n] of noise.entries()) {
      state = await evaluate(
        rule.micro?.take({ x: params.x.mul(h).add(n) }, state, k === 0 ? ones([]) : zeros([]), 2) ?? state,
      );
    }
    const next = rule.micro?.finish(state, params, 2);
    if (next === undefined) throw new Error("Tiger accumulates without a buffer");
    ({ params, state } = await evaluate({ params: applyUpdates(params, next.updates), state: next.state }));
    xs.push(Array.from(await params.x.data(), Number));
  }
  close(xs, golden["tigerInParts"] ?? [], 7);
});
