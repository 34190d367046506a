// One painter, one palette: pictures are made through src/draw.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { barChart } from "../../src/draw/bar-chart.ts";
import { grids } from "../../src/draw/grid.ts";
import { lineChart } from "../../src/draw/line-chart.ts";
import { widthOf, written } from "../../src/draw/svg.ts";
import { filesUnder, ROOT } from "./imports.ts";

const sources = ["src", "docs", "bench", "examples"]
  .flatMap((folder) => filesUnder(folder))
  .map((file) => [file, readFileSync(join(ROOT, file), "utf8")] as const);

/** Sheets of another form than `sheet`: a matrix of maps, two plots above each other, a text in colours. */
const SHEETS = [
  "src/draw/attention-picture.ts",
  "src/draw/svg.ts",
  "src/tokenizer/draw.ts",
  "src/train/loss-svg.ts",
];

test("no other file begins a picture or mixes a colour", () => {
  const begins = sources.filter(([, text]) => text.includes("<svg ")).map(([file]) => file);
  expect(begins.filter((file) => !SHEETS.includes(file))).toEqual([]);
  const mixes = sources.filter(([, text]) => /["'`]#(?:[0-9a-f]{3}|[0-9a-f]{6})["'`]/i.test(text));
  const known = ["src/draw/palette.ts", "src/tokenizer/draw.ts"];
  expect(mixes.map(([file]) => file).filter((file) => !known.includes(file))).toEqual([]);
});

/** How often each name stands in a list. */
function counts(names: readonly (string | undefined)[]): Record<string, number> {
  const found: Record<string, number> = {};
  for (const name of names) found[name ?? ""] = (found[name ?? ""] ?? 0) + 1;
  return found;
}

describe("charts", () => {
  const charts = [
    lineChart({
      title: "损失 < 1 & 2",
      x: "步",
      y: "nats",
      series: [
        { name: "一条很长很长的名字", points: [[1, 2] as const, [2, Number.NaN] as const, [3, 1] as const] },
        { name: "b", points: [[1, 1] as const, [3, 1] as const] },
      ],
    }),
    lineChart({ title: "one point", x: "x", y: "y", series: [{ name: "a", points: [[1, 1]] }] }),
    barChart({ title: "条", names: ["甲", "乙"], rows: [{ name: "名字", values: [Number.NaN, 1] }] }),
    grids({
      title: "格",
      squares: [{ name: "方", cell: (i, j) => (i === j ? 0 : undefined) }],
      inks: ["墨"],
    }),
  ];

  test("are well-formed whatever the words and numbers", () => {
    for (const svg of charts) {
      expect(svg).not.toMatch(/NaN|Infinity|undefined/);
      expect(svg).toMatch(/^<svg [^]*<\/svg>\n$/);
      const open = [...svg.matchAll(/<(?!\/)(\w+)[^>]*[^/]>/g)].map(([, name]) => name);
      const closed = [...svg.matchAll(/<\/(\w+)>/g)].map(([, name]) => name);
      expect(counts(open)).toEqual(counts(closed));
      expect(svg).toContain("Noto Serif CJK SC");
    }
    expect(charts[0]).toContain("损失 &lt; 1 &amp; 2");
  });

  test("fill their sheets: something is drawn near the right edge, and little below it is empty", () => {
    for (const svg of charts.filter((_, i) => i !== 1)) {
      const height = Number(/height="(\d+)"/.exec(svg)?.[1]);
      const ys = [...svg.matchAll(/<text x="[\d.]+" y="([\d.]+)"/g)].map((match) => Number(match[1]));
      expect(height - Math.max(...ys)).toBeLessThan(70);
      const rules = [...svg.matchAll(/H([\d.]+)/g)].map((match) => Number(match[1]));
      const fields = [...svg.matchAll(/<rect x="([\d.]+)" y="[\d.]+" width="([\d.]+)"/g)].map(
        ([, x, width]) => Number(x) + Number(width),
      );
      expect(Math.max(...rules, ...fields)).toBeGreaterThan(600);
    }
  });

  test("wide characters count twice, values are written short", () => {
    expect(widthOf("明月", 10)).toBe(20);
    expect(widthOf("ab", 10)).toBeLessThan(12);
    expect([0, 0.00012, 0.25, 12.34567, 32_768].map(written)).toEqual([
      "0",
      "1.2e-4",
      "0.25",
      "12.35",
      "32,768",
    ]);
  });
});
