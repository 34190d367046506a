// The nearest Monarch matrix, what lies in the set, and inverses.
import { describe, expect, test } from "vitest";
import { applyInverse, invertMonarch, monarch, projectMonarch } from "../../src/structured/index.ts";
import { svd, tensor, transpose } from "../../src/tensor/index.ts";
import golden from "../golden/sequence.json" with { type: "json" };
import { monarchMatrix } from "../reference/monarch.ts";
import { expectClose, list, sample } from "../support/check.ts";

const FORMS = [
  ["square, one product a slice", 4, 3, 12, 12],
  ["few blocks", 2, 2, 16, 16],
  ["20 to 24", 2, 2, 20, 24],
  ["28 to 12", 2, 2, 28, 12],
  ["24 to 15", 3, 1, 24, 15],
] as const;

describe.each(FORMS)("%s", (_, blocks, leftBlocks, from, out) => {
  const config = { type: "monarch", blocks, leftBlocks } as const;
  const w = sample([out, from], { seed: "w" });

  test("what is lost is what is missing, and no neighbour is nearer", async () => {
    const { params, lost, total } = await projectMonarch(w.x, config);
    const distance = async (p: typeof params): Promise<number> => {
      const M = monarchMatrix(
        p.left.shape as [number, number, number],
        await list(p.left),
        p.right.shape as [number, number, number],
        await list(p.right),
      );
      return M.reduce((sum, x, i) => sum + (x - (w.ref.data[i] ?? 0)) ** 2, 0);
    };
    expect(await distance(params)).toBeCloseTo(lost, 9);
    expect(total).toBeCloseTo(
      w.ref.data.reduce((sum, x) => sum + x * x, 0),
      9,
    );
    for (const seed of ["a", "b", "c", "d"]) {
      const near = {
        left: params.left.add(sample(params.left.shape as number[], { seed }).x.mul(0.01)),
        right: params.right.add(sample(params.right.shape as number[], { seed: `${seed}'` }).x.mul(0.01)),
      };
      expect(await distance(near)).toBeGreaterThan(lost);
    }
  });

  test("a matrix of the form is its own projection", async () => {
    const first = await projectMonarch(w.x, config);
    const dense = monarch.toDense(first.params);
    const again = await projectMonarch(dense, config);
    expect(again.lost).toBeLessThan(1e-20);
    expectClose(await list(monarch.toDense(again.params)), await list(dense), 1e-12);
  });
});

test("numpy's best slices", async () => {
  const w = tensor(Float64Array.from(golden.monarch.matrix.flat()), { shape: [12, 12] });
  const { params } = await projectMonarch(w, { type: "monarch", blocks: 4, leftBlocks: 3 });
  expectClose(await list(monarch.toDense(params)), golden.monarch.projected.flat(), 1e-12);
});

test("every butterfly is one: two strides of 2 × 2 blocks in each factor", async () => {
  const n = 16;
  const identity = Array.from({ length: n * n }, (_, i) => Number(i % (n + 1) === 0));
  const product = [1, 2, 4, 8].reduce((M, stride) => {
    const { data } = sample([2 * n], { seed: `stride ${stride}` }).ref;
    // Row i mixes rows i and its partner at the stride.
    return M.map((_, at) => {
      const [i, j] = [Math.floor(at / n), at % n];
      const partner = Math.floor(i / stride) % 2 === 0 ? i + stride : i - stride;
      return (data[2 * i] ?? 0) * (M[i * n + j] ?? 0) + (data[2 * i + 1] ?? 0) * (M[partner * n + j] ?? 0);
    });
  }, identity);
  const w = tensor(Float64Array.from(product), { shape: [n, n] });
  const { lost, total } = await projectMonarch(w, { type: "monarch", blocks: 4 });
  expect(lost / total).toBeLessThan(1e-24);
});

