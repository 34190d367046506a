// What Tiger does by role, and with gradients that are not finite.
import { expect, test } from "vitest";
import { applyUpdates, constantRate, partition, sgd, tiger, type Role } from "../../src/optim/index.ts";
import { evaluate, ones, type Tensor, tensor, zeros } from "../../src/tensor/index.ts";

type Params = Record<Role, Tensor>;
const ROLES: Role[] = ["gain", "bias", "table", "matrix"];
const roleOf = (name: string): Role => ROLES.find((r) => name.endsWith(r)) ?? "matrix";
const params = (): Params => ({
  gain: tensor([1, 2]),
  bias: tensor([0.5, -0.5]),
  table: tensor([
    [3, 4],
    [0, 0],
  ]),
  matrix: tensor([
    [3, 4],
    [0, 0],
  ]),
});
const grads = (value = 1): Params => ({
  gain: tensor([value, -1]),
  bias: tensor([1, 0]),
  table: tensor([
    [1, -1],
    [1, 1],
  ]),
  matrix: tensor([
    [1, -1],
    [1, 1],
  ]),
});
const values = async (t: Tensor): Promise<number[]> => Array.from(await t.data(), Number);

async function after(
  rule: ReturnType<typeof tiger<Params>>,
  gradients: Params,
): Promise<Record<Role, number[]>> {
  const { updates } = rule.update(gradients, rule.init(params()), params());
  const next = await evaluate(applyUpdates(params(), updates));
  const out = {} as Record<Role, number[]>;
  for (const role of ROLES) out[role] = await values(next[role]);
  return out;
}

function near(got: readonly number[], wanted: readonly number[]): void {
  expect(got).toHaveLength(wanted.length);
  wanted.forEach((w, i) => expect(got[i]).toBeCloseTo(w, 6));
}

test("rates are relative: by row for tables, by tensor for matrices, a half for vectors without decay", async () => {
  const got = await after(tiger<Params>(constantRate(0.1), { decay: 0.5, floor: 0.01 }, roleOf), grads());
  near(got.gain, [1 - 0.05, 2 + 0.05]);
  near(got.bias, [0.5 - 0.05, -0.5]);
  // Row RMS: √12.5 and, of zeros, the floor. Decay ½ inside.
  const row = Math.sqrt(12.5);
  near(got.table, [3 - 0.1 * row * (1 + 1.5), 4 - 0.1 * row * (-1 + 2), -0.1 * 0.01, -0.1 * 0.01]);
  const whole = Math.sqrt(25 / 4);
  near(got.matrix, [3 - 0.1 * whole * (1 + 1.5), 4 - 0.1 * whole * (-1 + 2), -0.1 * whole, -0.1 * whole]);
});

test("a matrix of zeros moves, by the floor", async () => {
  const rule = tiger<{ w: Tensor }>(constantRate(1e-3), { floor: 0.2 });
  const start = { w: zeros([2, 2]) };
  const { updates } = rule.update({ w: ones([2, 2]) }, rule.init(start), start);
  near(await values(updates.w), [-2e-4, -2e-4, -2e-4, -2e-4]);
});

test.each([Number.NaN, Infinity, -Infinity])(
  "a gradient of %s shrinks the whole model and counts",
  async (bad) => {
    const rule = tiger<Params>(constantRate(0.1), { shrink: 0.9 }, roleOf);
    const got = await after(rule, grads(bad));
    near(got.gain, [1, 1 + 0.9]);
    near(got.bias, [0.45, -0.45]);
    near(got.table, [2.7, 3.6, 0, 0]);
    near(got.matrix, [2.7, 3.6, 0, 0]);
    const { state } = rule.update(grads(bad), rule.init(params()), params());
    expect(await values(state.skipped)).toEqual([1]);
    expect((await values(state.m.gain)).every((m) => m === 0)).toBe(true);
  },
);

test("a bad first part leaves the momentum's decay in place, and the good part counts", async () => {
  const rule = tiger<{ w: Tensor }>(constantRate(0), { beta: 0.5, shrink: 1 });
  const start = { w: ones([1, 1]) };
  const g = (v: number): { w: Tensor } => ({ w: tensor([[v]]) });
  let state = rule.init(start);
  ({ state } = rule.update(g(4), state, start)); // m = 2
  if (rule.micro === undefined) throw new Error("Tiger accumulates without a buffer");
  state = rule.micro.take(g(Number.NaN), state, ones([]), 2); // m = 1
  state = rule.micro.take(g(8), state, zeros([]), 2); // m = 1 + ½/2 · 8
  expect(await values(state.m.w)).toEqual([3]);
  expect(await values(state.bad)).toEqual([1]);
  const done = rule.micro.finish(state, start, 2);
  expect(await values(done.state.step)).toEqual([2]);
});

test("in a partition Tiger still needs no buffer, unless a member does", () => {
  const choose = (name: string): "a" | "b" => (name === "gain" ? "a" : "b");
  const one = tiger<Params>(constantRate(0.1));
  expect(partition<Params, { a: typeof one; b: typeof one }>(choose, { a: one, b: one }).micro).toBeDefined();
  const other = sgd<Params>(constantRate(0.1));
  expect(
    partition<Params, { a: typeof one; b: typeof other }>(choose, { a: one, b: other }).micro,
  ).toBeUndefined();
});
