// Numbers that come out wrong without a word elsewhere: constants of other dtypes, integers, NaN, nothing, long sums.
import { describe, expect, test } from "vitest";
import { DtypeError, OptionError } from "../../src/errors.ts";
import { crossEntropy, embedding } from "../../src/nn/index.ts";
import * as t from "../../src/tensor/index.ts";
import { list } from "../support/check.ts";

type T = t.Tensor;
const int = (...xs: number[]): T => t.tensor(Int32Array.from(xs));
const long = (...xs: bigint[]): T => t.tensor(BigInt64Array.from(xs));
const big = async (x: T): Promise<bigint[]> => Array.from((await x.data()) as BigInt64Array);
const LOW = -(2 ** 31);
const HIGH = 2 ** 31 - 1;

describe("constants are elements of their dtype", () => {
  const half = Math.fround(0.0999755859375);
  test.each<[string, T, number]>([
    ["a fraction through int32", t.cast(t.cast(t.full([1], 1.7), "int32"), "float32"), 1],
    ["a negative one", t.cast(t.cast(t.full([], -1.7), "int64"), "float32"), -1],
    ["0.1 through float16", t.cast(t.cast(t.full([1], 0.1), "float16"), "float32"), half],
    ["0.1 as float32 in float64", t.cast(t.full([1], 0.1), "float64"), Math.fround(0.1)],
    ["through bool", t.cast(t.cast(t.full([1], 0.1), "bool"), "float32"), 1],
    ["through uint8", t.cast(t.cast(t.full([1], 7.9), "uint8"), "float64"), 7],
    ["too large for float16", t.cast(t.cast(t.full([1], 1e5), "float16"), "float32"), Infinity],
    [
      "arithmetic in float32",
      t.cast(t.full([1], 0.1).add(0.2), "float64"),
      Math.fround(Math.fround(0.1) + Math.fround(0.2)),
    ],
    ["a sum of float32", t.cast(t.full([1], 16777216).add(1), "float64"), 16777216],
  ])("%s", async (_, x, expected) => {
    expect(await list(x)).toEqual([expected]);
  });
});

describe("integers wrap, and are exact", () => {
  test("sums, products and powers of int32", async () => {
    const x = int(HIGH, 1);
    const expected = (f: (a: bigint, b: bigint) => bigint): number =>
      Number(BigInt.asIntN(32, f(BigInt(HIGH), 1n)));
    expect(await list(t.sum(x))).toEqual([expected((a, b) => a + b)]);
    expect(await list(t.at(x, 0).add(t.at(x, 1)))).toEqual([LOW]);
    expect(
      await list(t.sum(t.tensor(Int32Array.of(HIGH, 1, 1, 2, HIGH, 3), { shape: [2, 3] }), { axis: 0 })),
    ).toEqual([HIGH + 2 - 2 ** 32, HIGH + 1 - 2 ** 32, 4].map((v) => (v < LOW ? v + 2 ** 32 : v)));
    expect(await list(t.prod(int(HIGH, 3)))).toEqual([Number(BigInt.asIntN(32, BigInt(HIGH) * 3n))]);
    expect(await list(int(10, -3, 46341).pow(int(9, 3, 2)))).toEqual([1e9, -27, 46341 ** 2 - 2 ** 32]);
    expect(await list(int(10, -3, 46341).pow(2))).toEqual([100, 9, 46341 ** 2 - 2 ** 32]);
    expect(await list(t.pow(2, int(0, 10, 31, 32)))).toEqual([1, 1024, LOW, 0]);
    expect(await list(int(3, -1, 1, -1, 0, 7).pow(int(-1, -1, -2, -2, -1, 0)))).toEqual([0, -1, 1, 1, 0, 1]);
  });

  test("int64 beyond 2^53", async () => {
    const odd = 2n ** 53n + 1n;
    expect(await big(t.sum(long(odd, 2n, 4n)))).toEqual([odd + 6n]);
    expect(await big(t.sum(t.reshape(long(odd, 2n, 4n, 1n), [2, 2]), { axis: 1 }))).toEqual([odd + 2n, 5n]);
    expect(await big(t.prod(long(odd, 1n, 3n)))).toEqual([odd * 3n]);
    expect(await big(t.prod(long(2n ** 62n, 3n)))).toEqual([BigInt.asIntN(64, 3n * 2n ** 62n)]);
    expect(await big(long(3n, 7n).pow(long(39n, 22n)))).toEqual([3n ** 39n, 7n ** 22n]);
  });

  test("a long sum of integers, in blocks", async () => {
    const n = 70_001;
    const data = BigInt64Array.from({ length: n }, (_, i) => BigInt(i) * 2n ** 20n + 1n);
    const total = (BigInt(n) * BigInt(n - 1)) / 2n;
    expect(await big(t.sum(t.tensor(data)))).toEqual([total * 2n ** 20n + BigInt(n)]);
  });

  test("division truncates, changes the sign of the lowest number by wrapping, and refuses 0", async () => {
    expect(await list(int(7, -7, LOW, 5).div(int(2, 2, -1, -1)))).toEqual([3, -3, LOW, -5]);
    expect(await list(int(LOW, 3).div(-1))).toEqual([LOW, -3]);
    expect(await list(int(LOW, 3).div(2))).toEqual([LOW / 2, 1]);
    expect(await big(long(-(2n ** 63n)).div(long(-1n)))).toEqual([-(2n ** 63n)]);
    expect(await list(t.div(7, int(2, -1)))).toEqual([3, -7]);
    await expect(int(1).div(int(0)).data()).rejects.toThrow(
      new OptionError("div: divisor must not be 0 for int32, got 0."),
    );
    const folded = t.compile((x: T) => x.add(int(1, 2).div(int(1, 0))));
    await expect(folded(int(1, 1))).rejects.toThrow("div: divisor must not be 0 for int32, got 0.");
    await expect(int(1).div(0).data()).rejects.toThrow("div: divisor must not be 0 for int32, got 0.");
  });
});

