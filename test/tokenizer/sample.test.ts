import { describe, expect, test } from "vitest";
import { createTokenizer } from "../../src/tokenizer/create.ts";
import { IdBuffer } from "../../src/tokenizer/encode/ids.ts";
import { randomStream } from "../../src/tokenizer/random.ts";
import {
  type SampleMethod,
  logPartition,
  sampleBiased,
  sampleUnigram,
  unigramSampler,
} from "../../src/tokenizer/encode/sample.ts";
import { unigramEncoder } from "../../src/tokenizer/encode/unigram.ts";
import { chiSquare, probabilities, scoreOf, segmentations } from "../reference/unigram.ts";
import { SMALL } from "./models.ts";

const utf8 = new TextEncoder();

/** The specification's toy: {a5 b4 c3 ab6 bc2 abc3 ca2} on `abcabc`, 20 segmentations. */
const toy = Object.entries({ a: 5, b: 4, c: 3, ab: 6, bc: 2, abc: 3, ca: 2 }).map(([text, count]) => ({
  bytes: [...utf8.encode(text)],
  logProb: Math.log(count / 25),
}));
const pieces = toy.map((p) => Uint8Array.from(p.bytes));
const encoder = unigramEncoder(
  pieces,
  Float64Array.from(toy, (p) => p.logProb),
);
const sampler = unigramSampler(encoder, pieces);
const text = utf8.encode("abcabc");
const all = segmentations([...text], toy);

/** How often each segmentation was drawn. */
function draw(n: number, one: (out: IdBuffer) => void): number[] {
  const index = new Map(all.map((ids, i) => [ids.join(), i]));
  const counts = Array.from({ length: all.length }, () => 0);
  const out = new IdBuffer();
  for (let k = 0; k < n; k++) {
    out.length = 0;
    one(out);
    const i = index.get(out.toArray().join()) ?? -1;
    counts[i] = (counts[i] ?? NaN) + 1;
  }
  return counts;
}

/** Share of each first piece 0, 2, 4 in 40,000 draws, ascending. */
function share(one: (out: IdBuffer) => void): number[] {
  const counts = [0, 0, 0, 0, 0, 0];
  const out = new IdBuffer();
  for (let k = 0; k < 40_000; k++) {
    out.length = 0;
    one(out);
    const first = out.data[0] ?? 0;
    counts[first] = (counts[first] ?? 0) + 1 / 40_000;
  }
  return [counts[0] ?? 0, counts[2] ?? 0, counts[4] ?? 0].sort((a, b) => a - b);
}

/** χ² with 19 degrees of freedom exceeds this with probability 1e-4. */
const LIMIT_19 = 52.4;

