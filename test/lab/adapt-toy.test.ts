// The verdicts of adapt-toy on told rows: each method at its best rate, and what is not had is not answered.
import { expect, test } from "vitest";
import { adaptToy, type AdaptToyRow } from "../../src/lab/entries/adapt-toy.ts";

type Told = readonly [method: AdaptToyRow["method"], rate: number, at10: number | null, last: number | null];
const rowsOf = (told: readonly Told[], shift: AdaptToyRow["shift"] = "rank 4") =>
  told.map(([method, rate, at10, last]) => ({
    seed: 0,
    shift,
    optimizer: "SGD" as const,
    method,
    rate,
    at10,
    at30: at10,
    last,
  }));
const verdicts = (rows: ReturnType<typeof rowsOf>) => adaptToy.rules.map((rule) => rule.holds(rows));

test("the specification's numbers hold, and other combinations are not answered", () => {
  const low = rowsOf([
    ["full", 0.1, 0.15, 0.011],
    ["LoRA", 0.1, 1.02, 0.023],
    ["LoRA", 0.3, 0.1, null], // faster at first, and then not finite: not its best rate
    ["LoRA-GA", 0.1, 0.249, 0.092],
    ["LoRA-Pro", 0.1, 0.277, 0.014],
  ]);
  expect(verdicts(low)).toEqual([true, true, null, true, null]);
  const wide = rowsOf(
    [
      ["LoRA", 0.1, 2.95, 1.13],
      ["LoRA-GA", 0.1, 1.21, 0.98],
    ],
    "full rank",
  );
  expect(verdicts([...low, ...wide])).toEqual([true, true, null, true, true]);
});

test("a method that is no faster fails, one without rows is not answered", () => {
  const slow = rowsOf([
    ["full", 0.1, 0.15, 0.011],
    ["LoRA", 0.1, 1.02, 0.1],
    ["LoRA-GA", 0.1, 0.6, 0.05],
    ["LoRA-Pro", 0.1, 0.277, 0.014],
  ]);
  expect(verdicts(slow)).toEqual([true, false, null, false, null]);
  expect(verdicts(slow.slice(0, 2))).toEqual([true, null, null, null, null]);
  expect(verdicts([])).toEqual([null, null, null, null, null]);
});
