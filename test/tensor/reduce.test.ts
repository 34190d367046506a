import { expect, test } from "vitest";
import * as t from "../../src/tensor/index.ts";
import { type Arr, build, fold, get, line } from "../reference/array.ts";
import { Checks, pair, sample } from "../support/check.ts";

/** Exact in float32, as ONNX keeps attributes. */
const EPSILON = 2 ** -10;

type Fold = (values: number[]) => number;
const total: Fold = (v) => v.reduce((a, b) => a + b, 0);
const average: Fold = (v) => total(v) / v.length;
const logSumExp: Fold = (v) => {
  const top = Math.max(...v);
  return top + Math.log(total(v.map((x) => Math.exp(x - top))));
};

const REDUCTIONS: readonly [string, typeof t.sum, Fold][] = [
  ["sum", t.sum, total],
  ["mean", t.mean, average],
  ["max", t.max, (v) => Math.max(...v)],
  ["min", t.min, (v) => Math.min(...v)],
  ["prod", t.prod, (v) => v.reduce((a, b) => a * b, 1)],
  ["logSumExp", t.logSumExp, logSumExp],
  ["variance", t.variance, (v) => average(v.map((x) => (x - average(v)) ** 2))],
  ["norm", t.norm, (v) => Math.sqrt(total(v.map((x) => x * x)))],
];

/** Shape, axes as given, axes counted from the front. */
const CASES: readonly [number[], number | number[] | undefined, number[]][] = [
  [[7], undefined, [0]],
  [[1, 7], 1, [1]],
  [[2, 3, 7], -1, [2]],
  [
    [2, 3, 7],
    [0, -1],
    [0, 2],
  ],
  [[2, 3, 7], undefined, [0, 1, 2]],
  [[3, 63], [-1, -1], [1]],
  [[0, 3], 1, [1]],
];

test.each(["float32", "float64"] as const)("reductions over one, several and all axes, %s", async (dtype) => {
  const checks = new Checks();
  for (const [name, op, f] of REDUCTIONS) {
    for (const [shape, axis, axes] of CASES) {
      const { x, ref } = sample(shape, { seed: name, dtype, low: -1.5, high: 1.5 });
      for (const keep of [false, true]) {
        const y = op(x, { ...(axis === undefined ? {} : { axis }), keep });
        checks.add(`${name} [${shape.join()}] over ${String(axis)}`, y, fold(ref, axes, keep, f));
      }
    }
  }
  await checks.run();
});

test("sums, products and extremes of integers, and of nothing", async () => {
  const checks = new Checks();
  for (const dtype of ["int32", "int64"] as const) {
    const { x, ref } = sample([3, 5], { dtype, low: -4, high: 5 });
    for (const [name, op, f] of REDUCTIONS.filter(([n]) => ["sum", "max", "min", "prod"].includes(n))) {
      checks.add(`${name} ${dtype}`, op(x, { axis: 1 }), fold(ref, [1], false, f));
    }
  }
  const none = sample([2, 0], { dtype: "float64" });
  checks.add("empty sum", t.sum(none.x, { axis: 1 }), pair([2], [0, 0]).ref);
  checks.add("empty product", t.prod(none.x, { axis: 1 }), pair([2], [1, 1]).ref);
  const scalar = pair([], [3]);
  checks.add("scalar sum", t.sum(scalar.x), scalar.ref);
  checks.add("scalar mean", t.mean(scalar.x), scalar.ref);
  checks.add("scalar logSumExp", t.logSumExp(scalar.x), scalar.ref);
  checks.add("scalar max", t.max(scalar.x), scalar.ref);
  const bools = pair([2, 2], [0, 1, 1, 1], "bool");
  checks.add("all", t.all(bools.x, { axis: 1 }), pair([2], [0, 1], "bool").ref);
  checks.add("any", t.any(bools.x, { axis: 1 }), pair([2], [1, 1], "bool").ref);
  await checks.run();
});

test("logSumExp and softmax neither overflow nor lose the large one", async () => {
  const { x } = pair([2, 2], [1000, 1000, -1000, -1000]);
  const checks = new Checks();
  checks.add("logSumExp", t.logSumExp(x, { axis: 1 }), {
    shape: [2],
    data: [1000 + Math.LN2, -1000 + Math.LN2],
  });
  checks.add("softmax", t.softmax(x), { shape: [2, 2], data: [0.5, 0.5, 0.5, 0.5] });
  await checks.run();
});