test("the Fourier matrix is one once its columns are in strides, and far from one before", async () => {
  const [m, n] = [4, 16];
  const angle = (i: number, j: number): number => (-2 * Math.PI * i * j) / n;
  const strided = (j: number): number => (j % m) * m + Math.floor(j / m);
  // F[(i, j), (k, l)] = e^{…} with column l·m + k: a factor for each pair, complex.
  const factor = (f: (x: number) => number, at: (j: number, i: number, k: number) => number) =>
    tensor(
      Float64Array.from({ length: m ** 3 }, (_, x) =>
        f(at(Math.floor(x / (m * m)), Math.floor(x / m) % m, x % m)),
      ),
      { shape: [m, m, m] },
    );
  // Row i·m + j, column l·m + k: i j-free part i·k·m, and j (l·m + k).
  const left = (j: number, i: number, k: number): number => angle(i * m + j, k);
  const right = (_: number, j: number, l: number): number => angle(j, l * m);
  const [Lr, Li, Rr, Ri] = [
    factor(Math.cos, left),
    factor(Math.sin, left),
    factor(Math.cos, right),
    factor(Math.sin, right),
  ];
  const dense = (a: typeof Lr, b: typeof Rr) => monarch.toDense({ left: a, right: b });
  const re = await list(dense(Lr, Rr).sub(dense(Li, Ri)));
  const im = await list(dense(Lr, Ri).add(dense(Li, Rr)));
  const expected = Array.from({ length: n * n }, (_, at) => angle(Math.floor(at / n), strided(at % n)));
  expectClose(re, expected.map(Math.cos), 1e-12);
  expectClose(im, expected.map(Math.sin), 1e-12);
  const plain = tensor(
    Float64Array.from({ length: n * n }, (_, at) => Math.cos(angle(Math.floor(at / n), at % n))),
    {
      shape: [n, n],
    },
  );
  const { lost, total } = await projectMonarch(plain, { type: "monarch", blocks: m });
  expect(lost / total).toBeGreaterThan(0.3);
});

test("a sparse matrix is nearer to Monarch than to its low rank of as many numbers", async () => {
  const n = 36;
  const { data } = sample([n, n], { seed: "sparse" }).ref;
  const kept = sample([n, n], { seed: "kept", low: 0, high: 1 }).ref.data;
  const w = tensor(
    Float64Array.from(data, (x, i) => ((kept[i] ?? 0) < 0.05 ? x : 0)),
    { shape: [n, n] },
  );
  const { lost, total } = await projectMonarch(w, { type: "monarch", blocks: 6 });
  const sizes = await list((await svd(w)).s);
  const low = sizes.slice(6).reduce((sum, x) => sum + x * x, 0);
  expect(lost).toBeLessThan(0.8 * low);
  expect(lost).toBeLessThan(total);
});

test.each([
  [4, 3, 12],
  [2, 2, 16],
])("blocks %i and %i of %i: the inverse gives back what was mapped", async (k, l, n) => {
  const params = { left: sample([l, n / l, n / l]).x, right: sample([k, n / k, n / k]).x };
  const x = sample([3, n], { seed: "x" });
  const y = monarch.apply(params, x.x);
  expectClose(await list(applyInverse(await invertMonarch(params), y)), x.ref.data, 1e-9);
});

test("blocks that are not square, sizes that do not divide and numbers that are not finite are refused", async () => {
  const params = { left: sample([2, 3, 4]).x, right: sample([2, 4, 4]).x };
  await expect(invertMonarch(params)).rejects.toThrow(
    "invertMonarch: blocks must be square, got [3, 4] and [4, 4].",
  );
  await expect(projectMonarch(sample([10, 9]).x, { type: "monarch", blocks: 4 })).rejects.toThrow(
    "monarch: blocks=4 must divide the 9 numbers of the input",
  );
  const bad = tensor(Float64Array.from([1, Number.NaN, 2, 3]), { shape: [2, 2] });
  await expect(projectMonarch(transpose(bad), { type: "monarch", blocks: 1 })).rejects.toThrow(
    "projectMonarch: w must be finite, got a value that is NaN or infinite.",
  );
});
