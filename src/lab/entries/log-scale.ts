// The factor ln n / ln N on the copy task: trained in, put in afterwards, or left out.
import type { PositionSpec } from "../../position/index.ts";
import { copyPicture } from "../copy-picture.ts";
import { COPY_LENGTH as N, type CopyRow, copyRun, LONGER } from "../copy-run.ts";
import type { Entry } from "../entry.ts";
import { byMethod } from "../methods.ts";
import { known } from "../statistics.ts";

interface LogScaleSettings {
  readonly trained: boolean;
  readonly steps: number;
  /** Methods that are scored; default all. */
  readonly methods?: readonly string[];
}

const METHODS: readonly (readonly [name: string, spec: PositionSpec])[] = [
  ["RoPE", { type: "rope" }],
  ["NTK-fixed", { type: "ntk-fixed", scale: LONGER }],
  ["NTK-mixed", { type: "ntk-mixed", scale: LONGER }],
  ["YaRN, τ = 8", { type: "yarn", scale: LONGER, trainingLength: N, fast: 8, magnitude: 1 }],
  ["ReRoPE N/2", { type: "rerope", window: N / 2 }],
];

/** The same model without the factor, with it put in afterwards, or the model that was trained with it. */
function waysOf({ trained, methods }: LogScaleSettings): (readonly [string, readonly PositionSpec[]])[] {
  const scaled = (logScale: "trained" | "after") => ({ logScale, trainingLength: N });
  const asked = METHODS.filter(([name]) => methods?.includes(name) ?? true);
  return asked.flatMap(([name, spec]): (readonly [string, readonly PositionSpec[]])[] =>
    trained
      ? [[`${name}, log n`, [{ ...spec, ...scaled("trained") }]]]
      : [
          [name, [spec]],
          [`${name}, log n†`, [{ ...spec, ...scaled("after") }]],
        ],
  );
}

const far = (rows: readonly CopyRow[]) => byMethod(rows, (r) => r.far);
const HELPED = ["NTK-mixed", "YaRN, τ = 8", "ReRoPE N/2"];

export const logScale: Entry<LogScaleSettings, CopyRow> = {
  name: "log-scale",
  row: "log-scale",
  claim: {
    en: "Trained in, the factor log n leaves plain RoPE where it fails and makes NTK, YaRN and ReRoPE extrapolate better; put in afterwards it helps them less.",
    zh: "训练时加入 log n 因子不能救活普通 RoPE，但能让 NTK、YaRN 与 ReRoPE 外推得更好；训练后再加帮助较小。",
  },
  source: {
    says: "Su 2023, Transformer upgrade path 11 and 12",
    links: ["https://kexue.fm/archives/9706", "https://kexue.fm/archives/9708"],
  },
  needs: [],
  minutes: { quick: 3, full: 18 },
  seeds: [0, 1, 2],
  settings: {
    smallest: [{ trained: true, steps: 1, methods: ["RoPE"] }],
    quick: [true, false].map((trained) => ({ trained, steps: 900 })),
    full: [true, false].map((trained) => ({ trained, steps: 1500 })),
  },
  rules: [
    {
      premise: true,
      says: {
        en: "Both models learn the training length (above 0.95).",
        zh: "两个模型都学会了训练长度（高于 0.95）。",
      },
      holds: (rows) => rows.every((r) => r.own > 0.95),
    },
    {
      says: {
        en: "RoPE itself is not helped: far copies change by less than 0.1 (the article: 24.17 to 24.60 %).",
        zh: "RoPE 本身不受益：远处复制的变化小于 0.1（文章：24.17 到 24.60）。",
      },
      holds: (rows) =>
        known(
          [far(rows).mean("RoPE"), far(rows).mean("RoPE, log n")],
          (plain = 0, own = 1) => Math.abs(own - plain) < 0.1,
        ),
      shows: (rows) => far(rows).shows(["RoPE", "RoPE, log n"]),
    },
    {
      says: {
        en: "NTK-mixed, YaRN and ReRoPE (N/2) copy more with it trained in (the article: 53.09 to 68.91, 80.10 to 82.57, 77.90 to 85.12 %).",
        zh: "训练时加入后，NTK-mixed、YaRN 与 ReRoPE（N/2）都复制得更多（文章：53.09 到 68.91，80.10 到 82.57，77.90 到 85.12）。",
      },
      holds: (rows) =>
        known(
          HELPED.flatMap((m) => [far(rows).mean(m), far(rows).mean(`${m}, log n`)]),
          (...shares) => shares.every((share, i) => i % 2 === 0 || share > (shares[i - 1] ?? 1)),
        ),
      shows: (rows) => far(rows).shows(HELPED.flatMap((m) => [m, `${m}, log n`])),
    },
    {
      says: {
        en: "Put in afterwards (†) it helps NTK-mixed and ReRoPE too, and less (the article: 59.11 and 82.40 %).",
        zh: "训练后再加（†）对 NTK-mixed 与 ReRoPE 也有帮助，但较小（文章：59.11 与 82.40）。",
      },
      holds: (rows) =>
        known(
          ["NTK-mixed", "ReRoPE N/2"].flatMap((m) => [
            far(rows).mean(m),
            far(rows).mean(`${m}, log n†`),
            far(rows).mean(`${m}, log n`),
          ]),
          (mixed = 1, mixedAfter = 0, mixedOwn = 0, rerope = 1, reropeAfter = 0, reropeOwn = 0) =>
            mixedAfter > mixed && mixedAfter < mixedOwn && reropeAfter > rerope && reropeAfter < reropeOwn,
        ),
      shows: (rows) => far(rows).shows(["NTK-mixed, log n†", "ReRoPE N/2, log n†"]),
    },
  ],
  run: (given, seed, { report }) =>
    copyRun(
      {
        training: [{ type: "rope", ...(given.trained && { logScale: "trained", trainingLength: N }) }],
        inference: waysOf(given),
      },
      { seed, steps: given.steps },
      report,
    ),
  figures: (rows) => ({ "log-scale-copy.svg": copyPicture(rows, "Copying with and without log n") }),
};
