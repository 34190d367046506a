import { inspect } from "node:util";
import { expect, test } from "vitest";
import { DtypeError, OptionError, ShapeError } from "../../src/errors.ts";
import { Methods } from "../../src/tensor/methods.ts";
import * as t from "../../src/tensor/index.ts";
import { pair, sample } from "../support/check.ts";

/** Arguments after the tensor, for methods that need them or whose operand is not a matrix of floats. */
const ARGUMENTS: Readonly<Record<string, readonly unknown[]>> = {
  clip: [-1, 1],
  cast: ["int32"],
  reshape: [[3, -1]],
  permute: [[1, 0]],
  broadcastTo: [[4, 2, 3]],
  expandDims: [1],
  squeeze: [],
  slice: [{ start: 1 }, { end: 2 }],
  narrow: [1, 0, 2],
  pad: [
    [
      [1, 0],
      [0, 2],
    ],
  ],
};

type Function = (...args: unknown[]) => t.Tensor;

test("every method of a tensor gives what the function of its name gives", async () => {
  const names = Object.entries(Object.getOwnPropertyDescriptors(Methods.prototype)).flatMap(([name, d]) =>
    d.get === undefined && !["constructor", "unary", "number", "reduce"].includes(name) ? [name] : [],
  );
  expect(names.length).toBeGreaterThan(55);
  const functions = t as unknown as Record<string, Function>;
  const both = names.map((name) => {
    const x = name === "not" ? pair([2, 3], [0, 1, 1, 0, 1, 0], "bool").x : sample([2, 3], { low: 1.1 }).x;
    const args = ARGUMENTS[name] ?? [];
    const method = (x as unknown as Record<string, Function>)[name];
    return { name, got: method?.call(x, ...args), expected: functions[name]?.(x, ...args) };
  });
  const missing = both.filter((b) => b.expected === undefined || b.got === undefined);
  expect(missing.map((b) => b.name)).toEqual([]);
  await t.evaluate(both.map(({ got, expected }) => [got, expected]));
  for (const { name, got, expected } of both) {
    expect([got?.dtype, got?.shape], name).toEqual([expected?.dtype, expected?.shape]);
    expect(await got?.data(), name).toEqual(await expected?.data());
  }
});

test("methods chain, and are differentiated", async () => {
  const x = t.tensor([
    [1, 2],
    [3, 4],
  ]);
  expect(await x.mul(2).sum().item()).toBe(20);
  const g = t.grad((p: t.Tensor) => p.exp().log().square().mean({ axis: 1 }).sum())(x);
  expect(await g.toArray()).toEqual([
    [1, 2],
    [3, 4],
  ]);
});

test("methods refuse what the functions refuse, in the same words", () => {
  const x = t.ones([2, 3]);
  const cases: readonly [() => unknown, () => unknown][] = [
    [() => x.sum({ axis: 2 }), () => t.sum(x, { axis: 2 })],
    [() => x.sum({ axes: 1 } as never), () => t.sum(x, { axes: 1 } as never)],
    [() => x.reshape([4]), () => t.reshape(x, [4])],
    [() => x.slice({}, {}, {}), () => t.slice(x, {}, {}, {})],
    [() => x.not(), () => t.not(x)],
    [() => x.gelu({ approximate: "erf" as "none" }), () => t.gelu(x, { approximate: "erf" as "none" })],
  ];
  const message = (f: () => unknown): string => {
    try {
      f();
    } catch (error) {
      if (error instanceof Error) return error.message;
    }
    return "no error";
  };
  for (const [method, of] of cases) {
    expect(message(method)).toBe(message(of));
    expect(message(method)).not.toBe("no error");
  }
  expect(() => x.gelu({ approximate: "erf" as "none" })).toThrow(OptionError);
  expect(() => x.squeeze(0)).toThrow(new ShapeError("squeeze: axis 0 must have size 1, got 2."));
});

test("toArray nests what tensor takes, for every dtype and shape", async () => {
  for (const dtype of ["float32", "float64", "float16", "int32", "int64", "uint8"] as const) {
    const x = t.tensor(
      [
        [1, 2, 3],
        [4, 5, 6],
      ],
      { dtype },
    );
    expect(await x.toArray(), dtype).toEqual([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    expect(await t.tensor(await x.toArray(), { dtype }).data(), dtype).toEqual(await x.data());
  }
  expect(await t.tensor([true, false]).toArray()).toEqual([true, false]);
  expect(await t.tensor(7).add(1).toArray()).toBe(8);
  expect(await t.zeros([2, 0]).toArray()).toEqual([[], []]);
  expect(await t.zeros([0, 2]).toArray()).toEqual([]);
  expect(await t.iota(8).reshape([2, 2, 2]).transpose().toArray()).toEqual([
    [
      [0, 2],
      [1, 3],
    ],
    [
      [4, 6],
      [5, 7],
    ],
  ]);
  const large = t.tensor(BigInt64Array.of(2n ** 60n));
  await expect(large.toArray()).rejects.toThrow(
    new DtypeError(
      "toArray: element 0 must be within ±(2^53 − 1), got 1152921504606846976. Read it with data().",
    ),
  );
});

test("the printed form shows dtype, shape, and the elements where they are known", async () => {
  const x = t.tensor([
    [1, 2],
    [3, 0.1],
  ]);
  expect(String(x)).toBe("Tensor float32 [2, 2] [[1, 2], [3, 0.1]]");
  expect(inspect({ x })).toBe("{ x: Tensor float32 [2, 2] [[1, 2], [3, 0.1]] }");
  const y = x.exp();
  expect(String(y)).toBe("Tensor float32 [2, 2] (exp, not computed yet)");
  await y.data();
  expect(String(y)).toBe("Tensor float32 [2, 2] [[2.71828, 7.38906], [20.0855, 1.10517]]");
  expect(String(t.tensor(true))).toBe("Tensor bool [] true");
  const long = await t.evaluate(t.iota(100).reshape([10, 10]));
  const row = (i: number): string => `[${i}, ${i + 1}, ${i + 2}, …, ${i + 7}, ${i + 8}, ${i + 9}]`;
  const rows = [0, 10, 20].map(row).join(", ");
  expect(String(long)).toBe(`Tensor int32 [10, 10] [${rows}, …, ${[70, 80, 90].map(row).join(", ")}]`);
  expect(String(t.zeros([0, 3]))).toBe("Tensor float32 [0, 3] (broadcast, not computed yet)");
  const step = t.compile((s: t.Tensor) => s.add(1), { donate: [0] });
  const given = await t.evaluate(t.ones([3]).mul(2));
  await step(given);
  expect(String(given)).toBe("Tensor float32 [3] (donated)");
  await step.release();
});
