// A recurrence solved all at once: how many rounds Newton's method and its cheaper forms take, by the gain of the cell.
import { lineChart } from "../../draw/line-chart.ts";
import { type Rounds, runDeer, runSequential } from "../../sequence/index.ts";
import { matmul, random, tanh, type Tensor, zeros } from "../../tensor/index.ts";
import type { Entry, Seeded } from "../entry.ts";
import { known, meanOf } from "../statistics.ts";

const METHODS = ["Newton", "diagonal", "fixed A", "Picard", "ELK λ=0.1"] as const;
type Method = (typeof METHODS)[number];

interface IterationSettings {
  readonly method: Method;
  readonly gain: number;
  readonly width: number;
  readonly length: number;
}

export interface IterationRow {
  readonly method: string;
  readonly gain: number;
  readonly length: number;
  /** Rounds until no state moves by 10⁻¹⁰. */
  readonly rounds: number;
  readonly converged: boolean;
  /** Largest difference from the loop. */
  readonly difference: number;
  /** Least growth of the exponent of the moves from 10⁻¹ down to 10⁻¹³: 2 is quadratic. */
  readonly exponent: number | null;
  /** Rounds of scans that had to wait for one another. */
  readonly depth: number;
}

/** The rounds of a method; `matrix` is what the fixed form takes for all slopes. */
function roundsOf(method: Method, matrix: Tensor): Rounds {
  const all: Readonly<Record<Method, Rounds>> = {
    Newton: { type: "deer" },
    diagonal: { type: "quasi-deer" },
    "fixed A": { type: "fixed", matrix },
    Picard: { type: "picard" },
    "ELK λ=0.1": { type: "elk", damping: 0.1 },
  };
  return all[method];
}

/** Least ratio of the logarithms of successive moves that are small and not yet rounding. */
function exponentOf(moves: readonly number[]): number | null {
  const ratios = moves.flatMap((move, i) => {
    const next = moves[i + 1] ?? 0;
    return move < 0.1 && next > 1e-13 ? [Math.log(next) / Math.log(move)] : [];
  });
  return ratios.length === 0 ? null : Math.min(...ratios);
}

async function run(
  { method, gain, width: n, length: T }: IterationSettings,
  seed: number,
): Promise<IterationRow> {
  const key = random.fold(random.key(seed), "cell");
  const on = { dtype: "float64" } as const;
  const A = random.normal(random.fold(key, "A"), [n, n], { std: gain / Math.sqrt(n), ...on });
  const u = random.normal(random.fold(key, "u"), [T, 1, n], { std: 0.5, ...on });
  const cell = (h: Tensor, x: Tensor): Tensor => tanh(matmul(h, A, { transposeB: true }).add(x));
  const h0 = zeros([1, n], on);

  const found = await runDeer(cell, u, h0, {
    rounds: roundsOf(method, A),
    absolute: 1e-10,
    relative: 0,
    most: 2 * T,
  });
  const [states, loop] = [await found.states.data(), await runSequential(cell, u, h0).data()].map((x) =>
    Float64Array.from(x, Number),
  );
  const difference = (states ?? new Float64Array()).reduce(
    (most, x, i) => Math.max(most, Math.abs(x - (loop?.[i] ?? 0))),
    0,
  );
  const { iterations: rounds, converged, depth, residuals } = found;
  return { method, gain, length: T, rounds, converged, difference, exponent: exponentOf(residuals), depth };
}

const table = (
  gains: readonly number[],
  methods: readonly Method[],
  width: number,
  length: number,
): IterationSettings[] => gains.flatMap((gain) => methods.map((method) => ({ method, gain, width, length })));

const roundsFor = (
  rows: readonly Seeded<IterationRow>[],
  method: string,
  gain: number,
): number | undefined => {
  const own = rows.filter((r) => r.method === method && r.gain === gain);
  return own.length === 0 ? undefined : meanOf(own.map((r) => r.rounds));
};

const gainsOf = (rows: readonly Seeded<IterationRow>[]): number[] =>
  [...new Set(rows.map((r) => r.gain))].sort((a, b) => a - b);