const at = (best: (a: number, b: number) => boolean) => (x: Arr, axis: number) =>
  fold(x, [axis], false, (v) => v.reduce((b, _, i) => (best(v[i] ?? 0, v[b] ?? 0) ? i : b), 0));

test("argMax and argMin give the first of equals, along any axis", async () => {
  const checks = new Checks();
  for (const dtype of ["float32", "float64", "int32"] as const) {
    const { x, ref } = sample([3, 4, 7], { dtype, low: 0, high: 3 });
    for (const axis of [0, 1, 2]) {
      checks.add("argMax", t.argMax(x, { axis: axis - 3 }), at((a, b) => a > b)(ref, axis));
      checks.add("argMin", t.argMin(x, { axis }), at((a, b) => a < b)(ref, axis));
    }
  }
  expect(t.argMax(t.tensor([1, 2])).dtype).toBe("int32");
  await checks.run();
});

test("running sums, exclusive and from the end, and the dot product", async () => {
  const checks = new Checks();
  for (const dtype of ["float32", "float64", "int32"] as const) {
    for (const exclusive of [false, true]) {
      for (const reverse of [false, true]) {
        for (const axis of [0, 1]) {
          const { x, ref } = sample([3, 7], { dtype, low: -4, high: 4 });
          const expected = build([3, 7], (index) => {
            const here = index[axis] ?? 0;
            const ordered = line(ref, index, axis);
            const part = reverse
              ? ordered.slice(here + Number(exclusive))
              : ordered.slice(0, here + 1 - Number(exclusive));
            return total(part);
          });
          checks.add("cumSum", t.cumSum(x, { axis: axis - 2, exclusive, reverse }), expected);
        }
      }
    }
  }
  const a = sample([2, 3], { seed: "a" });
  const b = sample([2, 3], { seed: "b" });
  const product = a.ref.data.map((v, i) => v * (b.ref.data[i] ?? 0));
  checks.add("dot", t.dot(a.x, b.x), { shape: [], data: [total(product)] });
  await checks.run();
});

test("softmax, logSoftmax and the norms along their axes", async () => {
  const checks = new Checks();
  for (const dtype of ["float32", "float64"] as const) {
    for (const shape of [[1], [7], [2, 3, 63], [0, 4]]) {
      const { x, ref } = sample(shape, { dtype, low: -6, high: 6 });
      for (let axis = 0; axis < shape.length; axis++) {
        const sums = (index: readonly number[]): number => logSumExp(line(ref, index, axis));
        checks.add(
          "softmax",
          t.softmax(x, axis),
          build(shape, (i) => Math.exp(get(ref, i) - sums(i))),
        );
        checks.add(
          "logSoftmax",
          t.logSoftmax(x, axis - shape.length),
          build(shape, (i) => get(ref, i) - sums(i)),
        );
      }
      const width = shape.at(-1) ?? 1;
      const last = shape.length - 1;
      const scale = sample([width], { seed: "scale", dtype });
      const bias = sample([width], { seed: "bias", dtype });
      const own = (i: readonly number[]): number[] => [i[last] ?? 0];
      const standard = build(shape, (i) => {
        const row = line(ref, i, last);
        const variance = average(row.map((v) => (v - average(row)) ** 2));
        return (get(ref, i) - average(row)) / Math.sqrt(variance + EPSILON);
      });
      const scaled = build(shape, (i) => get(standard, i) * get(scale.ref, own(i)) + get(bias.ref, own(i)));
      checks.add("layerNorm plain", t.layerNorm(x, { epsilon: EPSILON }), standard);
      checks.add("layerNorm", t.layerNorm(x, { scale: scale.x, bias: bias.x, epsilon: EPSILON }), scaled);
      const rms = build(shape, (i) => {
        const row = line(ref, i, last);
        return (get(ref, i) / Math.sqrt(average(row.map((v) => v * v)) + EPSILON)) * get(scale.ref, own(i));
      });
      checks.add("rmsNorm", t.rmsNorm(x, { scale: scale.x, epsilon: EPSILON }), rms);
    }
  }
  await checks.run();
});
