// Inverse Leaky ReRoPE: trained with a slope above one beyond a window, run as plain RoPE. Copy task, three trainings.
import type { PositionSpec } from "../../position/index.ts";
import { copyPicture } from "../copy-picture.ts";
import { COPY_LENGTH, type CopyRow, copyRun, LEARNT, LONGER } from "../copy-run.ts";
import type { Entry } from "../entry.ts";
import { byMethod } from "../methods.ts";
import { known } from "../statistics.ts";

const METHODS = ["RoPE", "inverse leaky", "inverse leaky, log n", "inverse leaky, log n, base × 8"] as const;
type Method = (typeof METHODS)[number];

interface InverseLeakySettings {
  readonly method: Method;
  readonly steps: number;
}

/** The article's numbers at our length: w = N/4, slope 2s beyond it. */
const training: PositionSpec = { type: "leaky-rerope", window: COPY_LENGTH / 4, leak: 1 / (2 * LONGER) };
const logged = { logScale: "trained", trainingLength: COPY_LENGTH } as const;
const large = { base: 10_000 * LONGER };

const PLANS: Readonly<Record<Method, { training: PositionSpec; inference: PositionSpec }>> = {
  RoPE: { training: { type: "rope", ...logged }, inference: { type: "rope", ...logged } },
  "inverse leaky": { training, inference: { type: "rope" } },
  "inverse leaky, log n": { training: { ...training, ...logged }, inference: { type: "rope", ...logged } },
  "inverse leaky, log n, base × 8": {
    training: { ...training, ...logged, ...large },
    inference: { type: "rope", ...logged, ...large },
  },
};

const settings = (steps: number, methods: readonly Method[] = METHODS): InverseLeakySettings[] =>
  methods.map((method) => ({ method, steps }));
const far = (rows: readonly CopyRow[]) => byMethod(rows, (r) => r.far);

export const inverseLeaky: Entry<InverseLeakySettings, CopyRow> = {
  name: "inverse-leaky",
  row: "inverse-leaky",
  claim: {
    en: "A model trained with inverse Leaky ReRoPE and log n runs beyond its training length as plain RoPE, at full speed.",
    zh: "用逆 Leaky ReRoPE 加 log n 训练的模型，推理时作为普通 RoPE 即可超出训练长度，且速度不减。",
  },
  source: {
    says: "Su 2023, Transformer upgrade path 13",
    links: ["https://kexue.fm/archives/9728"],
  },
  needs: [],
  minutes: { quick: 3, full: 32 },
  seeds: [0, 1, 2],
  settings: {
    smallest: settings(2, ["inverse leaky"]),
    quick: settings(900, ["RoPE", "inverse leaky, log n"]),
    full: settings(1500),
  },
  rules: [
    LEARNT,
    {
      says: {
        en: "With log n trained in it copies from beyond N where its twin does not (0.4 more).",
        zh: "训练中带 log n 时，它能从 N 之外复制而对照不能（多 0.4）。",
      },
      holds: (rows) =>
        known(
          [far(rows).mean("inverse leaky, log n"), far(rows).mean("RoPE")],
          (own = 0, twin = 1) => own > twin + 0.4,
        ),
      direction: (rows) =>
        known(
          [far(rows).mean("inverse leaky, log n"), far(rows).mean("RoPE")],
          (own = 0, twin = 1) => own > twin,
        ),
      shows: (rows) => far(rows).shows(["RoPE", "inverse leaky, log n"]),
    },
    {
      says: {
        en: "It is cured, not half cured: at least 0.9 of far tokens are copied.",
        zh: "是治好而非治了一半：远处 token 至少复制对 0.9。",
      },
      holds: (rows) => known([far(rows).mean("inverse leaky, log n")], (own = 0) => own >= 0.9),
      direction: (rows) => known([far(rows).mean("inverse leaky, log n")], (own = 0) => own >= 0.5),
      shows: (rows) => far(rows).shows(["inverse leaky", "inverse leaky, log n"]),
    },
    {
      says: {
        en: "On text that repeats, a base eight times larger does not help (the article: 82.25 falls to 81.15 %).",
        zh: "对重复文本，底数放大八倍没有帮助（文章：82.25 降到 81.15）。",
      },
      holds: (rows) =>
        known(
          [far(rows).mean("inverse leaky, log n, base × 8"), far(rows).mean("inverse leaky, log n")],
          (large = 1, plain = 0) => large <= plain,
        ),
      shows: (rows) => far(rows).shows(["inverse leaky, log n", "inverse leaky, log n, base × 8"]),
    },
  ],
  run: async ({ method, steps }, seed, { report }) =>
    copyRun(
      { training: [PLANS[method].training], inference: [[method, [PLANS[method].inference]]] },
      { seed, steps },
      report,
    ),
  figures: (rows) => ({ "inverse-leaky.svg": copyPicture(rows, "Copying after inverse Leaky ReRoPE") }),
};
