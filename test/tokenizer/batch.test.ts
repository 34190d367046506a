import { expect, test } from "vitest";
import { encoderPool } from "../../src/tokenizer/node/batch.ts";
import { createTokenizer } from "../../src/tokenizer/create.ts";
import { SMALL } from "./models.ts";

const tokenizer = createTokenizer(SMALL);
const texts = Array.from({ length: 200 }, (_, i) => `the hello ${"world 太阳能 ".repeat(i)}\n${i}`);

test.each([1, 2, 3])("%d workers give what one call at a time gives, in order", async (workers) => {
  await using pool = encoderPool(tokenizer, workers);
  const expected = texts.map((text) => tokenizer.encode(text));
  const [once, again] = await Promise.all([pool.encode(texts), pool.encode(texts.toReversed())]);
  expect(once).toEqual(expected);
  expect(again.toReversed()).toEqual(expected);
  const options = { alpha: 0.3, seed: 5, stream: 100 };
  const sampled = await pool.sample(texts, options);
  expect(sampled).toEqual(texts.map((text, i) => tokenizer.sample(text, { ...options, stream: 100 + i })));
  expect(await pool.encode([])).toEqual([]);
});

test("errors come back as they are thrown, and the pool goes on", async () => {
  await using pool = encoderPool(tokenizer, 2);
  await expect(pool.sample(texts, { alpha: -1, seed: 1 })).rejects.toThrow(
    "sample: alpha must be a finite number ≥ 0, got -1.",
  );
  await expect(pool.encode(texts, { allowSpecials: ["<x>"] })).rejects.toThrow(
    'must name specials, got "<x>"',
  );
  expect(await pool.encode(["the"])).toEqual([tokenizer.encode("the")]);
  expect(() => encoderPool(tokenizer, 0)).toThrow("encoderPool: workers must be an integer ≥ 1, got 0.");
});
