// Draws the pictures of docs/methods from the code they explain: `npm run figures`.
import { expectedConcentration, mlaCacheWidth, decayConcentration } from "../src/attention/index.ts";
import { barChart } from "../src/draw/bar-chart.ts";
import { grids } from "../src/draw/grid.ts";
import { lineChart } from "../src/draw/line-chart.ts";
import * as p from "../src/position/index.ts";
import { block, curve, draw, range } from "./figures-draw.ts";

const D = 64;
const plain = p.ropeFrequencies(D, 10_000);
const rules = {
  PI: p.positionInterpolation({ scale: 8 }),
  "NTK-old": p.ntkOld({ scale: 8 }),
  "NTK-aware": p.ntkAware({ scale: 8 }),
  "NTK-fixed": p.ntkFixed({ scale: 8 }),
  "NTK-mixed": p.ntkMixed({ scale: 8 }),
  "YaRN by turns": p.yarnByTurns({ scale: 8, trainingLength: 4096 }),
  "YaRN by index": p.yarnByIndex({ scale: 8, trainingLength: 4096 }),
  "Llama 3": p.llama3({ scale: 8, trainingLength: 4096 }),
};
const ratios = (names: readonly (keyof typeof rules)[]) =>
  names.map((name) => {
    const theta = rules[name](D, 10_000);
    return curve(name, range(D / 2), (i) => (theta[i] ?? 0) / (plain[i] ?? 1));
  });
const frequencyChart = (title: string, names: readonly (keyof typeof rules)[]): string =>
  lineChart({
    title,
    subtitle: "Frequency of each pair over that of RoPE; D = 64, base 10,000, scale 8, N = 4,096",
    x: "pair, from the fastest",
    y: "θ / θ of RoPE",
    series: ratios(names),
  });

draw(
  "rope",
  lineChart({
    title: "Lead of a like key over a random one by distance",
    subtitle:
      "Mean of cos(m θ), D = 64: the longer the base keeps it above zero, the longer the usable context",
    x: "distance m",
    y: "mean cos(m θ)",
    series: [500, 10_000, 500_000].map((base) => {
      const theta = p.ropeFrequencies(D, base);
      return curve(
        `base ${base.toLocaleString("en-GB")}`,
        range(200).map((x) => x * 16),
        (m) => p.ropeLead(theta, m) / (D / 2),
      );
    }),
  }),
);
draw(
  "position-interpolation",
  frequencyChart("Interpolation divides every frequency by the scale", ["PI", "NTK-aware"]),
);
draw(
  "ntk",
  frequencyChart("NTK rules spare the fast pairs", ["NTK-old", "NTK-aware", "NTK-fixed", "NTK-mixed", "PI"]),
);
draw(
  "yarn",
  frequencyChart("YaRN: fast pairs kept, slow pairs interpolated", [
    "YaRN by turns",
    "YaRN by index",
    "Llama 3",
    "PI",
  ]),
);
draw(
  "dynamic-ntk",
  lineChart({
    title: "Dynamic NTK: the base follows the context",
    subtitle: "N = 512, D = 64, factor 1",
    x: "tokens in view",
    y: "base / 10,000",
    series: [
      curve(
        "dynamic NTK",
        range(33).map((x) => x * 128),
        (n) => Math.max(1, n / 512) ** (64 / 62),
      ),
      curve("RoPE", [0, 4096], () => 1),
    ],
  }),
);
draw(
  "rerope",
  lineChart({
    title: "The distance that a key seems to have",
    subtitle: "Window 16; k = 4 for Leaky ReRoPE, k = 1/4 in the training of its inverse",
    x: "true distance",
    y: "distance in the score",
    yMost: 64,
    series: [
      curve("RoPE", range(65), (x) => x),
      curve("ReRoPE", range(65), (x) => Math.min(x, 16)),
      curve("Leaky ReRoPE", range(65), (x) => (x < 16 ? x : 16 + (x - 16) / 4)),
      curve("inverse Leaky (training)", range(29), (x) => (x < 16 ? x : 16 + (x - 16) * 4)),
    ],
  }),
);
/** Ink 0 for what lies in a causal window of `w`. */
const window =
  (w: number) =>
  (i: number, j: number): number | undefined =>
    i >= j && i - j < w ? 0 : undefined;

