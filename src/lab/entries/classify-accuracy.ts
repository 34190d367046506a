// Four sets of the UCR and UEA archives by one recipe, beside the nearest neighbour by dynamic time warping.
import { barChart } from "../../draw/bar-chart.ts";
import { classifierConfig } from "../../model/classifier-config.ts";
import { classifierParametersOf } from "../../model/classifier.ts";
import type { Cases } from "../../train/classify/cases.ts";
import { prepare, preparationOf } from "../../train/classify/prepare.ts";
import { readCases } from "../../train/classify/read-cases.ts";
import { CLASSIFY_SIZES, CLASSIFY_TRAINING, parseMixer } from "../../train/classify/recipe.ts";
import { classifyTask } from "../../train/classify/task.ts";
import { memoryStore, trainRun, trainSettings } from "../../train/index.ts";
import type { Entry, LabContext, Seeded } from "../entry.ts";
import { byMethod } from "../methods.ts";
import type { Need } from "../needs.ts";
import { neighbourAccuracy } from "../nearest-neighbour.ts";

const SETS = ["GunPoint", "BasicMotions", "JapaneseVowels", "ACSF1"] as const;
type SetName = (typeof SETS)[number];

/**
 * Accuracy of one nearest neighbour by dynamic time warping without a window, as published: 1 − error (w = 100) of the table
 * of the UCR archive; DTW_D of Bagnall et al. 2018, table 2.
 */
const PUBLISHED: Readonly<Record<SetName, number>> = {
  GunPoint: 0.9067,
  BasicMotions: 0.975,
  JapaneseVowels: 0.949,
  ACSF1: 0.64,
};

interface AccuracySettings {
  readonly set: SetName;
  /** A mixer in words, or `dtw`. */
  readonly method: string;
  readonly steps: number;
}

export interface AccuracyRow {
  readonly set: string;
  readonly method: string;
  readonly accuracy: number;
  readonly published: number;
  readonly parameters: number | null;
}

const fileOf = (set: SetName, part: "TRAIN" | "TEST"): Need => ({
  what: `${set} of the UCR and UEA archives`,
  file: `tasks/ucr-${set}-${part}.ts.gz`,
  install: `put ${set}_${part}.ts of timeseriesclassification.com, gzipped, at tasks/ucr-${set}-${part}.ts.gz of the folder ATHANOR_DATA`,
});

async function casesOf(set: SetName, part: "TRAIN" | "TEST", context: LabContext): Promise<Cases> {
  return readCases(await context.bytes(fileOf(set, part)), `${set}.ts`, `${set} ${part}`);
}

const labelled = ({ cases }: Cases) => cases.map(({ series = [], label = "" }) => ({ series, label }));

async function run(
  { set, method, steps }: AccuracySettings,
  seed: number,
  context: LabContext,
): Promise<AccuracyRow> {
  const [train, test] = [await casesOf(set, "TRAIN", context), await casesOf(set, "TEST", context)];
  const published = PUBLISHED[set];
  if (method === "dtw") {
    return {
      set,
      method,
      accuracy: neighbourAccuracy(labelled(train), labelled(test)),
      published,
      parameters: null,
    };
  }
  const preparation = preparationOf(train, {}, undefined);
  const { labels, input, context: places } = preparation;
  if (labels.type !== "classes") throw new Error(`${set} must have classes`);
  const config = classifierConfig({
    ...CLASSIFY_SIZES,
    input,
    outputs: labels.names.length,
    context: places,
    attention: parseMixer(method, places),
  });
  const settings = trainSettings({ ...CLASSIFY_TRAINING, steps, seed, validateEvery: steps });
  const task = classifyTask({
    config,
    settings,
    labels,
    train: prepare(preparation, train, undefined, { labelled: true }),
    held: prepare(preparation, test, undefined, { labelled: true }),
  });
  const { numbers } = await trainRun(task, settings, memoryStore({ keepStates: false }), {
    onStep: ({ step, loss }) => {
      if (step % 100 === 0) context.report(`  ${set}, ${method}, step ${step}: loss ${loss.toFixed(3)}`);
    },
  });
  const parameters = [...classifierParametersOf(config).values()].reduce(
    (sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1),
    0,
  );
  return { set, method, accuracy: numbers?.["accuracy"] ?? 0, published, parameters };
}

const MIXERS = ["rtf", "rnn", "dense"] as const;

const table = (sets: readonly SetName[], methods: readonly string[], steps: number): AccuracySettings[] =>
  sets.flatMap((set) => methods.map((method) => ({ set, method, steps })));

const accuracies = (rows: readonly Seeded<AccuracyRow>[], set: string) =>
  byMethod(
    rows.filter((r) => r.set === set),
    (r) => r.accuracy,
  );

