import { describe, expect, test } from "vitest";
import * as t from "../../src/tensor/index.ts";
import { type Arr, build, get, product, reorder, zip } from "../reference/array.ts";
import { conv1d, einsum } from "../reference/products.ts";
import { Checks, sample } from "../support/check.ts";

const flipLast = (rank: number): number[] => [...Array(rank - 2).keys(), rank - 1, rank - 2];

/** Batches of the left and the right operand. */
const BATCHES: readonly [number[], number[]][] = [
  [[], []],
  [[3], []],
  [[], [3]],
  [[2, 1], [4]],
  [
    [2, 3],
    [2, 3],
  ],
  [[0], []],
];

describe.each(["float32", "float64"] as const)("%s", (dtype) => {
  test("matmul: every transposition, scale and batch", async () => {
    const checks = new Checks();
    for (const [left, right] of BATCHES) {
      for (const transposeA of [false, true]) {
        for (const transposeB of [false, true]) {
          for (const scale of [1, 0.5]) {
            const a = sample([...left, ...(transposeA ? [7, 2] : [2, 7])], { dtype, seed: "a" });
            const b = sample([...right, ...(transposeB ? [3, 7] : [7, 3])], { dtype, seed: "b" });
            const flipped = (r: typeof a.ref, yes: boolean) =>
              yes ? reorder(r, flipLast(r.shape.length)) : r;
            const expected = zip(
              (v) => v * scale,
              product(flipped(a.ref, transposeA), flipped(b.ref, transposeB)),
            );
            const what = `[${a.x.shape.join()}]${transposeA ? "ᵀ" : ""} [${b.x.shape.join()}]${transposeB ? "ᵀ" : ""} ${scale}`;
            checks.add(what, t.matmul(a.x, b.x, { transposeA, transposeB, scale }), expected);
          }
        }
      }
    }
    await checks.run();
  });

  test("transposes and factors around a product are folded in rightly", async () => {
    const checks = new Checks();
    const a = sample([2, 3, 5], { dtype, seed: "a" });
    const b = sample([2, 4, 5], { dtype, seed: "b" });
    const bT = reorder(b.ref, [0, 2, 1]);
    checks.add("transpose", t.matmul(a.x, t.transpose(b.x)), product(a.ref, bT));
    checks.add("twice", t.matmul(a.x, t.transpose(t.transpose(t.transpose(b.x)))), product(a.ref, bT));
    checks.add(
      "factor left",
      t.matmul(a.x.mul(0.25), b.x, { transposeB: true }),
      zip((v) => v / 4, product(a.ref, bT)),
    );
    checks.add(
      "factors both sides",
      t.matmul(t.mul(3, a.x), t.transpose(b.x).mul(0.5), { scale: 2 }),
      zip((v) => v * 3, product(a.ref, bT)),
    );
    const q = sample([2, 3, 4, 5], { dtype, seed: "q" });
    const heads = t.permute(q.x, [0, 2, 1, 3]);
    const kept = reorder(q.ref, [0, 2, 1, 3]);
    checks.add(
      "other axes",
      t.matmul(heads, heads, { transposeB: true }),
      product(kept, reorder(kept, [0, 1, 3, 2])),
    );
    await checks.run();
  });

  test("einsum against nested loops", async () => {
    const checks = new Checks();
    const patterns: [string, Record<string, number>][] = [
      ["ij,jk->ik", { i: 2, j: 3, k: 4 }],
      ["ij,kj->ki", { i: 2, j: 3, k: 4 }],
      ["i,j->ij", { i: 3, j: 2 }],
      ["i,i->", { i: 7 }],
      ["ij,ij->i", { i: 2, j: 5 }],
      ["b h t d, b h s d -> b h t s", { b: 2, h: 3, t: 4, s: 5, d: 2 }],
      ["b h t s, b s h d -> b t h d", { b: 2, h: 3, t: 4, s: 5, d: 2 }],
      ["bij,bjk->bk", { b: 2, i: 3, j: 4, k: 2 }],
      ["ij,k->jk", { i: 2, j: 3, k: 2 }],
      ["ijk->ki", { i: 2, j: 3, k: 4 }],
      ["ij->", { i: 2, j: 3 }],
    ];
    for (const [pattern, sizes] of patterns) {
      const operands = (pattern.split("->")[0] ?? "").split(",").map((names, i) => {
        const shape = names
          .split("")
          .filter((n) => n !== " ")
          .map((n) => sizes[n] ?? 1);
        return sample(shape, { dtype, seed: `${pattern}${i}` });
      });
      const expected = einsum(pattern, sizes, ...operands.map((o) => o.ref));
      checks.add(pattern, t.einsum(pattern, ...operands.map((o) => o.x)), expected);
    }
    await checks.run();
  });

  test("conv1d with stride, padding, dilation and groups against nested loops", async () => {
    const checks = new Checks();
    for (const stride of [1, 2]) {
      for (const dilation of [1, 3]) {
        for (const groups of [1, 2, 4]) {
          for (const padding of [0, [2, 0], 3] as (number | [number, number])[]) {
            const x = sample([2, 4, 11], { dtype });
            const weight = sample([8, 4 / groups, 3], { dtype, seed: "w" });
            const expected = conv1d(x.ref, weight.ref, { stride, dilation, groups, padding });
            checks.add("conv", t.conv1d(x.x, weight.x, { stride, dilation, groups, padding }), expected);
          }
        }
      }
    }
    await checks.run();
  });
});

