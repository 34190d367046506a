// Key normalisation: a model trained with keys of length one reads longer texts, one with queries of length one does not.
import type { PositionSpec } from "../../position/index.ts";
import { copyPicture } from "../copy-picture.ts";
import { COPY_LENGTH, type CopyRow, copyRun, LEARNT, LONGER } from "../copy-run.ts";
import type { Entry } from "../entry.ts";
import { byMethod } from "../methods.ts";
import { known } from "../statistics.ts";

const METHODS = ["RoPE", "key norm", "query norm", "cosine"] as const;
type Method = (typeof METHODS)[number];

interface KeyNormSettings {
  readonly method: Method;
  readonly steps: number;
}

const TRAINED: Readonly<Record<Method, PositionSpec>> = {
  RoPE: { type: "rope" },
  "key norm": { type: "rope", normalise: "key" },
  "query norm": { type: "rope", normalise: "query" },
  cosine: { type: "rope", normalise: "cosine", trainingLength: COPY_LENGTH },
};
/** Beside running as trained: YaRN at inference, as the article combines them. */
const yarn = (spec: PositionSpec): PositionSpec => ({
  ...spec,
  type: "yarn",
  scale: LONGER,
  trainingLength: COPY_LENGTH,
  fast: 8,
});

const settings = (steps: number, methods: readonly Method[] = METHODS): KeyNormSettings[] =>
  methods.map((method) => ({ method, steps }));
const near = (rows: readonly CopyRow[]) => byMethod(rows, (r) => r.near);

export const keyNorm: Entry<KeyNormSettings, CopyRow> = {
  name: "key-norm",
  row: "later",
  claim: {
    en: "Keys of length one in training make a model read longer texts than it was trained on; queries of length one do not; with YaRN at inference key norm is better still.",
    zh: "训练时将 Key 归一化能使模型外推，只归一化 Query 则不能；再配合推理时的 YaRN 效果更好。",
  },
  source: {
    says: "Su 2023, Transformer upgrade path 15 and 16",
    links: ["https://kexue.fm/archives/9859", "https://kexue.fm/archives/9948"],
  },
  needs: [],
  minutes: { quick: 4, full: 60 },
  seeds: [0, 1, 2],
  settings: {
    smallest: settings(1, ["key norm"]),
    quick: settings(900, ["RoPE", "key norm"]),
    full: settings(1500),
  },
  rules: [
    LEARNT,
    {
      says: {
        en: "With key norm more is copied at eight times the length than with plain RoPE (0.1 more, near periods).",
        zh: "八倍长度下，Key 归一化比普通 RoPE 复制得更多（近周期，多 0.1）。",
      },
      holds: (rows) =>
        known([near(rows).mean("key norm"), near(rows).mean("RoPE")], (k = 0, plain = 1) => k > plain + 0.1),
      direction: (rows) =>
        known([near(rows).mean("key norm"), near(rows).mean("RoPE")], (k = 0, plain = 1) => k > plain),
      shows: (rows) => near(rows).shows(["RoPE", "key norm"]),
    },
    {
      says: {
        en: "Query norm gains nothing beside RoPE (less than 0.1).",
        zh: "Query 归一化相对 RoPE 没有收益（不足 0.1）。",
      },
      holds: (rows) =>
        known(
          [near(rows).mean("query norm"), near(rows).mean("RoPE")],
          (q = 1, plain = 0) => q < plain + 0.1,
        ),
      shows: (rows) => near(rows).shows(["RoPE", "query norm"]),
    },
    {
      says: {
        en: "Key norm with YaRN copies more than YaRN alone.",
        zh: "Key 归一化加 YaRN 胜过单用 YaRN。",
      },
      holds: (rows) =>
        known(
          [near(rows).mean("key norm, YaRN"), near(rows).mean("RoPE, YaRN")],
          (both = 0, alone = 1) => both > alone,
        ),
      shows: (rows) => near(rows).shows(["RoPE, YaRN", "key norm, YaRN"]),
    },
  ],
  beyond: [
    {
      en: "The article's accuracies (61.08 % with key norm against 24.17 %) are those of a model of 100 M parameters on text.",
      zh: "文章中的准确率（Key 归一化 61.08% 对 24.17%）来自一亿参数的文本模型。",
    },
  ],
  run: ({ method, steps }, seed, { report }) => {
    const spec = TRAINED[method];
    const inference = [
      [method, [spec]],
      [`${method}, YaRN`, [yarn(spec)]],
    ] as const;
    return copyRun({ training: [spec], inference }, { seed, steps }, report);
  },
  figures: (rows) => ({ "key-norm-copy.svg": copyPicture(rows, "Copying with keys of length one") }),
};