/** Sets of which both numbers are known, and how many of them `test` holds of. */
function countOf(
  rows: readonly Seeded<AccuracyRow>[],
  method: string,
  test: (accuracy: number, published: number) => boolean,
): { readonly sets: number; readonly holds: number } {
  const all = SETS.flatMap((set) => {
    const mean = accuracies(rows, set).mean(method);
    return mean === undefined ? [] : [test(mean, PUBLISHED[set])];
  });
  return { sets: all.length, holds: all.filter(Boolean).length };
}

const shows = (rows: readonly Seeded<AccuracyRow>[], method: string): string =>
  SETS.flatMap((set) => {
    const mean = accuracies(rows, set).mean(method);
    return mean === undefined ? [] : [`${set} ${mean.toFixed(3)} (${PUBLISHED[set].toFixed(3)})`];
  }).join(", ");

export const classifyAccuracy: Entry<AccuracySettings, AccuracyRow> = {
  name: "classify-accuracy",
  row: "rtf",
  claim: {
    en: "Small models of filters, recurrent cells or attention, all trained by one recipe, label sequences at least as well as the nearest neighbour by time warping.",
    zh: "同一套配方训练的小模型（滤波器、循环单元或注意力），序列分类至少不逊于动态时间规整的最近邻。",
  },
  source: {
    says: "Dau et al. 2018 (UCR archive); Bagnall et al. 2018 (UEA archive)",
    links: ["https://arxiv.org/abs/1810.07758", "https://arxiv.org/abs/1811.00075"],
  },
  needs: SETS.flatMap((set) => [fileOf(set, "TRAIN"), fileOf(set, "TEST")]),
  minutes: { quick: 3, full: 150 },
  seeds: [0, 1, 2],
  settings: {
    smallest: [{ set: "JapaneseVowels", method: "rnn", steps: 1 }],
    quick: [
      ...table(["JapaneseVowels"], ["rtf", "dense", "dtw"], 150),
      ...table(["BasicMotions"], ["dtw"], 1),
    ],
    full: [...table(SETS, MIXERS, 600), ...table(SETS, ["dtw"], 1)],
  },
  rules: [
    {
      says: {
        en: "The nearest neighbour measured here is within 2.5 points of the published one on every set.",
        zh: "此处测得的最近邻准确率在每个数据集上与已发表数值相差不超过 2.5 个百分点。",
      },
      premise: true,
      holds: (rows) => {
        const { sets, holds } = countOf(rows, "dtw", (a, p) => Math.abs(a - p) <= 0.025);
        return sets === 0 ? null : holds === sets;
      },
      shows: (rows) => shows(rows, "dtw"),
    },
    {
      says: {
        en: "RTF is at least as good as the published nearest neighbour on three of the four sets.",
        zh: "RTF 在四个数据集中至少三个上不逊于已发表的最近邻。",
      },
      holds: (rows) => {
        const { sets, holds } = countOf(rows, "rtf", (a, p) => a >= p);
        return sets < SETS.length ? null : holds >= 3;
      },
      direction: (rows) => {
        const { sets, holds } = countOf(rows, "rtf", (a, p) => a >= p);
        return sets === 0 ? null : holds > 0;
      },
      shows: (rows) => shows(rows, "rtf"),
    },
    {
      says: {
        en: "A GRU is at least as good as it on three of the four sets.",
        zh: "GRU 在四个数据集中至少三个上不逊于它。",
      },
      holds: (rows) => {
        const { sets, holds } = countOf(rows, "rnn", (a, p) => a >= p);
        return sets < SETS.length ? null : holds >= 3;
      },
      shows: (rows) => shows(rows, "rnn"),
    },
    {
      says: {
        en: "Attention is at least as good as it on three of the four sets.",
        zh: "注意力在四个数据集中至少三个上不逊于它。",
      },
      holds: (rows) => {
        const { sets, holds } = countOf(rows, "dense", (a, p) => a >= p);
        return sets < SETS.length ? null : holds >= 3;
      },
      shows: (rows) => shows(rows, "dense"),
    },
  ],
  async run(settings, seed, context) {
    const row = await run(settings, seed, context);
    context.report(`${row.set}, ${row.method}: ${(100 * row.accuracy).toFixed(1)} %`);
    return [row];
  },
  figures(rows) {
    const methods = [...MIXERS, "dtw"].filter((m) => rows.some((r) => r.method === m));
    const sets = SETS.filter((set) => rows.some((r) => r.set === set));
    return {
      "classify-accuracy.svg": barChart({
        title: "Accuracy on four sets, one recipe",
        subtitle: "Share of the test part that is right; dtw is one nearest neighbour",
        names: methods,
        rows: sets.map((name) => ({
          name,
          values: methods.map((method) => accuracies(rows, name).mean(method) ?? 0),
        })),
        most: 1,
      }),
    };
  },
};
