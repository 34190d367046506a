import { expect, test } from "vitest";
import { tokenizerLine } from "../../src/cli/train/watch.ts";

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
