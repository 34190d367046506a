// Norms by channel, losses of regression and initialisers.
import { expect, test } from "vitest";
import { OptionError, ShapeError } from "../../src/errors.ts";
import * as nn from "../../src/nn/index.ts";
import * as t from "../../src/tensor/index.ts";
import { random } from "../../src/tensor/index.ts";
import { type Arr, build, count, get, indices, zip } from "../reference/array.ts";
import { Checks, list, pair, sample } from "../support/check.ts";
import { derivatives, expectGradients, expectTangents, type Row } from "../support/differences.ts";

const average = (v: readonly number[]): number => v.reduce((a, b) => a + b, 0) / v.length;
const spread = (v: readonly number[]): number => average(v.map((x) => (x - average(v)) ** 2));

/** Each element by the mean and variance of those that `alike` says belong together. */
function normalised(
  x: Arr,
  alike: (a: readonly number[], b: readonly number[]) => boolean,
  epsilon: number,
): Arr {
  const all = indices(x.shape);
  return build(x.shape, (index) => {
    const values = all.filter((other) => alike(index, other)).map((i) => get(x, i));
    return (get(x, index) - average(values)) / Math.sqrt(spread(values) + epsilon);
  });
}

const affine = (x: Arr, weight: Arr, bias: Arr): Arr =>
  build(x.shape, (i) => get(x, i) * get(weight, [i[1] ?? 0]) + get(bias, [i[1] ?? 0]));

const weight = sample([4], { seed: "weight" });
const bias = sample([4], { seed: "bias" });
const params = { weight: weight.x, bias: bias.x };

test("batchNorm: training, its state, and the running statistics against loops", async () => {
  const checks = new Checks();
  const before = {
    mean: sample([4], { seed: "m" }),
    variance: sample([4], { seed: "v", low: 0.5, high: 2 }),
  };
  const state = { mean: before.mean.x, variance: before.variance.x };
  for (const shape of [
    [5, 4],
    [3, 4, 2],
    [2, 4, 3, 2],
  ]) {
    const x = sample(shape, { low: -1, high: 4 });
    const { y, state: after } = nn.batchNorm(params, state, x.x, { train: true, epsilon: 0.01 });
    const expected = normalised(x.ref, (a, b) => a[1] === b[1], 0.01);
    checks.add(`train ${shape.join()}`, y, affine(expected, weight.ref, bias.ref));
    const channel = (c: number): number[] =>
      indices(shape)
        .filter((i) => i[1] === c)
        .map((i) => get(x.ref, i));
    const n = count(shape) / 4;
    checks.add(
      "mean",
      after.mean,
      build([4], ([c = 0]) => 0.9 * get(before.mean.ref, [c]) + 0.1 * average(channel(c))),
    );
    const running = build(
      [4],
      ([c = 0]) => 0.9 * get(before.variance.ref, [c]) + (0.1 * spread(channel(c)) * n) / (n - 1),
    );
    checks.add("variance", after.variance, running);
    const used = nn.batchNorm(params, state, x.x, { train: false, epsilon: 0.01 });
    expect(used.state).toBe(state);
    const by = build(shape, (i) => {
      const c = [i[1] ?? 0];
      return (get(x.ref, i) - get(before.mean.ref, c)) / Math.sqrt(get(before.variance.ref, c) + 0.01);
    });
    checks.add("running", used.y, affine(by, weight.ref, bias.ref));
  }
  await checks.run();
});

test("groupNorm against loops, from one group to one a channel", async () => {
  const checks = new Checks();
  for (const groups of [1, 2, 4]) {
    const x = sample([2, 4, 3, 2], { low: -1, high: 4 });
    const group = (i: readonly number[]): number => Math.floor((i[1] ?? 0) / (4 / groups));
    const expected = normalised(x.ref, (a, b) => a[0] === b[0] && group(a) === group(b), 0.01);
    checks.add(
      String(groups),
      nn.groupNorm(params, x.x, { groups, epsilon: 0.01 }),
      affine(expected, weight.ref, bias.ref),
    );
  }
  await checks.run();
});

const mean = (x: Arr): Arr => ({ shape: [], data: [average(x.data)] });

test("losses against their formulas", async () => {
  const checks = new Checks();
  const a = sample([3, 5], { seed: "a", low: -3, high: 3 });
  const z = sample([3, 5], { seed: "z", low: 0, high: 1 });
  checks.add("mse", nn.meanSquaredError(a.x, z.x), mean(zip((x, y) => (x - y) ** 2, a.ref, z.ref)));
  for (const delta of [0.3, 1, 10]) {
    const f = (x: number, y: number): number =>
      Math.abs(x - y) <= delta ? (x - y) ** 2 / 2 : delta * (Math.abs(x - y) - delta / 2);
    checks.add(`huber ${delta}`, nn.huber(a.x, z.x, { delta }), mean(zip(f, a.ref, z.ref)));
  }
  const entropy = (p: number, q: number): number => -(q * Math.log(p) + (1 - q) * Math.log(1 - p));
  const p = sample([3, 5], { seed: "p", low: 0.01, high: 0.99 });
  checks.add("bce", nn.binaryCrossEntropy(p.x, z.x), mean(zip(entropy, p.ref, z.ref)));
  const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
  checks.add(
    "logits",
    nn.binaryCrossEntropyWithLogits(a.x, z.x),
    mean(zip((x, y) => entropy(sigmoid(x), y), a.ref, z.ref)),
  );
  const far = pair([2], [800, -800]);
  checks.add("far logits", nn.binaryCrossEntropyWithLogits(far.x, pair([2], [0, 1]).x), {
    shape: [],
    data: [800],
  });
  await checks.run();
  const sure = t.tensor([0, 1]);
  const slope = t.grad((q: t.Tensor) => nn.binaryCrossEntropy(q, sure))(sure);
  expect((await list(slope)).every(Number.isFinite)).toBe(true);
  expect(await nn.binaryCrossEntropy(sure, t.tensor([1, 0])).item()).toBeGreaterThan(80);
});

