import * as fc from "fast-check";
import { expect, test } from "vitest";
import { OptionError } from "../../src/errors.ts";
import { encode } from "../../src/graph/encode.ts";
import * as t from "../../src/tensor/index.ts";
import { list } from "../support/check.ts";

type T = t.Tensor;

/** Values that differ little, and those that JSON takes for one another. */
const scalar = fc.oneof(
  fc.constantFrom(
    0,
    -0,
    NaN,
    Infinity,
    -Infinity,
    1,
    "1",
    "",
    null,
    undefined,
    true,
    "true",
    "null",
    1n,
    "1n",
    "-0",
  ),
  fc.double(),
  fc.string({ maxLength: 3 }),
);
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { weight: 3, arbitrary: scalar },
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom("a", "b", "__proto__", "a.b"), tie("value"), {
      maxKeys: 3,
      noNullPrototype: true,
    }),
  ),
}));

/** Equal in every way a program could see, the order of keys included. */
function same(a: unknown, b: unknown): boolean {
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return Object.is(a, b);
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const [x, y] = [Object.entries(a), Object.entries(b)];
  return x.length === y.length && x.every(([k, v], i) => k === y[i]?.[0] && same(v, y[i]?.[1]));
}

test("two values have one text exactly when they are the same", () => {
  fc.assert(
    fc.property(value, value, (a, b) => (encode("x", a) === encode("x", b)) === same(a, b)),
    { numRuns: 5000 },
  );
  fc.assert(
    fc.property(value, (a) => encode("x", structuredClone(a)) === encode("x", a)),
    { numRuns: 1000 },
  );
});

test("pairs that JSON takes for one", () => {
  const values = [
    NaN,
    Infinity,
    -Infinity,
    null,
    undefined,
    0,
    -0,
    "null",
    [],
    {},
    [null],
    [undefined],
    [NaN],
    { a: undefined },
  ];
  const texts = [...values, Object.assign([], { length: 1 }) as unknown[]].map((v) => encode("x", v));
  expect(new Set(texts).size).toBe(texts.length);
});

test("what has no text is refused by its path", () => {
  const circle: unknown[] = [];
  circle.push({ again: circle });
  const cases: readonly [unknown, string][] = [
    [{ a: [new Date(0)] }, "x a.0 must be tensors or plain values, got a Date."],
    [new Map(), "x must be tensors or plain values, got a Map."],
    [{ b: new Float32Array(1) }, "x b must be tensors or plain values, got a Float32Array."],
    [[Symbol("s")], "x 0 must be tensors or plain values, got a symbol."],
    [{ f: Math.sin }, "x f must be tensors or plain values, got a function."],
    [{ [Symbol("s")]: 1 }, "x must be tensors or plain values, got an object with symbols as keys."],
    [circle, "x 0.again must be tensors or plain values, got a value that contains itself."],
  ];
  for (const [v, message] of cases) expect(() => encode("x", v)).toThrow(new OptionError(message));
});

test("programs that differ in a number alone have their own constant", async () => {
  const x = t.tensor([-1, 0.5]);
  const c = t.tensor([true, false]);
  const special = [Infinity, -Infinity, NaN, 0, -0];
  for (const s of special) {
    expect(await list(t.where(c, x, s))).toEqual([-1, s]);
    expect(await list(t.pad(x, [[1, 0]], s))).toEqual([s, -1, 0.5]);
    expect(await list(x.div(s))).toEqual([-1 / s, 0.5 / s]);
  }
  expect(await list(t.maximum(x, Infinity))).toEqual([Infinity, Infinity]);
  expect(await list(t.maximum(x, -Infinity))).toEqual([-1, 0.5]);
  const a = t.tensor([[1, -2]]);
  for (const scale of [Infinity, -Infinity, NaN]) {
    expect(await list(t.matmul(a, a, { transposeB: true, scale }))).toEqual([5 * scale]);
  }
});

test("numbers of one program that differ in a sign alone stay apart", async () => {
  const x = t.tensor([1, 2]);
  const both = await t.evaluate({ plus: x.div(0), minus: x.div(-0) });
  expect(await list(both.plus)).toEqual([Infinity, Infinity]);
  expect(await list(both.minus)).toEqual([-Infinity, -Infinity]);
});

test("compile traces once for each plain value", async () => {
  const traced: unknown[] = [];
  const f = t.compile((x: T, s: unknown) => {
    traced.push(s);
    return x.add(typeof s === "number" ? s : 1);
  });
  const values = [NaN, Infinity, -Infinity, null, undefined, 0, -0, "0", true];
  for (const round of [1, 2]) {
    for (const s of values) {
      const expected = 1 + (typeof s === "number" ? s : 1);
      expect(await list(await f(t.tensor([1]), s)), `${String(s)}, round ${round}`).toEqual([expected]);
    }
  }
  expect(traced).toEqual(values);
  await f.release();
});
