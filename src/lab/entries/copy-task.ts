// Length extrapolation on a task made for it: does a model trained at N copy from farther away when only its
// frequencies are changed? After the comparisons of Su 2023, parts 10, 11 and 16 of "Transformer upgrade path".
import type { PositionSpec } from "../../position/index.ts";
import { copyPicture } from "../copy-picture.ts";
import { COPY_LENGTH, type CopyRow, copyRun, LONGER } from "../copy-run.ts";
import type { Entry } from "../entry.ts";
import { byMethod, everySeed } from "../methods.ts";
import { known } from "../statistics.ts";

interface CopyTaskSettings {
  readonly steps: number;
  /** Texts of each kind that are scored. */
  readonly texts: number;
  /** Methods that are scored; default all. */
  readonly methods?: readonly string[];
}

/** What a model trained with RoPE is run with. */
const METHODS: readonly (readonly [name: string, spec: PositionSpec])[] = [
  ["RoPE", { type: "rope" }],
  ["PI", { type: "pi", scale: LONGER }],
  ["NTK-old", { type: "ntk-old", scale: LONGER }],
  ["NTK-aware", { type: "ntk-aware", scale: LONGER }],
  ["NTK-aware, 2s", { type: "ntk-aware", scale: 2 * LONGER }],
  ["NTK-fixed", { type: "ntk-fixed", scale: LONGER }],
  ["NTK-mixed", { type: "ntk-mixed", scale: LONGER }],
  ["dynamic NTK", { type: "ntk-dynamic", scale: 1, trainingLength: COPY_LENGTH }],
  ["YaRN, τ = 8", { type: "yarn", scale: LONGER, trainingLength: COPY_LENGTH, fast: 8, magnitude: 1 }],
  ["ReRoPE w = 16", { type: "rerope", window: 16 }],
];
const ORDER = ["PI", "RoPE", "NTK-mixed", "YaRN, τ = 8", "ReRoPE w = 16"];

const far = (rows: readonly CopyRow[]) => byMethod(rows, (r) => r.far);

export const copyTask: Entry<CopyTaskSettings, CopyRow> = {
  name: "copy-task",
  row: "frequencies",
  claim: {
    en: "A model trained at length N copies from beyond N when only its position method changes, and methods rank PI < RoPE < NTK-mixed < YaRN < ReRoPE.",
    zh: "训练长度为 N 的模型只换位置编码就能从 N 之外复制，且各方法的顺序为 PI < RoPE < NTK-mixed < YaRN < ReRoPE。",
  },
  source: {
    says: "Su 2023, Transformer upgrade path 10, 11 and 16",
    links: [
      "https://kexue.fm/archives/9675",
      "https://kexue.fm/archives/9706",
      "https://kexue.fm/archives/9948",
    ],
  },
  needs: [],
  minutes: { quick: 2, full: 8 },
  seeds: [0, 1, 2],
  settings: {
    smallest: [{ steps: 2, texts: 1, methods: ["NTK-aware"] }],
    quick: [{ steps: 900, texts: 4 }],
    full: [{ steps: 1500, texts: 8 }],
  },
  rules: [
    {
      premise: true,
      says: {
        en: "The training length is learnt (accuracy above 0.95).",
        zh: "训练长度已学会（准确率高于 0.95）。",
      },
      holds: (rows) => rows.every((r) => r.own > 0.95),
    },
    {
      says: {
        en: "Far copies rank PI < RoPE < NTK-mixed < YaRN < ReRoPE (w = N/4), on every seed.",
        zh: "每个种子的远处复制都满足 PI < RoPE < NTK-mixed < YaRN < ReRoPE（w = N/4）。",
      },
      holds: (rows) =>
        everySeed(rows, (own) =>
          known(
            ORDER.map((m) => far(own).mean(m)),
            (...shares) => shares.every((x, i) => i === 0 || x > (shares[i - 1] ?? 1)),
          ),
        ),
      shows: (rows) => far(rows).shows(ORDER),
    },
    {
      says: {
        en: "NTK needs about twice the scale it should reach: 2s copies more than s.",
        zh: "NTK 需要约两倍的缩放：2s 比 s 复制得更多。",
      },
      holds: (rows) =>
        known(
          [far(rows).mean("NTK-aware, 2s"), far(rows).mean("NTK-aware")],
          (two = 0, one = 0) => two > one,
        ),
      shows: (rows) => far(rows).shows(["NTK-aware", "NTK-aware, 2s"]),
    },
  ],
  beyond: [
    {
      en: "The articles' accuracies (RoPE 24.17, PI 15.04, NTK-mixed 53.09, YaRN 80.10 % at 4,096) belong to a model of 100 M parameters trained at 512; only their order is asked for.",
      zh: "文章的准确率（4096 处 RoPE 24.17、PI 15.04、NTK-mixed 53.09、YaRN 80.10）来自训练长度 512 的一亿参数模型，这里只检验顺序。",
    },
  ],
  run: ({ steps, texts, methods }, seed, { report }) =>
    copyRun(
      {
        training: [{ type: "rope" }],
        inference: METHODS.filter(([name]) => methods?.includes(name) ?? true).map(
          ([name, spec]) => [name, [spec]] as const,
        ),
      },
      { seed, steps, texts },
      report,
    ),
  figures: (rows) => ({ "copy-task.svg": copyPicture(rows, "Copying with other frequencies") }),
};
