import { expect, test } from "vitest";
import * as t from "../../src/tensor/index.ts";
import { build, get, reorder, stretched } from "../reference/array.ts";
import { Checks, pair, sample } from "../support/check.ts";

const DTYPES = ["float32", "float64", "float16", "int32", "int64", "uint8", "bool"] as const;

test.each(DTYPES)("reshape, permute, transpose, broadcast, %s", async (dtype) => {
  const checks = new Checks();
  const { x, ref } = sample([2, 3, 4], { dtype, low: 0, high: 2 });
  checks.add("reshape", t.reshape(x, [4, 6]), { shape: [4, 6], data: ref.data });
  checks.add("reshape −1", t.reshape(x, [-1, 8]), { shape: [3, 8], data: ref.data });
  checks.add("twice", t.reshape(t.reshape(x, [24]), [6, 2, 2]), { shape: [6, 2, 2], data: ref.data });
  checks.add("permute", t.permute(x, [2, 0, 1]), reorder(ref, [2, 0, 1]));
  checks.add("permute negative", t.permute(x, [-1, -2, -3]), reorder(ref, [2, 1, 0]));
  checks.add("permute twice", t.permute(t.permute(x, [2, 0, 1]), [1, 0, 2]), reorder(ref, [0, 2, 1]));
  checks.add("transpose", t.transpose(x), reorder(ref, [0, 2, 1]));
  checks.add("transpose axes", t.transpose(x, 0, -1), reorder(ref, [2, 1, 0]));
  const thin = sample([3, 1], { dtype, low: 0, high: 2 });
  checks.add(
    "broadcast",
    t.broadcastTo(thin.x, [2, 3, 5]),
    build([2, 3, 5], (i) => stretched(thin.ref, i)),
  );
  checks.add("expandDims", t.expandDims(x, -1), { shape: [2, 3, 4, 1], data: ref.data });
  checks.add("squeeze", t.squeeze(thin.x, 1), { shape: [3], data: thin.ref.data });
  const none = sample([0, 3], { dtype });
  checks.add("empty", t.reshape(none.x, [3, 0]), { shape: [3, 0], data: [] });
  checks.add("empty transposed", t.transpose(none.x), { shape: [3, 0], data: [] });
  await checks.run();
});

test.each(DTYPES)("slice, flip, concat, stack, split, pad, %s", async (dtype) => {
  const checks = new Checks();
  const { x, ref } = sample([5, 7], { dtype, low: 0, high: 2 });
  const spans: [number, number, number][] = [
    [0, 7, 1],
    [1, 5, 1],
    [0, 7, 2],
    [1, 7, 3],
    [6, 7, 1],
    [3, 3, 1],
  ];
  for (const [start, end, step] of spans) {
    const length = Math.max(0, Math.ceil((end - start) / step));
    checks.add(
      `slice ${start}:${end}:${step}`,
      t.slice(x, {}, { start, end, step }),
      build([5, length], ([i = 0, j = 0]) => get(ref, [i, start + j * step])),
    );
  }
  checks.add("slice from the end", t.slice(x, { start: -2 }, { end: -3 }), {
    shape: [2, 4],
    data: build([2, 4], ([i = 0, j = 0]) => get(ref, [3 + i, j])).data,
  });
  checks.add("slice beyond", t.slice(x, { end: 99 }), ref);
  checks.add(
    "narrow",
    t.narrow(x, -1, 2, 4),
    build([5, 2], ([i = 0, j = 0]) => get(ref, [i, j + 2])),
  );
  checks.add(
    "at",
    t.at(x, -1),
    build([7], ([j = 0]) => get(ref, [4, j])),
  );
  checks.add(
    "at axis 1",
    t.at(x, 2, 1),
    build([5], ([i = 0]) => get(ref, [i, 2])),
  );
  checks.add(
    "flip",
    t.flip(x),
    build([5, 7], ([i = 0, j = 0]) => get(ref, [i, 6 - j])),
  );
  checks.add(
    "flip first",
    t.flip(x, 0),
    build([5, 7], ([i = 0, j = 0]) => get(ref, [4 - i, j])),
  );
  const y = sample([5, 2], { dtype, low: 0, high: 2, seed: "y" });
  checks.add(
    "concat",
    t.concat([x, y.x, sample([5, 0], { dtype }).x], -1),
    build([5, 9], ([i = 0, j = 0]) => (j < 7 ? get(ref, [i, j]) : get(y.ref, [i, j - 7]))),
  );
  checks.add(
    "stack",
    t.stack([x, x], 1),
    build([5, 2, 7], ([i = 0, , j = 0]) => get(ref, [i, j])),
  );
  const [, second] = t.split(x, [2, 4, 1], 1);
  expect(second).toBeDefined();
  if (second)
    checks.add(
      "split",
      second,
      build([5, 4], ([i = 0, j = 0]) => get(ref, [i, j + 2])),
    );
  expect(t.split(x, 5).map((p) => p.shape)).toEqual(Array.from({ length: 5 }, () => [1, 7]));
  if (dtype !== "float16" && dtype !== "uint8") {
    const padded = build([5 + 1, 7 + 3], ([i = 0, j = 0]) =>
      i < 1 || j < 1 || j > 7 ? 1 : get(ref, [i - 1, j - 1]),
    );
    checks.add(
      "pad",
      t.pad(
        x,
        [
          [1, 0],
          [1, 2],
        ],
        1,
      ),
      padded,
    );
  }
  await checks.run();
});

