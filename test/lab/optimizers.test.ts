// The rules of the entries about optimizers, on rows that are told: what holds, what does not, what cannot be answered.
import { expect, test } from "vitest";
import { cosine, type CosineRow } from "../../src/lab/entries/cosine.ts";
import { egStep, type EgStepRow } from "../../src/lab/entries/eg-step.ts";
import { embeddingAnomaly, type AnomalyRow } from "../../src/lab/entries/embedding-anomaly.ts";
import { lionTigerAdamw, type RuleRow } from "../../src/lab/entries/lion-tiger-adamw.ts";
import { sgdAverage, type SgdAverageRow } from "../../src/lab/entries/sgd-average.ts";
import type { Rule, Seeded } from "../../src/lab/entry.ts";
import { characterCorpus, median } from "../../src/lab/optimizer-run.ts";

const answers = <R>(rules: readonly Rule<R>[], rows: readonly R[]): (boolean | null)[] =>
  rules.map((rule) => rule.holds(rows.map((row): Seeded<R> => ({ ...row, seed: 0 }))));

test("EG step sizes: as the article and the specification have it, and not", () => {
  const rows = (raw: number | null, signs: number): EgStepRow[] =>
    (
      [
        ["SGD, 0.001", 1],
        ["SGD, 0.1", 0.002],
        ["article, γ = 0.01", 0.3],
        ["article, γ = 0.1", raw],
        ["signs, γ = 0.02", signs],
        ["whole by cosines, γ = 0.02", 0.0005],
      ] as const
    ).map(([method, loss]) => ({ method, loss, curve: [0, null] }));
  expect(answers(egStep.rules, rows(null, 0.002))).toEqual([true, true, true, true, true]);
  expect(answers(egStep.rules, rows(0.5, 0.2))).toEqual([true, true, false, false, true]);
  expect(answers(egStep.rules, [])).toEqual([null, null, null, null, null]);
  expect(egStep.figures(rows(null, 1).map((r) => ({ ...r, seed: 0 })))["eg-step.svg"]).not.toMatch(/NaN/);
});

test("the average loss of SGD", () => {
  const row = (
    method: SgdAverageRow["method"],
    steps: number,
    last: number,
    regret: number,
    broken = 0,
  ): SgdAverageRow => ({
    method,
    steps,
    lines: 10,
    broken,
    regret,
    boundI: 1,
    last,
    boundIV: 1,
  });
  const rows = [
    row("constant", 100, 0.1, 0.1),
    row("constant", 6400, 0.01, 0.0125),
    row("1/√t", 6400, 0.02, 0.01),
  ];
  expect(answers(sgdAverage.rules, [...rows, row("linear", 6400, 0.001, 0.03)])).toEqual([
    true,
    true,
    true,
    true,
  ]);
  expect(answers(sgdAverage.rules, [...rows, row("linear", 6400, 0.5, 0.03, 1)])).toEqual([
    false,
    true,
    true,
    false,
  ]);
  expect(answers(sgdAverage.rules, rows.slice(0, 1))).toEqual([true, true, null, null]);
});

test("local and global cosine", () => {
  const row = (below: number, kappa: number, error = 0): CosineRow => ({
    method: "AdamW",
    below,
    global: 0.1,
    least: 0.2,
    kappa,
    error,
    foreseen: 1,
  });
  expect(answers(cosine.rules, [row(0.5, 0.7)])).toEqual([true, true, true]);
  expect(answers(cosine.rules, [row(0, 1, 1e-3)])).toEqual([false, false, false]);
});

test("the anomaly and its remedies", () => {
  const row = (
    part: "toy" | "text",
    method: AnomalyRow["method"],
    largest: number,
    rare: number,
  ): AnomalyRow => ({
    part,
    method,
    largest,
    rare,
    loss: null,
  });
  const toy = [row("toy", "AdamW", 0.5, 0.2), row("toy", "Lion", 12, 2), row("toy", "Tiger", 15, 4)];
  const all = [
    ...toy,
    row("toy", "Tiger, lazy rows", 0.3, 0.04),
    row("text", "AdamW", 1, 0.1),
    row("text", "Tiger", 5, 4),
    row("text", "Tiger, lazy rows", 1, 0.1),
    row("text", "Tiger, tied", 1, 3),
  ];
  expect(answers(embeddingAnomaly.rules, all)).toEqual([true, true, true, true, false, null]);
  expect(answers(embeddingAnomaly.rules, toy)).toEqual([true, null, null, null, null, null]);
});

test("Lion, Tiger and AdamW at their best rates", () => {
  const row = (method: string, rate: number, loss: number): RuleRow => ({ method, rate, loss });
  const rows = [
    ...[3e-4, 1e-3, 3e-3].map((rate, i) => row("Lion", rate, [2, 1, 2][i] ?? 0)),
    ...[5e-3, 2e-2, 6e-2].map((rate, i) => row("Tiger", rate, [3, 2, 3][i] ?? 0)),
    ...[1e-3, 3e-3, 1e-2].map((rate, i) => row("AdamW", rate, [3, 2, 1.5][i] ?? 0)),
  ];
  // AdamW is best at the edge of what was tried, and better than Tiger there.
  expect(answers(lionTigerAdamw.rules, rows)).toEqual([false, true, false, true]);
  expect(answers(lionTigerAdamw.rules, rows.slice(0, 3))).toEqual([null, null, null, null]);
});

test("characters are counted where they are trained on, the most frequent first", () => {
  const { ids, counts, bytesOf } = characterCorpus("aab".repeat(6) + "a道", 20);
  expect(Array.from(ids.train).slice(0, 3)).toEqual([0, 0, 1]);
  expect(Array.from(ids.validation)).toEqual([2]);
  expect(counts).toEqual([13, 6, 0]);
  expect(Array.from(bytesOf)).toEqual([1, 1, 3]);
  expect(median([3, 1, 2])).toBe(2);
});
