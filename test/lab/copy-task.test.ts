import { expect, test } from "vitest";
import { barChart } from "../../src/draw/bar-chart.ts";
import { copyAccuracy, copyTexts, initCopyModel, trainCopyModel } from "../../src/lab/copy-model.ts";
import { rope } from "../../src/position/index.ts";
import { random } from "../../src/tensor/index.ts";

test("texts repeat a segment of distinct tokens with periods in range", () => {
  const { ids, periods } = copyTexts(random.key(1), 20, 63, [8, 40]);
  expect(ids).toHaveLength(20 * 64);
  periods.forEach((period, n) => {
    expect(period).toBeGreaterThanOrEqual(8);
    expect(period).toBeLessThanOrEqual(40);
    const text = ids.slice(n * 64, n * 64 + 64);
    expect(new Set(text).size).toBe(period);
    for (let t = period; t < 64; t++) expect(text[t]).toBe(text[t - period]);
  });
  expect(copyTexts(random.key(1), 20, 63, [8, 40])).toEqual({ ids, periods });
});

test("a fresh model guesses, and a few steps lower its loss", async () => {
  const positions = [rope()];
  const texts = copyTexts(random.key(2), 4, 64, [8, 40]);
  const [share = 1] = await copyAccuracy(initCopyModel(random.key(3)), positions, [texts]);
  expect(share).toBeLessThan(0.15);
  const losses: number[] = [];
  await trainCopyModel(random.key(3), positions, { length: 16, steps: 100 }, (_, loss) => losses.push(loss));
  expect(losses).toHaveLength(1);
  expect(losses[0]).toBeLessThan(5.4);
});

test("bars are drawn to scale with their names escaped", () => {
  const svg = barChart({
    title: "a < b",
    names: ["x"],
    rows: [
      { name: "half", values: [0.5] },
      { name: "all", values: [1] },
    ],
  });
  expect(svg).toContain("a &lt; b");
  const widths = [...svg.matchAll(/<rect x="[\d.]+" y="[\d.]+" width="([\d.]+)" height="[\d.]+" fill/g)].map(
    (m) => Number(m[1]),
  );
  expect(widths).toHaveLength(2);
  // Pixels are written to a tenth.
  expect(widths[1]).toBeCloseTo(2 * (widths[0] ?? 0), 0);
});
