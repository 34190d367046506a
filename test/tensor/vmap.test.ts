// Many examples at once against one after the other.
import { expect, test } from "vitest";
import { GraphError, OptionError, ShapeError } from "../../src/errors.ts";
import { crossEntropy } from "../../src/nn/index.ts";
import * as t from "../../src/tensor/index.ts";
import { random } from "../../src/tensor/index.ts";
import { expectClose, list, pair, sample } from "../support/check.ts";
import { DIFFERENTIABLE } from "../support/differentiable.ts";

const EXAMPLES = 3;

/** The operands of a row and two more like them, and all of them side by side. */
function examples(at: readonly t.Tensor[]): { apart: t.Tensor[][]; together: t.Tensor[] } {
  const apart = Array.from({ length: EXAMPLES }, (_, i) => at.map((x) => x.mul(1 - 0.07 * i)));
  return { apart, together: at.map((_, j) => t.stack(apart.map((xs) => xs[j] as t.Tensor))) };
}

type F = (...xs: t.Tensor[]) => t.Tensor | t.Tensor[];

/** Compares `vmap(f)` with `f` on each, for many functions in programs of a few. */
async function expectMapped(rows: readonly { name: string; at: readonly t.Tensor[]; f: F }[]): Promise<void> {
  for (let i = 0; i < rows.length; i += 12) {
    const part = rows.slice(i, i + 12).map(({ name, at, f }) => {
      const { apart, together } = examples(at);
      const each = apart.map((xs) => t.leaves(f(...xs)));
      const expected = (each[0] ?? []).map((_, j) => t.stack(each.map((ys) => ys[j] as t.Tensor)));
      return { name, got: t.leaves(t.vmap(f)(...together)), expected };
    });
    const done = await t.evaluate(part.map(({ got, expected }) => ({ got, expected })));
    for (const [k, { name }] of part.entries()) {
      const { got = [], expected = [] } = done[k] ?? {};
      expect(got.length).toBe(expected.length);
      for (const [j, y] of got.entries()) {
        expect(y.shape, name).toEqual(expected[j]?.shape);
        expectClose(await y.data(), Array.from((await expected[j]?.data()) ?? [], Number), 1e-11, name);
      }
    }
  }
}

test("every row of the derivatives' table, on many examples as on each", async () => {
  await expectMapped(DIFFERENTIABLE);
});

test("gradients of each example", async () => {
  const rows = DIFFERENTIABLE.filter((_, i) => i % 2 === 0 || i > 140);
  await expectMapped(
    rows.map(({ name, at, f }) => ({
      name: `${name}′`,
      at,
      f: (...xs: t.Tensor[]) => t.grad((p: t.Tensor[]) => t.sum(t.square(f(...p))))(xs),
    })),
  );
});

test("the gradient of what was mapped is the sum of gradients", async () => {
  const names = ["tanh", "softmax", "scan", "layerNorm", "checkpoint", "gather", "matmul 1false 0true"];
  for (const { name, at, f } of DIFFERENTIABLE.filter((r) => names.includes(r.name))) {
    const { apart, together } = examples(at);
    const whole = t.grad((xs: t.Tensor[]) => t.sum(t.square(t.vmap(f)(...xs))))(together);
    const each = apart.map((xs) => t.grad((p: t.Tensor[]) => t.sum(t.square(f(...p))))(xs));
    for (const [j, g] of whole.entries()) {
      const expected = t.stack(each.map((gs) => gs[j] as t.Tensor));
      expectClose(await list(g), await list(expected), 1e-11, name);
    }
  }
});

