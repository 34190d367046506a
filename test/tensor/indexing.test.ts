import { describe, expect, test } from "vitest";
import * as t from "../../src/tensor/index.ts";
import { build, count, get, indices as all, line, replaced } from "../reference/array.ts";
import { Checks, pair, sample } from "../support/check.ts";

describe.each(["int32", "int64"] as const)("indices as %s", (index) => {
  test("gather along every axis by indices of any rank", async () => {
    const checks = new Checks();
    for (const dtype of ["float32", "float64", "int32", "bool"] as const) {
      const { x, ref } = sample([3, 4, 5], { dtype, low: 0, high: 9 });
      for (const axis of [0, 1, 2]) {
        for (const shape of [[], [7], [2, 2], [0]]) {
          const ids = sample(shape, { dtype: index, low: 0, high: 3, seed: `${axis}` });
          const lead = ref.shape.slice(0, axis);
          const rest = ref.shape.slice(axis + 1);
          const expected = build([...lead, ...shape, ...rest], (i) => {
            const at = get(ids.ref, i.slice(axis, axis + shape.length));
            return get(ref, [...i.slice(0, axis), at, ...i.slice(axis + shape.length)]);
          });
          checks.add(`gather ${dtype} ${axis} [${shape.join()}]`, t.gather(x, ids.x, axis - 3), expected);
        }
      }
    }
    await checks.run();
  });

  test("takeAlongAxis and addAlongAxis", async () => {
    const checks = new Checks();
    for (const dtype of ["float32", "float64", "float16", "int32"] as const) {
      for (const axis of [0, 1]) {
        const { x, ref } = sample([4, 3], { dtype, low: -5, high: 5 });
        const shape = axis === 0 ? [6, 3] : [4, 6];
        const ids = sample(shape, { dtype: index, low: 0, high: 3 });
        const taken = build(shape, (i) => get(ref, replaced(i, axis, get(ids.ref, i))));
        checks.add("take", t.takeAlongAxis(x, ids.x, axis - 2), taken);
        const updates = sample(shape, { dtype, low: -5, high: 5, seed: "updates" });
        const added = build([4, 3], (i) => {
          let sum = get(ref, i);
          for (const j of all(shape)) {
            const to = replaced(j, axis, get(ids.ref, j));
            if (to.every((v, a) => v === i[a])) sum += get(updates.ref, j);
          }
          return sum;
        });
        checks.add("add", t.addAlongAxis(x, ids.x, updates.x, axis), added);
      }
    }
    await checks.run();
  });

  test("scatterAdd adds up rows that repeat", async () => {
    const checks = new Checks();
    for (const dtype of ["float32", "float64", "float16", "int32"] as const) {
      for (const shape of [[], [9], [3, 5], [0]]) {
        const target = sample([4, 3], { dtype, low: -5, high: 5 });
        const ids = sample(shape, { dtype: index, low: 0, high: 4 });
        const updates = sample([...shape, 3], { dtype, low: -5, high: 5, seed: "u" });
        const expected = build([4, 3], ([row = 0, column = 0]) => {
          let sum = get(target.ref, [row, column]);
          for (const j of all(shape)) {
            if (get(ids.ref, j) === row) sum += get(updates.ref, [...j, column]);
          }
          return sum;
        });
        checks.add(`${dtype} [${shape.join()}]`, t.scatterAdd(target.x, ids.x, updates.x), expected);
      }
    }
    await checks.run();
  });
});

test("topK and sort, largest and smallest, along any axis", async () => {
  const checks = new Checks();
  for (const dtype of ["float32", "float64", "int32"] as const) {
    const shape = [3, 7, 2];
    // Distinct numbers, so that indices are determined.
    const order = sample([count(shape)], { seed: "order" }).ref.data;
    const ranks = order.map((v) => order.filter((w) => w < v).length - 20);
    const { x, ref } = pair(shape, ranks, dtype);
    for (const axis of [0, 1, 2]) {
      for (const largest of [true, false]) {
        const k = axis === 1 ? 5 : 2;
        const sorted = (i: readonly number[]): [number, number] => {
          const pairs = line(ref, i, axis).map((v, j): [number, number] => [v, j]);
          pairs.sort(([a], [b]) => (largest ? b - a : a - b));
          return pairs[i[axis] ?? 0] ?? [0, 0];
        };
        const out = shape.map((d, a) => (a === axis ? k : d));
        const { values, indices } = t.topK(x, k, { axis: axis - 3, largest });
        checks.add(
          "values",
          values,
          build(out, (i) => sorted(i)[0]),
        );
        checks.add(
          "indices",
          indices,
          build(out, (i) => sorted(i)[1]),
        );
        expect(indices.dtype).toBe("int32");
        if (largest) continue;
        const whole = t.sort(x, { axis });
        checks.add(
          "sort",
          whole.values,
          build(shape, (i) => sorted(i)[0]),
        );
        checks.add(
          "sort indices",
          whole.indices,
          build(shape, (i) => sorted(i)[1]),
        );
      }
    }
  }
  await checks.run();
});
