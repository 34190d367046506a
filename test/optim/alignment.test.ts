// Local and global cosines: the identity between them on random trees, the counterexamples of the article, numpy's numbers.
import { array, assert, double, property, tuple } from "fast-check";
import { expect, test } from "vitest";
import golden from "../golden/alignment.json" with { type: "json" };
import {
  type Alignment,
  alignmentOf,
  alignmentReport,
  blockOf,
  type BlockSums,
} from "../../src/optim/index.ts";
import { tensor } from "../../src/tensor/index.ts";

const sumsOf = (blocks: readonly (readonly [readonly number[], readonly number[]])[]): BlockSums[] =>
  blocks.map(([x, y], i) => {
    const dot = (a: readonly number[], b: readonly number[]): number =>
      a.reduce((sum, v, j) => sum + v * (b[j] ?? 0), 0);
    return { name: `${i}`, inner: dot(x, y), x: dot(x, x), y: dot(y, y) };
  });
const number = double({ min: -10, max: 10, noNaN: true }).map((v) => (Math.abs(v) < 1e-3 ? 1e-3 : v));
const block = tuple(
  array(number, { minLength: 3, maxLength: 3 }),
  array(number, { minLength: 3, maxLength: 3 }),
);
const known = (a: Alignment): { global: number; mean: number; least: number; largest: number } => {
  const { global, mean, least, largest } = a;
  if (global === null || mean === null || least === null || largest === null) throw new Error("defined");
  return { global, mean, least, largest };
};

test("global = κ · Σ w cos / Σ w, so that no sign turns and none is beyond the largest", () => {
  assert(
    property(array(block, { minLength: 1, maxLength: 7 }), (blocks) => {
      const report = alignmentOf(sumsOf(blocks));
      const { global, mean, least, largest } = known(report);
      const [x, y] = [blocks.flatMap(([a]) => a), blocks.flatMap(([, b]) => b)];
      const whole = known(alignmentOf(sumsOf([[x, y]])));
      expect(global).toBeCloseTo(whole.global, 12);
      expect(report.kappa * mean).toBeCloseTo(global, 12);
      expect(report.kappa).toBeLessThanOrEqual(1 + 1e-12);
      expect(global).toBeLessThanOrEqual(Math.max(0, largest) + 1e-12);
      expect(global).toBeGreaterThanOrEqual(Math.min(0, least) - 1e-12);
      if (blocks.length === 1) expect(report.kappa).toBeCloseTo(1, 12);
      // The order of blocks and a scale of either vector change nothing.
      const other = alignmentOf(
        sumsOf(blocks.toReversed().map(([a, b]) => [a.map((v) => 3 * v), b] as const)),
      );
      expect(other.global).toBeCloseTo(global, 12);
      expect(other.kappa).toBeCloseTo(report.kappa, 12);
    }),
  );
});

test("local cosines of 1 bound the global one by nothing", () => {
  const pair = (e: number): Alignment =>
    alignmentOf(
      sumsOf([
        [[e], [1]],
        [[1], [e]],
      ]),
    );
  for (const e of [1, 0.1, 1e-6]) {
    const { global, least } = known(pair(e));
    expect(least).toBe(1);
    expect(global).toBeCloseTo((2 * e) / (1 + e * e), 12);
  }
  const smallest = alignmentOf(
    sumsOf([
      [[1], [1]],
      [[1], [2]],
    ]),
  );
  expect(smallest.global).toBeCloseTo(0.9487, 4);
  const negative = known(
    alignmentOf(
      sumsOf([
        [[1], [-1]],
        [[1], [-2]],
      ]),
    ),
  );
  expect(negative.global).toBeGreaterThan(negative.largest);
});

test("zeros have no cosine, and what goes against the gradient is named", () => {
  const report = alignmentOf(
    sumsOf([
      [
        [0, 0],
        [1, 1],
      ],
      [
        [1, 0],
        [-2, 5],
      ],
      [
        [2, 0],
        [3, 0],
      ],
    ]),
    0.1,
  );
  expect(report.blocks.map((b) => b.cosine)).toEqual([null, -2 / Math.sqrt(29), 1]);
  expect(report.against).toEqual(["1"]);
  expect(report.predictedChange).toBeCloseTo(-0.4, 12);
  expect(alignmentOf(sumsOf([[[0], [0]]]))).toMatchObject({
    global: null,
    mean: null,
    least: null,
    kappa: 0,
  });
});

test("trees of tensors: blocks by layer, sums in float64, numpy's numbers", async () => {
  const tree = (of: Readonly<Record<string, readonly number[]>>): object =>
    Object.fromEntries(Object.entries(of).map(([name, v]) => [name, tensor([...v])]));
  const report = await alignmentReport(tree(golden.x), tree(golden.y));
  expect(report.blocks.map((b) => b.name)).toEqual(golden.names);
  expect(report.global).toBeCloseTo(golden.global, 7);
  expect(report.kappa).toBeCloseTo(golden.kappa, 7);
  report.blocks.forEach((b, i) => expect(b.cosine).toBeCloseTo(golden.cosines[i] ?? Number.NaN, 7));
  // 2²⁴ + 1 is no float32: a sum in that type would lose the one.
  const long = { a: tensor(Float32Array.from([4096, 1])) };
  expect((await alignmentReport(long, long)).predictedChange).toBe(-(2 ** 24 + 1));
  await expect(alignmentReport(tree({ a: [1] }), tree({ b: [1] }))).rejects.toThrow(
    'both trees must have "a"',
  );
});

test("blocks are layers where names count, else the module", () => {
  expect(["model.layers.3.mlp.up_proj.weight", "model.norm.weight", "w"].map(blockOf)).toEqual([
    "model.layers.3",
    "model.norm",
    "w",
  ]);
});
