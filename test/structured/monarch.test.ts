// Monarch matrices against the formula, one number at a time, and against the authors' form in PyTorch.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { monarch } from "../../src/structured/index.ts";
import { evaluate, type Tensor, tensor } from "../../src/tensor/index.ts";
import { monarchMatrix } from "../reference/monarch.ts";
import { expectClose, sample } from "../support/check.ts";

// blocks of right and of left, width between, in, out
test.each([
  ["square, m = b", 4, 4, 16, 16, 16],
  ["square, n = 8·6", 8, 6, 48, 48, 48],
  ["square, n = 6·5", 6, 5, 30, 30, 30],
  ["few blocks", 4, 4, 32, 32, 32],
  ["20 to 24", 2, 2, 20, 20, 24],
  ["28 to 12", 2, 2, 12, 28, 12],
  ["one block", 1, 1, 5, 5, 7],
])("%s: the dense form is that of the formula", async (_, k, l, inner, from, out) => {
  const right = sample([k, inner / k, from / k], { seed: "right" });
  const left = sample([l, out / l, inner / l], { seed: "left" });
  const expected = monarchMatrix(
    [l, out / l, inner / l],
    left.ref.data,
    [k, inner / k, from / k],
    right.ref.data,
  );
  const params = { left: left.x, right: right.x };
  const x = sample([3, from], { seed: "x" });
  const got = await evaluate({ w: monarch.toDense(params), y: monarch.apply(params, x.x) });
  expect(got.w.shape).toEqual([out, from]);
  expectClose(await got.w.data(), expected, 1e-13);
  const y = Array.from({ length: 3 * out }, (__, n) =>
    Array.from(
      { length: from },
      (___, i) => (x.ref.data[Math.floor(n / out) * from + i] ?? 0) * (expected[(n % out) * from + i] ?? 0),
    ).reduce((a, b) => a + b, 0),
  );
  expectClose(await got.y.data(), y, 1e-13);
});

interface Leaf {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}
interface Golden {
  readonly right: Leaf;
  readonly left: Leaf;
  readonly x: readonly (readonly number[])[];
  readonly y: readonly (readonly number[])[];
  readonly dense: readonly (readonly number[])[];
}
const golden = JSON.parse(readFileSync(new URL("../golden/monarch.json", import.meta.url), "utf8")) as {
  readonly cases: readonly Golden[];
};
const leaf = ({ shape, data }: Leaf): Tensor => tensor(Float64Array.from(data), { shape });

test.each(golden.cases)(
  "the authors' product, $right.shape and $left.shape",
  async ({ left, right, x, y, dense }) => {
    const params = { left: leaf(left), right: leaf(right) };
    const rows = leaf({ shape: [x.length, x[0]?.length ?? 0], data: x.flat() });
    const got = await evaluate({ w: monarch.toDense(params), y: monarch.apply(params, rows) });
    expectClose(await got.w.data(), dense.flat(), 1e-13);
    expectClose(await got.y.data(), y.flat(), 1e-13);
  },
);

test("a matrix of n = 1024 in 32 blocks is 16 times smaller, in 4 blocks half", () => {
  const count = (blocks: number): number =>
    Object.values(monarch.parameters({ type: "monarch", blocks }, 1024, 1024, 0.02)).reduce(
      (sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1),
      0,
    );
  expect(count(32)).toBe(65_536);
  expect(count(4)).toBe(1024 * 512);
});

test("factors that do not fit each other are refused with both numbers", () => {
  const params = { left: sample([2, 3, 5]).x, right: sample([2, 4, 3]).x };
  expect(() => monarch.apply(params, sample([1, 6]).x)).toThrow(
    "monarch: left must take the 8 numbers that right gives, got 10.",
  );
});
