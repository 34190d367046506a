import { expect, test } from "vitest";
import { DtypeError, OptionError } from "../../src/errors.ts";
import * as t from "../../src/tensor/index.ts";
import { list } from "../support/check.ts";

const clipped = (g: t.Tensor): t.Tensor => {
  const norm = t.norm(g);
  return t.cond(
    t.greater(norm, 1),
    (x: t.Tensor) => x.div(norm),
    (x: t.Tensor) => x,
    g,
  );
};

test("one program takes either branch, by its own values", async () => {
  const fn = t.compile((g: t.Tensor) => ({
    y: clipped(g),
    slope: t.grad((p: t.Tensor) => clipped(p).sum())(g),
  }));
  const small = await fn(t.tensor([0.3, 0.4]));
  expect(await list(small.y)).toEqual([0.3, 0.4].map(Math.fround));
  expect(await list(small.slope)).toEqual([1, 1]);
  const large = await fn(t.tensor([3, 4]));
  expect((await list(large.y)).map((v) => v.toFixed(5))).toEqual(["0.60000", "0.80000"]);
  // ∂/∂g Σ g/|g| = (1 − (Σ g) gᵢ / |g|²) / |g|.
  const slope = [3, 4].map((v) => (1 - (7 * v) / 25) / 5);
  (await list(large.slope)).forEach((v, i) => expect(v).toBeCloseTo(slope[i] ?? NaN, 6));
  expect(fn.traces).toBe(1);
  await fn.release();
});

test("select chooses whole trees, and rows by a condition that broadcasts", async () => {
  const a = {
    x: t.tensor([1, 2]),
    deep: [
      t.tensor([
        [1, 2],
        [3, 4],
      ]),
    ],
  };
  const b = {
    x: t.tensor([5, 6]),
    deep: [
      t.tensor([
        [5, 6],
        [7, 8],
      ]),
    ],
  };
  const yes = t.select(t.tensor(true), a, b);
  expect(await yes.deep[0]?.toArray()).toEqual([
    [1, 2],
    [3, 4],
  ]);
  const rows = t.select(t.tensor([[true], [false]]), a.deep, b.deep);
  expect(await rows[0]?.toArray()).toEqual([
    [1, 2],
    [7, 8],
  ]);
});

test("what cannot be chosen is refused", () => {
  const x = t.ones([2]);
  const same = (): t.Tensor => x;
  expect(() => t.cond(x, same, same)).toThrow(
    new DtypeError("cond: condition must be bool [], got float32 [2]. Use where for a choice per element."),
  );
  expect(() => t.select(t.tensor(true), { a: x }, { a: x, b: x } as { a: t.Tensor })).toThrow(
    new OptionError("select: a and b must hold as many tensors, got 1 and 2."),
  );
  expect(() => t.select<object>(t.tensor(true), { a: x }, { b: x })).toThrow(
    new OptionError('select: "a" must be in b as in a, got none.'),
  );
});

test("derivatives are of the chosen branch alone, where the other one's slope is infinite", async () => {
  const root = (x: t.Tensor): t.Tensor =>
    t.cond(
      t.greater(x, 0),
      (y: t.Tensor) => t.sqrt(y),
      (y: t.Tensor) => y.mul(3),
      x,
    );
  const [first, second] = [t.grad(root), t.grad(t.grad(root))];
  // √x has an infinite slope at 0 and none below it.
  for (const [x, slope, bend] of [
    [0, 3, 0],
    [-4, 3, 0],
    [4, 0.25, -1 / 32],
  ] as const) {
    expect(await first(t.tensor(x)).item()).toBeCloseTo(slope, 6);
    expect(await second(t.tensor(x)).item()).toBeCloseTo(bend, 6);
  }
});

test("so are those of what the branches use from outside, and of whole trees", async () => {
  const f = (w: t.Tensor, x: t.Tensor): t.Tensor => {
    const { a, b } = t.cond(
      t.greater(w, 0),
      ({ y }: { y: t.Tensor }) => ({ a: t.log(w).mul(y), b: y.div(w) }),
      ({ y }: { y: t.Tensor }) => ({ a: w.mul(y), b: y }),
      { y: x },
    );
    return a.add(b).sum();
  };
  const both = (w: number, x: readonly number[]) =>
    t.grad((p: { w: t.Tensor; x: t.Tensor }) => f(p.w, p.x))({ w: t.tensor(w), x: t.tensor([...x]) });
  const off = both(0, [2, 5]); // ln 0 and 1 / 0 are not chosen: w y + y
  expect(await off.w.item()).toBe(7);
  expect(await list(off.x)).toEqual([1, 1]);
  const on = both(2, [2, 5]); // ln w · y + y / w
  expect(await on.w.item()).toBeCloseTo(7 / 2 - 7 / 4, 6);
  (await list(on.x)).forEach((v) => expect(v).toBeCloseTo(Math.log(2) + 1 / 2, 6));
});

test("a branch inside a loop knows its own condition", async () => {
  const run = (xs: t.Tensor): t.Tensor =>
    t.scan(
      (c: t.Tensor, x: t.Tensor): [t.Tensor, t.Tensor] => {
        const y = t.cond(
          t.greater(x, 0),
          (z: t.Tensor) => t.sqrt(z),
          (z: t.Tensor) => z.mul(c),
          x,
        );
        return [c.add(y), y];
      },
      t.tensor(1),
      xs,
    ).carry;
  // c: 1 → 1 + √4 = 3 → 3 + 0 · 3 = 3; ∂/∂x = 1/(2·2), c before.
  expect(await list(t.grad(run)(t.tensor([4, 0])))).toEqual([0.25, 3]);
});
