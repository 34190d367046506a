import { describe, expect, test } from "vitest";
import { DtypeError, ShapeError } from "../../src/errors.ts";
import * as t from "../../src/tensor/index.ts";
import { dft } from "../reference/fourier.ts";
import { Checks, expectClose, pair, sample } from "../support/check.ts";
import { expectGradients } from "../support/differences.ts";

type T = t.Tensor;

/** Dense, split, odd, prime, Bluestein. */
const LENGTHS = [1, 2, 3, 7, 63, 64, 65, 127, 130, 201, 256, 263, 360, 1009];

const rows = (data: readonly number[], n: number): number[][] =>
  Array.from({ length: data.length / n }, (_, i) => data.slice(i * n, (i + 1) * n));

describe.each([
  ["float64", 1e-11],
  ["float32", 2e-4],
] as const)("%s", (dtype, tolerance) => {
  test("fft and ifft equal the definition at every kind of length", async () => {
    const checks = new Checks();
    for (const n of LENGTHS.filter((l) => dtype === "float64" || l < 300)) {
      const batch = n < 300 ? 2 : 1;
      const re = sample([batch, n], { seed: `re${n}`, dtype });
      const im = sample([batch, n], { seed: `im${n}`, dtype });
      for (const inverse of [false, true]) {
        const got = (inverse ? t.ifft : t.fft)(re.x, im.x);
        const slow = rows(re.ref.data, n).map((r, i) => dft(r, rows(im.ref.data, n)[i] ?? [], inverse));
        const shape = [batch, n];
        // Sums of n terms grow with √n.
        const within = tolerance * (inverse ? 1 : Math.sqrt(n));
        checks.add(`${n} re`, got.re, { shape, data: slow.flatMap((s) => s.re) }, within);
        checks.add(`${n} im`, got.im, { shape, data: slow.flatMap((s) => s.im) }, within);
      }
    }
    await checks.run();
  });

  test("rfft is the first half, irfft its inverse", async () => {
    const checks = new Checks();
    for (const n of LENGTHS.filter((l) => dtype === "float64" || l < 300)) {
      const x = sample([2, n], { seed: `x${n}`, dtype });
      const k = Math.floor(n / 2) + 1;
      const got = t.rfft(x.x);
      const slow = rows(x.ref.data, n).map((r) =>
        dft(
          r,
          r.map(() => 0),
        ),
      );
      const half = (part: "re" | "im"): number[] => slow.flatMap((s) => s[part].slice(0, k));
      const within = tolerance * Math.sqrt(n);
      checks.add(`${n} re`, got.re, { shape: [2, k], data: half("re") }, within);
      checks.add(`${n} im`, got.im, { shape: [2, k], data: half("im") }, within);
      checks.add(`${n} back`, t.irfft(got.re, got.im, { length: n }), x.ref, tolerance);
    }
    await checks.run();
  });
});

test("Parseval: energy is kept, for real and complex signals", async () => {
  for (const n of [63, 257, 1000]) {
    const { x } = sample([3, n]);
    const y = sample([3, n], { seed: "y" }).x;
    const time = t.sum(t.square(x).add(t.square(y)));
    const f = t.fft(x, y);
    const frequency = t.sum(t.square(f.re).add(t.square(f.im))).mul(1 / n);
    const [a, b] = await t.evaluate([time, frequency]);
    expectClose([(await b?.item()) ?? 0], [(await a?.item()) ?? 1], 1e-12);
  }
});

test("an impulse at j gives e^{−2πi jk/n}, also where n has large factors only", async () => {
  for (const n of [4489, 2018]) {
    const j = 1234;
    const { re, im } = t.fft(t.oneHot(t.tensor(j, { dtype: "int32" }), n, { dtype: "float64" }));
    await t.evaluate({ re, im });
    const angles = Array.from({ length: n }, (_, k) => (-2 * Math.PI * ((j * k) % n)) / n);
    expectClose(await re.data(), angles.map(Math.cos), 1e-12);
    expectClose(await im.data(), angles.map(Math.sin), 1e-12);
  }
});