test("a rule of one's own, with weights that all share, inside a compiled function", async () => {
  const w = sample([4, 5], { seed: "w" }).x;
  const x = sample([EXAMPLES, 2, 4]).x;
  const targets = pair([EXAMPLES, 2], [0, 4, 1, 2, 3, 3], "int32").x;
  const loss = (weight: t.Tensor, a: t.Tensor, ids: t.Tensor): t.Tensor =>
    crossEntropy(t.matmul(a, weight), ids);
  const perExample = t.compile(t.vmap(t.grad(loss), { over: [1, 2] }));
  const got = await perExample(w, x, targets);
  expect(got.shape).toEqual([EXAMPLES, 4, 5]);
  for (let i = 0; i < EXAMPLES; i++) {
    const one = t.grad(loss)(w, t.at(x, i), t.at(targets, i));
    expectClose(await list(t.at(got, i)), await list(one), 1e-12);
  }
  await perExample.release();
  const summed = t.grad((weight: t.Tensor) => t.sum(t.vmap(loss, { over: [1, 2] })(weight, x, targets)))(w);
  expectClose(await list(summed), await list(t.sum(got, { axis: 0 })), 1e-12);
});

test("indices that differ between examples, and what does not depend on them", async () => {
  const table = sample([5, 2], { seed: "table" }).x;
  const ids = pair([3, 4], [0, 1, 2, 3, 4, 4, 0, 0, 1, 3, 2, 1], "int64").x;
  const values = sample([3, 4, 2], { seed: "values" }).x;
  const target = sample([3, 2, 5, 2], { seed: "target" }).x;
  const f = (i: t.Tensor, u: t.Tensor, m: t.Tensor): t.Tensor[] => [
    t.gather(table, i),
    t.gather(t.transpose(table), i, 1),
    t.gather(m, t.reshape(i, [2, 2]), 1),
    t.scatterAdd(table, i, u),
    t.topK(u, 1, { axis: 0 }).indices,
    t.oneHot(i, 5),
    table,
  ];
  const got = t.vmap(f)(ids, values, target);
  for (let n = 0; n < 3; n++) {
    const expected = f(t.at(ids, n), t.at(values, n), t.at(target, n));
    for (const [j, y] of expected.entries()) {
      const one = t.at(got[j] as t.Tensor, n);
      expect(one.shape).toEqual(y.shape);
      expectClose(await list(one), await list(y), 1e-12, String(j));
    }
  }
});

test("nested: an outer product, and the Hessian of each example", async () => {
  const [a, b] = [pair([3], [1, 2, 3]).x, pair([2], [5, 7]).x];
  const outer = t.vmap((x: t.Tensor) => t.vmap((y: t.Tensor) => x.mul(y))(b))(a);
  expect(await outer.toArray()).toEqual([
    [5, 7],
    [10, 14],
    [15, 21],
  ]);
  const cubes = (x: t.Tensor): t.Tensor => t.sum(x.pow(3));
  const hessian = t.vmap(t.jacobian(t.grad(cubes)));
  expect(await hessian(pair([2, 2], [1, 2, 3, 4]).x).toArray()).toEqual([
    [
      [6, 0],
      [0, 12],
    ],
    [
      [18, 0],
      [0, 24],
    ],
  ]);
});

test("what has no rule, and examples of two numbers, are refused by name", () => {
  const keys = pair([2, 2], [1, 2, 3, 4], "int32").x.add(0);
  expect(() => t.vmap((k: t.Tensor) => random.normal(k, [2]))(keys)).toThrow(
    new GraphError("vmap: random has no rule for many examples. Call fn for each, and stack the results."),
  );
  const add = (x: t.Tensor, y: t.Tensor): t.Tensor => x.add(y);
  expect(() => t.vmap(add)(t.ones([2]), t.ones([3]))).toThrow(
    new ShapeError("vmap: argument 1 must be [N=2, …], got [3]."),
  );
  expect(() => t.vmap(add)(t.ones([]), t.ones([3]))).toThrow(
    new ShapeError("vmap: argument 0 must be [N, …], got []."),
  );
  expect(() => t.vmap(add, { over: [2] })(t.ones([2]), t.ones([2]))).toThrow(
    new OptionError("vmap: over must name arguments of 0 to 1, got 2."),
  );
  expect(() => t.vmap(() => t.ones([1]))()).toThrow(
    new OptionError("vmap: arguments must hold a tensor of examples, got none."),
  );
});
