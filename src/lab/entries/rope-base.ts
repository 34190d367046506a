// The least base of RoPE for a context: the published table, recomputed.
import { lineChart } from "../../draw/line-chart.ts";
import { ropeBaseBound } from "../../position/index.ts";
import type { Entry } from "../entry.ts";

interface RopeBaseSettings {
  /** Head width. */
  readonly width: number;
  /** Longest context, a power of two: all from 64 on are searched. */
  readonly longest: number;
}

export interface RopeBaseRow {
  readonly width: number;
  readonly length: number;
  /** `null` where no base was found. */
  readonly base: number | null;
  /** The article's value, two digits, D = 128; `null` where it has none. */
  readonly published: number | null;
}

/** Article 10122, its own search, D = 128. */
const PUBLISHED: Readonly<Record<number, number>> = {
  1024: 4.3e3,
  2048: 1.2e4,
  4096: 2.7e4,
  8192: 8.4e4,
  16384: 2.3e5,
  32768: 6.3e5,
};

function run({ width, longest }: RopeBaseSettings, report: (line: string) => void): RopeBaseRow[] {
  const rows: RopeBaseRow[] = [];
  for (let length = 64; length <= longest; length *= 2) {
    const bound = ropeBaseBound(width, length);
    const base = bound.found ? bound.base : null;
    rows.push({ width, length, base, published: width === 128 ? (PUBLISHED[length] ?? null) : null });
    report(`D = ${width}, L = ${length}: ${base?.toPrecision(6) ?? "not found"}`);
  }
  return rows;
}

function figures(rows: readonly RopeBaseRow[]): Record<string, string> {
  const widths = [...new Set(rows.map((r) => r.width))];
  const line = (name: string, of: (row: RopeBaseRow) => number | null) => ({
    name,
    points: rows.flatMap((r): [number, number][] => {
      const base = of(r);
      return base === null ? [] : [[r.length, Math.log10(base)]];
    }),
  });
  const figure = lineChart({
    title: "The least base for a context",
    subtitle: "Ours by head width, and the article's table",
    x: "context length",
    y: "log10 of the base",
    xScale: "log2",
    series: [
      ...widths.map((width) => line(`D = ${width}`, (r) => (r.width === width ? r.base : null))),
      line("article, D = 128", (r) => r.published),
    ].filter((s) => s.points.length > 0),
  });
  return { "rope-base.svg": figure };
}

const compared = (rows: readonly RopeBaseRow[]): readonly RopeBaseRow[] =>
  rows.filter((r) => r.published !== null);
const equal = (r: RopeBaseRow): boolean => Number(r.base?.toPrecision(2)) === r.published;

export const ropeBase: Entry<RopeBaseSettings, RopeBaseRow> = {
  name: "rope-base",
  row: "rope-base",
  claim: {
    en: "RoPE's base has a lower bound that grows with the context, whatever the training.",
    zh: "无论如何训练，RoPE 的底数都有一个随上下文长度增长的下界。",
  },
  source: {
    says: "Su 2024, Transformer upgrade path 18; Men et al. 2024",
    links: ["https://kexue.fm/archives/10122", "https://arxiv.org/abs/2405.14591"],
  },
  needs: [],
  minutes: { quick: 0.1, full: 4 },
  seeds: [0],
  settings: {
    smallest: [{ width: 128, longest: 64 }],
    quick: [128, 64].map((width) => ({ width, longest: 2048 })),
    full: [
      { width: 128, longest: 32_768 },
      { width: 64, longest: 8192 },
      { width: 32, longest: 4096 },
    ],
  },
  rules: [
    {
      says: { en: "The article's table is met to its two digits.", zh: "与文章表格的两位有效数字一致。" },
      holds: (rows) => (compared(rows).length === 0 ? null : compared(rows).every(equal)),
      shows: (rows) => `${compared(rows).filter(equal).length} / ${compared(rows).length}`,
    },
    {
      says: { en: "The bound grows with the context.", zh: "下界随上下文长度增长。" },
      holds: (rows) =>
        rows.every((r, i) => {
          const before = rows[i - 1];
          return before?.width !== r.width || (r.base ?? Infinity) > (before.base ?? 0);
        }),
    },
    {
      says: {
        en: "A base of 10,000 is too small for 2,048 tokens at D = 128.",
        zh: "D = 128 时，底数 10000 对 2048 个 token 而言太小。",
      },
      holds: (rows) => {
        const at = rows.find((r) => r.width === 128 && r.length === 2048);
        return at === undefined ? null : (at.base ?? Infinity) > 10_000;
      },
    },
  ],
  beyond: [
    {
      en: "That a small base keeps perplexity low and fails retrieval was shown on Llama2-7B and Baichuan2-7B; models of that size are not trained here.",
      zh: "“底数过小时困惑度仍低但检索失败”是在 Llama2-7B 与 Baichuan2-7B 上展示的，此处不训练这种规模的模型。",
    },
  ],
  run: (settings, _, { report }) => Promise.resolve(run(settings, report)),
  figures,
};
