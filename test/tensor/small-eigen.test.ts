// Eigenvalues inside a program: against the host's, on matrices of every size and scale, and what is refused.
import { describe, expect, test } from "vitest";
import {
  compile,
  eigh,
  evaluate,
  expandDims,
  matmul,
  narrow,
  random,
  reshape,
  smallEigh,
  stack,
  type Tensor,
  tensor,
  zeros,
} from "../../src/tensor/index.ts";
import { expectClose, list } from "../support/check.ts";

const symmetric = (n: number, seed: number, scale = 1): Tensor => {
  const half = random.normal(random.key(seed), [n, n], { dtype: "float64" });
  return matmul(half, half, { transposeB: true }).mul(scale);
};

describe("smallEigh", () => {
  test.each([1, 2, 3, 7, 8, 13])("of size %d gives the host's values, and the matrix back", async (n) => {
    const each = await Promise.all([1, 2, 3].map((seed) => evaluate(symmetric(n, seed))));
    const { values, vectors } = await evaluate(smallEigh(stack(each)));
    const back = matmul(vectors.mul(expandDims(values, -2)), vectors, { transposeB: true });
    expectClose(await list(back), (await Promise.all(each.map(list))).flat(), 1e-12);
    for (const [i, x] of each.entries()) {
      const own = (await list(narrow(values, 0, i, i + 1))).sort((a, b) => a - b);
      expectClose(own, await list((await eigh(x)).values), 1e-12);
    }
    const unit = await list(matmul(vectors, vectors, { transposeA: true }));
    expectClose(
      unit,
      unit.map((_, i) => Number((i % (n * n)) % (n + 1) === 0)),
      1e-12,
    );
  });

  test("equal values, zeros, and matrices that are tiny or huge", async () => {
    const spread = reshape(tensor(Float64Array.from([1, 1e-12, 1e12])), [3, 1, 1]);
    const one = symmetric(4, 5);
    const many = stack([one, one, one]).mul(spread);
    const { values } = await evaluate(smallEigh(many));
    const [a = [], b = [], c = []] = await Promise.all(
      [0, 1, 2].map(async (i) => (await list(narrow(values, 0, i, i + 1))).sort((x, y) => x - y)),
    );
    expectClose(
      b.map((x) => x * 1e12),
      a,
      1e-12,
    );
    expectClose(
      c.map((x) => x / 1e12),
      a,
      1e-12,
    );
    const none = await evaluate(smallEigh(zeros([2, 3, 3])));
    expect(await list(none.values)).toEqual([0, 0, 0, 0, 0, 0]);
    const same = tensor(
      [
        [2, 0, 0],
        [0, 2, 0],
        [0, 0, 2],
      ],
      { dtype: "float64" },
    );
    expect(await list((await evaluate(smallEigh(stack([same])))).values)).toEqual([2, 2, 2]);
  });

  test("runs inside a compiled program, in float32", async () => {
    const program = compile((x: Tensor) => smallEigh(x).values);
    const x = await evaluate(symmetric(8, 9));
    const single = tensor(Float32Array.from(await list(x)), { shape: [1, 8, 8] });
    const found = (await list(await program(single))).sort((a, b) => a - b);
    const most = Math.max(...found);
    expectClose(
      found.map((v) => v / most),
      (await list((await eigh(x)).values)).map((v) => v / most),
      1e-6,
    );
    await program.release();
  });

  test("other shapes are refused", () => {
    expect(() => smallEigh(zeros([3, 3]))).toThrow("smallEigh: x must be [M, N, N] with N ≥ 1, got [3, 3].");
    expect(() => smallEigh(zeros([1, 2, 3]))).toThrow("got [1, 2, 3].");
    expect(() => smallEigh(zeros([1, 2, 2]), { sweeps: 0 })).toThrow(
      "sweeps must be a whole number ≥ 1, got 0.",
    );
  });
});
