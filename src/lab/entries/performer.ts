// Performer: how far random features are from softmax, by their number, and when they are a soft codebook.
import {
  linearAttention,
  performerFeatures,
  performerPair,
  performerProjection,
} from "../../attention/index.ts";
import { lineChart } from "../../draw/line-chart.ts";
import { matmul, random, softmax, sum, type Tensor, tensor } from "../../tensor/index.ts";
import type { Entry } from "../entry.ts";
import { byMethod, methodsOf } from "../methods.ts";
import { known, meanOf, seedsOf } from "../statistics.ts";

const D = 16;
const KINDS = ["independent", "orthogonal"] as const;

interface PerformerSettings {
  readonly kind: (typeof KINDS)[number];
  readonly features: number;
  readonly tokens: number;
  /** Draws of the directions that are averaged. */
  readonly draws: number;
}

export interface PerformerRow {
  readonly method: PerformerSettings["kind"];
  readonly features: number;
  /** ‖o − o′‖ / ‖o‖ over all queries, mean over draws. */
  readonly error: number;
  /** Variance of φ(q)·φ(k) / e^(q·k) over draws, and (e^‖q+k‖² − 1)/M, which it should be where directions are independent. */
  readonly variance: number;
  readonly predicted: number;
  /** Mean of that ratio: 1 where the features are unbiased. */
  readonly mean: number;
}

/** A direction of length one half: products of such vectors vary so little that draws can show by how much. */
function shortVector(key: random.Key): Float64Array {
  const x = random.normals(key, D);
  const length = Math.hypot(...x);
  return x.map((value) => (0.5 * value) / length);
}

async function run(
  { kind, features, tokens, draws }: PerformerSettings,
  seed: number,
): Promise<PerformerRow> {
  const key = random.key(seed);
  const normal = (name: string): Tensor => random.normal(random.fold(key, name), [1, 1, tokens, D]);
  const [q, k, v] = [normal("q"), normal("k"), normal("v")];
  const exact = matmul(softmax(matmul(q, k, { transposeB: true }).mul(1 / Math.sqrt(D)), -1), v);
  const [a, b] = [shortVector(random.fold(key, "a")), shortVector(random.fold(key, "b"))];
  const product = a.reduce((s, x, i) => s + x * (b[i] ?? 0), 0);
  const together = a.reduce((s, x, i) => s + (x + (b[i] ?? 0)) ** 2, 0);
  const shape = [1, 1, 1, D];
  const [one, other] = [tensor(a, { shape }), tensor(b, { shape })];
  const whole = await sum(exact.mul(exact)).item();
  let error = 0;
  const ratios: number[] = [];
  for (let draw = 0; draw < draws; draw++) {
    const projection = performerProjection(random.fold(random.fold(key, features), draw), D, {
      features,
      kind,
    });
    const mapped = performerPair(q, k, { projection });
    const difference = linearAttention(mapped.q, mapped.k, v).sub(exact);
    error += Math.sqrt((await sum(difference.mul(difference)).item()) / whole) / draws;
    const found = sum(performerFeatures(one, projection).mul(performerFeatures(other, projection)));
    ratios.push((await found.item()) / Math.exp(product));
  }
  const mean = meanOf(ratios);
  const variance = ratios.reduce((s, x) => s + (x - mean) ** 2, 0) / Math.max(1, draws - 1);
  return { method: kind, features, error, variance, predicted: Math.expm1(together) / features, mean };
}

/** Mean error over seeds at a number of features. */
const errorAt = (rows: readonly PerformerRow[], method: string, features: number): number | undefined =>
  byMethod(
    rows.filter((r) => r.features === features),
    (r) => r.error,
  ).mean(method);
const counts = (rows: readonly PerformerRow[]): number[] =>
  [...new Set(rows.map((r) => r.features))].sort((a, b) => a - b);
/** The power of M with which errors fall, from the fewest to the most features. */
function fall(rows: readonly PerformerRow[], method: string): number | undefined {
  const [few, many] = [counts(rows)[0], counts(rows).at(-1)];
  if (few === undefined || many === undefined || few === many) return undefined;
  const [from, to] = [errorAt(rows, method, few), errorAt(rows, method, many)];
  return from === undefined || to === undefined ? undefined : Math.log(from / to) / Math.log(many / few);
}

const settings = (sizes: readonly number[], tokens: number, draws: number): PerformerSettings[] =>
  KINDS.flatMap((kind) => sizes.map((features) => ({ kind, features, tokens, draws })));

