// Exact keys become codes: with a code for every key nothing is lost but the far distances.
import { expect, test } from "vitest";
import { codebookOf, kMeansCodebook, nearestCodes } from "../../src/attention/index.ts";
import { causalLM, causalLMConfig, initCausalLM } from "../../src/model/index.ts";
import { convertToVq } from "../../src/model/convert-attention.ts";
import { evaluate, mapTree, random, tensor } from "../../src/tensor/index.ts";
import { expectClose, sample } from "../support/check.ts";

const SIZES = { vocabulary: 300, context: 256, width: 16, layers: 2, heads: 2 };
/** Every token once: no two keys are alike. */
const ids = Int32Array.from({ length: 300 }, (_, i) => (i * 7) % 300);
const vq = (codes: number, block = 16) => ({ type: "transformer-vq", codes, block }) as const;

test("with a code for every key the model is the same under ReRoPE", async () => {
  const config = causalLMConfig({ ...SIZES, position: { type: "rope", base: 500 } });
  const params = mapTree(initCausalLM(config, random.key(1)), (p) => p.mul(3));
  const made = await convertToVq(config, params, vq(256), ids, { steps: 1 });
  expect(made.lost.every((share) => share < 1e-6)).toBe(true);
  const text = tensor(ids.slice(0, 256), { shape: [1, 256] });
  const near = { ...config, position: { type: "rerope", base: 500, window: 16 } as const };
  const { logits } = causalLM(near, params, text);
  const converted = causalLM(made.config, made.params, text).logits;
  expectClose(await converted.data(), Array.from(await logits.data(), Number), 2e-5, "logits");
});

test("fewer codes lose more, and each is the mean of its keys", async () => {
  const { x: k } = sample([1, 2, 60, 4], { seed: "keys", dtype: "float64" });
  const errors: number[] = [];
  for (const K of [2, 8, 30]) {
    const state = await evaluate(kMeansCodebook(k, K, { key: random.key(2), steps: 30 }));
    const book = codebookOf(state);
    const codes = Array.from(await nearestCodes(k, book).data(), Number);
    const numbers = Array.from(await book.data(), Number);
    const keys = Array.from(await k.data(), Number);
    const at = (list: number[], i: number): number[] => list.slice(4 * i, 4 * i + 4);
    const away = codes.map((code, n) => {
      const c = at(numbers, Math.floor(n / 60) * K + code);
      return at(keys, n).reduce((s, x, d) => s + (x - (c[d] ?? NaN)) ** 2, 0);
    });
    errors.push(away.reduce((s, x) => s + x, 0));
    for (let code = 0; code < K; code++) {
      const members = codes.slice(0, 60).flatMap((c, n) => (c === code ? [at(keys, n)] : []));
      if (members.length === 0) continue;
      const mean = [0, 1, 2, 3].map((d) => members.reduce((s, x) => s + (x[d] ?? NaN), 0) / members.length);
      expectClose(at(numbers, code), mean, 1e-12, `code ${code} of ${K}`);
    }
  }
  expect(errors[0]).toBeGreaterThan(errors[1] ?? Infinity);
  expect(errors[1]).toBeGreaterThan(errors[2] ?? Infinity);
});

test("what cannot be converted is named", async () => {
  const plain = causalLMConfig(SIZES);
  const refused = async (changes: object, text: ArrayLike<number> = ids): Promise<unknown> => {
    const config = causalLMConfig({ ...SIZES, ...changes });
    return convertToVq(config, initCausalLM(config, random.key(0)), vq(8), text).catch((e: unknown) => e);
  };
  expect(String(await refused({ position: { type: "learned" } }))).toContain("got learned positions.");
  expect(String(await refused({ position: { type: "yarn", scale: 2, trainingLength: 64 } }))).toContain(
    "got yarn positions.",
  );
  expect(String(await refused({ attention: { type: "linear" } }))).toContain("got linear attention.");
  expect(String(await refused({ position: { type: "rope", slidingWindow: 8 } }))).toContain(
    "got RoPE with slidingWindow.",
  );
  expect(String(await refused({}, ids.subarray(0, 100)))).toContain(
    "the text must hold at least as many tokens",
  );
  expect(() => kMeansCodebook(sample([1, 1, 5, 2]).x, 6, { key: random.key(0) })).toThrow(
    "kMeansCodebook: codes must be a whole number from 1 to 5, the keys of a head, got 6.",
  );
  expect(plain.position.type).toBe("rope");
});