const real = (shape: readonly number[], seed: string, low = -2, high = 2): t.Tensor =>
  sample(shape, { seed, low, high }).x;
const x = real([3, 2, 2], "x");
const two = [real([2], "w"), real([2], "b")] as const;
const target = sample([5], { seed: "z", low: 0, high: 1 }).x;
const ROWS: readonly Row[] = [
  {
    name: "batchNorm",
    at: [x, ...two],
    f: (a, weight, bias) =>
      nn.batchNorm(
        { weight, bias } as nn.ChannelNormParams,
        { mean: t.zeros([2], { dtype: "float64" }), variance: t.ones([2], { dtype: "float64" }) },
        a as t.Tensor,
        { train: true, epsilon: 0.125 },
      ).y,
  },
  {
    name: "groupNorm",
    at: [x, ...two],
    f: (a, weight, bias) =>
      nn.groupNorm({ weight, bias } as nn.ChannelNormParams, a as t.Tensor, { groups: 1, epsilon: 0.125 }),
  },
  {
    name: "mse",
    at: [real([5], "p"), target],
    f: (p, z) => nn.meanSquaredError(p as t.Tensor, z as t.Tensor),
  },
  {
    name: "huber",
    at: [real([5], "p"), target],
    f: (p, z) => nn.huber(p as t.Tensor, z as t.Tensor, { delta: 0.7 }),
  },
  {
    name: "bce",
    at: [real([5], "q", 0.2, 0.8), target],
    f: (p, z) => nn.binaryCrossEntropy(p as t.Tensor, z as t.Tensor),
  },
  {
    name: "logits",
    at: [real([5], "p"), target],
    f: (p, z) => nn.binaryCrossEntropyWithLogits(p as t.Tensor, z as t.Tensor),
  },
];

test("norms and losses against central differences, twice, and their tangents", async () => {
  await expectGradients(ROWS);
  await expectGradients(derivatives(ROWS), 1e-7);
  await expectTangents(ROWS);
});

test("initialisers have their deviation, their bounds and their angles", async () => {
  const key = random.key(5);
  const shape = [64, 32, 3, 3];
  const std = async (init: nn.Initialiser): Promise<number> =>
    Math.sqrt(spread(await list(init(key, shape))));
  const near = (a: number, b: number): void => expect(Math.abs(a / b - 1)).toBeLessThan(0.02);
  near(await std(nn.xavierUniform()), Math.sqrt(2 / (96 * 9)));
  near(await std(nn.xavierNormal({ gain: 2 })), 2 * Math.sqrt(2 / (96 * 9)));
  near(await std(nn.kaimingUniform()), Math.sqrt(2 / 288));
  near(await std(nn.kaimingNormal({ gain: 1, keep: "out" })), Math.sqrt(1 / 576));
  expect(
    Math.max(...(await list(nn.truncatedNormal({ std: 0.1 })(key, [1000]))).map(Math.abs)),
  ).toBeLessThanOrEqual(0.2);
  for (const sizes of [
    [6, 9],
    [9, 6],
    [4, 2, 3],
  ]) {
    const q = t.reshape(nn.orthogonal({ gain: 2 })(key, sizes), [sizes[0] ?? 1, -1]);
    const [rows = 1, columns = 1] = q.shape as number[];
    const gram =
      rows <= columns ? t.matmul(q, q, { transposeB: true }) : t.matmul(q, q, { transposeA: true });
    const checks = new Checks();
    const n = Math.min(rows, columns);
    checks.add(
      sizes.join(),
      gram,
      build([n, n], ([i, j]) => (i === j ? 4 : 0)),
    );
    await checks.run();
  }
});

test("bad input is refused in a sentence", () => {
  const image = t.ones([2, 4, 3, 3]);
  const state = { mean: t.zeros([4]), variance: t.ones([4]) };
  const single = { weight: t.ones([4]), bias: t.zeros([4]) };
  expect(() =>
    nn.batchNorm({ weight: t.ones([3]), bias: t.zeros([4]) }, state, image, { train: true }),
  ).toThrow(new ShapeError("batchNorm: weight must be [C=4], got [3]."));
  expect(() => nn.batchNorm(single, { ...state, mean: t.zeros([2]) }, image, { train: true })).toThrow(
    new ShapeError("batchNorm: mean must be [C=4], got [2]."),
  );
  expect(() => nn.batchNorm(single, state, t.ones([1, 4]), { train: true })).toThrow(
    new ShapeError("batchNorm: a batch must hold two elements or more of each channel, got 1."),
  );
  expect(() => nn.groupNorm(single, image, { groups: 3 })).toThrow(
    new OptionError("groupNorm: groups must be a whole number that divides 4 channels, got 3."),
  );
  expect(() => nn.meanSquaredError(t.ones([3, 1]), t.ones([3]))).toThrow(
    new ShapeError("meanSquaredError: target must be [3, 1] as the prediction, got [3]."),
  );
  expect(() => nn.huber(t.ones([3]), t.ones([3]), { delta: 0 })).toThrow(
    new OptionError("huber: delta must be above 0, got 0."),
  );
  expect(() => nn.kaimingNormal()(random.key(1), [3])).toThrow(
    new ShapeError("kaimingNormal: shape must be [O, I, …], got [3]."),
  );
});
