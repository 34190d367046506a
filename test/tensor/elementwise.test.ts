import { describe, expect, test } from "vitest";
import * as t from "../../src/tensor/index.ts";
import { type Arr, zip } from "../reference/array.ts";
import { erf } from "../reference/functions.ts";
import { Checks, pair, sample } from "../support/check.ts";

const even = (x: number): number => {
  const r = Math.round(x);
  return Math.abs(x % 1) === 0.5 && r % 2 !== 0 ? r - 1 : r;
};
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** Name, range that the function is sampled on, and the reference. */
const UNARY: readonly [
  name: string,
  op: (x: t.Tensor) => t.Tensor,
  low: number,
  high: number,
  f: (x: number) => number,
][] = [
  ["neg", t.neg, -3, 3, (x) => -x],
  ["abs", t.abs, -3, 3, Math.abs],
  ["sign", t.sign, -3, 3, Math.sign],
  ["floor", t.floor, -3, 3, Math.floor],
  ["ceil", t.ceil, -3, 3, Math.ceil],
  ["round", t.round, -3, 3, even],
  ["exp", t.exp, -5, 5, Math.exp],
  ["log", t.log, 0.01, 9, Math.log],
  ["sqrt", t.sqrt, 0, 9, Math.sqrt],
  ["rsqrt", t.rsqrt, 0.1, 9, (x) => 1 / Math.sqrt(x)],
  ["square", t.square, -3, 3, (x) => x * x],
  ["sin", t.sin, -20, 20, Math.sin],
  ["cos", t.cos, -20, 20, Math.cos],
  ["tan", t.tan, -1.4, 1.4, Math.tan],
  ["asin", t.asin, -1, 1, Math.asin],
  ["acos", t.acos, -1, 1, Math.acos],
  ["atan", t.atan, -30, 30, Math.atan],
  ["sinh", t.sinh, -4, 4, Math.sinh],
  ["cosh", t.cosh, -4, 4, Math.cosh],
  ["tanh", t.tanh, -4, 4, Math.tanh],
  ["asinh", t.asinh, -9, 9, Math.asinh],
  ["acosh", t.acosh, 1, 9, Math.acosh],
  ["atanh", t.atanh, -0.99, 0.99, Math.atanh],
  ["erf", t.erf, -5, 5, erf],
  ["sigmoid", t.sigmoid, -9, 9, sigmoid],
  ["softplus", t.softplus, -30, 30, (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))],
  ["relu", t.relu, -3, 3, (x) => Math.max(x, 0)],
  ["silu", t.silu, -9, 9, (x) => x * sigmoid(x)],
  ["gelu", t.gelu, -6, 6, (x) => (x / 2) * (1 + erf(x / Math.SQRT2))],
];

const geluTanh = (x: number): number =>
  (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));

describe.each(["float32", "float64"] as const)("one operand, %s", (dtype) => {
  test("every function on odd shapes, down to none", async () => {
    const checks = new Checks();
    for (const [name, op, low, high, f] of UNARY) {
      for (const shape of [[], [1], [7], [3, 0], [2, 3, 63]]) {
        const { x, ref } = sample(shape, { seed: name + shape.join(), low, high, dtype });
        checks.add(`${name} [${shape.join()}]`, op(x), zip(f, ref));
      }
    }
    const { x, ref } = sample([63], { low: -6, high: 6, dtype });
    checks.add("gelu tanh", t.gelu(x, { approximate: "tanh" }), zip(geluTanh, ref));
    await checks.run();
  });

  test("special numbers", async () => {
    const { x, ref } = pair([6], [0, -0, Infinity, -Infinity, 1e-30, -1e-30], dtype);
    const checks = new Checks();
    checks.add("exp", t.exp(x), zip(Math.exp, ref));
    checks.add("tanh", t.tanh(x), zip(Math.tanh, ref));
    checks.add("sigmoid", t.sigmoid(x), zip(sigmoid, ref));
    checks.add("erf", t.erf(x), zip(Math.sign, { shape: ref.shape, data: [0, 0, 1, -1, 0, 0] }));
    checks.add("abs", t.abs(x), zip(Math.abs, ref));
    checks.add("sign", t.sign(x), zip(Math.sign, ref));
    const halves = pair([8], [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.49999, -0.49999], dtype);
    checks.add("round to even", t.round(halves.x), zip(even, halves.ref));
    checks.add("softplus at its ends", t.softplus(pair([2], [80, -80], dtype).x), pair([2], [80, 0]).ref);
    await checks.run();
  });
});

