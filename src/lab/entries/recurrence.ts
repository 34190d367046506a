// Attention as an RNN: a stack of layers in memory that does not grow, and what it reads for it.
import { lineChart } from "../../draw/line-chart.ts";
import { type RecursiveLayer, recursiveStack } from "../../attention/index.ts";
import { random } from "../../tensor/index.ts";
import type { Entry } from "../entry.ts";

interface RecurrenceSettings {
  readonly layers: number;
  readonly longest: number;
}

export interface RecurrenceRow {
  readonly layers: number;
  /** Position of the token that is emitted, from 1. */
  readonly position: number;
  readonly reads: number;
  /** C(i + ℓ − 1, ℓ). */
  readonly predicted: number;
  readonly accumulators: number;
  /** Largest difference from the same stack computed layer by layer over all positions. */
  readonly difference: number;
}

const WIDTH = 4;
type Vector = readonly number[];

function inner(a: Vector, b: Vector): number {
  return a.reduce((sum, x, i) => sum + x * (b[i] ?? 0), 0);
}

/** A layer of random maps with a residual path. */
function layerOf(key: random.Key): RecursiveLayer {
  const map = (name: string): ((x: Vector) => number[]) => {
    const weights = random.normals(random.fold(key, name), WIDTH * WIDTH);
    const rows = Array.from({ length: WIDTH }, (_, r) =>
      Array.from(weights.slice(r * WIDTH, (r + 1) * WIDTH)),
    );
    return (x) => rows.map((row) => inner(row, x));
  };
  return {
    query: map("q"),
    key: map("k"),
    value: map("v"),
    output: (x, mixed) => x.map((value, i) => value + Math.tanh(mixed[i] ?? 0)),
  };
}

/** The usual way: every layer over all positions, softmax over the keys so far. */
function allAtOnce(layers: readonly RecursiveLayer[], embeddings: readonly Vector[]): Vector[] {
  let vectors: Vector[] = [...embeddings];
  for (const layer of layers) {
    const [keys, values] = [vectors.map((x) => layer.key(x)), vectors.map((x) => layer.value(x))];
    vectors = vectors.map((x, i) => {
      const q = layer.query(x);
      const scores = keys.slice(0, i + 1).map((k) => inner(q, k) / Math.sqrt(WIDTH));
      const most = Math.max(...scores);
      const weights = scores.map((score) => Math.exp(score - most));
      const total = weights.reduce((a, b) => a + b, 0);
      const mixed = q.map((_, d) =>
        weights.reduce((sum, weight, j) => sum + (weight / total) * (values[j]?.[d] ?? 0), 0),
      );
      return layer.output(x, mixed);
    });
  }
  return vectors;
}

function binomial(n: number, k: number): number {
  let result = 1;
  for (let i = 1; i <= k; i++) result = (result * (n - k + i)) / i;
  return Math.round(result);
}

function run({ layers, longest }: RecurrenceSettings, seed: number): RecurrenceRow[] {
  const key = random.key(seed);
  const stack = Array.from({ length: layers }, (_, i) => layerOf(random.fold(key, i)));
  const embeddings = Array.from({ length: longest }, (_, i) =>
    Array.from(random.normals(random.fold(random.fold(key, "token"), i), WIDTH)),
  );
  const expected = allAtOnce(stack, embeddings);
  return expected.map((vector, i) => {
    const found = recursiveStack(stack, (at) => embeddings[at - 1] ?? [], i + 1);
    return {
      layers,
      position: i + 1,
      reads: found.reads,
      predicted: binomial(i + layers, layers),
      accumulators: found.accumulators,
      difference: Math.max(...vector.map((x, d) => Math.abs(x - (found.vector[d] ?? Infinity)))),
    };
  });
}

const settings = (depths: readonly number[], longest: number): RecurrenceSettings[] =>
  depths.map((layers) => ({ layers, longest }));

export const recurrence: Entry<RecurrenceSettings, RecurrenceRow> = {
  name: "recurrence",
  row: "recurrence",
  claim: {
    en: "A decoder of causal attention is an RNN of constant memory that takes quadratic time or more: one accumulator a layer emits every token exactly.",
    zh: "因果注意力的解码器是一个常数内存、平方（或更高）时间复杂度的 RNN：每层一个累加器即可精确输出每个 token。",
  },
  source: { says: "Su 2024, Decoder-only LLMs as RNNs", links: ["https://kexue.fm/archives/10017"] },
  needs: [],
  minutes: { quick: 0.1, full: 0.2 },
  seeds: [0, 1, 2],
  settings: { smallest: settings([2], 5), quick: settings([1, 2], 12), full: settings([1, 2, 3, 4], 16) },
  rules: [
    {
      says: {
        en: "Every token is the same as that of the usual way (to 10⁻¹²).",
        zh: "每个 token 都与常规算法相同（10⁻¹² 以内）。",
      },
      holds: (rows) => rows.length > 0 && rows.every((r) => r.difference < 1e-12),
      shows: (rows) => Math.max(0, ...rows.map((r) => r.difference)).toExponential(1),
    },
    {
      says: {
        en: "At most one accumulator a layer lives at once, whatever the position.",
        zh: "无论位置如何，每层同时最多只有一个累加器。",
      },
      holds: (rows) => rows.length > 0 && rows.every((r) => r.accumulators <= r.layers),
      shows: (rows) => [...new Set(rows.map((r) => `${r.layers}: ${r.accumulators}`))].join(", "),
    },
    {
      says: {
        en: "Position i of ℓ layers reads C(i + ℓ − 1, ℓ) embeddings: i for one layer, about i²/2 for two.",
        zh: "ℓ 层的第 i 个位置读取 C(i + ℓ − 1, ℓ) 次 Embedding：一层为 i 次，两层约 i²/2 次。",
      },
      holds: (rows) => rows.length > 0 && rows.every((r) => r.reads === r.predicted),
      shows: (rows) =>
        [...new Set(rows.map((r) => r.layers))]
          .map(
            (layers) =>
              `${layers}: ${Math.max(...rows.filter((r) => r.layers === layers).map((r) => r.reads))}`,
          )
          .join(", "),
    },
  ],
  beyond: [
    {
      en: "That the state of LLaMA-2-70B, about 1.3 million numbers, would suffice is arithmetic (80 layers of 8,192, twice), not run.",
      zh: "“LLaMA-2-70B 只需约 130 万个数的状态”是算术（80 层 × 8192 × 2），未运行。",
    },
  ],
  run(settings, seed, { report }) {
    const rows = run(settings, seed);
    report(`${settings.layers} layers: ${rows.at(-1)?.reads} reads for position ${settings.longest}`);
    return Promise.resolve(rows);
  },
  figures(rows) {
    const depths = [...new Set(rows.map((r) => r.layers))];
    const figure = lineChart({
      title: "What constant memory costs",
      subtitle: "Embeddings read for one token, log10, by the number of layers",
      x: "position",
      y: "log10 of reads",
      series: depths.map((layers) => ({
        name: layers === 1 ? "1 layer" : `${layers} layers`,
        points: rows
          .filter((r) => r.layers === layers && r.seed === rows[0]?.seed)
          .map((r): [number, number] => [r.position, Math.log10(r.reads)]),
      })),
    });
    return { "recurrence-reads.svg": figure };
  },
};
