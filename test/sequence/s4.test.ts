// HiPPO, and S4's road to a kernel: every station against the one before it.
import { expect, test } from "vitest";
import {
  discretise,
  hippoDiagonal,
  hippoLegS,
  rationalOf,
  rtfKernel,
  s4Kernel,
} from "../../src/sequence/index.ts";
import { type Complex, reshape, type Tensor, tensor } from "../../src/tensor/index.ts";
import { kernel, times, transposed, withoutPower } from "../reference/sequence.ts";
import { expectClose, list, sample } from "../support/check.ts";
import golden from "../golden/sequence.json" with { type: "json" };

const rowsOf = async (A: Tensor, N: number): Promise<number[][]> => {
  const values = await list(A);
  return Array.from({ length: N }, (_, i) => values.slice(N * i, N * i + N));
};

test("HiPPO-LegS and its trapezoidal steps are scipy's", async () => {
  const { N, step, A, B, discreteA, discreteB } = golden.hippo;
  const given = hippoLegS(N);
  expectClose(await list(given.A), A.flat(), 1e-14);
  expectClose(await list(given.B), B, 1e-14);
  const steps = await discretise(given, step);
  expectClose(await list(steps.A), discreteA.flat(), 1e-12);
  expectClose(await list(steps.B), discreteB, 1e-12);
});

test.each([1, 2, 5, 8])("order %i is normal plus rank one: V (Λ − p p*) V*, V unitary", async (N) => {
  const { lambda, p, b, v } = await hippoDiagonal(N);
  const [re, im] = [await rowsOf(v.re, N), await rowsOf(v.im, N)];
  const numbers = async (x: Complex) => [await list(x.re), await list(x.im)] as const;
  const [l, q, w] = [await numbers(lambda), await numbers(p), await numbers(b)];
  const A = await rowsOf(hippoLegS(N).A, N);
  const B = await list(hippoLegS(N).B);
  // By hand in pairs (re, im).
  type Z = readonly [number, number];
  const z = (x: readonly [number[], number[]], i: number): Z => [x[0][i] ?? 0, x[1][i] ?? 0];
  const V = (i: number, k: number): Z => [re[i]?.[k] ?? 0, im[i]?.[k] ?? 0];
  const mul = (x: Z, y: Z): Z => [x[0] * y[0] - x[1] * y[1], x[0] * y[1] + x[1] * y[0]];
  const bar = ([x, y]: Z): Z => [x, -y];
  const sum = (f: (k: number) => Z): Z =>
    Array.from({ length: N }, (_, k) => f(k)).reduce<Z>(([x, y], [s, t]) => [x + s, y + t], [0, 0]);
  for (let i = 0; i < N; i++) {
    expectClose(
      sum((k) => mul(V(i, k), z(w, k))),
      [B[i] ?? 0, 0],
      1e-11,
    );
    const low = sum((k) => mul(V(i, k), z(q, k)));
    for (let j = 0; j < N; j++) {
      expectClose(
        sum((k) => mul(V(i, k), bar(V(j, k)))),
        [Number(i === j), 0],
        1e-11,
      );
      const [x, y] = sum((k) => mul(mul(V(i, k), z(l, k)), bar(V(j, k))));
      const [s, t] = mul(low, bar(sum((k) => mul(V(j, k), z(q, k)))));
      expectClose([x - s, y - t], [A[i]?.[j] ?? 0, 0], 1e-11);
    }
  }
});

test.each([
  [8, 16],
  [8, 17],
  [5, 40],
  [1, 6],
  [4, 1],
])("S4's kernel of order %i and length %i is c Āᵗ B̄, and so is the rational one", async (N, L) => {
  const step = 0.1;
  const discrete = await discretise(hippoLegS(N), step);
  const [A, B] = [await rowsOf(discrete.A, N), await list(discrete.B)];
  const c = sample([N], { seed: "c" }).ref.data as number[];
  const expected = kernel(A, B, c, L);
  const truncated = times(transposed(withoutPower(A, L)), c); // c (I − Āᴸ)
  const { lambda, p, b, v } = await hippoDiagonal(N);
  const [re, im] = [await rowsOf(v.re, N), await rowsOf(v.im, N)];
  const turned: Complex = {
    re: tensor(Float64Array.from(times(transposed(re), truncated))),
    im: tensor(Float64Array.from(times(transposed(im), truncated))),
  };
  expectClose(await list(s4Kernel({ lambda, p, b, c: turned }, { length: L, step })), expected, 1e-10, "S4");
  if (N >= L) return;
  const short = await rationalOf({ ...discrete, C: tensor(Float64Array.from(truncated)) });
  const K = rtfKernel({ a: reshape(short.a, [1, N]), b: reshape(short.b, [1, N]) }, { length: L });
  expectClose(await list(K), expected, 1e-9, "RTF");
});

test("sizes and steps that mean nothing are refused", async () => {
  expect(() => hippoLegS(0)).toThrow("hippoLegS: order must be a whole number ≥ 1, got 0.");
  await expect(hippoDiagonal(1.5)).rejects.toThrow(
    "hippoDiagonal: order must be a whole number ≥ 1, got 1.5.",
  );
  await expect(discretise(hippoLegS(2), 0)).rejects.toThrow("discretise: step must be above 0, got 0.");
  const z = { re: tensor(new Float64Array(2)), im: tensor(new Float64Array(2)) };
  expect(() => s4Kernel({ lambda: z, p: z, b: z, c: z }, { length: 0, step: 1 })).toThrow(
    "s4Kernel: length must be a whole number ≥ 1 and step above 0, got 0 and 1.",
  );
});
