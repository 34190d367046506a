// Transformer-VQ on real text: loss against the number of codes, beside exact attention and a bare window.
import { codesInUse } from "../attention/index.ts";
import { lineChart } from "../draw/line-chart.ts";
import type { AttentionConfig } from "../model/index.ts";
import type { TextFile } from "../train/index.ts";
import { flattenTree } from "../tensor/index.ts";
import { type Lab, verdictOf } from "./lab.ts";
import { meanOf, seedsOf, textConfig, textCorpus, trainOnText } from "./text-model.ts";

export interface CodebookSizeOptions {
  readonly sources: readonly TextFile[];
  /** Default 0, 1. */
  readonly seeds?: readonly number[];
  readonly steps?: number;
}

export interface CodebookSizeRow {
  /** `vq-K` for K codes, `dense` for exact keys, `window` for exact keys of the last block only. */
  readonly method: string;
  readonly codes: number | null;
  readonly seed: number;
  /** Nats per byte of held-out text. */
  readonly loss: number;
  /** `e^entropy` of the shares of codes, the least used codebook of the model; null without codes. */
  readonly inUse: number | null;
}

const CODES = [8, 32, 128, 512] as const;
const BLOCK = 32;
const SIZES = { context: 256, width: 64, layers: 2, heads: 1 } as const;

/** Exact keys are normalised too, so that only snapping differs; their distances enter by RoPE. */
const METHODS: readonly (readonly [string, number | null, AttentionConfig])[] = [
  ...CODES.map((codes) => [`vq-${codes}`, codes, { type: "transformer-vq", codes, block: BLOCK }] as const),
  ["dense", null, { type: "dense" }],
  ["window", null, { type: "window", window: BLOCK + 1 }],
];

async function run(
  { sources, seeds = [0, 1], steps = 300 }: CodebookSizeOptions,
  report: (line: string) => void = () => undefined,
): Promise<{ rows: CodebookSizeRow[]; figures: Record<string, string> }> {
  const corpus = textCorpus(sources);
  const rows: CodebookSizeRow[] = [];
  for (const seed of seeds) {
    for (const [method, codes, attention] of METHODS) {
      const config = textConfig(corpus, { ...SIZES, attention, headNorm: codes === null });
      const { loss, params } = await trainOnText(config, corpus, { seed, steps, batch: 8 }, report);
      const counts = flattenTree(params).filter(([name]) => name.endsWith("codebook.count"));
      const used: number[] = [];
      for (const [, count] of counts) {
        const numbers = Array.from(await count.data(), Number);
        const K = codes ?? 1;
        for (let h = 0; h < numbers.length / K; h++) used.push(codesInUse(numbers.slice(h * K, (h + 1) * K)));
      }
      const inUse = used.length > 0 ? Math.min(...used) : null;
      rows.push({ method, codes, seed, loss, inUse });
      report(
        `${method}, seed ${seed}: ${loss.toFixed(4)} nats per byte${inUse === null ? "" : `, ${inUse.toFixed(1)} codes in use`}`,
      );
    }
  }
  return { rows, figures: pictures(rows, steps) };
}

function pictures(rows: readonly CodebookSizeRow[], steps: number): Record<string, string> {
  const across = (name: string): [number, number][] => CODES.map((codes) => [codes, meanLoss(rows, name)]);
  const figure = lineChart({
    title: "Loss against the number of codes",
    subtitle: `Transformer-VQ on English books, ${steps} steps, context ${SIZES.context}, block ${BLOCK}, ${seedsOf(rows)}`,
    x: "codes a head",
    y: "held-out nats per byte",
    xScale: "log2",
    series: [
      { name: "Transformer-VQ", points: CODES.map((codes) => [codes, meanLoss(rows, `vq-${codes}`)]) },
      { name: "exact keys", points: across("dense") },
      { name: `window of ${BLOCK + 1}`, points: across("window") },
    ],
  });
  return { "codebook-size.svg": figure };
}

function meanLoss(rows: readonly CodebookSizeRow[], method: string): number {
  return meanOf(rows.filter((r) => r.method === method).map((r) => r.loss));
}

function verdict(rows: readonly CodebookSizeRow[]): ReturnType<typeof verdictOf> {
  const losses = CODES.map((codes) => meanLoss(rows, `vq-${codes}`));
  const exact = meanLoss(rows, "dense");
  return verdictOf([
    ["More codes, less loss.", losses.every((loss, i) => i === 0 || loss < (losses[i - 1] ?? -Infinity))],
    ["512 codes are within 0.05 nats of exact keys.", (losses.at(-1) ?? NaN) < exact + 0.05],
    [
      "No codebook collapses: at least a quarter of the codes is in use.",
      rows.every((r) => r.codes === null || (r.inUse ?? 0) >= r.codes / 4),
    ],
  ]);
}

export const codebookSize: Lab<CodebookSizeOptions, CodebookSizeRow> = {
  name: "codebook-size",
  claim: "The loss of Transformer-VQ falls with the number of codes towards that of exact attention.",
  source: "Lingle 2023, Transformer-VQ, section 5.1, https://arxiv.org/abs/2309.16354",
  run,
  verdict,
};
