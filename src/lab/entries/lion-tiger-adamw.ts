// Lion, Tiger and AdamW on the embedded texts, each at the best of its rates.
import { barChart } from "../../draw/bar-chart.ts";
import type { OptimizerChoice } from "../../optim/index.ts";
import { englishBooks } from "../../train/books.ts";
import type { Entry, LabContext } from "../entry.ts";
import { methodsOf } from "../methods.ts";
import { BOOKS, CLASSICS } from "../needs.ts";
import { trainWith } from "../optimizer-run.ts";
import { meanOf, rangeOf, seedsOf, spread } from "../statistics.ts";
import { type TextCorpus, textCorpus } from "../text-model.ts";

const RATES: Readonly<
  Record<string, { readonly type: OptimizerChoice["type"]; readonly rates: readonly number[] }>
> = {
  Lion: { type: "lion", rates: [3e-4, 1e-3, 3e-3] },
  Tiger: { type: "tiger", rates: [5e-3, 2e-2, 6e-2] },
  AdamW: { type: "adamw", rates: [1e-3, 3e-3, 1e-2] },
};
const METHODS = Object.keys(RATES);

interface RuleSettings {
  readonly method: string;
  readonly rate: number;
  readonly steps: number;
  /** English books that are read beside the classics. */
  readonly books: number;
}

export interface RuleRow {
  readonly method: string;
  readonly rate: number;
  /** Held-out nats per byte. */
  readonly loss: number;
}

async function corpusOf(context: LabContext, books: number): Promise<TextCorpus> {
  const text = async (need: typeof BOOKS): Promise<string> =>
    new TextDecoder().decode(await context.bytes(need));
  const english = englishBooks(await text(BOOKS)).slice(0, books);
  const sources = [...english, ["classics", (await text(CLASSICS)).slice(0, books * 100_000)] as const];
  return textCorpus(sources.map(([name, book]) => ({ name, texts: [new TextEncoder().encode(book)] })));
}

/** Losses of a method at its best rate in the mean over seeds, and that rate. */
function best(
  rows: readonly RuleRow[],
  method: string,
): { readonly rate: number; readonly losses: readonly number[] } | undefined {
  const of = rows.filter((r) => r.method === method);
  const all = [...new Set(of.map((r) => r.rate))].map((rate) => ({
    rate,
    losses: of.filter((r) => r.rate === rate).map((r) => r.loss),
  }));
  return all.toSorted((a, b) => meanOf(a.losses) - meanOf(b.losses))[0];
}

const atMost = (rows: readonly RuleRow[], a: string, b: string): boolean | null => {
  const [x, y] = [best(rows, a), best(rows, b)];
  return x === undefined || y === undefined ? null : meanOf(x.losses) <= meanOf(y.losses);
};
const shows = (rows: readonly RuleRow[]): string =>
  METHODS.flatMap((method) => {
    const found = best(rows, method);
    return found ? [`${method} ${spread(found.losses, 3)} at ${found.rate}`] : [];
  }).join(", ");
const settings = (steps: number, books: number): RuleSettings[] =>
  METHODS.flatMap((method) => (RATES[method]?.rates ?? []).map((rate) => ({ method, rate, steps, books })));

export const lionTigerAdamw: Entry<RuleSettings, RuleRow> = {
  name: "lion-tiger-adamw",
  row: "tiger",
  claim: {
    en: "At the best rate of each, Lion is at least as good as Tiger, and Tiger as AdamW.",
    zh: "各取最优学习率时，Lion 不逊于 Tiger，Tiger 不逊于 AdamW。",
  },
  source: {
    says: "Su 2023, Tiger: A tight-fisted optimizer; Chen et al. 2023, Lion",
    links: ["https://kexue.fm/archives/9512", "https://arxiv.org/abs/2302.06675"],
  },
  needs: [BOOKS, CLASSICS],
  minutes: { quick: 4, full: 150 },
  seeds: [0, 1, 2],
  settings: {
    smallest: [{ method: "Lion", rate: 1e-3, steps: 1, books: 1 }],
    quick: settings(100, 2),
    full: settings(3000, 10),
  },
  rules: [
    {
      premise: true,
      says: {
        en: "No method's best rate is the least or the largest that was tried.",
        zh: "每种方法的最优学习率都不在所试范围的边缘。",
      },
      holds: (rows) => {
        const found = METHODS.map(
          (method) => [best(rows, method)?.rate, RATES[method]?.rates ?? []] as const,
        );
        if (found.some(([rate]) => rate === undefined)) return null;
        return found.every(([rate, rates]) => rate !== rates[0] && rate !== rates.at(-1));
      },
      direction: (rows) => (rows.length === 0 ? null : rows.every((r) => Number.isFinite(r.loss))),
      shows,
    },
    {
      says: { en: "Lion's loss is at most Tiger's.", zh: "Lion 的损失不高于 Tiger。" },
      holds: (rows) => atMost(rows, "Lion", "Tiger"),
      shows,
    },
    {
      says: { en: "Tiger's loss is at most AdamW's.", zh: "Tiger 的损失不高于 AdamW。" },
      holds: (rows) => atMost(rows, "Tiger", "AdamW"),
    },
    {
      says: {
        en: "Lion and AdamW differ by more than the larger range over seeds.",
        zh: "Lion 与 AdamW 之差大于二者跨种子的极差。",
      },
      holds: (rows) => {
        const [x, y] = [best(rows, "Lion"), best(rows, "AdamW")];
        if (x === undefined || y === undefined) return null;
        return Math.abs(meanOf(x.losses) - meanOf(y.losses)) > Math.max(rangeOf(x.losses), rangeOf(y.losses));
      },
    },
  ],
  beyond: [
    {
      en: "Lion's figures on ImageNet and its twofold saving on language models need trainings of days on many machines.",
      zh: "Lion 在 ImageNet 上的成绩以及语言模型上两倍的节省，需要多机多日的训练。",
    },
  ],
  async run({ method, rate, steps, books }, seed, context) {
    const rule = RATES[method];
    if (rule === undefined) throw new Error(`lion-tiger-adamw: no rule ${method}`);
    const corpus = await corpusOf(context, books);
    const sizes = { context: 128, width: 64, layers: 2, heads: 4 };
    const changes = { optimizer: { type: rule.type } as OptimizerChoice, rate, steps, seed, batch: 16 };
    const { loss } = await trainWith(corpus, sizes, changes);
    context.report(`${method} at ${rate}, seed ${seed}: ${loss.toFixed(4)} nats per byte`);
    return [{ method, rate, loss }];
  },
  figures: (rows) => ({
    "lion-tiger-adamw.svg": barChart({
      title: "Held-out nats per byte by rule and rate",
      subtitle: `English books and Chinese classics, a byte model of two layers; ${seedsOf(rows)}`,
      names: ["least rate", "middle", "largest"],
      rows: methodsOf(rows).map((name) => ({
        name,
        values: (RATES[name]?.rates ?? []).map((rate) => {
          const losses = rows.filter((r) => r.method === name && r.rate === rate).map((r) => r.loss);
          return losses.length === 0 ? 0 : meanOf(losses);
        }),
      })),
    }),
  }),
};
