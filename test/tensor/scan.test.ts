import { describe, expect, test } from "vitest";
import * as t from "../../src/tensor/index.ts";
import { get } from "../reference/array.ts";
import * as reference from "../reference/loops.ts";
import { Checks, expectClose, pair, sample } from "../support/check.ts";
import { derivatives, expectGradients, expectTangents, type Row } from "../support/differences.ts";
import { TOLERANCE } from "../support/tolerance.ts";

type T = t.Tensor;
const list = async (x: T): Promise<number[]> => Array.from(await x.data(), Number);
const add = (a: T, b: T): T => a.add(b);

describe("scan", () => {
  test.each([1, 7, 63])("equals the loop, forwards and backwards, T = %i", async (length) => {
    const checks = new Checks();
    for (const dtype of ["float32", "float64"] as const) {
      for (const reverse of [false, true]) {
        const { x, ref } = sample([length, 2], { dtype });
        const step = (c: T, v: T): readonly [T, { y: T }] => {
          const next = t.tanh(c.mul(0.5).add(v));
          return [next, { y: next.mul(v) }];
        };
        const { carry, ys } = t.scan(step, t.zeros([2], { dtype }), x, { reverse });
        const rows = Array.from({ length }, (_, i) => [get(ref, [i, 0]), get(ref, [i, 1])]);
        const slow = reference.scan(
          (c: number[], v: number[]) => {
            const next = c.map((a, i) => Math.tanh(a * 0.5 + (v[i] ?? 0)));
            return [next, next.map((a, i) => a * (v[i] ?? 0))];
          },
          [0, 0],
          rows,
          reverse,
        );
        const tolerance = dtype === "float32" ? 1e-5 : TOLERANCE.float64;
        checks.add("carry", carry, { shape: [2], data: slow.carry }, tolerance);
        checks.add("ys", ys.y, { shape: [length, 2], data: slow.ys.flat() }, tolerance);
      }
    }
    await checks.run();
  });

  test("carries trees and integers, needs no xs, and may return nothing", async () => {
    const counted = t.scan(
      (c: { n: T; sum: T }) => [{ n: c.n.add(1), sum: c.sum.add(t.cast(c.n, "float64")) }, c.n] as const,
      { n: t.zeros([], { dtype: "int32" }), sum: t.zeros([], { dtype: "float64" }) },
      undefined,
      { length: 5 },
    );
    expect(await counted.carry.n.item()).toBe(5);
    expect(await counted.carry.sum.item()).toBe(10);
    expect(await list(counted.ys)).toEqual([0, 1, 2, 3, 4]);
    const silent = t.scan((c: T, v: T) => [c.add(v), null] as const, t.zeros([]), t.tensor([1, 2, 3]));
    expect(await silent.carry.item()).toBe(6);
    expect(silent.ys).toBeNull();
  });

  test("hands values through: a carry that stays, a result that is the input, one value twice", async () => {
    const w = pair([2], [3, 4]).x;
    const { carry, ys } = t.scan(
      (c: [T, T], v: T) =>
        [
          [c[0], c[0].add(v)],
          [v, v, w, c[1]],
        ] as const,
      [pair([2], [1, 1]).x, pair([2], [0, 0]).x] as [T, T],
      pair([2, 2], [5, 6, 7, 8]).x,
    ) as { carry: [T, T]; ys: T[] };
    const [a, b] = carry;
    expect(await list(a)).toEqual([1, 1]);
    expect(await list(b)).toEqual([8, 9]);
    const all = await Promise.all(ys.map(list));
    expect(all).toEqual([
      [5, 6, 7, 8],
      [5, 6, 7, 8],
      [3, 4, 3, 4],
      [0, 0, 6, 7],
    ]);
  });

  test("no steps give back the first carry and nothing else", async () => {
    const none = t.ones([0, 2]);
    const f = (c: T): T => {
      const step = (a: T, v: T): readonly [T, T] => [a.mul(2).add(t.sum(v)), v.mul(a)];
      const { carry, ys } = t.scan(step, c, none);
      return carry.add(t.sum(ys));
    };
    const { value, grad } = t.valueAndGrad(f)(t.tensor(3));
    expect([await value.item(), await grad.item()]).toEqual([3, 1]);
  });

  test("what does not change from step to step is computed once, outside", async () => {
    const w = sample([2, 2], { seed: "w" });
    const x = sample([3, 2]);
    const inner = t.scan(
      (c: T, v: T) => [c.add(t.sum(t.exp(w.x))).add(v), c] as const,
      t.zeros([2], { dtype: "float64" }),
      x.x,
    );
    const constant = w.ref.data.reduce((s, v) => s + Math.exp(v), 0);
    const expected = [0, 1].map((j) => [0, 1, 2].reduce((s, i) => s + constant + get(x.ref, [i, j]), 0));
    expectClose(await inner.carry.data(), expected, TOLERANCE.float64);
  });

  test("nests, also around a captured value of the loop outside", async () => {
    const x = sample([3, 4]);
    const { carry, ys } = t.scan(
      (c: T, row: T) => {
        const { carry: inner } = t.scan(
          (d: T, v: T) => [d.mul(0.5).add(v.mul(c)), d] as const,
          t.sum(row),
          row,
        );
        return [inner.add(c), inner] as const;
      },
      pair([], [1]).x,
      x.x,
    );
    let c = 1;
    const expected: number[] = [];
    for (let i = 0; i < 3; i++) {
      const row = [0, 1, 2, 3].map((j) => get(x.ref, [i, j]));
      let d = row.reduce((a, b) => a + b, 0);
      for (const v of row) d = d * 0.5 + v * c;
      expected.push(d);
      c += d;
    }
    expectClose(await ys.data(), expected, TOLERANCE.float64);
    expectClose(await carry.data(), [c], TOLERANCE.float64);
  });
});