export const deerIterations: Entry<IterationSettings, IterationRow> = {
  name: "deer-iterations",
  row: "deer",
  claim: {
    en: "A non-linear recurrence is solved in parallel by a few rounds of Newton's method, each a linear recurrence, where simpler rounds take many; past the edge of chaos all take many.",
    zh: "非线性递归可用少数几轮牛顿迭代并行求解，每轮只是线性递归，更简单的迭代则要多轮；越过混沌边缘后都要很多轮。",
  },
  source: {
    says: "Lim et al. 2023 (DEER); Gonzalez et al. 2024 (quasi-DEER, ELK); Su 2023",
    links: [
      "https://arxiv.org/abs/2309.12252",
      "https://arxiv.org/abs/2407.19115",
      "https://kexue.fm/archives/9783",
    ],
  },
  needs: [],
  minutes: { quick: 0.5, full: 8 },
  seeds: [0, 1, 2],
  settings: {
    smallest: table([0.6], ["Newton"], 2, 8),
    quick: table([0.6, 1.2], METHODS, 8, 32),
    full: table([0.3, 0.6, 0.9, 1.2, 2], METHODS, 8, 256),
  },
  rules: [
    {
      says: {
        en: "All that converge find the states of the loop (to 10⁻⁸).",
        zh: "凡收敛者都得到与循环相同的状态（10⁻⁸ 以内）。",
      },
      premise: true,
      holds: (rows) => {
        const own = rows.filter((r) => r.converged);
        return own.length === 0 ? null : own.every((r) => r.difference < 1e-8);
      },
      shows: (rows) =>
        rows
          .filter((r) => r.converged)
          .reduce((m, r) => Math.max(m, r.difference), 0)
          .toExponential(1),
    },
    {
      says: {
        en: "Below gain 1 Newton takes at most ten rounds, and every other form at least twice as many.",
        zh: "增益低于 1 时牛顿法至多十轮，其他形式至少是它的两倍。",
      },
      holds: (rows) => {
        const gains = gainsOf(rows).filter((g) => g < 1);
        const newton = gains.map((g) => roundsFor(rows, "Newton", g));
        const others = gains.flatMap((g) => METHODS.slice(1).map((m) => roundsFor(rows, m, g)));
        if (gains.length === 0 || others.includes(undefined)) return null;
        return known(newton, (...counts) =>
          counts.every((count, i) => {
            const least = Math.min(...METHODS.slice(1).map((m) => roundsFor(rows, m, gains[i] ?? 0) ?? 0));
            return count <= 10 && least >= 2 * count;
          }),
        );
      },
      shows: (rows) =>
        gainsOf(rows)
          .filter((g) => g < 1)
          .map((g) => `${g}: ${METHODS.map((m) => roundsFor(rows, m, g)?.toFixed(0) ?? "–").join("/")}`)
          .join(", "),
    },
    {
      says: {
        en: "Newton's moves shrink quadratically below gain 1: their exponent grows by a factor of 1.6 or more a round.",
        zh: "增益低于 1 时牛顿法的误差平方级收缩：每轮指数至少增长 1.6 倍。",
      },
      holds: (rows) => {
        const own = rows.flatMap((r) =>
          r.method === "Newton" && r.gain < 1 && r.exponent !== null ? [r.exponent] : [],
        );
        return own.length === 0 ? null : own.every((e) => e >= 1.6);
      },
      shows: (rows) =>
        rows
          .flatMap((r) =>
            r.method === "Newton" && r.gain < 1 && r.exponent !== null ? [r.exponent.toFixed(2)] : [],
          )
          .join(", "),
    },
    {
      says: {
        en: "At gain 2 Newton takes more than four times as many rounds as at gain 0.9.",
        zh: "增益为 2 时牛顿法的轮数超过增益 0.9 时的四倍。",
      },
      holds: (rows) =>
        known(
          [roundsFor(rows, "Newton", 0.9), roundsFor(rows, "Newton", 2)],
          (low = 9, high = 0) => high > 4 * low,
        ),
      direction: (rows) =>
        known(
          [roundsFor(rows, "Newton", 0.6), roundsFor(rows, "Newton", 1.2)],
          (low = 9, high = 0) => high > low,
        ),
      shows: (rows) =>
        gainsOf(rows)
          .map((g) => `${g}: ${roundsFor(rows, "Newton", g)?.toFixed(0) ?? "–"}`)
          .join(", "),
    },
  ],
  beyond: [
    {
      en: "Speed-ups of hundreds on a GPU are not had on a CPU: here the depth of the scans stands beside the length in their place.",
      zh: "GPU 上数百倍的加速在 CPU 上无从得到：这里以扫描深度与序列长度并列代之。",
    },
  ],
  async run(settings, seed, { report }) {
    const row = await run(settings, seed);
    report(`gain ${row.gain}, ${row.method}: ${row.rounds} rounds, depth ${row.depth} of ${row.length}`);
    return [row];
  },
  figures(rows) {
    const methods = METHODS.filter((m) => rows.some((r) => r.method === m));
    return {
      "deer-iterations.svg": lineChart({
        title: "Rounds until nothing moves",
        subtitle: `Length ${rows[0]?.length ?? 0}, moves below 10⁻¹⁰, by the gain of the cell`,
        x: "gain",
        y: "rounds",
        series: methods.map((name) => ({
          name,
          points: gainsOf(rows).flatMap((g): [number, number][] => {
            const count = roundsFor(rows, name, g);
            return count === undefined ? [] : [[g, count]];
          }),
        })),
      }),
    };
  },
};