test("products of integers, and of nothing", async () => {
  const checks = new Checks();
  const a = sample([2, 3, 4], { dtype: "int32", low: -5, high: 5, seed: "a" });
  const b = sample([4, 2], { dtype: "int32", low: -5, high: 5, seed: "b" });
  checks.add("int32", t.matmul(a.x, b.x), product(a.ref, b.ref));
  const none = {
    left: sample([2, 0], { dtype: "float32" }).x,
    right: sample([0, 3], { dtype: "float32" }).x,
  };
  checks.add(
    "inner size 0",
    t.matmul(none.left, none.right),
    build([2, 3], () => 0),
  );
  await checks.run();
});

test("rearrange splits, permutes, merges and repeats", async () => {
  const checks = new Checks();
  const { x, ref } = sample([2, 3, 8]);
  const split = build([2, 3, 4, 2], ([b = 0, t = 0, h = 0, d = 0]) => get(ref, [b, t, h * 2 + d]));
  const heads = reorder(split, [0, 2, 1, 3]);
  const y = t.rearrange(x, "b t (h d) -> b h t d", { h: 4 });
  checks.add("split", y, heads);
  checks.add("back", t.rearrange(y, "b h t d -> b t (h d)"), ref);
  checks.add("merge", t.rearrange(x, "b t c -> (b t) c"), { shape: [6, 8], data: ref.data });
  checks.add(
    "repeat",
    t.rearrange(x, "b t c -> b r t c", { r: 2 }),
    build([2, 2, 3, 8], (i) => get(ref, [i[0] ?? 0, i[2] ?? 0, i[3] ?? 0])),
  );
  checks.add("drop", t.rearrange(t.expandDims(x, 1), "b o t c -> b t c"), ref);
  checks.add("nothing", t.rearrange(x, "a b c -> a b c"), ref);
  await checks.run();
  expect(y.shape).toEqual([2, 4, 3, 2]);
});

test("double precision keeps factors double, though the runtime's products hold single ones", async () => {
  const a = sample([1, 2, 3, 5], { seed: "a" });
  const b = sample([1, 2, 5, 4], { seed: "b" });
  const checks = new Checks();
  const third = (x: Arr): Arr => ({ ...x, data: x.data.map((v) => v * 0.3) });
  const plain = product(a.ref, b.ref);
  checks.add("scale", t.matmul(a.x, b.x, { scale: 0.3 }), third(plain));
  checks.add("after", t.matmul(a.x, b.x).mul(0.3), third(plain));
  checks.add("before", t.matmul(a.x.mul(0.3), b.x), third(plain));
  await checks.run();
});
