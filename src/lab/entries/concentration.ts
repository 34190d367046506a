// How far a row of attention can concentrate: closed forms against draws of keys, for four kinds of scores.
import { lineChart } from "../../draw/line-chart.ts";
import { decayConcentration, expectedConcentration, type ScoreMap } from "../../attention/index.ts";
import { random } from "../../tensor/index.ts";
import type { Entry } from "../entry.ts";

interface ConcentrationSettings {
  readonly map: ScoreMap | "decay";
  /** q·μ over σ‖q‖, or λ. */
  readonly means: readonly number[];
  /** σ‖q‖. */
  readonly spreads: readonly number[];
  readonly keys: number;
}

export interface ConcentrationRow {
  readonly map: ConcentrationSettings["map"];
  readonly beta: number;
  readonly gamma: number;
  readonly keys: number;
  /** By the closed form, and of drawn keys. */
  readonly expected: number;
  readonly measured: number;
}

const MAPS: Readonly<Record<ScoreMap, (score: number) => number>> = {
  exp: Math.exp,
  relu2: (score) => Math.max(0, score) ** 2,
  identity: (score) => score,
};

function sparsity(row: readonly number[]): number {
  let [first, second] = [0, 0];
  for (const x of row) {
    first += Math.abs(x);
    second += x * x;
  }
  return first / Math.sqrt(second * row.length);
}

function run({ map, means, spreads, keys }: ConcentrationSettings, seed: number): ConcentrationRow[] {
  if (map === "decay") {
    return means.map((lambda) => ({
      map,
      beta: lambda,
      gamma: 0,
      keys,
      expected: decayConcentration(lambda, keys),
      measured: sparsity(Array.from({ length: keys }, (_, j) => lambda ** (keys - 1 - j))),
    }));
  }
  const draws = Array.from(random.normals(random.fold(random.key(seed), map), keys));
  return means.flatMap((mean) =>
    spreads.map((gamma) => {
      const beta = mean * gamma;
      const measured = sparsity(draws.map((e) => MAPS[map](beta + gamma * e)));
      return { map, beta, gamma, keys, expected: expectedConcentration(map, beta, gamma), measured };
    }),
  );
}

const of = <R extends ConcentrationRow>(rows: readonly R[], map: ConcentrationRow["map"]): readonly R[] =>
  rows.filter((r) => r.map === map);
const least = (rows: readonly ConcentrationRow[]): number => Math.min(...rows.map((r) => r.measured));
/** An answer where there are rows. */
const asked = (rows: readonly ConcentrationRow[], holds: () => boolean): boolean | null =>
  rows.length === 0 ? null : holds();

const MEANS = [-3, -2, -1, 0, 1, 2];
const settings = (
  means: readonly number[],
  spreads: readonly number[],
  keys: number,
): ConcentrationSettings[] => [
  ...(["exp", "relu2", "identity"] as const).map((map) => ({ map, means, spreads, keys })),
  { map: "decay", means: [0.9, 0.99, 0.999], spreads: [0], keys: Math.min(keys, 4096) },
];