const ROWS: readonly Row[] = [
  {
    name: "reverse with captured weights",
    at: [sample([2, 2], { seed: "w", low: -1, high: 1 }).x, sample([2], { seed: "h" }).x, sample([3, 2]).x],
    f: (...inputs) => {
      const [w, h, xs] = inputs as [T, T, T];
      const step = (c: T, x: T): readonly [T, T] => {
        const next = t.tanh(t.reshape(t.matmul(w, t.reshape(c, [2, 1])), [2]).add(x));
        return [next, next.mul(t.sum(w))];
      };
      const { carry, ys } = t.scan(step, h, xs, { reverse: true });
      return t.concat([carry, t.reshape(ys, [6])]);
    },
  },
  {
    name: "nested",
    at: [sample([], { seed: "a" }).x, sample([2, 3], { low: -1, high: 1 }).x],
    f: (...inputs) => {
      const [a, xs] = inputs as [T, T];
      const step = (c: T, row: T): readonly [T, T] => {
        const inner = t.scan((d: T, v: T) => [t.sin(d.mul(a).add(v.mul(c))), d] as const, c, row);
        return [inner.carry, inner.ys];
      };
      const { carry, ys } = t.scan(step, a.mul(0.5), xs);
      return t.concat([t.reshape(carry, [1]), t.reshape(ys, [6])]);
    },
  },
  {
    name: "an integer carry beside a float",
    at: [sample([4]).x],
    f: (...inputs) => {
      const [xs] = inputs as [T];
      const step = (c: [T, T], x: T): readonly [[T, T], T] => {
        const next = c[0].mul(x).add(t.cast(c[1], "float64"));
        return [[next, c[1].add(1)], next];
      };
      return t.scan(step, [t.ones([], { dtype: "float64" }), t.zeros([], { dtype: "int32" })] as [T, T], xs)
        .ys;
    },
  },
  {
    name: "no xs, only a captured value",
    at: [sample([], { low: 0.5, high: 0.9 }).x],
    f: (...inputs) => {
      const [a] = inputs as [T];
      return t.scan((c: T) => [c.mul(a), c] as const, a.mul(2), undefined, { length: 4 }).carry;
    },
  },
  {
    name: "a loop inside a checkpoint inside a loop",
    at: [sample([], { low: 0.5, high: 0.9 }).x, sample([3, 2]).x],
    f: (...inputs) => {
      const [a, xs] = inputs as [T, T];
      const inside = t.checkpoint(
        (c: T, row: T) => t.scan((d: T, v: T) => [t.tanh(d.mul(a).add(v)), d] as const, c, row).carry,
      );
      return t.scan((c: T, row: T) => [inside(c, row), c] as const, a, xs).ys;
    },
  },
];

test("gradients of loops, captured values included", async () => {
  await expectGradients(ROWS);
});

test("gradients of gradients of loops", async () => {
  await expectGradients(derivatives(ROWS), 1e-7);
});

test("tangents of loops", async () => {
  await expectTangents(ROWS);
});

describe("associativeScan", () => {
  test.each([1, 2, 3, 7, 8, 63])("equals the loop for T = %i, from both ends", async (length) => {
    const checks = new Checks();
    const a = sample([length, 2], { seed: "a", low: -1, high: 1 });
    const b = sample([length, 2], { seed: "b" });
    for (const reverse of [false, true]) {
      const join = (p: { a: T; b: T }, q: { a: T; b: T }): { a: T; b: T } =>
        reverse
          ? { a: p.a.mul(q.a), b: p.a.mul(q.b).add(p.b) }
          : { a: q.a.mul(p.a), b: q.a.mul(p.b).add(q.b) };
      const got = t.associativeScan(join, { a: a.x, b: b.x }, { reverse });
      const rows = Array.from({ length }, (_, i) => i);
      const slow = reference.scan(
        (h: number[], i: number) => {
          const next = h.map((v, j) => get(a.ref, [i, j]) * v + get(b.ref, [i, j]));
          return [next, next];
        },
        [0, 0],
        rows,
        reverse,
      );
      checks.add(`${reverse}`, got.b, { shape: [length, 2], data: slow.ys.flat() });
    }
    const order = t.associativeScan(
      (p: T, q: T) => t.where(t.equal(q, q), p.mul(10).add(q), q),
      pair([2], [1, 2]).x,
    );
    expect(await list(t.at(order, -1))).toEqual(length > 0 ? [12] : []);
    checks.add("sum", t.associativeScan(add, b.x), await cumulative(b.x));
    await checks.run();
  });
});

async function cumulative(x: T): Promise<{ shape: number[]; data: number[] }> {
  const y = t.cumSum(x, { axis: 0 });
  return { shape: [...(y.shape as number[])], data: await list(y) };
}
