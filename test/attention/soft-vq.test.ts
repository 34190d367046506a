// Between Performer and Transformer-VQ: both ends are exact.
import { expect, test } from "vitest";
import * as a from "../../src/attention/index.ts";
import { random, sum, type Tensor, tensor } from "../../src/tensor/index.ts";
import { inner, mix, row } from "../reference/attention.ts";
import { expectClose, sample } from "../support/check.ts";
import { expectGradients } from "../support/differences.ts";

const [H, T, S, D, K] = [2, 4, 7, 3, 5];
const q = sample([1, H, T, D], { seed: "q" });
const k = sample([1, H, S, D], { seed: "k" });
const v = sample([1, H, S, D], { seed: "v" });
const book = sample([1, H, K, D], { seed: "codes" });
const codebook = book.x.reshape([H, K, D]);
const attend = (options: Omit<a.SoftVqOptions, "codebook">): Tensor => {
  const features = a.softVqPair(q.x, k.x, { codebook, ...options });
  return a.linearAttention(features.q, features.k, v.x);
};

test("is the mixture of its formula", async () => {
  const [scale, temperature] = [0.4, 0.7];
  const apart = (x: number[], y: number[]): number => x.reduce((s, a, i) => s + (a - (y[i] ?? NaN)) ** 2, 0);
  const codes = (h: number): number[][] => Array.from({ length: K }, (_, y) => row(book.ref, 0, h, y));
  const expected = mix(q.ref, k.ref, v.ref, (x, key, { h }) => {
    const near = codes(h).map((c) => Math.exp((-scale * apart(key, c)) / (2 * temperature)));
    const all = near.reduce((x, y) => x + y, 0);
    return codes(h).reduce((s, c, y) => s + (Math.exp(scale * inner(x, c)) * (near[y] ?? NaN)) / all, 0);
  }).data;
  expectClose(await attend({ scale, temperature }).data(), expected, 1e-12, "mixture");
});

test("without normalised shares, over codes of one length, it is Performer exactly", async () => {
  const scale = 1 / Math.sqrt(D);
  const unit = Array.from({ length: K }, (_, y) => {
    const x = row(book.ref, 0, 0, y);
    const length = Math.hypot(...x);
    return x.map((value) => (1.3 * value) / length);
  });
  const directions = tensor(Float64Array.from(unit.flat()), { shape: [K, D] });
  const { q: fq, k: fk } = a.performerPair(q.x, k.x, { projection: { directions, largest: 1.69 } });
  const both = directions
    .mul(scale ** -0.5)
    .reshape([1, K, D])
    .mul(tensor([1, 1], { dtype: "float64" }).reshape([H, 1, 1]));
  const shares = a.softVqPair(q.x, k.x, { codebook: both, normalised: false });
  const performer = Array.from(await a.linearAttention(fq, fk, v.x).data(), Number);
  expectClose(await a.linearAttention(shares.q, shares.k, v.x).data(), performer, 1e-13, "Performer");
  // Shares that sum to one weigh keys differently: an analogy only.
  const mixed = a.softVqPair(q.x, k.x, { codebook: both });
  const analogous = Array.from(await a.linearAttention(mixed.q, mixed.k, v.x).data(), Number);
  expect(Math.max(...analogous.map((x, i) => Math.abs(x - (performer[i] ?? NaN))))).toBeGreaterThan(1e-3);
});

test("as the temperature falls it becomes Transformer-VQ", async () => {
  const codes = a.nearestCodes(k.x, codebook);
  const hard = Array.from(await a.vqEncoderAttention(q.x, codes, v.x, { codebook }).data(), Number);
  expectClose(await attend({ temperature: 1e-5 }).data(), hard, 1e-12, "hard");
});

test("shares sum to one; derivatives; bad temperatures", async () => {
  const totals = await sum(a.softAssignments(k.x, { codebook, temperature: 0.2 }), { axis: -1 }).data();
  expectClose(totals, Array<number>(H * S).fill(1), 1e-14, "shares");
  const weights = random.normal(random.key(1), [1, H, T, D], { dtype: "float64" });
  const f = (x: Tensor, y: Tensor, c: Tensor): Tensor => {
    const features = a.softVqPair(x, y, { codebook: c, temperature: 0.5 });
    return sum(a.linearAttention(features.q, features.k, v.x).mul(weights));
  };
  await expectGradients([{ name: "soft-vq", at: [q.x, k.x, codebook], f }], 1e-7);
  expect(() => attend({ temperature: 0 })).toThrow("softAssignments: temperature must be above 0, got 0.");
});