const BINARY: readonly [name: string, op: typeof t.add, f: (a: number, b: number) => number][] = [
  ["add", t.add, (a, b) => a + b],
  ["sub", t.sub, (a, b) => a - b],
  ["mul", t.mul, (a, b) => a * b],
  ["minimum", t.minimum, Math.min],
  ["maximum", t.maximum, Math.max],
  ["equal", t.equal, (a, b) => Number(a === b)],
  ["notEqual", t.notEqual, (a, b) => Number(a !== b)],
  ["less", t.less, (a, b) => Number(a < b)],
  ["lessEqual", t.lessEqual, (a, b) => Number(a <= b)],
  ["greater", t.greater, (a, b) => Number(a > b)],
  ["greaterEqual", t.greaterEqual, (a, b) => Number(a >= b)],
];

const PAIRS: readonly [readonly number[], readonly number[]][] = [
  [[], []],
  [[7], [7]],
  [[7], []],
  [
    [2, 1, 7],
    [3, 1],
  ],
  [[1], [3, 1, 2]],
  [[0, 3], [3]],
  [[63], [2, 63]],
  [[3, 0, 1], [4]],
];

describe.each(["float32", "float64", "int32", "int64"] as const)("two operands, %s", (dtype) => {
  test("every function, broadcasting both ways", async () => {
    const checks = new Checks();
    const whole = dtype.startsWith("int");
    for (const [name, op, f] of [
      ...BINARY,
      ["div", t.div, (a, b) => (whole ? Math.trunc(a / b) : a / b)],
      ["pow", t.pow, (a, b) => a ** b],
    ] as typeof BINARY) {
      for (const [left, right] of PAIRS) {
        // Whole numbers make equal pairs likely; divisors and exponents stay clear of 0.
        const positive = name === "div" || name === "pow";
        const a = sample(left, { seed: `a${name}`, low: positive ? 1 : -3, high: 4, dtype });
        const b = sample(right, { seed: `b${name}`, low: positive ? 1 : -3, high: 4, dtype });
        const y = op(a.x, b.x);
        const expected: Arr = zip(f, a.ref, b.ref);
        checks.add(`${name} [${left.join()}] [${right.join()}]`, y, expected);
        if (f(1, 2) === 1 || f(1, 2) === 0) continue;
        checks.add(
          `${name} number right`,
          op(a.x, 2),
          zip((v) => f(v, 2), a.ref),
        );
        checks.add(
          `${name} number left`,
          op(3, b.x),
          zip((v) => f(3, v), b.ref),
        );
      }
    }
    await checks.run();
  });
});

test("integer division truncates towards zero and powers of negative numbers keep their sign", async () => {
  const checks = new Checks();
  const a = pair([4], [-7, 7, -7, 7], "int32");
  const b = pair([4], [2, -2, -2, 2], "int32");
  checks.add(
    "int32",
    a.x.div(b.x),
    zip((x, y) => Math.trunc(x / y), a.ref, b.ref),
  );
  const f = pair([4], [-2, -1, 0, 3]);
  checks.add(
    "cube",
    f.x.pow(3),
    zip((x) => x ** 3, f.ref),
  );
  checks.add(
    "square",
    f.x.pow(2),
    zip((x) => x ** 2, f.ref),
  );
  checks.add("one", f.x.pow(1), f.ref);
  checks.add(
    "root",
    t.abs(f.x).pow(0.5),
    zip((x) => Math.sqrt(Math.abs(x)), f.ref),
  );
  checks.add("uint8", pair([3], [250, 1, 2], "uint8").x.add(pair([3], [3, 1, 2], "uint8").x), {
    shape: [3],
    data: [253, 2, 4],
  });
  await checks.run();
});

