// Pictures of the rooms of numbers (optimizers, structured matrices, codes, small exact problems), from their code: `npm run figures`.
import { barChart } from "../src/draw/bar-chart.ts";
import { grids } from "../src/draw/grid.ts";
import { lineChart } from "../src/draw/line-chart.ts";
import { racePicture } from "../src/draw/race.ts";
import {
  brachistochrone,
  circleArc,
  clockAlong,
  cycloidPlaces,
  fall,
  minimiseSum,
  type Place,
  straightLine,
} from "../src/numeric/index.ts";
import { causalRate, constantRates, hindsightRates, linearRates, rootRates } from "../src/optim/index.ts";
import { fsqEncode, kMeans, vqEncode } from "../src/quantize/index.ts";
import { quantizeRows } from "../src/quantize/rows.ts";
import { random, tensor } from "../src/tensor/index.ts";
import { block, curve, draw, range } from "./figures-draw.ts";

const steps = range(120, 1);
draw(
  "adamw",
  lineChart({
    title: "Why both moments are divided by 1 − βᵗ",
    subtitle:
      "Update in rates while the gradient is the same at every step, β₁ = 0.9: corrected it is 1 at once",
    x: "step",
    y: "update / rate",
    series: [
      curve("corrected", steps, () => 1),
      ...[0.99, 0.999].map((beta2) =>
        curve(`β₂ = ${beta2}, as they are`, steps, (t) => (1 - 0.9 ** t) / Math.sqrt(1 - beta2 ** t)),
      ),
    ],
  }),
);
/** Value of `½ Σ h x²` along gradient descent from (1, 1), with momentum `mu`, looking ahead or not. */
function descent(curvatures: readonly number[], rate: number, mu: number, ahead: boolean): number[] {
  const x = curvatures.map(() => 1);
  const m = curvatures.map(() => 0);
  return range(61).map(() => {
    const value = curvatures.reduce((sum, h, i) => sum + (h * (x[i] ?? 0) ** 2) / 2, 0);
    for (const [i, h] of curvatures.entries()) {
      const g = h * (x[i] ?? 0);
      m[i] = mu * (m[i] ?? 0) + g;
      x[i] = (x[i] ?? 0) - rate * (ahead ? g + mu * (m[i] ?? 0) : (m[i] ?? 0));
    }
    return value;
  });
}
draw(
  "sgd",
  lineChart({
    title: "A narrow valley: curvatures 1 and 50",
    subtitle:
      "f = ½(x² + 50 y²) from (1, 1), rate 0.02: plain descent crawls along the valley, momentum gathers",
    x: "step",
    y: "log₁₀ f",
    series: (
      [
        ["μ = 0", 0, false],
        ["μ = 0.9", 0.9, false],
        ["μ = 0.9, ahead", 0.9, true],
      ] as const
    ).map(([name, mu, ahead]) => {
      const values = descent([1, 50], 0.02, mu, ahead);
      return curve(name, range(61), (i) => Math.log10(values[i] ?? 1));
    }),
  }),
);
/** Ink of the sign of `β m + (1 − β) g` over m downwards from 1 to −1 and g to the right from −1 to 1. */
const signOf =
  (beta: number) =>
  (i: number, j: number): number => {
    const [m, g] = [1 - (2 * (i + 0.5)) / 24, (2 * (j + 0.5)) / 24 - 1];
    return beta * m + (1 - beta) * g > 0 ? 0 : 1;
  };