describe("random segmentation", () => {
  test("the toy has 20 segmentations, and exp(s[n]) at α = 0 counts them", () => {
    expect(all).toHaveLength(20);
    expect(Math.exp(logPartition(sampler, text, 0))).toBeCloseTo(20, 9);
  });

  const cases = ([0, 0.2, 1, 3] as const).flatMap((alpha) =>
    (["backward", "reservoir"] as const).map((method): [number, SampleMethod] => [alpha, method]),
  );
  test.each(cases)("α = %d, %s: χ² against enumeration", (alpha, method) => {
    const random = randomStream(7, alpha * 10 + (method === "backward" ? 0 : 1000));
    const counts = draw(100_000, (out) =>
      sampleUnigram(sampler, text, 0, text.length, alpha, random, method, out),
    );
    expect(chiSquare(counts, probabilities(all, toy, alpha))).toBeLessThan(LIMIT_19);
  });

  test.each([0.2, 1])("the biased first version fails the same test (α = %d)", (alpha) => {
    const random = randomStream(7, 99);
    const counts = draw(100_000, (out) => sampleBiased(sampler, text, alpha, random, out));
    expect(chiSquare(counts, probabilities(all, toy, alpha))).toBeGreaterThan(10 * LIMIT_19);
  });

  test("`watching` at α = 0: a quarter, a quarter, a half when biased; a third each when exact", () => {
    // Three segmentations: watch-ing, w-atching, wat-ching.
    const words = ["watch", "ing", "w", "atching", "wat", "ching"];
    const ps = words.map((w) => utf8.encode(w));
    const e = unigramEncoder(ps, new Float64Array(6).fill(Math.log(1 / 6)));
    const s = unigramSampler(e, ps);
    const bytes = utf8.encode("watching");
    const r = randomStream(3);
    const exact = share((out) => sampleUnigram(s, bytes, 0, 8, 0, r, "reservoir", out));
    const biased = share((out) => sampleBiased(s, bytes, 0, r, out));
    for (const p of exact) expect(p).toBeCloseTo(1 / 3, 1);
    expect(biased[0]).toBeCloseTo(0.25, 1);
    expect(biased[1]).toBeCloseTo(0.25, 1);
    expect(biased[2]).toBeCloseTo(0.5, 1);
  });

  test.each([0, 0.5, 1])("expected length and entropy equal forward-backward (α = %d)", (alpha) => {
    const p = probabilities(all, toy, alpha);
    // ln Z by the sampler's forward pass against the enumeration.
    const z = Math.log(all.reduce((sum, ids) => sum + Math.exp(alpha * scoreOf(ids, toy)), 0));
    expect(logPartition(sampler, text, alpha)).toBeCloseTo(z, 9);
    // d ln Z / dα = E[score]; entropy = ln Z - α E[score].
    const h = 1e-4;
    const slope =
      (logPartition(sampler, text, alpha + h) - logPartition(sampler, text, Math.max(0, alpha - h))) /
      (alpha === 0 ? h : 2 * h);
    const meanScore = all.reduce((sum, ids, i) => sum + (p[i] ?? 0) * scoreOf(ids, toy), 0);
    expect(slope).toBeCloseTo(meanScore, 2);
    const entropy = -p.reduce((sum, x) => sum + x * Math.log(x), 0);
    expect(z - alpha * meanScore).toBeCloseTo(entropy, 9);
    const random = randomStream(11);
    const counts = draw(50_000, (out) => sampleUnigram(sampler, text, 0, 6, alpha, random, "backward", out));
    const drawn = all.reduce((sum, ids, i) => sum + ids.length * (counts[i] ?? 0), 0) / 50_000;
    const exact = all.reduce((sum, ids, i) => sum + ids.length * (p[i] ?? 0), 0);
    expect(drawn).toBeCloseTo(exact, 1);
  });

  test("a very large α is the best segmentation; a seed fixes the outcome; streams differ", () => {
    const tokenizer = createTokenizer(SMALL);
    const line = "the hello world is 太阳能 and the café import numpy as np\n\nthe the ing\n";
    for (const method of ["backward", "reservoir"] as const) {
      expect(tokenizer.sample(line, { alpha: 1e4, seed: 1, method })).toEqual(tokenizer.encode(line));
      const once = tokenizer.sample(line, { alpha: 0.1, seed: 5, stream: 2, method });
      expect(tokenizer.sample(line, { alpha: 0.1, seed: 5, stream: 2, method })).toEqual(once);
      expect(tokenizer.sample(line, { alpha: 0.1, seed: 5, stream: 3, method })).not.toEqual(once);
      expect(tokenizer.decode(once)).toBe(line);
    }
  });

  test.each([-1, NaN, Infinity])("alpha %d is an error", (alpha) => {
    expect(() => createTokenizer(SMALL).sample("a", { alpha, seed: 1 })).toThrow(
      `sample: alpha must be a finite number ≥ 0, got ${alpha}. Use encode for the single best segmentation.`,
    );
  });

  test("a seed that is no integer is an error", () => {
    expect(() => createTokenizer(SMALL).sample("a", { alpha: 1, seed: 0.5 })).toThrow(
      "sample: seed must be an integer from 0 to 2^53-1, got 0.5.",
    );
  });
});