test("float16 adds, multiplies and compares to its own rounding", async () => {
  const a = sample([7], { dtype: "float16", seed: "a" });
  const b = sample([7], { dtype: "float16", seed: "b" });
  const checks = new Checks();
  checks.add(
    "add",
    a.x.add(b.x),
    zip((x, y) => x + y, a.ref, b.ref),
  );
  checks.add(
    "mul",
    a.x.mul(b.x),
    zip((x, y) => x * y, a.ref, b.ref),
  );
  checks.add(
    "less",
    t.less(a.x, b.x),
    zip((x, y) => Number(x < y), a.ref, b.ref),
  );
  checks.add(
    "silu",
    t.silu(a.x),
    zip((x) => x * sigmoid(x), a.ref),
  );
  checks.add(
    "product with its sigmoid",
    a.x.mul(t.sigmoid(a.x)),
    zip((x) => x * sigmoid(x), a.ref),
  );
  checks.add("exp", t.exp(a.x), zip(Math.exp, a.ref));
  checks.add("to float32", t.cast(a.x, "float32"), a.ref);
  await checks.run();
  expect(await a.x.data()).toBeInstanceOf(Float16Array);
});

const choose = (c: number, x: number, y: number): number => (c ? x : y);

test("logic, where and clip", async () => {
  const checks = new Checks();
  const a = pair([4], [0, 0, 1, 1], "bool");
  const b = pair([2, 1], [0, 1], "bool");
  checks.add(
    "and",
    t.and(a.x, b.x),
    zip((x, y) => x & y, a.ref, b.ref),
  );
  checks.add(
    "or",
    t.or(a.x, b.x),
    zip((x, y) => x | y, a.ref, b.ref),
  );
  checks.add(
    "xor",
    t.xor(a.x, b.x),
    zip((x, y) => x ^ y, a.ref, b.ref),
  );
  checks.add(
    "not",
    t.not(a.x),
    zip((x) => 1 - x, a.ref),
  );
  for (const dtype of ["float32", "float64", "int32", "int64", "bool", "uint8"] as const) {
    const x = sample([3, 1, 4], { dtype, low: 0, high: 2, seed: "x" });
    const y = sample([2, 1], { dtype, low: 0, high: 2, seed: "y" });
    checks.add(`where ${dtype}`, t.where(a.x, x.x, y.x), zip(choose, a.ref, x.ref, y.ref));
  }
  const x = sample([4], { seed: "clip" });
  checks.add(
    "where number",
    t.where(a.x, x.x, 0),
    zip((c, v) => (c ? v : 0), a.ref, x.ref),
  );
  checks.add(
    "where numbers",
    t.where(a.x, 2, 3),
    zip((c) => (c ? 2 : 3), a.ref),
  );
  checks.add(
    "clip",
    t.clip(x.x, -0.5, 0.5),
    zip((v) => Math.min(0.5, Math.max(-0.5, v)), x.ref),
  );
  await checks.run();
});

test("casts between all dtypes", async () => {
  const checks = new Checks();
  const dtypes = ["float32", "float64", "float16", "int32", "int64", "uint8", "bool"] as const;
  for (const from of dtypes) {
    for (const to of dtypes) {
      const { x, ref } = pair(
        [4],
        [0, 1, 2, 3].map((v) => (from.startsWith("float") ? v * 1.5 : v)),
        from,
      );
      const whole = to.startsWith("float") ? (v: number) => v : Math.trunc;
      checks.add(`${from} to ${to}`, t.cast(x, to), zip(to === "bool" ? (v) => Number(v !== 0) : whole, ref));
    }
  }
  const negative = pair([2], [-1.5, -0.5]);
  checks.add("towards zero", t.cast(negative.x, "int32"), pair([2], [-1, 0]).ref);
  await checks.run();
});

test("two repeated numbers keep their shape", async () => {
  const [zeros, ones] = [t.full([3], 0), t.full([3], 1)];
  const flags = t.full([3], 1, { dtype: "bool" });
  const [any, larger, power, chosen] = await t.evaluate([
    t.any(t.notEqual(zeros, ones), { axis: 0 }),
    t.sum(t.maximum(zeros, ones), { axis: 0 }),
    t.sum(t.pow(t.full([3], 2), t.full([3], 3)), { axis: 0 }),
    t.sum(t.where(flags, t.full([2, 3], 1), t.full([2, 3], 4)), { axis: [0, 1] }),
  ]);
  expect([await any.item(), await larger.item(), await power.item(), await chosen.item()]).toEqual([
    1, 3, 24, 6,
  ]);
});