test("a number beside integers must be one of them", () => {
  const from = "must be a whole number from -2147483648 to 2147483647 for int32, got";
  const refused: readonly [() => unknown, string][] = [
    [() => int(3, 4).mul(0.5), `mul: number b ${from} 0.5. Cast to a float type first.`],
    [() => int(3).add(1.5), `add: number b ${from} 1.5. Cast to a float type first.`],
    [() => t.sub(NaN, int(3)), `sub: number a ${from} NaN. Cast to a float type first.`],
    [() => t.maximum(int(3), Infinity), `maximum: number b ${from} Infinity. Cast to a float type first.`],
    [() => t.less(int(3), 2.5), `less: number b ${from} 2.5. Cast to a float type first.`],
    [() => int(3).add(2 ** 31), `add: number b ${from} 2147483648. Cast to a float type first.`],
    [
      () => t.where(t.tensor([true]), int(1), 0.5),
      `where: number b ${from} 0.5. Cast to a float type first.`,
    ],
    [() => t.clip(int(1), 0, 1.5), `clip: high ${from} 1.5. Cast to a float type first.`],
    [() => t.pad(int(1), [[1, 1]], 0.5), `pad: value ${from} 0.5. Cast to a float type first.`],
    [() => t.full([2], 1.5, { dtype: "int32" }), `full: value ${from} 1.5. Cast to a float type first.`],
    [
      () => t.tensor([1, 1.5], { dtype: "int32" }),
      `tensor: element 1 ${from} 1.5. Cast to a float type first.`,
    ],
    [
      () => t.tensor(Float32Array.of(300), { dtype: "uint8" }),
      "tensor: element 0 must be a whole number from 0 to 255 for uint8, got 300. Cast to a float type first.",
    ],
    [
      () => t.tensor(Uint8Array.of(128)).div(255),
      "div: input must be a float type, int32 or int64, got uint8. Use cast first.",
    ],
    [() => t.mean(int(1, 2)), "mean: input must be a float type, got int32. Use cast first."],
  ];
  for (const [f, message] of refused) expect(f, message).toThrow(new DtypeError(message));
});

describe.each(["float32", "float64", "float16"] as const)("NaN in %s", (dtype) => {
  const x = t.cast(
    t.tensor([
      [1, NaN, 2],
      [3, -1, Infinity],
      [-Infinity, NaN, Infinity],
    ]),
    dtype,
  );
  test("stays in extremes, and is where they are", async () => {
    expect(await list(t.max(x, { axis: 1 }))).toEqual([NaN, Infinity, NaN]);
    expect(await list(t.min(x, { axis: 1 }))).toEqual([NaN, -1, NaN]);
    expect(await list(t.max(x))).toEqual([NaN]);
    expect(await list(t.argMax(t.narrow(x, 0, 0, 2)))).toEqual([1, 2]);
    expect(await list(t.argMin(t.narrow(x, 0, 0, 2)))).toEqual([1, 1]);
    expect(await list(t.maximum(x, 0))).toEqual([1, NaN, 2, 3, 0, Infinity, 0, NaN, Infinity]);
  });

  test("sorts as +∞ and drives nothing out, and has no sign", async () => {
    const top = t.topK(x, 2);
    expect(await list(top.values)).toEqual([NaN, 2, Infinity, 3, NaN, Infinity]);
    expect(await list(top.indices)).toEqual([1, 2, 2, 0, 1, 2]);
    expect(await list(t.topK(x, 2, { largest: false }).values)).toEqual([1, 2, -1, 3, -Infinity, NaN]);
    expect(await list(t.sort(t.at(x, 0)).values)).toEqual([1, 2, NaN]);
    expect(await list(t.sign(t.at(x, 0)))).toEqual([1, NaN, 1]);
  });
});