draw(
  "lion",
  grids({
    title: "One gradient seldom turns the sign",
    subtitle:
      "Momentum m downwards from 1 to −1, gradient g to the right from −1 to 1: the sign of β₁m + (1 − β₁)g",
    squares: [0.9, 0.5].map((beta) => ({ name: `β₁ = ${beta}`, cell: signOf(beta) })),
    inks: ["parameter falls by the rate", "rises by the rate"],
  }),
);
draw(
  "tiger",
  barChart({
    title: "Numbers kept for each parameter",
    subtitle: "Beside the parameter itself; a batch in parts needs a sum of gradients, but for Tiger",
    names: ["one batch", "in parts"],
    format: String,
    rows: [
      { name: "AdamW", values: [2, 3] },
      { name: "Lion", values: [1, 2] },
      { name: "SGD with momentum", values: [1, 2] },
      { name: "Tiger", values: [1, 1] },
    ],
  }),
);
draw(
  "eg",
  lineChart({
    title: "A signed parameter under a steady push",
    subtitle:
      "From 1, gradient 1, η = 0.1: β·sinh(asinh(θ/β) − ηg) halves in equal times above β and crosses 0 at ηβ a step",
    x: "step",
    y: "θ",
    series: [1, 0.1, 0.01].map((beta) =>
      curve(`β = ${beta}`, range(81), (t) => beta * Math.sinh(Math.asinh(1 / beta) - 0.1 * t)),
    ),
  }),
);
/** Gains of a parameter whose gradients are `g`, by the article's rule. */
const gains = (g: (t: number) => number): number[] => {
  let sum = 0;
  return range(60).map((t) => Math.exp(0.05 * (sum += t === 0 ? 0 : g(t) * g(t - 1))));
};
const gained = (
  [
    ["of one sign", () => 1],
    ["noise: a third against", (t: number) => (t % 3 === 0 ? -1 : 1)],
    ["alternating", (t: number) => (t % 2 === 0 ? 1 : -1)],
  ] as const
).map(([name, g]) => ({ name, values: gains(g) }));
draw(
  "meta-gain",
  lineChart({
    title: "Gains follow whether gradients agree",
    subtitle: "log₁₀ ν with γ = 0.05 and gradients of size 1",
    x: "step",
    y: "log₁₀ gain",
    series: gained.map(({ name, values }) => curve(name, range(60), (t) => Math.log10(values[t] ?? 1))),
  }),
);
/** Singular value after `turns` of Muon's polynomial. */
const risen =
  (turns: number) =>
  (s: number): number => {
    let x = s;
    for (let i = 0; i < turns; i++) x = 3.4445 * x - 4.775 * x ** 3 + 2.0315 * x ** 5;
    return x;
  };
