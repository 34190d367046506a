// Draws the pictures of the adapters' pages: `npm run figures`.
import { balancedRatio, LORA_PLUS_RATIO } from "../src/adapt/index.ts";
import { lineChart } from "../src/draw/line-chart.ts";
import { draw } from "./figures-draw.ts";

/** 2^from, … of `count` powers. */
const powers = (count: number, from = 0): number[] =>
  Array.from({ length: count }, (_, i) => 2 ** (from + i));

draw(
  "lora",
  lineChart({
    title: "Numbers that an adapter trains",
    subtitle: "Share of the matrix beside it, r (n + m) / (n m), for matrices of n inputs and m outputs",
    x: "rank r",
    y: "share of the matrix",
    xScale: "log2",
    series: [
      [576, 192],
      [768, 768],
      [4096, 4096],
    ].map(([n = 1, m = 1]) => ({
      name: `${n} to ${m}`,
      points: powers(7).map((r): [number, number] => [r, (r * (n + m)) / (n * m)]),
    })),
  }),
);
draw(
  "lora-plus",
  lineChart({
    title: "How much faster the output side should learn",
    subtitle: "λ = (n/m) √(n/r) of the article for square matrices; the authors take 16 for all",
    x: "width n = m",
    y: "λ",
    xScale: "log2",
    series: [
      ...[4, 8, 32].map((r) => ({
        name: `rank ${r}`,
        points: powers(7, 7).map((n): [number, number] => [n, balancedRatio(n, n, r)]),
      })),
      { name: "λ = 16", points: [128, 8192].map((n): [number, number] => [n, LORA_PLUS_RATIO]) },
    ],
  }),
);
