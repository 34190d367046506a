import { expect, expectTypeOf, test } from "vitest";
import * as t from "../../src/tensor/index.ts";

type T = t.Tensor;
const params = {
  embed: t.ones([2]),
  blocks: [{ w: t.ones([3]) }, { w: t.zeros([3]) }],
  name: "net",
  rank: 4,
};

test("flattenTree names leaves by their path, in order", () => {
  expect(t.flattenTree(params).map(([name, leaf]) => [name, leaf.shape])).toEqual([
    ["embed", [2]],
    ["blocks.0.w", [3]],
    ["blocks.1.w", [3]],
  ]);
  expect(t.flattenTree(params.embed)).toEqual([["", params.embed]]);
  expect(t.leaves([1, null, undefined, "x"])).toEqual([]);
});

test("mapTree keeps everything that is no tensor, unflattenTree puts leaves back", () => {
  const sizes = t.mapTree(params, (x, name) => `${name}:${x.rank}`);
  expect(sizes).toEqual({
    embed: "embed:1",
    blocks: [{ w: "blocks.0.w:1" }, { w: "blocks.1.w:1" }],
    name: "net",
    rank: 4,
  });
  expect(t.unflattenTree(params, [1, 2, 3])).toEqual({
    embed: 1,
    blocks: [{ w: 2 }, { w: 3 }],
    name: "net",
    rank: 4,
  });
  const back = t.unflattenTree(params, t.leaves(params));
  expect(t.leaves(back)).toEqual(t.leaves(params));
});

test("zipTrees pairs by name, whatever the order of keys", () => {
  const a = { p: t.ones([1]), q: t.ones([2]) };
  const b = { q: t.zeros([2]), p: t.zeros([1]) };
  expect(t.zipTrees(a, b, (x, y, name) => [name, x.shape, y.shape])).toEqual({
    p: ["p", [1], [1]],
    q: ["q", [2], [2]],
  });
});

test("types follow the structure", () => {
  expectTypeOf(t.mapTree(params, (x) => x.rank)).toEqualTypeOf<{
    embed: number;
    blocks: { w: number }[];
    name: string;
    rank: number;
  }>();
  const loss = (p: typeof params, x: T): T => t.sum(p.embed.mul(x));
  expectTypeOf(t.grad(loss)).toEqualTypeOf<(p: typeof params, x: T) => typeof params>();
  const both = t.valueAndGrad((p: T, n: number) => ({ loss: p.mul(n), extra: [p] }));
  expectTypeOf(both).returns.toEqualTypeOf<{ value: { loss: T; extra: T[] }; grad: T }>();
  expectTypeOf(t.compile(loss)).parameters.toEqualTypeOf<[typeof params, T]>();
  expectTypeOf(t.compile(loss)).returns.resolves.toEqualTypeOf<T>();
  expectTypeOf(
    t.scan((c: { h: T }, x: T) => [c, { y: x }] as const, { h: t.ones([1]) }, t.ones([1])),
  ).toExtend<{
    carry: { h: T };
    ys: { readonly y: T };
  }>();
  expectTypeOf(t.checkpoint(loss)).toEqualTypeOf<typeof loss>();
  expectTypeOf(t.jvp((p: T) => [p] as [T], t.ones([1]), t.ones([1]))).toEqualTypeOf<{
    value: [T];
    tangent: [T];
  }>();
  // @ts-expect-error A gradient needs a scalar loss, not a number.
  t.grad((p: T) => p.rank);
  // @ts-expect-error A number is no tensor.
  expect(() => t.exp(1)).toThrow();
  expect(t.leaves(params)).toHaveLength(3);
});

test("tensors are made from nested arrays, typed arrays and booleans", async () => {
  expect([t.tensor([[1, 2]]).dtype, t.tensor([[1, 2]]).shape]).toEqual(["float32", [1, 2]]);
  expect([t.tensor([true, false]).dtype, await t.tensor([true, false]).data()]).toEqual([
    "bool",
    Uint8Array.of(1, 0),
  ]);
  expect([t.tensor(3).shape, await t.tensor(3).item()]).toEqual([[], 3]);
  const data = Float32Array.of(1, 2, 3, 4);
  const own = t.tensor(data, { shape: [2, 2] });
  expect(t.tensor(data, { shape: [2, 2], lend: true }).storage?.host).toBe(data);
  expect(await t.tensor(BigInt64Array.of(5n)).item()).toBe(5);
  expect(await t.tensor(Int32Array.of(-1), { dtype: "int64" }).data()).toEqual(BigInt64Array.of(-1n));
  expect(await t.tensor(Uint8Array.of(0, 1), { dtype: "bool" }).data()).toEqual(Uint8Array.of(0, 1));
  expect(await t.tensor([0, 2, -3], { dtype: "bool" }).data()).toEqual(Uint8Array.of(0, 1, 1));
  expect(t.tensor([[], []]).shape).toEqual([2, 0]);
  expect(String(own)).toBe("Tensor float32 [2, 2] [[1, 2], [3, 4]]");
  expect(t.byteLength(own)).toBe(16);
});
