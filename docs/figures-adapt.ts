// Draws the pictures of the adapters' pages: `npm run figures`.
import {
  balancedRatio,
  equivalentGradient,
  LORA_PLUS_RATIO,
  loraGaStart,
  proGradients,
  rowNorms,
} from "../src/adapt/index.ts";
import { lineChart } from "../src/draw/line-chart.ts";
import {
  evaluate,
  matmul,
  random,
  sqrt,
  square,
  sum,
  svd,
  type Tensor,
  tensor,
  transpose,
} from "../src/tensor/index.ts";
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

// A gradient of 48 by 64 whose singular values fall as 1/k, as those of trained matrices roughly do.
const [O, I] = [48, 64];
const RANKS = [1, 2, 3, 4, 6, 8, 12, 16, 20, 24];
const normal = (name: string, ...shape: number[]): Tensor =>
  random.normal(random.fold(random.key(7), name), shape, { dtype: "float64" });
const [left, right] = await Promise.all([svd(normal("left", O, O)), svd(normal("right", I, O))]);
const falling = tensor(Float64Array.from({ length: O }, (_, k) => 1 / (k + 1)));
const G = await evaluate(matmul(left.u.mul(falling), right.u, { transposeB: true }));
const size = (t: Tensor): Promise<number> => sqrt(sum(square(t))).item();
/** What is left of G when `near`, at its best length, is taken off; of one. */
const missed = async (near: Tensor): Promise<number> => {
  const along = sum(near.mul(G)).div(sum(square(near)));
  return (await size(G.sub(near.mul(along)))) / (await size(G));
};
const points = (f: (r: number) => Promise<number>): Promise<[number, number][]> =>
  Promise.all(RANKS.map(async (r): Promise<[number, number]> => [r, await f(r)]));
const firstStep = (a: Tensor, b: Tensor): Tensor =>
  matmul(G, matmul(a, a, { transposeA: true })).add(matmul(matmul(b, b, { transposeB: true }), G));
const randomA = (r: number): Tensor => normal(`a${r}`, r, I);
draw(
  "lora-ga",
  lineChart({
    title: "What the first step misses of the gradient",
    subtitle: "‖step − G‖ / ‖G‖, each step at its best length; G is 48 by 64 with singular values 1/k",
    x: "rank r",
    y: "share missed",
    series: [
      {
        name: "LoRA: A random, B zero",
        points: await points((r) => missed(matmul(G, matmul(randomA(r), randomA(r), { transposeA: true })))),
      },
      {
        name: "LoRA-GA",
        points: await points(async (r) => {
          const found = await svd(G);
          const { lora_A, lora_B } = await loraGaStart(found, G, { rank: r }, random.key(1), {
            scale: "unit",
          });
          return missed(firstStep(lora_A, lora_B));
        }),
      },
    ],
  }),
);
draw(
  "lora-pro",
  lineChart({
    title: "What a step of both factors misses of the gradient",
    subtitle: "‖step − G‖ / ‖G‖ at random factors, each step at its best length; the same G",
    x: "rank r",
    y: "share missed",
    series: await Promise.all(
      (["LoRA", "LoRA-Pro"] as const).map(async (name) => ({
        name,
        points: await points(async (r) => {
          const [a, b] = [randomA(r), normal(`b${r}`, O, r)];
          const pair = {
            a,
            b,
            gradA: matmul(b, G, { transposeA: true }),
            gradB: matmul(G, transpose(a)),
            scale: 1,
          };
          const h = name === "LoRA" ? { a: pair.gradA, b: pair.gradB } : proGradients([pair])[0];
          return missed(equivalentGradient(pair, h ?? pair));
        }),
      })),
    ),
  }),
);
draw(
  "pissa",
  lineChart({
    title: "How much of a matrix its first directions hold",
    subtitle:
      "Share of ‖W‖² in the first r singular directions, singular values falling as k^−p; 768 directions",
    x: "rank r",
    y: "share of ‖W‖²",
    xScale: "log2",
    series: [0.25, 0.5, 1].map((p) => {
      const values = Array.from({ length: 768 }, (_, k) => (k + 1) ** (-2 * p));
      const all = values.reduce((a, b) => a + b, 0);
      return {
        name: `p = ${p}`,
        points: powers(8).map((r): [number, number] => [
          r,
          values.slice(0, r).reduce((a, b) => a + b, 0) / all,
        ]),
      };
    }),
  }),
);
const rows = {
  weight: G,
  lora_A: normal("da", 4, I),
  lora_B: normal("db", O, 4),
  lora_scale: tensor(1, { dtype: "float64" }),
};
const lengths = await Promise.all(
  Array.from({ length: 21 }, async (_, i): Promise<[number, number]> => {
    const grown = { ...rows, lora_B: rows.lora_B.mul(i / 800) };
    const ratio = rowNorms(G, grown).div(rowNorms(G, { ...rows, lora_B: rows.lora_B.mul(0) }));
    return [i / 20, (await size(ratio)) / Math.sqrt(O)];
  }),
);
draw(
  "dora",
  lineChart({
    title: "Length of a row as its change grows",
    subtitle:
      "Root mean square of ‖row‖ / ‖row of the base‖; DoRA's length is a number of its own, learnt apart",
    x: "size of the change",
    y: "length over the base's",
    series: [
      { name: "LoRA", points: lengths },
      { name: "DoRA, magnitude as it began", points: lengths.map(([x]): [number, number] => [x, 1]) },
    ],
  }),
);
