import { expect, test } from "vitest";
import { tokenizerLine } from "../../src/cli/train/watch.ts";
import { createTokenizer, trainUnigram } from "../../src/tokenizer/index.ts";
import { makeTokenizer } from "../../src/train/tokenizer.ts";

test("what the tokenizer's training does is told in words, with how far and how long", () => {
  expect(tokenizerLine({ phase: "count", done: 262_562, rate: 1 })).toBe(
    "Learning pieces of text: reading the text",
  );
  expect(tokenizerLine({ phase: "count", done: 1, total: 4, rate: 1, secondsLeft: 75 })).toBe(
    "Learning pieces of text: reading the text, 25 % done, about 1m 15s left of this part",
  );
  const phases = ["count", "segment", "prune", "expectation", "merge"] as const;
  const lines = phases.map((phase) => tokenizerLine({ phase, done: 9, total: 8, rate: 1 }));
  expect(new Set(lines).size).toBe(5);
  for (const line of lines) expect(line).toMatch(/^[A-Z][a-z ]+: [a-z ]+, 100 % done$/);
});

test("pieces learnt from texts in memory: every part that reads them says how far it is", async () => {
  const text = new TextEncoder().encode("the furnace feeds itself and glows, 炉火自燃. ".repeat(400));
  const lines: string[] = [];
  const tokenizer = await makeTokenizer({ kind: "train", size: 300 }, [text], {
    onProgress: (p) => lines.push(tokenizerLine(p)),
  });
  expect(tokenizer.vocabularySize).toBe(300);
  const reading = lines.filter((line) => line.includes("reading the text"));
  expect(reading.length).toBeGreaterThan(0);
  for (const line of reading) expect(line).toMatch(/, \d+ % done/);
  // The mode of `athanor tokenizer train`, whose pieces may end inside a character.
  const { models } = await trainUnigram([text], { vocabularySize: 300, ensureUnicode: false });
  const same = models.map((model) => createTokenizer(model))[0];
  expect(tokenizer.encode("glows, 炉火")).toEqual(same?.encode("glows, 炉火"));
});
