// Entropy of attention by the number of keys, for three scales of the scores: which of them keeps it?
import { lineChart } from "../../draw/line-chart.ts";
import { random } from "../../tensor/index.ts";
import type { Entry } from "../entry.ts";
import { byMethod, everySeed, methodsOf } from "../methods.ts";
import { known, seedsOf } from "../statistics.ts";

const SCALES = ["1 / √d", "log₅₁₂ n / √d", "ln n / (0.24 d)"] as const;

interface EntropySettings {
  readonly keys: number;
  readonly draws: number;
}

export interface EntropyRow {
  readonly method: (typeof SCALES)[number];
  readonly keys: number;
  /** Nats, mean over draws. */
  readonly entropy: number;
}

const D = 64;

function factor(method: EntropyRow["method"], n: number): number {
  if (method === "1 / √d") return 1 / Math.sqrt(D);
  if (method === "log₅₁₂ n / √d") return Math.log(n) / Math.log(512) / Math.sqrt(D);
  return Math.log(n) / (0.24 * D);
}

/** A vector of length √D, as after a norm. */
function onSphere(key: random.Key): Float64Array {
  const x = random.normals(key, D);
  const length = Math.hypot(...x);
  return x.map((value) => (value * Math.sqrt(D)) / length);
}

function entropyOf(scores: readonly number[]): number {
  const most = scores.reduce((a, b) => Math.max(a, b), -Infinity);
  const weights = scores.map((score) => Math.exp(score - most));
  const total = weights.reduce((a, b) => a + b, 0);
  return -weights.reduce((sum, w) => (w === 0 ? sum : sum + (w / total) * Math.log(w / total)), 0);
}

function run({ keys, draws }: EntropySettings, seed: number): EntropyRow[] {
  const sums = SCALES.map(() => 0);
  for (let draw = 0; draw < draws; draw++) {
    const key = random.fold(random.fold(random.key(seed), keys), draw);
    const q = onSphere(random.fold(key, "q"));
    const products = Array.from({ length: keys }, (_, j) =>
      onSphere(random.fold(key, j)).reduce((sum, x, d) => sum + x * (q[d] ?? 0), 0),
    );
    SCALES.forEach((method, i) => {
      const by = factor(method, keys);
      sums[i] = (sums[i] ?? 0) + entropyOf(products.map((p) => p * by)) / draws;
    });
  }
  return SCALES.map((method, i) => ({ method, keys, entropy: sums[i] ?? 0 }));
}

/** Entropy gained for each nat of ln n, between the fewest and the most keys. */
function slope(rows: readonly EntropyRow[], method: EntropyRow["method"]): number | undefined {
  const counts = [...new Set(rows.map((r) => r.keys))].sort((a, b) => a - b);
  const [few, many] = [counts[0], counts.at(-1)];
  if (few === undefined || many === undefined || few === many) return undefined;
  const at = (keys: number): number =>
    byMethod(
      rows.filter((r) => r.keys === keys),
      (r) => r.entropy,
    ).mean(method) ?? 0;
  return (at(many) - at(few)) / Math.log(many / few);
}

const slopes = (rows: readonly EntropyRow[]): (number | undefined)[] =>
  SCALES.map((method) => slope(rows, method));
const settings = (counts: readonly number[], draws: number): EntropySettings[] =>
  counts.map((keys) => ({ keys, draws }));

export const entropy: Entry<EntropySettings, EntropyRow> = {
  name: "entropy",
  row: "log-scale",
  claim: {
    en: "Scores times ln n over d keep the entropy of attention as keys are added; 1/√d lets it grow with ln n, and log₅₁₂ n/√d grows less.",
    zh: "分数乘以 ln n / d 可使注意力的熵不随 key 的数量变化；1/√d 使其随 ln n 增长，而 log₅₁₂ n/√d 增长较慢。",
  },
  source: {
    says: "Su 2021, Scale invariance of attention seen from entropy; 2022, a quick derivation",
    links: ["https://kexue.fm/archives/8823", "https://kexue.fm/archives/9034"],
  },
  needs: [],
  minutes: { quick: 0.3, full: 1 },
  seeds: [0, 1, 2],
  settings: {
    smallest: settings([64], 1),
    quick: settings([64, 1024], 8),
    full: settings([64, 256, 1024, 4096, 16_384], 16),
  },
  rules: [
    {
      says: {
        en: "With 1/√d entropy grows by nearly a nat for each of ln n (0.9 to 1).",
        zh: "1/√d 下，ln n 每增加 1，熵增加近 1（0.9 到 1）。",
      },
      holds: (rows) => known(slopes(rows).slice(0, 1), (plain = 0) => plain >= 0.9 && plain <= 1.02),
      shows: (rows) => slope(rows, SCALES[0])?.toFixed(3) ?? "–",
    },
    {
      says: {
        en: "With log₅₁₂ n/√d it grows less, but it grows (on every seed).",
        zh: "log₅₁₂ n/√d 下增长较慢，但仍在增长（每个种子）。",
      },
      holds: (rows) =>
        everySeed(rows, (own) =>
          known(slopes(own).slice(0, 2), (plain = 0, deployed = 1) => deployed < plain && deployed > 0.3),
        ),
      shows: (rows) => slope(rows, SCALES[1])?.toFixed(3) ?? "–",
    },
    {
      says: {
        en: "With ln n/(0.24 d) it hardly grows (below 0.2).",
        zh: "ln n/(0.24 d) 下几乎不增长（低于 0.2）。",
      },
      holds: (rows) => known(slopes(rows).slice(2), (flat = 1) => Math.abs(flat) < 0.2),
      shows: (rows) => slope(rows, SCALES[2])?.toFixed(3) ?? "–",
    },
  ],
  beyond: [
    {
      en: "The article's masked-language accuracies (43.27 → 11.54 % without and 43.11 → 13.58 % with, from 64 to 1,024 tokens) need RoFormer-small.",
      zh: "文章的 MLM 准确率（64 到 1024：不带为 43.27 → 11.54，带为 43.11 → 13.58）需要 RoFormer-small。",
    },
  ],
  run(settings, seed, { report }) {
    const rows = run(settings, seed);
    report(`${settings.keys} keys: ${rows.map((r) => `${r.method} ${r.entropy.toFixed(2)}`).join(", ")}`);
    return Promise.resolve(rows);
  },
  figures(rows) {
    const counts = [...new Set(rows.map((r) => r.keys))];
    const figure = lineChart({
      title: "Entropy of attention by the number of keys",
      subtitle: `Queries and keys of length √${D}; ${seedsOf(rows)}`,
      x: "keys",
      y: "nats",
      xScale: "log2",
      series: methodsOf(rows).map((name) => ({
        name,
        points: counts.map((keys): [number, number] => [
          keys,
          byMethod(
            rows.filter((r) => r.keys === keys),
            (r) => r.entropy,
          ).mean(name) ?? 0,
        ]),
      })),
    });
    return { "entropy-keys.svg": figure };
  },
};