draw(
  "hwfa",
  grids({
    title: "HWFA: windows below, one full layer on top",
    subtitle: "Queries downwards, keys to the right; N = 24, windows of 5",
    squares: [
      { name: "layers 1 … Λ − 1", cell: window(5) },
      { name: "layer Λ, no position", cell: (i, j) => (i >= j ? 1 : undefined) },
    ],
    inks: ["RoPE in a window", "all, times ln n"],
  }),
);
draw(
  "windows",
  grids({
    title: "What a query sees",
    subtitle: "Queries downwards, keys to the right; a window of 6, two sinks",
    squares: [
      { name: "sliding window", cell: window(6) },
      { name: "Λ-mask", cell: (i, j) => (j < 2 && i - j >= 6 ? 1 : window(6)(i, j)) },
    ],
    inks: ["within the window", "first tokens"],
  }),
);
draw(
  "alibi",
  lineChart({
    title: "ALiBi: what distance takes off the score",
    subtitle: "Eight heads",
    x: "distance",
    y: "added to the score",
    series: Array.from(p.alibiSlopes(8), (m, h) =>
      curve(`head ${h + 1}`, range(33), (x) => Math.max(-8, -m * x)),
    ),
  }),
);
draw(
  "log-scale",
  lineChart({
    title: "The factor of queries by number of keys",
    subtitle: "N = 512",
    x: "keys in view",
    y: "factor",
    xScale: "log2",
    series: [
      curve(
        "trained in",
        range(13, 1).map((e) => 2 ** e),
        (n) => Math.log(n) / Math.log(512),
      ),
      curve(
        "after training",
        range(13, 1).map((e) => 2 ** e),
        (n) => Math.max(1, Math.log(n) / Math.log(512)),
      ),
    ],
  }),
);
draw(
  "base-bound",
  lineChart({
    title: "The least base for a context",
    subtitle: "By the article's search; vertical axis in powers of ten",
    x: "context length",
    y: "log10 of the base",
    xScale: "log2",
    series: [128, 64, 32].map((width) =>
      curve(
        `D = ${width}`,
        range(6, 6).map((e) => 2 ** e),
        (L) => {
          const bound = p.ropeBaseBound(width, L);
          return bound.found ? Math.log10(bound.base) : Number.NaN;
        },
      ),
    ),
  }),
);
draw(
  "sinusoidal",
  grids({
    title: "Signs of the first waves",
    subtitle: "sin(p θᵢ) above 1/3, below −1/3, or between; base 100",
    squares: [
      {
        name: "position downwards, channel to the right",
        columns: 48,
        cell: (p, i) => {
          const wave = Math.sin(p * 100 ** (-i / 48));
          return wave > 1 / 3 ? 0 : wave < -1 / 3 ? 1 : undefined;
        },
      },
    ],
    inks: ["positive", "negative"],
  }),
);
draw(
  "key-norm",
  lineChart({
    title: "Largest score a key can have",
    subtitle: "Query of length √D, D = 64: keys of length one bound it, cosines bound it whatever the query",
    x: "length of the key",
    y: "largest score",
    series: [
      curve("q·k / √D", range(17), (x) => x),
      curve("key norm", range(17), () => 8),
      curve("cosine, n = 256", range(17), () => 4 * Math.log(256)),
    ],
  }),
);
const v2 = { width: 5120, heads: 128, contentWidth: 128, rotaryWidth: 64, valueWidth: 128, latentWidth: 512 };
draw(
  "mla",
  barChart({
    title: "Numbers cached per token and layer",
    subtitle: "128 heads of 128; the latents of DeepSeek-V2: 512 numbers and 64 that turn",
    names: [""],
    format: (n) => n.toLocaleString("en-GB"),
    rows: [
      { name: "MHA", values: [2 * 128 * 128] },
      { name: "GQA, 8 groups", values: [2 * 8 * 128] },
      { name: "MQA", values: [2 * 128] },
      { name: "MLA", values: [mlaCacheWidth(v2)] },
    ],
  }),
);
const computed =
  (w: number) =>
  (i: number, j: number): number | undefined =>
    window(w)(i, j) ??
    (block(w, i) - block(w, j) <= 1 && block(w, i) >= block(w, j) && i < 24 ? 1 : undefined);
