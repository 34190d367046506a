// Vector quantisation against vector-quantize-pytorch, against a slow reference, and by its identities.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  codeCounts,
  codeUse,
  kMeans,
  vqAverage,
  vqBook,
  vqCounted,
  vqDecode,
  vqEncode,
  vqQuantize,
  vqRestart,
  vqSeen,
  type VqState,
  vqState,
} from "../../src/quantize/index.ts";
import { evaluate, grad, mean, random, square, type Tensor, tensor } from "../../src/tensor/index.ts";
import { averaged, counted, distanceToBook, nearestRow } from "../reference/vq.ts";
import { expectClose } from "../support/check.ts";
import { numbers, seedOf } from "../support/numbers.ts";

interface Step {
  readonly z: number[][];
  readonly codes: number[][];
  readonly indices: number[];
  readonly commitment: number;
  readonly gradient: number[][];
  readonly book: number[][];
  readonly counts: number[];
}
const golden = JSON.parse(readFileSync(new URL("../golden/vq.json", import.meta.url), "utf8")) as {
  readonly book: number[][];
  readonly decay: number;
  readonly steps: readonly Step[];
};

function rows(N: number, D: number, seed: string): number[][] {
  const next = numbers(seedOf(seed));
  return Array.from({ length: N }, () => Array.from({ length: D }, () => 4 * next() - 2));
}
const f64 = (x: readonly (readonly number[])[]): Tensor =>
  tensor(
    x.map((row) => [...row]),
    { dtype: "float64" },
  );

test("three steps of vector-quantize-pytorch: codes, losses, gradients, counts and books", async () => {
  let state: VqState = vqState(tensor(golden.book));
  let book = tensor(golden.book);
  for (const [at, step] of golden.steps.entries()) {
    const z = tensor(step.z);
    const size = step.z.length * (step.z[0]?.length ?? 0);
    const weights = tensor(Float32Array.from({ length: size }, (_, i) => -1 + (2 * i) / (size - 1)));
    const found = await evaluate({
      ...vqQuantize(book, z),
      gradient: grad((x: Tensor) => {
        const { codes, commitment } = vqQuantize(book, x);
        return codes.reshape([size]).mul(weights).sum().add(commitment);
      })(z),
      state: vqCounted(state, vqSeen(z, vqEncode(book, z), golden.book.length), { decay: golden.decay }),
    });
    expect(Array.from(await found.indices.data(), Number), `step ${at}`).toEqual(step.indices);
    expectClose(await found.codes.data(), step.codes.flat(), 1e-6, `codes ${at}`);
    expectClose(await found.commitment.data(), [step.commitment], 1e-6, `loss ${at}`);
    expectClose(await found.gradient.data(), step.gradient.flat(), 1e-5, `gradient ${at}`);
    expectClose(await found.state.count.data(), step.counts, 1e-5, `counts ${at}`);
    state = found.state;
    book = await evaluate(vqBook(state));
    expectClose(await book.data(), step.book.flat(), 1e-5, `book ${at}`);
  }
});

describe("against a slow reference", () => {
  const [K, D, N] = [5, 3, 17];
  const zs = rows(N, D, "vq z");
  const book = rows(K, D, "vq book");

  test("the nearest code, and the losses", async () => {
    const { indices, bookLoss, commitment, codes } = await evaluate(vqQuantize(f64(book), f64(zs)));
    const wanted = zs.map((z) => nearestRow(z, book));
    expect(Array.from(await indices.data(), Number)).toEqual(wanted);
    expectClose(
      await codes.data(),
      wanted.flatMap((k) => book[k] ?? []),
      1e-12,
    );
    expectClose(await bookLoss.data(), [distanceToBook(zs, book)], 1e-12);
    expectClose(await commitment.data(), [distanceToBook(zs, book)], 1e-12);
  });

  test("the book's loss moves the book alone, the commitment the vectors alone", async () => {
    const by = (loss: "bookLoss" | "commitment") => ({
      book: grad((b: Tensor) => vqQuantize(b, f64(zs))[loss])(f64(book)),
      z: grad((z: Tensor) => vqQuantize(f64(book), z)[loss])(f64(zs)),
    });
    const found = await evaluate({ book: by("bookLoss"), near: by("commitment") });
    const size = N * D;
    const pull = zs.map((z) => z.map((v, d) => (2 * (v - (book[nearestRow(z, book)]?.[d] ?? 0))) / size));
    expectClose(await found.near.z.data(), pull.flat(), 1e-12);
    expectClose(await found.near.book.data(), Array<number>(K * D).fill(0), 1e-15);
    expectClose(await found.book.z.data(), Array<number>(size).fill(0), 1e-15);
    const towards = book.map((_, k) =>
      Array.from({ length: D }, (__, d) =>
        zs.reduce((sum, z, n) => sum - (nearestRow(z, book) === k ? (pull[n]?.[d] ?? 0) : 0), 0),
      ),
    );
    expectClose(await found.book.book.data(), towards.flat(), 1e-12);
  });

  test("averages, plain and counted, and a code that nobody chose", async () => {
    const far = [...book, [90, 90, 90]];
    const seen = vqSeen(f64(zs), vqEncode(f64(far), f64(zs)), K + 1);
    const state = vqState(f64(far), 2);
    const found = await evaluate({
      plain: vqAverage(f64(far), seen, { decay: 0.7 }),
      counted: vqCounted(state, seen, { decay: 0.7 }),
    });
    expectClose(await found.plain.data(), averaged(far, zs, 0.7).flat(), 1e-12);
    expect(Array.from(await found.plain.data(), Number).slice(-D)).toEqual([90, 90, 90]);
    const before = { sums: far.map((row) => row.map((v) => 2 * v)), counts: far.map(() => 2) };
    const wanted = counted(before, far, zs, 0.7);
    expectClose(await found.counted.sum.data(), wanted.sums.flat(), 1e-12);
    expectClose(await found.counted.count.data(), wanted.counts, 1e-12);
  });

  test("plain averages are gradient descent on the book's loss, code by code", async () => {
    // One vector for each code: then the gradient of Σ (e − z)² is 2 (e − z).
    const own = book.map((row) => row.map((v) => v + 0.01));
    const seen = vqSeen(f64(own), vqEncode(f64(book), f64(own)), K);
    const slope = grad((b: Tensor) => mean(square(b.sub(f64(own)))).mul(K * D))(f64(book));
    const found = await evaluate([
      vqAverage(f64(book), seen, { decay: 0.9 }),
      f64(book).sub(slope.mul(0.05)),
    ]);
    expectClose(
      await (found[0] as Tensor).data(),
      Array.from(await (found[1] as Tensor).data(), Number),
      1e-12,
    );
  });
});

