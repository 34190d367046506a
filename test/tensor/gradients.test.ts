import { expect, test } from "vitest";
import { attributesOf, reach } from "../../src/graph/value.ts";
import { GRADIENTS } from "../../src/tensor/gradients.ts";
import * as t from "../../src/tensor/index.ts";
import { pair } from "../support/check.ts";
import { derivatives, expectGradients, expectTangents } from "../support/differences.ts";
import { DIFFERENTIABLE } from "../support/differentiable.ts";

test("every rule against central differences", async () => {
  await expectGradients(DIFFERENTIABLE);
});

test("every rule's own derivative against central differences", async () => {
  await expectGradients(derivatives(DIFFERENTIABLE), 1e-7);
});

test("every tangent against central differences", async () => {
  await expectTangents(DIFFERENTIABLE);
});

test("the third derivative, of a few", async () => {
  const names = ["tanh", "gelu", "softmax", "layerNorm", "scan", "matmul 1false 0true"];
  const rows = DIFFERENTIABLE.filter((r) => names.includes(r.name));
  expect(rows).toHaveLength(names.length);
  await expectGradients(derivatives(derivatives(rows)), 1e-6);
});

test("the table leaves no rule out", () => {
  const seen = new Set<string>(["data", "input", "argument", "alias", "stopGradient", "custom"]);
  for (const row of DIFFERENTIABLE) {
    const { grad } = t.valueAndGrad((xs: t.Tensor[]) => t.sum(row.f(...xs)))([...row.at]);
    for (const v of reach([row.f(...row.at), ...t.leaves(grad)])) {
      seen.add(v.op);
      if (v.op !== "scan" && v.op !== "recompute") continue;
      for (const inner of reach(attributesOf(v, "scan").body.results)) seen.add(inner.op);
    }
  }
  expect(Object.keys(GRADIENTS).filter((op) => !seen.has(op))).toEqual([]);
});

async function at(f: (x: t.Tensor) => t.Tensor, values: number[]): Promise<number[]> {
  const { x } = pair([values.length], values);
  return Array.from(
    await t
      .grad((p: t.Tensor) => t.sum(f(p)))(x)
      .data(),
    Number,
  );
}

test("ties share a derivative equally and kinks take the stated side", async () => {
  expect(await at((x) => t.max(x), [1, 3, 3])).toEqual([0, 0.5, 0.5]);
  expect(await at((x) => t.min(x), [1, 1, 1, 1])).toEqual([0.25, 0.25, 0.25, 0.25]);
  expect(await at((x) => t.maximum(x, 0), [-1, 0, 1])).toEqual([0, 0.5, 1]);
  expect(await at((x) => t.minimum(x, 0), [-1, 0, 1])).toEqual([1, 0.5, 0]);
  expect(await at(t.abs, [-2, 0, 2])).toEqual([-1, 0, 1]);
  expect(await at(t.relu, [-1, 0, 1])).toEqual([0, 0, 1]);
  expect(await at((x) => t.clip(x, -1, 1), [-3, 0, 3])).toEqual([0, 1, 0]);
  expect(await at((x) => t.prod(x), [0, 2, 3])).toEqual([6, 0, 0]);
  expect(await at((x) => t.prod(x), [0, 0, 3])).toEqual([0, 0, 0]);
  expect(await at((x) => x.pow(2), [-3, 0, 2])).toEqual([-6, 0, 4]);
  expect(await at((x) => t.pow(x, pair([2], [3, 0]).x), [-2, 0])).toEqual([12, 0]);
});

test("a value used twice adds up, one not used gets zeros, integers get zeros of their shape", async () => {
  const { x } = pair([2], [3, 4]);
  const params = { used: x, unused: x, ids: pair([2], [1, 0], "int32").x };
  const g = t.grad((p: typeof params) => t.sum(p.used.mul(p.used).add(t.gather(p.used, p.ids))))(params);
  expect(Array.from(await g.used.data(), Number)).toEqual([7, 9]);
  expect(Array.from(await g.unused.data(), Number)).toEqual([0, 0]);
  expect(Array.from(await g.ids.data(), Number)).toEqual([0, 0]);
});

const f = (p: t.Tensor): t.Tensor => t.sum(t.softmax(p).mul(p).mul(p));

test("float16 and float32 gradients keep their dtype and agree with float64", async () => {
  for (const dtype of ["float32", "float16"] as const) {
    const { x } = pair([2, 3], [0.5, -1, 2, 1, 0.25, -0.5], dtype);
    const got = t.grad(f)(x);
    expect(got.dtype).toBe(dtype);
    const wide = t.grad(f)(t.cast(x, "float64"));
    const [a, b] = [await got.data(), await wide.data()];
    for (let i = 0; i < 6; i++) {
      expect(Math.abs(Number(a[i]) - Number(b[i]))).toBeLessThan(dtype === "float32" ? 1e-6 : 5e-3);
    }
  }
});