draw(
  "window-attention",
  grids({
    title: "Blocks of w queries see two blocks of keys",
    subtitle: "Work grows with T · w: what is computed and hidden is half of it, whatever the length",
    squares: [
      { name: "w = 4", cell: computed(4) },
      { name: "w = 8", cell: computed(8) },
    ],
    inks: ["in the window", "computed, hidden"],
  }),
);
const twoWays =
  (size: number, exact: number) =>
  (i: number, j: number): number | undefined =>
    i < j ? undefined : block(size, i) - block(size, j) < exact ? 0 : 1;
draw(
  "linear-attention",
  grids({
    title: "Exact within a block, a running sum before it",
    subtitle: "Queries downwards, keys to the right; larger blocks trade memory traffic for masked products",
    squares: [
      { name: "blocks of 4", cell: twoWays(4, 1) },
      { name: "blocks of 8", cell: twoWays(8, 1) },
    ],
    inks: ["masked product", "through Σ φ(k)vᵀ"],
  }),
);
draw(
  "performer",
  lineChart({
    title: "Deviation of one estimated weight",
    subtitle: "Independent features, relative: √((e^‖q+k‖² − 1) / M)",
    x: "features M",
    y: "relative deviation",
    xScale: "log2",
    series: [0.5, 1, 1.5].map((r) =>
      curve(
        `‖q + k‖ = ${r}`,
        range(8, 3).map((e) => 2 ** e),
        (m) => Math.sqrt((Math.exp(r * r) - 1) / m),
      ),
    ),
  }),
);
draw(
  "transformer-vq",
  grids({
    title: "Two blocks exactly, the rest by code",
    subtitle: "Queries downwards, keys to the right: the last block and the one before it, key by key",
    squares: [
      { name: "blocks of 4", cell: twoWays(4, 2) },
      { name: "blocks of 8", cell: twoWays(8, 2) },
    ],
    inks: ["each key", "counts and means of each code"],
  }),
);
draw(
  "recurrence",
  lineChart({
    title: "Embeddings read for one token in constant memory",
    subtitle: "C(i + ℓ − 1, ℓ) for ℓ layers",
    x: "position i",
    y: "log10 of reads",
    series: [1, 2, 3, 4].map((l) =>
      curve(`${l} layer${l > 1 ? "s" : ""}`, range(16, 1), (i) =>
        Math.log10(range(l).reduce((c, n) => (c * (i + l - 1 - n)) / (n + 1), 1)),
      ),
    ),
  }),
);
draw(
  "concentration",
  lineChart({
    title: "How concentrated can a row be?",
    subtitle: "S = E|a| / √E[a²] against γ = σ‖q‖, β = −1; lower is more concentrated",
    x: "γ",
    y: "S",
    series: [
      ...(["exp", "relu2", "identity"] as const).map((map) =>
        curve(
          map === "relu2" ? "relu²" : map,
          range(30, 1).map((x) => x / 10),
          (g) => expectedConcentration(map, -1, g),
        ),
      ),
      curve("decay 0.9, n = 50", [0.1, 3], () => decayConcentration(0.9, 50)),
    ],
  }),
);
await import("./figures-articles.ts");
await import("./sequence-figures.ts");