test("quantising twice changes nothing, and every index is its code", async () => {
  const book = tensor(rows(9, 4, "twice"));
  const once = vqQuantize(book, tensor(rows(30, 4, "twice z"))).codes;
  const found = await evaluate({ once, twice: vqQuantize(book, once).codes, own: vqEncode(book, book) });
  expect(Array.from(await found.twice.data(), Number)).toEqual(Array.from(await found.once.data(), Number));
  expect(Array.from(await found.own.data(), Number)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  expect((await vqDecode(book, tensor(Int32Array.of(3, 3))).data()).length).toBe(8);
});

test("dead codes begin anew at their candidates, others stay", async () => {
  const state = {
    sum: tensor([
      [4, 8],
      [0.1, 0.1],
      [6, 6],
    ]),
    count: tensor([4, 0.01, 6]),
  };
  const next = await evaluate(
    vqRestart(
      state,
      tensor([
        [1, 1],
        [2, 3],
        [4, 4],
      ]),
      { share: 0.1 },
    ),
  );
  const book = await vqBook(next).data();
  expectClose(book, [1, 2, 2, 3, 1, 1], 1e-4);
  const none = await evaluate(
    vqRestart(
      state,
      tensor([
        [1, 1],
        [2, 3],
        [4, 4],
      ]),
      { share: 0 },
    ),
  );
  expect(Array.from(await none.sum.data(), Number)).toEqual(Array.from(await state.sum.data(), Number));
});

test("usage and perplexity: even codes count all, one code counts one", async () => {
  const counts = await codeCounts(tensor(Int32Array.of(0, 2, 2, 3, 3, 3, 3)), 5).data();
  expect(Array.from(counts, Number)).toEqual([1, 0, 2, 4, 0]);
  expect(codeUse([3, 3, 3, 3])).toEqual({ usage: 1, perplexity: 4 });
  expect(codeUse([0, 7, 0, 0])).toEqual({ usage: 0.25, perplexity: 1 });
  // Half of all, a quarter, two eighths: 1.75 bits.
  expect(codeUse([4, 2, 1, 1]).perplexity).toBeCloseTo(2 ** 1.75, 12);
});

test("K-means ends where every centre is the mean of its vectors, by its key, and is refused too few", () => {
  const vectors = rows(90, 2, "heaps");
  const centres = kMeans(vectors.flat(), { D: 2, K: 4, key: random.key(1), rounds: 60 });
  const book = [0, 1, 2, 3].map((k) => Array.from(centres.subarray(2 * k, 2 * k + 2)));
  expectClose(centres, averaged(book, vectors, 0).flat(), 1e-12);
  // Better than any one mean, and other keys begin elsewhere.
  const mean = averaged([[0, 0]], vectors, 0);
  expect(distanceToBook(vectors, book)).toBeLessThan(0.5 * distanceToBook(vectors, mean));
  const first = (seed: number): string =>
    String(kMeans(vectors.flat(), { D: 2, K: 4, key: random.key(seed), rounds: 0 }));
  expect(first(1)).not.toBe(first(2));
  const alone = kMeans([1, 2, 3, 4], { D: 2, K: 2, key: random.key(0) });
  expect([...alone].sort((a, b) => a - b)).toEqual([1, 2, 3, 4]);
  expect(() => kMeans([1, 2], { D: 2, K: 2, key: random.key(0) })).toThrow(
    "kMeans: vectors must be 2 or more of 2 numbers, got 1. Give more of them.",
  );
});

test("what does not fit is refused", () => {
  const book = tensor(rows(4, 3, "refused"));
  expect(() => vqEncode(book, tensor([[1, 2]]))).toThrow(
    "vqEncode: z must have the 3 channels of the book on its last axis, got [1, 2].",
  );
  const seen = vqSeen(tensor([[1, 2, 3]]), tensor(Int32Array.of(0)), 4);
  expect(() => vqAverage(book, seen, { decay: 1 })).toThrow("vqAverage: decay must be in [0, 1), got 1.");
  expect(() => vqRestart(vqState(book), book, { share: 2 })).toThrow(
    "vqRestart: share must be in [0, 1], got 2.",
  );
});