describe("of nothing", () => {
  const none = t.zeros([2, 0]);
  test("sums are 0, products 1, means NaN", async () => {
    expect(await list(t.sum(none, { axis: 1 }))).toEqual([0, 0]);
    expect(await list(t.prod(none))).toEqual([1]);
    expect(await list(t.mean(none, { axis: 1 }))).toEqual([NaN, NaN]);
    expect(await list(t.variance(none))).toEqual([NaN]);
    expect(await list(t.logSumExp(none))).toEqual([-Infinity]);
    expect(await list(t.any(none))).toEqual([0]);
    expect(await list(t.all(none))).toEqual([1]);
    expect(await list(t.any(none, { axis: 1, keep: true }))).toEqual([0, 0]);
  });
  test("norms over an empty axis are empty, and so are their derivatives", async () => {
    for (const f of [t.layerNorm, t.rmsNorm, t.softmax, t.logSoftmax] as ((x: T) => T)[]) {
      expect(await list(f(none))).toEqual([]);
      expect(await list(t.grad((x: T) => t.sum(f(x)))(none))).toEqual([]);
    }
  });
});

describe("long sums", () => {
  // 2²⁴ times 0.1, and a prime number of them.
  test.each([16_777_216, 1_000_003])("%i equal numbers", async (n) => {
    const value = Math.fround(0.1);
    const x = t.tensor(new Float32Array(n).fill(value), { lend: true });
    const rows = t.tensor(new Float32Array(n - (n % 4)).fill(value), {
      shape: [(n - (n % 4)) / 4, 4],
      lend: true,
    });
    const [mean, sum, norm, columns, log] = await t.evaluate([
      t.mean(x),
      t.sum(x),
      t.norm(x),
      t.sum(rows, { axis: 0 }),
      t.logSumExp(x),
    ] as [T, T, T, T, T]);
    const near = (got: number, right: number): void => expect(Math.abs(got / right - 1)).toBeLessThan(1e-5);
    near(await mean.item(), value);
    near(await sum.item(), n * value);
    near(await norm.item(), Math.sqrt(n) * value);
    for (const v of await list(columns)) near(v, (rows.shape[0] as number) * value);
    near(await log.item(), value + Math.log(n));
  });

  test("apart, together, kept, in float16 and for gradients", async () => {
    const x = t.full([300, 2, 300], 0.25, { dtype: "float16" });
    expect(await list(t.mean(x, { axis: [0, 2], keep: true }))).toEqual([0.25, 0.25]);
    const wide = t.tensor(new Float32Array(90_000).fill(0.3), { shape: [300, 300] });
    const g = t.grad((b: T) => t.mean(t.mul(b, wide)))(t.ones([]));
    expect(Math.abs((await g.item()) / Math.fround(0.3) - 1)).toBeLessThan(1e-5);
  });
});

test("the mixed second derivative of a power where the exponent is 0", async () => {
  const b = t.tensor(0, { dtype: "float64" });
  const at = (x: number): T =>
    t.grad((e: T) => t.grad((a: T) => t.pow(a, e))(t.tensor(x, { dtype: "float64" })))(b);
  expect(await at(2).item()).toBe(0.5);
  expect(await at(4).item()).toBe(0.25);
  const slope = t.grad((a: T) => t.pow(a, b))(t.tensor(0, { dtype: "float64" }));
  expect(await slope.item()).toBe(0);
});

describe("snapshots", () => {
  test("an array given to tensor, or got from data, is one's own", async () => {
    const mine = Float32Array.of(1, 2);
    const x = t.tensor(mine);
    mine[0] = 9;
    const got = await x.data();
    got[1] = 8;
    expect(await list(x)).toEqual([1, 2]);
    const y = x.add(1);
    (await y.data())[0] = 7;
    expect(await list(y)).toEqual([2, 3]);
    expect(await list(y.mul(2))).toEqual([4, 6]);
  });

  test("a lent array is the tensor", async () => {
    const lent = Float32Array.of(1, 2);
    const x = t.tensor(lent, { lend: true });
    lent[0] = 5;
    expect(await list(x)).toEqual([5, 2]);
  });

  test("elements read before a tensor is donated stay", async () => {
    const step = t.compile((w: T) => w.mul(2), { donate: [0] });
    let w = await t.evaluate(t.ones([4]).add(1));
    const seen: [number, ArrayLike<number | bigint>][] = [];
    for (let i = 1; i <= 6; i++) {
      seen.push([2 ** i, await w.data()]);
      w = await step(w);
    }
    for (const [value, data] of seen) expect(Array.from(data, Number)).toEqual([value, value, value, value]);
    await step.release();
  });
});

