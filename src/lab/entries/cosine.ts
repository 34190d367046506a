// Local and global cosine of updates and gradients over a real run.
import { barChart } from "../../draw/bar-chart.ts";
import type { OptimizerChoice } from "../../optim/index.ts";
import type { Entry } from "../entry.ts";
import { byMethod, methodsOf } from "../methods.ts";
import { BOOKS } from "../needs.ts";
import { trainWith } from "../optimizer-run.ts";
import { meanOf, seedsOf } from "../statistics.ts";
import { bookCorpus } from "../text-model.ts";

const RULES: Readonly<Record<string, { readonly optimizer: OptimizerChoice; readonly rate: number }>> = {
  SGD: { optimizer: { type: "sgd" }, rate: 0.1 },
  AdamW: { optimizer: { type: "adamw" }, rate: 3e-3 },
  Lion: { optimizer: { type: "lion" }, rate: 1e-3 },
  Muon: { optimizer: { type: "muon" }, rate: 1e-2 },
};

interface CosineSettings {
  readonly method: string;
  readonly steps: number;
  readonly books?: number;
}

export interface CosineRow {
  readonly method: string;
  /** Share of the steps, the first tenth aside, at which the global cosine lies below that of every block. */
  readonly below: number;
  /** Means over these steps. */
  readonly global: number;
  readonly least: number;
  readonly kappa: number;
  /** Largest |global − κ · weighted mean|. */
  readonly error: number;
  /** Share of the steps at which the loss on the batch fell as predicted by sign. */
  readonly foreseen: number;
}

const settings = (steps: number): CosineSettings[] => Object.keys(RULES).map((method) => ({ method, steps }));
const of = (rows: readonly CosineRow[], method: string): readonly CosineRow[] =>
  rows.filter((r) => r.method === method);

export const cosine: Entry<CosineSettings, CosineRow> = {
  name: "cosine",
  row: "cosine",
  claim: {
    en: "Cosines of all blocks above a threshold do not put the global one above it: on a real run it lies below every one of them.",
    zh: "所有局部余弦都大于某个阈值，并不意味着全局余弦也大于它：在真实训练中，全局余弦会低于每一个局部余弦。",
  },
  source: { says: "Su 2024, Local and global cosine similarity", links: ["https://kexue.fm/archives/9931"] },
  needs: [BOOKS],
  minutes: { quick: 2, full: 25 },
  seeds: [0, 1, 2],
  settings: {
    smallest: [{ method: "AdamW", steps: 2, books: 1 }],
    quick: settings(100),
    full: settings(1000),
  },
  rules: [
    {
      premise: true,
      says: {
        en: "The global cosine is κ times the weighted mean of the local ones at every step, to nine digits.",
        zh: "每一步的全局余弦都等于 κ 乘以局部余弦的加权平均（九位数字）。",
      },
      holds: (rows) => (rows.length === 0 ? null : rows.every((r) => r.error < 1e-9)),
    },
    {
      says: {
        en: "Under AdamW the global cosine is below that of every block at some steps of every run.",
        zh: "AdamW 训练中，每次运行都有某些步的全局余弦低于每个块的余弦。",
      },
      holds: (rows) => (of(rows, "AdamW").length === 0 ? null : of(rows, "AdamW").every((r) => r.below > 0)),
      shows: (rows) => byMethod(rows, (r) => r.below).shows(methodsOf(rows)),
    },
    {
      says: {
        en: "κ is below 1 under every rule: the profiles of norms of update and gradient differ.",
        zh: "每种优化器下 κ 都小于 1：更新与梯度的范数分布并不相同。",
      },
      holds: (rows) => (rows.length === 0 ? null : rows.every((r) => r.kappa < 1 - 1e-6)),
      shows: (rows) => byMethod(rows, (r) => r.kappa).shows(methodsOf(rows), 3),
    },
  ],
  async run({ method, steps, books }, seed, context) {
    const rule = RULES[method];
    if (rule === undefined) throw new Error(`cosine: no rule ${method}`);
    const corpus = await bookCorpus(context, books);
    const sizes = { context: 64, width: 64, layers: 4, heads: 4 };
    const { lines } = await trainWith(corpus, sizes, { ...rule, steps, seed, batch: 16, diagnostics: true });
    const later = lines.slice(Math.floor(lines.length / 10));
    const number = (name: string): number[] => later.map((line) => line[name] ?? Number.NaN);
    const [global, least, kappa, mean] = ["cosine", "cosineLeast", "kappa", "cosineMean"].map(number);
    const pairs = (a: readonly number[] = [], b: readonly number[] = []) =>
      a.map((v, i) => [v, b[i] ?? Number.NaN] as const);
    const changes = pairs(number("predictedChange"), number("actualChange"));
    context.report(`${method}, seed ${seed}: global ${meanOf(global ?? []).toFixed(3)}`);
    return [
      {
        method,
        below: meanOf(pairs(global, least).map(([g, l]) => (g < l ? 1 : 0))),
        global: meanOf(global ?? []),
        least: meanOf(least ?? []),
        kappa: meanOf(kappa ?? []),
        error: Math.max(...pairs(global, mean).map(([g, m], i) => Math.abs(g - m * (kappa?.[i] ?? 0)))),
        foreseen: meanOf(changes.map(([p, a]) => (Math.sign(p) === Math.sign(a) ? 1 : 0))),
      },
    ];
  },
  figures: (rows) => ({
    "cosine.svg": barChart({
      title: "Update and gradient: whole, least block, κ",
      subtitle: `Mean over the steps of a byte model of English books; ${seedsOf(rows)}`,
      names: ["global", "least of a block", "κ"],
      rows: methodsOf(rows).map((name) => ({
        name,
        values: (["global", "least", "kappa"] as const).map((what) =>
          Math.max(0, byMethod(rows, (r) => r[what]).mean(name) ?? 0),
        ),
      })),
      most: 1,
    }),
  }),
};
