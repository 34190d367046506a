// Random segmentation and the end of a prompt against Python, way by way: test/golden/methods.py.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { backoffs, branchDistribution, pieceOrder } from "../../src/tokenizer/encode/boundary.ts";
import { logPartition, unigramSampler } from "../../src/tokenizer/encode/sample.ts";
import { unigramEncoder } from "../../src/tokenizer/encode/unigram.ts";
import { branchesSlowly } from "../reference/prompt-boundary.ts";

interface Golden {
  readonly methods: {
    readonly "random-segmentation": {
      readonly pieces: Record<string, number>;
      readonly text: string;
      readonly alphas: number[];
      readonly logPartition: number[];
    };
    readonly "prompt-boundary": {
      readonly words: string[];
      readonly prompt: number[];
      readonly rows: number[][];
      readonly branches: Record<string, number>;
    };
  };
}
const { methods } = JSON.parse(
  readFileSync(new URL("../golden/methods.json", import.meta.url), "utf8"),
) as Golden;
const utf8 = new TextEncoder();

test("the weight of all segmentations, at several sharpnesses", () => {
  const { pieces: counts, text, alphas, logPartition: expected } = methods["random-segmentation"];
  const total = Object.values(counts).reduce((sum, n) => sum + n, 0);
  const pieces = Object.keys(counts).map((piece) => utf8.encode(piece));
  const encoder = unigramEncoder(
    pieces,
    Float64Array.from(Object.values(counts), (n) => Math.log(n / total)),
  );
  const sampler = unigramSampler(encoder, pieces);
  alphas.forEach((alpha, i) =>
    expect(logPartition(sampler, utf8.encode(text), alpha)).toBeCloseTo(expected[i] ?? NaN, 9),
  );
});

test("the branches at the end of a prompt", () => {
  const { words, prompt, rows, branches: expected } = methods["prompt-boundary"];
  const slow = branchesSlowly(words, prompt, rows);
  for (const [branch, p] of Object.entries(expected)) expect(slow.get(branch), branch).toBeCloseTo(p, 12);
  expect(slow.size).toBe(Object.keys(expected).length);
  const order = pieceOrder({
    vocabularySize: words.length,
    bytesOf: (id) => utf8.encode(words[id]),
  });
  const found = branchDistribution(order, prompt, backoffs(order, prompt), (c) => rows[c]?.map(Math.log));
  const named = Array.from(found.ids, (id, i) =>
    id < 0 ? "" : `${prompt.length - (found.contexts[i] ?? 0)} ${words[id]}`,
  );
  expect(new Set(named)).toEqual(new Set(Object.keys(expected)));
  named.forEach((branch, i) =>
    expect(found.probabilities[i], branch).toBeCloseTo(expected[branch] ?? NaN, 12),
  );
});
