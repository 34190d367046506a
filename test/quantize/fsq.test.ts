// Finite scalar quantisation against numbers one by one, against vector-quantize-pytorch and the paper's notebook, and by
// what must hold for every code.
import { readFileSync } from "node:fs";
import { array, assert, asyncProperty, integer, nat } from "fast-check";
import { describe, expect, test } from "vitest";
import {
  FSQ_FORMS,
  fsqDecode,
  fsqEncode,
  type FsqForm,
  fsqQuantize,
  fsqSize,
} from "../../src/quantize/index.ts";
import { evaluate, grad, iota, type Tensor, tensor } from "../../src/tensor/index.ts";
import { fsqIndex, fsqNumber } from "../reference/fsq.ts";
import { expectClose } from "../support/check.ts";

interface Found {
  readonly codes: number[][];
  readonly indices: number[];
  readonly gradient: number[][];
}
const { cases } = JSON.parse(readFileSync(new URL("../golden/fsq.json", import.meta.url), "utf8")) as {
  readonly cases: readonly ({ readonly levels: number[]; readonly z: number[][] } & Record<FsqForm, Found>)[];
};

/** Sets of levels that the paper recommends. */
const RECOMMENDED = [
  [8, 6, 5],
  [8, 5, 5, 5],
  [7, 5, 5, 5, 5],
  [8, 8, 8, 6, 5],
  [8, 8, 8, 5, 5, 5],
];

/** `Σ w · code(z)` with weights from −1 to 1, whose gradient is `w` times the slope. */
const weighted = (x: Tensor, size: number): Tensor =>
  x
    .reshape([size])
    .mul(tensor(Float64Array.from({ length: size }, (_, i) => -1 + (2 * i) / (size - 1))))
    .sum();

describe.each(FSQ_FORMS)("the form %s", (form) => {
  test("codes, indices and gradients are those of other implementations", async () => {
    for (const { levels, z: rows, [form]: wanted } of cases) {
      const z = tensor(rows, { dtype: "float64" });
      const size = rows.length * levels.length;
      const found = await evaluate({
        codes: fsqQuantize(z, { levels, form }),
        indices: fsqEncode(z, { levels, form }),
        gradient: grad((x: Tensor) => weighted(fsqQuantize(x, { levels, form }), size))(z),
      });
      expectClose(await found.codes.data(), wanted.codes.flat(), 1e-12, `codes of ${levels.join("x")}`);
      expect(Array.from(await found.indices.data(), Number)).toEqual(wanted.indices);
      expectClose(await found.gradient.data(), wanted.gradient.flat(), 1e-12, "gradient");
    }
  });

  test("each number is what the slow reference says, its slope included", async () => {
    const levels = [3, 4, 5, 8];
    const values = Array.from({ length: 60 }, (_, i) => -3.05 + i * 0.1013);
    const z = tensor(
      values.map((v) => levels.map((_, d) => v + d * 0.017)),
      { dtype: "float64" },
    );
    const wanted = values.map((v) => levels.map((L, d) => fsqNumber(v + d * 0.017, L, form)));
    const found = await evaluate({
      codes: fsqQuantize(z, { levels, form }),
      indices: fsqEncode(z, { levels, form }),
      slope: grad((x: Tensor) => fsqQuantize(x, { levels, form }).sum())(z),
    });
    expectClose(
      await found.codes.data(),
      wanted.flat().map((n) => n.code),
      1e-12,
    );
    expectClose(
      await found.slope.data(),
      wanted.flat().map((n) => n.slope),
      1e-12,
    );
    const indices = wanted.map((row) =>
      fsqIndex(
        row.map((n) => n.digit),
        levels,
      ),
    );
    expect(Array.from(await found.indices.data(), Number)).toEqual(indices);
  });

  test.each(RECOMMENDED.map((levels) => [levels.join("x"), levels] as const))(
    "every index of %s is a code of its own, in range",
    async (_, levels) => {
      const K = fsqSize({ levels });
      const codes = fsqDecode(iota(K), { levels, form });
      const values = Float64Array.from((await codes.data()) as Float32Array);
      const words = new Set<string>();
      for (let i = 0; i < K; i++)
        words.add(values.subarray(i * levels.length, (i + 1) * levels.length).join());
      expect(words.size).toBe(K);
      values.forEach((v, i) => {
        const L = levels[i % levels.length] ?? 1;
        const top = form === "sigmoid" || L % 2 === 1 ? 1 : 1 - 2 / L;
        if (v < -1 || v > top + 1e-6) expect.fail(`code ${v} of ${L} levels is beyond −1 … ${top}`);
      });
    },
  );

  test("from −∞ to ∞ a channel takes exactly its levels, in order, and both ways back agree", async () => {
    for (const L of [3, 4, 7]) {
      const at = { levels: [L], form };
      const z = tensor(Float64Array.from({ length: 801 }, (_, i) => (i - 400.5) / 50)).reshape([-1, 1]);
      const found = await evaluate({ codes: fsqQuantize(z, at), back: fsqDecode(fsqEncode(z, at), at) });
      const codes = Array.from(await found.codes.data(), Number);
      expect(new Set(codes).size).toBe(L);
      expect(codes).toEqual([...codes].sort((a, b) => a - b));
      expectClose(await found.back.data(), codes, 1e-6);
    }
  });
});

test("the digits of an index are its digits in mixed radix", () => {
  const form = "official";
  return assert(
    asyncProperty(
      array(integer({ min: 3, max: 9 }), { minLength: 1, maxLength: 5 }),
      nat(),
      async (levels, n) => {
        const index = n % fsqSize({ levels });
        const codes = await fsqDecode(tensor(Int32Array.of(index)), { levels, form }).data();
        const digits = levels.map(
          (L, i) => Math.round(Number(codes[i]) * Math.floor(L / 2)) + Math.floor(L / 2),
        );
        expect(fsqIndex(digits, levels)).toBe(index);
      },
    ),
    { numRuns: 12 },
  );
});

test("an index that no float32 holds comes back whole", async () => {
  const levels = [1001, 1001, 1001];
  const index = 1001 ** 3 - 2;
  const codes = await fsqDecode(tensor(Int32Array.of(index)), { levels }).data();
  const digits = Array.from(codes as Float32Array, (v) => Math.round(v * 500) + 500);
  expect(fsqIndex(digits, levels)).toBe(index);
});

test("levels that are none are refused with what they are", () => {
  const z = tensor([[0.1, 0.2]]);
  expect(() => fsqQuantize(z, { levels: [2, 5] })).toThrow(
    "fsq: levels must be whole numbers ≥ 3, got 2, 5. Two levels have no middle; take more channels instead.",
  );
  expect(() => fsqSize({ levels: [] })).toThrow("fsq: levels must be whole numbers ≥ 3, got none.");
  expect(() => fsqSize({ levels: [2000, 2000, 2000] })).toThrow("got 8000000000");
  expect(() => fsqEncode(z, { levels: [5, 5, 5] })).toThrow(
    "fsqEncode: z must have one channel for each of 3 levels on its last axis, got [1, 2].",
  );
  expect(() => fsqQuantize(z, { levels: [5, 5], form: "tanh" as FsqForm })).toThrow(
    'fsqQuantize: form must be one of official, atanh, sigmoid, got "tanh".',
  );
});