test("the product of spectra is the circular convolution", async () => {
  const n = 150;
  const a = sample([n], { seed: "a" });
  const b = sample([n], { seed: "b" });
  const [x, y] = [t.rfft(a.x), t.rfft(b.x)];
  const got = t.irfft(x.re.mul(y.re).sub(x.im.mul(y.im)), x.re.mul(y.im).add(x.im.mul(y.re)), { length: n });
  const expected = a.ref.data.map((_, i) =>
    a.ref.data.reduce((s, v, j) => s + v * (b.ref.data[(i - j + n) % n] ?? 0), 0),
  );
  expectClose(await got.data(), expected, 1e-11);
});

test("imaginary parts that a real signal cannot have are passed over", async () => {
  for (const n of [8, 9, 200, 201]) {
    const k = Math.floor(n / 2) + 1;
    const re = sample([k], { seed: "re" });
    const im = sample([k], { seed: "im" });
    const clean = im.ref.data.map((v, i) => (i === 0 || 2 * i === n ? 0 : v));
    const got = t.irfft(re.x, im.x, { length: n });
    const expected = t.irfft(re.x, pair([k], clean).x, { length: n });
    expectClose(await got.data(), Array.from(await expected.data(), Number), 1e-13);
    // And it is the real inverse of the Hermitian spectrum.
    const full = dft(
      Array.from({ length: n }, (_, i) => re.ref.data[i < k ? i : n - i] ?? 0),
      Array.from({ length: n }, (_, i) => (i < k ? (clean[i] ?? 0) : -(clean[n - i] ?? 0))),
      true,
    );
    expectClose(await got.data(), full.re, 1e-12);
  }
});

test("derivatives follow", async () => {
  const both = ({ re, im }: t.Complex): T => t.concat([re, im], -1);
  await expectGradients(
    [
      {
        name: "fft",
        at: [sample([6]).x, sample([6], { seed: "i" }).x],
        f: (...x) => both(t.fft(x[0] as T, x[1])),
      },
      { name: "ifft split", at: [sample([66], { seed: "s" }).x], f: (...x) => both(t.ifft(x[0] as T)) },
      { name: "bluestein", at: [sample([257], { seed: "p" }).x], f: (...x) => both(t.fft(x[0] as T)) },
      { name: "rfft", at: [sample([2, 7]).x], f: (...x) => both(t.rfft(x[0] as T)) },
      { name: "rfft packed", at: [sample([130]).x], f: (...x) => both(t.rfft(x[0] as T)) },
      {
        name: "irfft",
        at: [sample([66]).x, sample([66], { seed: "i" }).x],
        f: (...x) => t.irfft(x[0] as T, x[1] as T),
      },
    ],
    1e-7,
  );
});

test("one program serves every batch size", async () => {
  const compiled = t.compile((x: T) => t.irfft(t.rfft(x).re, t.rfft(x).im), {
    symbolic: (_, shape) => ["B", ...shape.slice(1)],
  });
  for (const B of [1, 3]) {
    const { x, ref } = sample([B, 256]);
    expectClose(await (await compiled(x)).data(), ref.data, 1e-12);
  }
});

test("refusals", () => {
  const x = t.ones([2, 3]);
  expect(() => t.fft(x, t.ones([3]))).toThrow(new ShapeError("fft: im must be [2, 3] as re, got [3]."));
  expect(() => t.fft(t.ones([]))).toThrow(
    new ShapeError("fft: the last axis must have a known size ≥ 1, got []."),
  );
  expect(() => t.rfft(t.iota(4))).toThrow(
    new DtypeError("rfft: input must be a float type, got int32. Use cast first."),
  );
  expect(() => t.irfft(x, x, { length: 7 })).toThrow(
    new ShapeError("irfft: the last axis must be [⌊N/2⌋ + 1 = 4], got 3."),
  );
});
