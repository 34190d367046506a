// N = ab + c with a + b + c least: the article's three algorithms against every pair, and how their steps grow.
import { lineChart } from "../../draw/line-chart.ts";
import { firstAlgorithm, minimiseSum, thirdAlgorithm } from "../../numeric/index.ts";
import { randomStream } from "../../tokenizer/index.ts";
import type { Entry } from "../entry.ts";
import { meanOf } from "../statistics.ts";

interface LeastSumSettings {
  /** All N from 4 to this are held against brute force … */
  readonly every?: number;
  /** … or this many N of about `10^digits` are counted. */
  readonly draws?: number;
  readonly digits?: number;
}

export interface LeastSumRow {
  /** Largest N of the row, as a power of ten. */
  readonly digits: number;
  readonly tried: number;
  /** How often each algorithm missed the least sum; `null` where no brute force tells. */
  readonly printedWrong: number | null;
  readonly curedWrong: number | null;
  readonly secondWrong: number | null;
  readonly thirdWrong: number | null;
  /** Mean pairs that the third looked at. */
  readonly steps: number;
}

/** The least sum by trying every a, with the best b for it: S falls with b as long as a > 1. */
function bruteForce(N: number): number {
  let best = N;
  for (let a = 1; a * a <= N; a++) {
    const b = Math.floor(N / a);
    best = Math.min(best, N - a * b + a + b);
  }
  return best;
}

function every(most: number): LeastSumRow {
  const wrong = { printed: 0, cured: 0, second: 0, third: 0 };
  const steps: number[] = [];
  for (let N = 4; N <= most; N++) {
    const found = minimiseSum(BigInt(N));
    const best = BigInt(bruteForce(N));
    const missed = (attempt: object): number => ("sum" in attempt && attempt.sum === best ? 0 : 1);
    wrong.printed += missed(firstAlgorithm(BigInt(N)));
    wrong.cured += missed(firstAlgorithm(BigInt(N), "cured"));
    wrong.second += missed(found.second);
    wrong.third += missed(found.third);
    if ("steps" in found.third) steps.push(found.third.steps);
  }
  return {
    digits: Math.log10(most),
    tried: most - 3,
    printedWrong: wrong.printed,
    curedWrong: wrong.cured,
    secondWrong: wrong.second,
    thirdWrong: wrong.third,
    steps: meanOf(steps),
  };
}

function counted(digits: number, draws: number, seed: number): LeastSumRow {
  const random = randomStream(seed, digits);
  const steps = Array.from({ length: draws }, () => {
    // Digit by digit, so that large N are not multiples of a power of two.
    const text = Array.from({ length: digits }, () => Math.floor(random() * 10)).join("");
    return thirdAlgorithm(10n ** BigInt(digits) + BigInt(text)).steps;
  });
  const unknown = { printedWrong: null, curedWrong: null, secondWrong: null, thirdWrong: null };
  return { digits, tried: draws, ...unknown, steps: meanOf(steps) };
}

const told = (rows: readonly LeastSumRow[]): readonly LeastSumRow[] =>
  rows.filter((r) => r.thirdWrong !== null);

/** The power of N with which steps grow, between the least and the largest N of the rows that count them. */
function growth(rows: readonly LeastSumRow[]): number | null {
  const large = rows.filter((r) => r.thirdWrong === null).sort((a, b) => a.digits - b.digits);
  const [first, last] = [large[0], large.at(-1)];
  if (first === undefined || last === undefined || first.digits === last.digits) return null;
  return Math.log10(last.steps / first.steps) / (last.digits - first.digits);
}

export const leastSum: Entry<LeastSumSettings, LeastSumRow> = {
  name: "least-sum",
  row: "least-sum",
  claim: {
    en: "The least a + b + c with N = ab + c is found in about the fourth root of N steps; the article's first algorithm finds it in about the square root.",
    zh: "满足 N = ab + c 的最小 a + b + c 可在约 N 的四次方根步内求得；文章的第一个算法约需平方根步。",
  },
  source: { says: "Su 2023, Decomposing N = ab + c", links: ["https://kexue.fm/archives/9775"] },
  needs: [],
  minutes: { quick: 0.1, full: 0.5 },
  seeds: [0, 1, 2],
  settings: {
    smallest: [{ every: 200 }],
    quick: [{ every: 2000 }, ...[6, 12].map((digits) => ({ digits, draws: 100 }))],
    full: [{ every: 20_000 }, ...[6, 9, 12, 15, 18].map((digits) => ({ digits, draws: 200 }))],
  },
  rules: [
    {
      says: { en: "The first algorithm, as printed, is always right.", zh: "第一个算法按原文总是正确。" },
      holds: (rows) => (told(rows).length === 0 ? null : told(rows).every((r) => r.printedWrong === 0)),
      shows: (rows) =>
        told(rows)
          .map((r) => `${r.printedWrong} / ${r.tried}`)
          .join(", "),
    },
    {
      says: {
        en: "Begun at the root of half of N rounded down, it is.",
        zh: "若从 N/2 下取整的平方根开始，则总是正确。",
      },
      holds: (rows) => (told(rows).length === 0 ? null : told(rows).every((r) => r.curedWrong === 0)),
      shows: (rows) =>
        told(rows)
          .map((r) => `${r.curedWrong} / ${r.tried}`)
          .join(", "),
    },
    {
      says: { en: "The second and the third are always right.", zh: "第二、第三个算法总是正确。" },
      holds: (rows) =>
        told(rows).length === 0 ? null : told(rows).every((r) => r.secondWrong === 0 && r.thirdWrong === 0),
      shows: (rows) =>
        told(rows)
          .map((r) => `${r.secondWrong}, ${r.thirdWrong} / ${r.tried}`)
          .join("; "),
    },
    {
      says: {
        en: "Steps of the third grow as the fourth root of N or slower (a power of at most 0.26).",
        zh: "第三个算法的步数不快于 N 的四次方根（幂次至多 0.26）。",
      },
      holds: (rows) => {
        const power = growth(rows);
        return power === null ? null : power <= 0.26;
      },
      shows: (rows) => growth(rows)?.toFixed(3) ?? "–",
    },
  ],
  run({ every: most, draws = 0, digits = 0 }, seed, { report }) {
    const row = most === undefined ? counted(digits, draws, seed) : every(most);
    report(`to 10^${row.digits.toFixed(1)}: ${row.tried} tried, ${row.steps.toFixed(1)} steps`);
    return Promise.resolve([row]);
  },
  figures(rows) {
    const points = [...new Set(rows.map((r) => r.digits))]
      .sort((a, b) => a - b)
      .map((digits): [number, number] => [
        digits,
        Math.log10(meanOf(rows.filter((r) => r.digits === digits).map((r) => r.steps))),
      ]);
    const root = points.map(([digits]): [number, number] => [digits, digits / 4]);
    const figure = lineChart({
      title: "Pairs that the third algorithm looks at",
      subtitle: "Mean over random N, beside the fourth root of N",
      x: "log10 N",
      y: "log10 of steps",
      series: [
        { name: "steps", points },
        { name: "N^(1/4)", points: root },
      ],
    });
    return { "least-sum-steps.svg": figure };
  },
};
