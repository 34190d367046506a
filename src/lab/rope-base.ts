// The least base of RoPE for a context: the published table, recomputed.
import { lineChart } from "../draw/line-chart.ts";
import { ropeBaseBound } from "../position/index.ts";
import { type Lab, verdictOf } from "./lab.ts";

export interface RopeBaseOptions {
  /** Head widths, default 128, 64 and 32. */
  readonly widths?: readonly number[];
  /** Longest context, a power of two; default 4096 (32,768 takes minutes). */
  readonly longest?: number;
}

export interface RopeBaseRow {
  readonly width: number;
  readonly length: number;
  /** Absent where no base was found. */
  readonly base?: number;
  /** The article's value, two digits, D = 128. */
  readonly published?: number;
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

async function run(
  { widths = [128, 64, 32], longest = 4096 }: RopeBaseOptions,
  report: (line: string) => void = () => undefined,
): Promise<{ rows: RopeBaseRow[]; figures: Record<string, string> }> {
  const rows: RopeBaseRow[] = [];
  for (const width of widths) {
    for (let length = 64; length <= longest; length *= 2) {
      const bound = ropeBaseBound(width, length);
      const published = width === 128 ? PUBLISHED[length] : undefined;
      rows.push({
        width,
        length,
        ...(bound.found && { base: bound.base }),
        ...(published !== undefined && { published }),
      });
      report(`D = ${width}, L = ${length}: ${bound.found ? bound.base.toPrecision(6) : "not found"}`);
    }
  }
  const figure = lineChart({
    title: "The least base for a context",
    subtitle: "Ours by head width, and the article's table",
    x: "context length",
    y: "log10 of the base",
    xScale: "log2",
    series: [
      ...widths.map((width) => ({
        name: `D = ${width}`,
        points: rows.flatMap((r): [number, number][] =>
          r.width === width && r.base !== undefined ? [[r.length, Math.log10(r.base)]] : [],
        ),
      })),
      {
        name: "article, D = 128",
        points: rows.flatMap((r): [number, number][] =>
          r.published === undefined ? [] : [[r.length, Math.log10(r.published)]],
        ),
      },
    ].filter((s) => s.points.length > 0),
  });
  return Promise.resolve({ rows, figures: { "rope-base.svg": figure } });
}

function verdict(rows: readonly RopeBaseRow[]): ReturnType<typeof verdictOf> {
  const compared = rows.filter((r) => r.published !== undefined);
  const equal = compared.filter((r) => Number(r.base?.toPrecision(2)) === r.published);
  const growing = rows.every((r, i) => {
    const before = rows[i - 1];
    return before?.width !== r.width || (r.base ?? Infinity) > (before.base ?? 0);
  });
  return verdictOf([
    [
      `The article's table is met to its two digits (${equal.length} of ${compared.length}).`,
      equal.length === compared.length,
    ],
    ["The bound grows with the context.", growing],
    [
      "A base of 10,000 is too small for 2,048 tokens at D = 128.",
      (rows.find((r) => r.width === 128 && r.length === 2048)?.base ?? Infinity) > 10_000,
    ],
  ]);
}

export const ropeBase: Lab<RopeBaseOptions, RopeBaseRow> = {
  name: "rope-base",
  claim: "RoPE's base has a lower bound that grows with the context, whatever the training.",
  source: "Su 2024, https://kexue.fm/archives/10122; Men et al. 2024, https://arxiv.org/abs/2405.14591",
  run,
  verdict,
};
