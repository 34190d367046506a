import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { answersOf, readAnswers, render } from "../../docs/ops-table.ts";
import { INFER } from "../../src/graph/infer.ts";
import { probeOps } from "../support/op-probe.ts";

test("the table of ops is what its answers say, and names every op", () => {
  const page = readFileSync(join(import.meta.dirname, "../../docs/ops.md"), "utf8");
  expect(page).toBe(render(readAnswers()));
  for (const op of Object.keys(INFER)) expect(page).toContain(`| \`${op}\` |`);
});

test("the processor runs every op, as the table says", async () => {
  const probes = await probeOps("cpu");
  const answers = answersOf("cpu", probes, probes);
  expect(answers).toEqual(readAnswers()["Node cpu"]);
  expect(Object.values(answers).filter((a) => a.runs !== "kernel")).toEqual([]);
});
