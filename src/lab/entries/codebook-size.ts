// Transformer-VQ on real text: loss against the number of codes, beside exact attention and a bare window.
import { codesInUse } from "../../attention/index.ts";
import { lineChart } from "../../draw/line-chart.ts";
import type { AttentionConfig, CausalLMParams } from "../../model/index.ts";
import { flattenTree } from "../../tensor/index.ts";
import type { Entry } from "../entry.ts";
import { byMethod } from "../methods.ts";
import { BOOKS } from "../needs.ts";
import { known, rangeOf, seedsOf } from "../statistics.ts";
import { bookCorpus, textConfig, trainOnText } from "../text-model.ts";

interface CodebookSizeSettings {
  /** Codes a head; `dense` for exact keys, `window` for exact keys of the last block only. */
  readonly keys: number | "dense" | "window";
  readonly steps: number;
  readonly context: number;
  readonly books?: number;
}

export interface CodebookSizeRow {
  /** `vq-K` for K codes, `dense`, `window`. */
  readonly method: string;
  readonly codes: number | null;
  readonly steps: number;
  readonly context: number;
  /** Nats per byte of held-out text. */
  readonly loss: number;
  /** `e^entropy` of the shares of codes, the least used codebook of the model; null without codes. */
  readonly inUse: number | null;
}

const CODES = [8, 32, 128, 512] as const;
const BLOCK = 32;
const SIZES = { width: 64, layers: 2, heads: 1 } as const;
const nameOf = (codes: number): string => `vq-${codes}`;

function attentionOf(keys: CodebookSizeSettings["keys"]): AttentionConfig {
  if (keys === "dense") return { type: "dense" };
  if (keys === "window") return { type: "window", window: BLOCK + 1 };
  return { type: "transformer-vq", codes: keys, block: BLOCK };
}

/** `e^entropy` of the least used codebook. */
async function leastInUse(params: CausalLMParams, codes: number): Promise<number> {
  const used: number[] = [];
  for (const [name, count] of flattenTree(params)) {
    if (!name.endsWith("codebook.count")) continue;
    const numbers = Array.from(await count.data(), Number);
    for (let h = 0; h < numbers.length / codes; h++)
      used.push(codesInUse(numbers.slice(h * codes, (h + 1) * codes)));
  }
  return Math.min(...used);
}

const losses = (rows: readonly CodebookSizeRow[]) => byMethod(rows, (r) => r.loss);

function figures(rows: readonly (CodebookSizeRow & { seed: number })[]): Record<string, string> {
  const of = losses(rows);
  const across = (name: string): [number, number][] =>
    CODES.map((codes): [number, number] => [codes, of.mean(name) ?? Number.NaN]);
  const [first] = rows;
  const figure = lineChart({
    title: "Loss against the number of codes",
    subtitle: `Transformer-VQ on English books, ${first?.steps} steps, context ${first?.context}, block ${BLOCK}, ${seedsOf(rows)}`,
    x: "codes a head",
    y: "held-out nats per byte",
    xScale: "log2",
    series: [
      {
        name: "Transformer-VQ",
        points: CODES.map((codes): [number, number] => [codes, of.mean(nameOf(codes)) ?? Number.NaN]),
      },
      { name: "exact keys", points: across("dense") },
      { name: `window of ${BLOCK + 1}`, points: across("window") },
    ],
  });
  return { "codebook-size.svg": figure };
}