export const concentration: Entry<ConcentrationSettings, ConcentrationRow> = {
  name: "concentration",
  row: "concentration",
  claim: {
    en: "Softmax can concentrate without limit, squared ReLU only where scores are negative on average, plain linear attention not below √(2/π); with decay it concentrates, but only on the newest tokens.",
    zh: "Softmax 注意力可以无限集中；relu² 只有平均分数为负时才能集中；线性（恒等）注意力不低于 √(2/π)；带衰减的线性注意力能集中，但只集中于最近的 token。",
  },
  source: { says: "Su 2023, The concentration of attention", links: ["https://kexue.fm/archives/9889"] },
  needs: [],
  minutes: { quick: 0.1, full: 0.2 },
  seeds: [0, 1, 2],
  settings: {
    smallest: [{ map: "identity", means: [0, 1], spreads: [1], keys: 20_000 }],
    quick: settings(MEANS, [0.5, 1, 2], 50_000),
    full: settings(MEANS, [0.25, 0.5, 1, 1.5, 2], 1_000_000),
  },
  rules: [
    {
      says: {
        en: "Closed forms agree with a million drawn keys (to 0.02; to 0.1 where exponentials are widest).",
        zh: "闭式结果与一百万个采样的 key 一致（0.02 以内；指数最宽处 0.1 以内）。",
      },
      holds: (rows) =>
        asked(rows, () =>
          rows.every((r) => Math.abs(r.measured - r.expected) < (r.gamma >= 1.5 ? 0.1 : 0.02)),
        ),
      direction: (rows) => asked(rows, () => rows.every((r) => Math.abs(r.measured - r.expected) < 0.15)),
      shows: (rows) => Math.max(0, ...rows.map((r) => Math.abs(r.measured - r.expected))).toFixed(4),
    },
    {
      says: {
        en: "Softmax falls with the spread of its scores alone, whatever their mean, to below 0.2 at a spread of 2.",
        zh: "Softmax 的 S 只随分数的离散程度下降，与均值无关，离散为 2 时低于 0.2。",
      },
      holds: (rows) => {
        const own = of(rows, "exp");
        const wide = own.filter((r) => r.gamma === 2);
        const ranges = [...new Set(own.map((r) => r.gamma))].map((gamma) => {
          const values = own
            .filter((r) => r.gamma === gamma && r.seed === own[0]?.seed)
            .map((r) => r.measured);
          return Math.max(...values) - Math.min(...values);
        });
        return asked(
          wide,
          () => wide.every((r) => r.measured < 0.2) && ranges.every((range) => range < 1e-9),
        );
      },
      shows: (rows) => least(of(rows, "exp")).toFixed(3),
    },
    {
      says: {
        en: "Squared ReLU is below 0.1 for a mean two spreads below zero and never below 0.4 for means from zero up.",
        zh: "均值低于零两个离散度时 relu² 低于 0.1，均值不小于零时不低于 0.4。",
      },
      holds: (rows) => {
        const own = of(rows, "relu2");
        return asked(
          own,
          () =>
            own.filter((r) => r.beta <= -2 * r.gamma).every((r) => r.measured < 0.1) &&
            least(own.filter((r) => r.beta >= 0)) > 0.4,
        );
      },
      shows: (rows) =>
        `${least(of(rows, "relu2").filter((r) => r.beta < 0)).toFixed(3)}, ${least(of(rows, "relu2").filter((r) => r.beta >= 0)).toFixed(3)}`,
    },
    {
      says: {
        en: "Plain linear attention stays at or above √(2/π) = 0.798 (less 0.01 for chance).",
        zh: "线性注意力不低于 √(2/π) = 0.798（允许 0.01 的随机误差）。",
      },
      holds: (rows) =>
        asked(of(rows, "identity"), () => least(of(rows, "identity")) > Math.sqrt(2 / Math.PI) - 0.01),
      shows: (rows) => least(of(rows, "identity")).toFixed(3),
    },
    {
      says: {
        en: "With decay S falls as λ does; 0.9 leaves a tenth of it at 4,096 tokens.",
        zh: "带衰减时 S 随 λ 减小而下降；λ = 0.9、4096 个 token 时不到十分之一。",
      },
      holds: (rows) => {
        const own = of(rows, "decay").filter((r) => r.seed === rows[0]?.seed);
        const falling = own.every((r, i) => i === 0 || r.measured > (own[i - 1]?.measured ?? 1));
        return asked(own, () => falling && (own[0]?.measured ?? 1) < 0.1);
      },
      shows: (rows) =>
        of(rows, "decay")
          .filter((r) => r.seed === rows[0]?.seed)
          .map((r) => `${r.beta}: ${r.measured.toFixed(3)}`)
          .join(", "),
    },
  ],
  beyond: [
    {
      en: "That trained softmax heads do concentrate and trained linear ones do not is not asked here: it needs models of both kinds at one quality.",
      zh: "“训练好的 Softmax 头确实集中而线性头不集中”需要两种质量相当的模型，此处未检验。",
    },
  ],
  run(settings, seed, { report }) {
    const rows = run(settings, seed);
    report(`${settings.map}: least S ${least(rows).toFixed(3)}`);
    return Promise.resolve(rows);
  },
  figures(rows) {
    const maps = [...new Set(rows.map((r) => r.map))].filter((map) => map !== "decay");
    if (maps.length === 0) return {};
    const figure = lineChart({
      title: "How far a row of attention can concentrate",
      subtitle: "Least S over the spreads, by the mean of scores; 1 is flat, 0 one key",
      x: "mean of scores in spreads",
      y: "S",
      series: maps.map((map) => {
        const means = [...new Set(of(rows, map).map((r) => Math.round(r.beta / r.gamma)))].sort(
          (a, b) => a - b,
        );
        return {
          name: map,
          points: means.map((mean): [number, number] => [
            mean,
            least(of(rows, map).filter((r) => Math.round(r.beta / r.gamma) === mean)),
          ]),
        };
      }),
    });
    return { "concentration-maps.svg": figure };
  },
};
