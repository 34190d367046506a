import { expect, test } from "vitest";
import { sampleToken } from "../../src/model/index.ts";

test("a token is drawn where the cumulative probability passes the random number", () => {
  const logits = Float32Array.from([0.1, 0.6, 0.3], Math.log);
  const at = (temperature: number, u: number): number => sampleToken(logits, { temperature }, () => u);
  expect(at(0, 0.99)).toBe(1);
  expect([0.05, 0.2, 0.65, 0.75, 0.999].map((u) => at(1, u))).toEqual([0, 1, 1, 2, 2]);
  expect(at(1e-3, 0.01)).toBe(1);
});