test("triangles, iota, full and oneHot", async () => {
  const checks = new Checks();
  for (const dtype of ["float32", "float64", "int32"] as const) {
    const { x, ref } = sample([2, 3, 5], { dtype, low: 1, high: 9 });
    for (const k of [-2, 0, 1, 7]) {
      const keep = (lower: boolean) =>
        build([2, 3, 5], (i) => {
          const [row = 0, column = 0] = i.slice(1);
          return (lower ? column - row <= k : column - row >= k) ? get(ref, i) : 0;
        });
      checks.add(`tril ${k}`, t.tril(x, k), keep(true));
      checks.add(`triu ${k}`, t.triu(x, k), keep(false));
    }
    checks.add("iota", t.iota(7, { dtype }), pair([7], [0, 1, 2, 3, 4, 5, 6], dtype).ref);
    checks.add(
      "full",
      t.full([2, 3], 5, { dtype }),
      build([2, 3], () => 5),
    );
    checks.add(
      "scalar",
      t.full([], 5, { dtype }),
      build([], () => 5),
    );
    checks.add(
      "zeros",
      t.zeros([0, 2], { dtype }),
      build([0, 2], () => 0),
    );
    checks.add(
      "ones",
      t.ones([1], { dtype }),
      build([1], () => 1),
    );
  }
  const ids = pair([2, 2], [0, 3, 1, 2], "int32");
  const hot = build([2, 2, 4], (i) => Number(get(ids.ref, i.slice(0, 2)) === i[2]));
  checks.add("oneHot", t.oneHot(ids.x, 4), hot);
  checks.add("oneHot int64", t.oneHot(t.cast(ids.x, "int64"), 4, { dtype: "float64" }), hot);
  checks.add("no iota", t.iota(0), pair([0], [], "int32").ref);
  await checks.run();
});

test("movement of repeated numbers stays right", async () => {
  const checks = new Checks();
  const five = t.full([2, 3], 5, { dtype: "float64" });
  checks.add(
    "transpose",
    t.transpose(five),
    build([3, 2], () => 5),
  );
  checks.add(
    "reshape",
    t.reshape(five, [6]),
    build([6], () => 5),
  );
  checks.add(
    "slice",
    t.slice(five, { end: 1 }),
    build([1, 3], () => 5),
  );
  checks.add(
    "add",
    five.add(five).mul(0.5),
    build([2, 3], () => 5),
  );
  checks.add(
    "broadcast",
    t.broadcastTo(five, [4, 2, 3]),
    build([4, 2, 3], () => 5),
  );
  checks.add(
    "to bool",
    t.cast(five, "bool"),
    build([2, 3], () => 1),
  );
  checks.add(
    "to int32 truncates",
    t.cast(t.full([2], 2.75), "int32"),
    build([2], () => 2),
  );
  checks.add(
    "to uint8",
    t.cast(t.full([2], 3.5, { dtype: "float64" }), "uint8"),
    build([2], () => 3),
  );
  const { x, ref } = sample([2, 3]);
  checks.add(
    "neutral",
    x
      .add(t.zeros([2, 3], { dtype: "float64" }))
      .mul(1)
      .div(1)
      .sub(0),
    ref,
  );
  checks.add(
    "wider",
    x.add(t.zeros([4, 2, 3], { dtype: "float64" })),
    build([4, 2, 3], (i) => stretched(ref, i)),
  );
  checks.add(
    "int halves",
    t.full([2], 5, { dtype: "int32" }).div(2),
    build([2], () => 2),
  );
  await checks.run();
});
