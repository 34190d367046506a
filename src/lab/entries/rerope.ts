// ReRoPE and Leaky ReRoPE on the copy task: which window, which leak, what a mask keeps, and training with it.
import type { PositionSpec } from "../../position/index.ts";
import { copyPicture } from "../copy-picture.ts";
import { type CopyPlan, type CopyRow, copyRun } from "../copy-run.ts";
import type { Entry } from "../entry.ts";
import { byMethod } from "../methods.ts";
import { known } from "../statistics.ts";

interface ReropeSettings {
  /** `after`: a model of RoPE run in many ways; `trained`: ReRoPE from the start. */
  readonly plan: "after" | "trained";
  readonly steps: number;
}

const AFTER: readonly (readonly [name: string, spec: PositionSpec])[] = [
  ["RoPE", { type: "rope" }],
  ["w = N/4", { type: "rerope", window: 16 }],
  ["w = N/2", { type: "rerope", window: 32 }],
  ["w = N", { type: "rerope", window: 64 }],
  ["Leaky w = N/4, k = 16", { type: "leaky-rerope", window: 16, leak: 16 }],
  ["Leaky w = N/2, k = 16", { type: "leaky-rerope", window: 32, leak: 16 }],
  // So small a leak that distances beyond the training length are met again.
  ["Leaky w = N/2, k = 8", { type: "leaky-rerope", window: 32, leak: 8 }],
  ["w = N/4, window N", { type: "rerope", window: 16, slidingWindow: 64 }],
];

const PLANS: Readonly<Record<ReropeSettings["plan"], CopyPlan>> = {
  after: { training: [{ type: "rope" }], inference: AFTER.map(([name, spec]) => [name, [spec]] as const) },
  trained: {
    training: [{ type: "rerope", window: 16 }],
    inference: [["trained with ReRoPE", [{ type: "rerope", window: 16 }]]],
  },
};

const far = (rows: readonly CopyRow[]) => byMethod(rows, (r) => r.far);

export const rerope: Entry<ReropeSettings, CopyRow> = {
  name: "rerope",
  row: "rerope",
  claim: {
    en: "ReRoPE at inference lets a model trained with RoPE use any length, its window hardly matters up to N/2 and fails at N, Leaky ReRoPE does as well, and training with ReRoPE from the start does not help.",
    zh: "推理时换成 ReRoPE 可让 RoPE 模型用于任意长度；窗口在 N/2 以内影响不大，取 N 则失效；Leaky ReRoPE 同样有效；而从头用 ReRoPE 训练没有这种效果。",
  },
  source: {
    says: "Su 2023, Transformer upgrade path 12 and 16",
    links: ["https://kexue.fm/archives/9708", "https://kexue.fm/archives/9948"],
  },
  needs: [],
  minutes: { quick: 2, full: 14 },
  seeds: [0, 1, 2],
  settings: {
    smallest: [{ plan: "trained", steps: 2 }],
    quick: [{ plan: "after", steps: 900 }],
    full: [
      { plan: "after", steps: 1500 },
      { plan: "trained", steps: 1500 },
    ],
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
        en: "With w = N/4 it copies from beyond the training length (at least 0.9, RoPE at most half of it).",
        zh: "w = N/4 时能从训练长度之外复制（至少 0.9，RoPE 不到其一半）。",
      },
      holds: (rows) =>
        known(
          [far(rows).mean("w = N/4"), far(rows).mean("RoPE")],
          (w = 0, rope = 1) => w >= 0.9 && rope <= w / 2,
        ),
      direction: (rows) =>
        known([far(rows).mean("w = N/4"), far(rows).mean("RoPE")], (w = 0, rope = 1) => w > rope),
      shows: (rows) => far(rows).shows(["RoPE", "w = N/4"]),
    },
    {
      says: {
        en: "The window is robust: N/2 copies within 0.05 of N/4 (the article: 77.90 against 76.11 %).",
        zh: "窗口是稳健的：N/2 与 N/4 的差距在 0.05 以内（文章：77.90 对 76.11）。",
      },
      holds: (rows) =>
        known(
          [far(rows).mean("w = N/2"), far(rows).mean("w = N/4")],
          (half = 0, quarter = 1) => half > quarter - 0.05,
        ),
      shows: (rows) => far(rows).shows(["w = N/4", "w = N/2"]),
    },
    {
      says: { en: "A window of N is clearly worse than N/4.", zh: "窗口取 N 明显差于 N/4。" },
      holds: (rows) =>
        known(
          [far(rows).mean("w = N"), far(rows).mean("w = N/4")],
          (all = 1, quarter = 0) => all < quarter - 0.2,
        ),
      shows: (rows) => far(rows).shows(["w = N/4", "w = N"]),
    },
    {
      says: {
        en: "Leaky ReRoPE (w = N/4, k = 16) is within 0.1 of ReRoPE.",
        zh: "Leaky ReRoPE（w = N/4，k = 16）与 ReRoPE 的差距在 0.1 以内。",
      },
      holds: (rows) =>
        known(
          [far(rows).mean("Leaky w = N/4, k = 16"), far(rows).mean("w = N/4")],
          (leaky = 0, plain = 1) => leaky > plain - 0.1,
        ),
      shows: (rows) => far(rows).shows(["w = N/4", "Leaky w = N/4, k = 16"]),
    },
    {
      says: {
        en: "Its leak must keep distances in reach: k = 8 is worse than k = 16 at w = N/2.",
        zh: "Leaky 的斜率须使距离不越界：w = N/2 时 k = 8 差于 k = 16。",
      },
      holds: (rows) =>
        known(
          [far(rows).mean("Leaky w = N/2, k = 8"), far(rows).mean("Leaky w = N/2, k = 16")],
          (eight = 1, sixteen = 0) => eight < sixteen,
        ),
      shows: (rows) => far(rows).shows(["Leaky w = N/2, k = 16", "Leaky w = N/2, k = 8"]),
    },
    {
      says: {
        en: "A window mask keeps no long recall (below 0.1).",
        zh: "滑动窗口掩码不保留远处的记忆（低于 0.1）。",
      },
      holds: (rows) => known([far(rows).mean("w = N/4, window N")], (masked = 1) => masked < 0.1),
      shows: (rows) => far(rows).shows(["w = N/4, window N"]),
    },
    {
      says: {
        en: "Trained with ReRoPE from the start it does not copy from beyond N (within 0.1 of plain RoPE).",
        zh: "从头用 ReRoPE 训练不能从 N 之外复制（与 RoPE 的差距在 0.1 以内）。",
      },
      holds: (rows) =>
        known(
          [far(rows).mean("trained with ReRoPE"), far(rows).mean("RoPE")],
          (trained = 1, rope = 0) => trained < rope + 0.1,
        ),
      shows: (rows) => far(rows).shows(["RoPE", "trained with ReRoPE"]),
    },
  ],
  run: ({ plan, steps }, seed, { report }) => copyRun(PLANS[plan], { seed, steps }, report),
  figures: (rows) => ({ "rerope-copy.svg": copyPicture(rows, "Copying with ReRoPE") }),
};