describe("indices out of range", () => {
  const x = t.tensor([1, 2, 3]);
  test.each<[string, () => T, string]>([
    ["gather", () => t.gather(x, int(0, 3)), "gather: indices must be in [0, 3), got 3."],
    ["gather, negative", () => t.gather(x, int(-1)), "gather: indices must be in [0, 3), got -1."],
    ["gather, int64", () => t.gather(x, long(5n)), "gather: indices must be in [0, 3), got 5."],
    ["takeAlongAxis", () => t.takeAlongAxis(x, int(7)), "takeAlongAxis: indices must be in [0, 3), got 7."],
    [
      "takeAlongAxis, negative",
      () => t.takeAlongAxis(x, int(1, -7)),
      "takeAlongAxis: indices must be in [0, 3), got -7.",
    ],
    [
      "scatterAdd",
      () => t.scatterAdd(x, int(5), t.ones([1])),
      "scatterAdd: indices must be in [0, 3), got 5.",
    ],
    [
      "scatterAdd, negative",
      () => t.scatterAdd(x, int(-1), t.ones([1])),
      "scatterAdd: indices must be in [0, 3), got -1.",
    ],
    [
      "addAlongAxis",
      () => t.addAlongAxis(x, int(-2), t.ones([1])),
      "addAlongAxis: indices must be in [0, 3), got -2.",
    ],
    [
      "a class",
      () => crossEntropy(t.ones([2, 3]), int(0, 3)),
      "crossEntropy: targets must be in [0, 3), got 3.",
    ],
    [
      "a negative class",
      () => crossEntropy(t.ones([2, 3]), int(0, -1)),
      "crossEntropy: targets must be in [0, 3), got -1.",
    ],
    [
      "an id",
      () => embedding({ weight: t.ones([5, 2]) }, int(4, 5)),
      "embedding: ids must be in [0, 5), got 5.",
    ],
  ])("%s", async (_, f, message) => {
    await expect(f().data()).rejects.toThrow(new OptionError(message));
  });

  test("in a compiled function, where it is used again afterwards", async () => {
    const loss = t.compile((logits: T, targets: T) => crossEntropy(logits, targets));
    await expect(loss(t.ones([1, 3]), int(4))).rejects.toThrow(
      "crossEntropy: targets must be in [0, 3), got 4.",
    );
    expect(await (await loss(t.ones([1, 3]), int(2))).item()).toBeCloseTo(Math.log(3), 6);
    await loss.release();
  });
});

test("two repeated numbers keep their shape under every function of two", async () => {
  const [a, b] = [t.full([2, 2], 3), t.full([2, 2], 2)];
  const yes = t.equal(a, a);
  expect(await list(t.less(a, b))).toEqual([0, 0, 0, 0]);
  expect(await list(t.maximum(a, b))).toEqual([3, 3, 3, 3]);
  expect(await list(t.pow(a, b))).toEqual([9, 9, 9, 9]);
  expect(await list(t.and(yes, t.less(b, a)))).toEqual([1, 1, 1, 1]);
  expect(await list(t.where(t.tensor([true]), a, b))).toEqual([3, 3, 3, 3]);
  expect(await list(t.full([2], 7, { dtype: "int32" }).div(t.full([2], 2, { dtype: "int32" })))).toEqual([
    3, 3,
  ]);
});

test("nothing sorted is nothing", async () => {
  for (const dtype of ["float32", "int32"] as const) {
    const { values, indices } = t.sort(t.zeros([2, 0], { dtype }));
    expect([values.shape, indices.shape]).toEqual([
      [2, 0],
      [2, 0],
    ]);
    expect(await list(values)).toEqual([]);
  }
});

test("an extreme of float16 numbers that are computed has a derivative, first and second", async () => {
  const half = (values: number[]): t.Tensor => t.tensor(values, { shape: [2, 2], dtype: "float16" });
  const [a, b] = [half([1.183, -1.536, -1.122, 0.5269]), half([0.4939, 1.89, -0.6006, -0.7583])];
  for (const reduce of [t.max, t.min]) {
    const of = (x: t.Tensor): t.Tensor => reduce(t.matmul(x, b, { scale: -1 }));
    const slope = t.grad((x: t.Tensor) => t.cast(of(x), "float32"))(a);
    expect((await list(slope)).filter((v) => v !== 0)).toHaveLength(2);
    const curved = t.grad((x: t.Tensor) =>
      t.cast(t.sum(t.grad((z: t.Tensor) => of(z.mul(z)))(x)), "float32"),
    );
    expect((await list(curved(a))).every(Number.isFinite)).toBe(true);
  }
});