export const performer: Entry<PerformerSettings, PerformerRow> = {
  name: "performer",
  row: "linear-attention",
  claim: {
    en: "Performer's positive random features give softmax attention without bias in linear time, but need several times more features than a head is wide.",
    zh: "Performer 的正随机特征以线性复杂度无偏地近似 Softmax 注意力，但特征数需为头宽的数倍。",
  },
  source: {
    says: "Su 2020, Performer; Choromanski et al. 2020, sections 2.3 and 2.4",
    links: ["https://kexue.fm/archives/7921", "https://arxiv.org/abs/2009.14794"],
  },
  needs: [],
  minutes: { quick: 0.5, full: 3 },
  seeds: [0, 1, 2],
  settings: {
    smallest: [{ kind: "orthogonal", features: 16, tokens: 8, draws: 1 }],
    quick: settings([16, 256], 64, 50),
    full: settings([8, 16, 64, 256, 1024], 128, 400),
  },
  rules: [
    {
      says: {
        en: "The features are unbiased: the mean of φ(q)·φ(k) over e^(q·k) is within four standard errors of 1.",
        zh: "特征是无偏的：φ(q)·φ(k) 与 e^(q·k) 之比的均值在 1 的四个标准误差之内。",
      },
      // Draws of full runs; with fewer the bound is wider.
      holds: (rows) => rows.every((r) => Math.abs(r.mean - 1) < 4 * Math.sqrt(r.predicted / 400)),
      direction: (rows) => rows.every((r) => Math.abs(r.mean - 1) < 4 * Math.sqrt(r.predicted / 50)),
      shows: (rows) => byMethod(rows, (r) => r.mean).shows(methodsOf(rows), 4),
    },
    {
      says: {
        en: "With independent directions the relative variance is (e^‖q+k‖² − 1)/M (to a quarter).",
        zh: "方向独立时相对方差为 (e^‖q+k‖² − 1)/M（四分之一以内）。",
      },
      holds: (rows) => {
        const own = rows.filter((r) => r.method === "independent");
        return own.length === 0
          ? null
          : Math.abs(meanOf(own.map((r) => r.variance / r.predicted)) - 1) < 0.25;
      },
      direction: (rows) => {
        const own = rows.filter((r) => r.method === "independent");
        return own.length === 0 ? null : Math.abs(meanOf(own.map((r) => r.variance / r.predicted)) - 1) < 0.7;
      },
      shows: (rows) => byMethod(rows, (r) => r.variance / r.predicted).shows(methodsOf(rows)),
    },
    {
      says: {
        en: "The error of attention falls with the number of features, about as its square root (a power of 0.3 or more).",
        zh: "注意力的误差随特征数下降，约为平方根（幂次不低于 0.3）。",
      },
      holds: (rows) =>
        known(
          KINDS.map((kind) => fall(rows, kind)),
          (...powers) => powers.every((power) => power >= 0.3),
        ),
      direction: (rows) =>
        known(
          KINDS.map((kind) => fall(rows, kind)),
          (...powers) => powers.every((power) => power > 0),
        ),
      shows: (rows) => KINDS.map((kind) => `${kind} ${fall(rows, kind)?.toFixed(2) ?? "–"}`).join(", "),
    },
    {
      says: {
        en: `As many features as the head is wide (${D}) leave an error above a quarter of the output.`,
        zh: `特征数等于头宽（${D}）时，误差超过输出的四分之一。`,
      },
      holds: (rows) =>
        known(
          KINDS.map((kind) => errorAt(rows, kind, D)),
          (...errors) => errors.every((e) => e > 0.25),
        ),
      shows: (rows) => KINDS.map((kind) => `${kind} ${errorAt(rows, kind, D)?.toFixed(2) ?? "–"}`).join(", "),
    },
    {
      says: {
        en: "Orthogonal directions are better than independent ones at as many features as the head is wide.",
        zh: "特征数等于头宽时，正交方向优于独立方向。",
      },
      holds: (rows) =>
        known(
          [errorAt(rows, "orthogonal", D), errorAt(rows, "independent", D)],
          (own = 1, other = 0) => own < other,
        ),
      shows: (rows) => KINDS.map((kind) => `${kind} ${errorAt(rows, kind, D)?.toFixed(3) ?? "–"}`).join(", "),
    },
  ],
  beyond: [
    {
      en: "That real gains begin beyond about 5,000 tokens depends on machine and kernels; times are in the benchmarks.",
      zh: "“约 5000 个 token 以上才真正划算”取决于机器与算子，耗时见基准测试。",
    },
  ],
  async run(settings, seed, { report }) {
    const row = await run(settings, seed);
    report(`${row.method}, ${row.features} features: error ${row.error.toFixed(3)}`);
    return [row];
  },
  figures(rows) {
    const figure = lineChart({
      title: "Performer's error by the number of features",
      subtitle: `Heads of width ${D}, relative to the output; ${seedsOf(rows)}`,
      x: "features",
      y: "relative error",
      xScale: "log2",
      series: methodsOf(rows).map((name) => ({
        name,
        points: counts(rows).flatMap((features): [number, number][] => {
          const error = errorAt(rows, name, features);
          return error === undefined ? [] : [[features, error]];
        }),
      })),
    });
    return { "performer-error.svg": figure };
  },
};