export const codebookSize: Entry<CodebookSizeSettings, CodebookSizeRow> = {
  name: "codebook-size",
  row: "linear-attention",
  claim: {
    en: "The loss of Transformer-VQ falls with the number of codes towards that of exact attention.",
    zh: "Transformer-VQ 的损失随编码数增加而下降，逼近精确注意力。",
  },
  source: {
    says: "Su 2023, VQ one key; Lingle 2023, Transformer-VQ, section 5.1",
    links: ["https://kexue.fm/archives/9844", "https://arxiv.org/abs/2309.16354"],
  },
  needs: [BOOKS],
  minutes: { quick: 2, full: 150 },
  seeds: [0, 1, 2],
  settings: {
    smallest: [{ keys: 8, steps: 1, context: 64, books: 1 }],
    quick: ([8, 128, "dense", "window"] as const).map((keys) => ({ keys, steps: 150, context: 128 })),
    full: ([...CODES, "dense", "window"] as const).map((keys) => ({ keys, steps: 4000, context: 256 })),
  },
  rules: [
    {
      premise: true,
      says: {
        en: "The model uses text farther back than a window: exact keys of all places beat exact keys of the last block by more than the larger range over seeds.",
        zh: "模型确实用到窗口之外的文本：对全部位置的精确注意力优于只看最近一块的，且差距大于跨种子的极差。",
      },
      holds: (rows) => {
        const of = losses(rows);
        const noise = Math.max(rangeOf(of.values("dense")), rangeOf(of.values("window")));
        return known([of.mean("dense"), of.mean("window")], (all = 1, near = 0) => near - all > noise);
      },
      direction: (rows) =>
        known([losses(rows).mean("dense"), losses(rows).mean("window")], (all = 1, near = 0) => near > all),
      shows: (rows) => losses(rows).shows(["dense", "window"], 3),
    },
    {
      says: { en: "More codes, less loss.", zh: "编码越多，损失越小。" },
      holds: (rows) =>
        known(
          CODES.map((codes) => losses(rows).mean(nameOf(codes))),
          (...values) => values.every((loss, i) => i === 0 || loss < (values[i - 1] ?? -Infinity)),
        ),
      direction: (rows) =>
        known([losses(rows).mean("vq-8"), losses(rows).mean("vq-128")], (few = 0, many = 1) => many < few),
      shows: (rows) => losses(rows).shows(CODES.map(nameOf), 3),
    },
    {
      says: {
        en: "512 codes are within 0.05 nats of exact keys.",
        zh: "512 个编码与精确键相差 0.05 奈特以内。",
      },
      holds: (rows) =>
        known(
          [losses(rows).mean("vq-512"), losses(rows).mean("dense")],
          (vq = 1, exact = 0) => vq < exact + 0.05,
        ),
      shows: (rows) => losses(rows).shows(["vq-512", "dense"], 3),
    },
    {
      says: {
        en: "No codebook collapses: at least a quarter of the codes is in use.",
        zh: "没有码本坍缩：至少四分之一的编码在用。",
      },
      holds: (rows) => rows.every((r) => r.codes === null || (r.inUse ?? 0) >= r.codes / 4),
      shows: (rows) =>
        rows.flatMap((r) => (r.codes === null ? [] : [`${r.inUse?.toFixed(0)} / ${r.codes}`])).join(", "),
    },
  ],
  beyond: [
    {
      en: "0.99 bits per byte on Enwik8, 26.6 perplexity on PG-19 and 3.16 bits on ImageNet64 need the paper's models.",
      zh: "Enwik8 的 0.99 比特/字节、PG-19 的困惑度 26.6、ImageNet64 的 3.16 比特需要论文的模型。",
    },
  ],
  async run({ keys, steps, context, books }, seed, at) {
    const corpus = await bookCorpus(at, books);
    const codes = typeof keys === "number" ? keys : null;
    // Exact keys are normalised too, so that only snapping differs; their distances enter by RoPE.
    const config = textConfig(corpus, {
      ...SIZES,
      context,
      attention: attentionOf(keys),
      headNorm: codes === null,
    });
    const { loss, params } = await trainOnText(config, corpus, { seed, steps, batch: 8 }, at.report);
    const inUse = codes === null ? null : await leastInUse(params, codes);
    const method = typeof keys === "number" ? nameOf(keys) : keys;
    at.report(
      `${method}, seed ${seed}: ${loss.toFixed(4)} nats per byte${inUse === null ? "" : `, ${inUse.toFixed(1)} codes in use`}`,
    );
    return [{ method, codes, steps, context, loss, inUse }];
  },
  figures,
};