draw(
  "muon",
  lineChart({
    title: "Five turns bring every singular value near 1",
    subtitle:
      "A singular value of the momentum, as a share of its norm, before and after; small ones rise by 3.4 a turn",
    x: "before",
    y: "after",
    series: [1, 3, 5].map((turns) =>
      curve(
        `${turns} turn${turns === 1 ? "" : "s"}`,
        range(201).map((i) => i / 200),
        risen(turns),
      ),
    ),
  }),
);
const falling = range(200).map((t) => 1 + 4 * Math.exp(-t / 20));
const kind = { steps: 200, distance: 1, gradient: 5 };
draw(
  "sgd-theory",
  lineChart({
    title: "What each bound asks of the rate",
    subtitle: "T = 200, R = 1, gradient norms falling from 5 to 1; the last two know these norms",
    x: "step",
    y: "rate",
    series: (
      [
        ["I: constant", constantRates(kind)],
        ["I: 1/√t", rootRates(kind)],
        ["IV: linear", linearRates(kind)],
        ["V: 2, in hindsight", hindsightRates(2, falling, 1)],
        ["V: 4, in hindsight", hindsightRates(4, falling, 1)],
        ["V: 4, from the past", falling.map((_, t) => causalRate(4, falling.slice(0, t + 1), 1, 200))],
      ] as const
    ).map(([name, rates]) => curve(name, range(200), (t) => rates[t] ?? 0)),
  }),
);
draw(
  "alignment",
  lineChart({
    title: "Blocks that agree fully, and a whole that does not",
    subtitle: "x = (ε, 1), y = (1, ε): both local cosines are 1, the global one is κ = 2ε/(1 + ε²)",
    x: "ε",
    y: "cosine",
    series: [
      curve(
        "least local",
        range(101).map((i) => i / 100),
        () => 1,
      ),
      curve(
        "global",
        range(101).map((i) => i / 100),
        (e) => (2 * e) / (1 + e * e),
      ),
    ],
  }),
);
draw(
  "minimise-sum",
  lineChart({
    title: "How far the least sum lies above 2√N",
    subtitle: "S(N) − 2√N for N = 4 … 400: nothing at squares, and it grows by at most one from N to N + 1",
    x: "N",
    y: "S − 2√N",
    series: [
      curve("least S", range(397, 4), (n) => Number(minimiseSum(BigInt(n)).sum) - 2 * Math.sqrt(n)),
      curve("a = b = ⌊√N⌋", range(397, 4), (n) => {
        const root = Math.floor(Math.sqrt(n));
        return 2 * root + n - root * root - 2 * Math.sqrt(n);
      }),
    ],
  }),
);
const runner = (name: string, places: readonly Place[]) => ({
  name,
  places,
  clock: clockAlong(places, fall()),
});
draw(
  "brachistochrone",
  racePicture(
    [
      runner("cycloid", cycloidPlaces(2, 1)),
      runner("circle", circleArc(2, 1)),
      runner("straight line", straightLine(2, 1)),
    ],
    {
      title: `From rest to (2, 1): the cycloid turns back up from ${(2 * brachistochrone(2, 1).radius).toFixed(2)}`,
    },
  ),
);
const blockOf = (i: number, j: number): number | undefined => (block(4, i) === block(4, j) ? 0 : undefined);
draw(
  "monarch",
  grids({
    title: "Two sparse factors, one full matrix",
    subtitle: "n = 16 in four blocks: 2 · 64 numbers instead of 256; output downwards, input to the right",
    squares: [
      { name: "R: blocks of neighbours", cell: blockOf, rows: 16, columns: 16 },
      {
        name: "PLP: every fourth number",
        cell: (i, j) => (i % 4 === j % 4 ? 1 : undefined),
        rows: 16,
        columns: 16,
      },
      { name: "W: a product at each place", cell: () => 2, rows: 16, columns: 16 },
    ],
    inks: ["right", "left", "one product of both"],
  }),
);
/** What is lost of each of 31 numbers beside a largest one of −1, whose code is the lowest. */
function lost(bits: 4 | 8, xs: readonly number[]): number[] {
  return xs.map((x) => {
    const { codes, scales } = quantizeRows(Float32Array.of(-1, x), 1, 2, bits);
    const code = bits === 8 ? (codes[1] ?? 0) : (codes[0] ?? 0) >> 4;
    return (scales[0] ?? 0) * (code - 2 ** (bits - 1)) - x;
  });
}
const between = range(401).map((i) => i / 200 - 1);
draw(
  "nbit",
  lineChart({
    title: "What a number loses",
    subtitle:
      "A block whose number of largest magnitude is −1: half a step at most, but a whole one at the other end",
    x: "number",
    y: "code's number − number",
    series: ([4, 8] as const).map((bits) => {
      const errors = lost(bits, between);
      return {
        name: `${bits} bits`,
        points: between.map((x, i): [number, number] => [x, errors[i] ?? 0]),
      };
    }),
  }),
);
/** The plane from −2 to 2, `n` cells a side: the vector in the middle of a cell, rows downwards. */
const SIDE = 48;
const plane = range(SIDE).flatMap((i) =>
  range(SIDE).map((j): [number, number] => [(4 * (j + 0.5)) / SIDE - 2, 2 - (4 * (i + 0.5)) / SIDE]),
);
const z = tensor(plane);
const painted = (codes: ArrayLike<number | bigint>) => (i: number, j: number) =>
  Number(codes[i * SIDE + j]) % 5;
const FIVE = ["code 0, 5 …", "1, 6 …", "2, 7 …", "3, 8 …", "4, 9 …"];
const ofGrid = await fsqEncode(z, { levels: [6, 5] }).data();
draw(
  "fsq",
  grids({
    title: "FSQ cuts the plane into a grid",
    subtitle: "Two channels from −2 to 2, 6 levels along and 5 upwards: 30 codes, none of them learnt",
    squares: [{ name: "levels 6 × 5", cell: painted(ofGrid), rows: SIDE, columns: SIDE }],
    inks: FIVE,
  }),
);
const heap = random.normals(random.key(4), 400);
const centres = kMeans(heap, { D: 2, K: 30, key: random.key(1) });
const book = tensor(Float32Array.from(centres), { shape: [30, 2] });
draw(
  "vq",
  grids({
    title: "VQ cuts the plane where vectors are",
    subtitle: "Two numbers from −2 to 2, a book of 30 entries begun by K-means on 200 normal vectors",
    squares: [
      { name: "the nearest entry", cell: painted(await vqEncode(book, z).data()), rows: SIDE, columns: SIDE },
    ],
    inks: FIVE,
  }),
);
