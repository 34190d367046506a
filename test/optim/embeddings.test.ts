// Rows of tables: that grow under Tiger and Lion while their tokens are away, and the remedies.
import { describe, expect, test } from "vitest";
import {
  applyUpdates,
  constantRate,
  lazyRows,
  lion,
  makeRule,
  optimizerConfig,
  type Role,
  tiger,
  type Transform,
} from "../../src/optim/index.ts";
import { compile, evaluate, flattenTree, ones, type Tensor, tensor, zeros } from "../../src/tensor/index.ts";

type Params = { readonly table: Tensor; readonly w: Tensor };
type Rule = Transform<Params, Record<string, unknown>>;
const role = (name: string): Role => (name.endsWith("table") ? "table" : "matrix");
const values = async (t: Tensor): Promise<number[]> => Array.from(await t.data(), Number);
const start = (): Params => ({ table: tensor([[0.02], [0.02]]), w: tensor([[1]]) });
/** The second row is seen at the first step only. */
const grads = (step: number): Params => ({
  table: tensor([[step % 2 === 0 ? 1 : -1], [step === 0 ? 1 : 0]]),
  w: tensor([[1]]),
});

/** Rows after `steps` steps. */
async function rows(rule: Rule, steps: number): Promise<number[]> {
  const step = compile((params: Params, state: Record<string, unknown>, g: Params) => {
    const done = rule.update(g, state, params);
    return { params: applyUpdates(params, done.updates), state: done.state };
  });
  let now = await evaluate({ params: start(), state: rule.init(start()) });
  for (let i = 0; i < steps; i++) now = await step(now.params, now.state, grads(i));
  return values(now.params.table);
}

describe("a token that is seen once", () => {
  const by = constantRate(0.01);

  test("drifts to −1/λ under Lion, by (1 − ηλ)ᵗ, though its gradient is zero", async () => {
    const [, away = 0] = await rows(lion(by, { decay: 1 }) as Rule, 600);
    expect(away).toBeCloseTo(-1 + 1.02 * 0.99 ** 600, 5);
  });

  test("stays under lazy rows, decay included, and others move as before", async () => {
    const rule = lazyRows(lion<Params>(by, { decay: 1 }), role) as unknown as Rule;
    const [seen = 0, away = 0] = await rows(rule, 50);
    const [usual = 0] = await rows(lion(by, { decay: 1 }) as Rule, 50);
    expect(seen).toBe(usual);
    expect(away).toBeCloseTo(0.02 - 0.01 * 1.02, 7);
  });

  test("barely moves under AdamW for embeddings, beside Tiger for the rest", async () => {
    const embedding = { optimizer: optimizerConfig({ type: "adamw", clip: 0 }), rate: 0.01 };
    const choice = { optimizer: optimizerConfig({ type: "tiger" }), rate: 0.02, embedding };
    const rule = makeRule<Params>(choice, constantRate(0.02), role);
    const { updates } = rule.update(grads(0), rule.init(start()), start());
    const [now] = await values(updates.table);
    // Adam's first step is its own rate, times one and a decay of 0.1.
    expect(now).toBeCloseTo(-0.01 * (1 + 0.1 * 0.02), 6);
    expect((await values(updates.w))[0]).toBeCloseTo(-0.02 * 1.01, 6);
    const [, away = 0] = await rows(rule, 300);
    expect(Math.abs(away)).toBeLessThan(0.2);
  });
});

describe("lazy rows in parts", () => {
  const rule = lazyRows(tiger<Params>(constantRate(0.1), {}, role), role);
  const part = (second: number): Params => ({ table: tensor([[0], [second]]), w: tensor([[1]]) });

  test("a row counts where any part had a gradient for it, and is forgotten in the next update", async () => {
    if (rule.micro === undefined) throw new Error("lazy Tiger accumulates without a buffer");
    let state = rule.init(start());
    state = rule.micro.take(part(3), state, ones([]), 2);
    state = rule.micro.take(part(0), state, zeros([]), 2);
    expect(await values(state.rows["table"] as Tensor)).toEqual([0, 1]);
    const done = rule.micro.finish(state, start(), 2);
    const [first = 1, second = 0] = await values(done.updates.table);
    expect(first).toBe(0);
    expect(second).toBeLessThan(0);
    state = rule.micro.take(part(0), done.state, ones([]), 2);
    expect(await values(state.rows["table"] as Tensor)).toEqual([0, 0]);
  });

  test("a row whose gradient is not finite is there", async () => {
    const { state } = rule.update(part(Number.NaN), rule.init(start()), start());
    expect(await values(state.rows["table"] as Tensor)).toEqual([0, 1]);
  });

  test("keeps a number a row", () => {
    expect(flattenTree(rule.init(start()).rows).map(([name, t]) => [name, t.shape])).toEqual([
      ["table", [2]],
    ]);
  });
});
