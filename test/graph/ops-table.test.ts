import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ask, readAnswers, render } from "../../docs/ops-table.ts";
import { INFER } from "../../src/graph/infer.ts";

test("the table of ops is what its answers say, and names every op", () => {
  const page = readFileSync(join(import.meta.dirname, "../../docs/ops.md"), "utf8");
  expect(page).toBe(render(readAnswers()));
  for (const op of Object.keys(INFER)) expect(page).toContain(`| \`${op}\` |`);
});

test("the CPU runs every op, as the table says", async () => {
  const answers = await ask("cpu");
  expect(answers).toEqual(readAnswers().cpu);
  expect(Object.values(answers).filter((a) => typeof a !== "string")).toEqual([]);
});
