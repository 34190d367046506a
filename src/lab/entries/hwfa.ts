// HWFA and HWFA2: windows below, full attention above. Copy task of four layers, beside a RoPE twin and ablations.
import { hwfa2Plan, hwfaPlan, type PositionSpec } from "../../position/index.ts";
import { copyPicture } from "../copy-picture.ts";
import { COPY_LENGTH as N, type CopyRow, copyRun, LEARNT } from "../copy-run.ts";
import type { Entry } from "../entry.ts";
import { byMethod } from "../methods.ts";
import { known } from "../statistics.ts";

const LAYERS = 4;
const METHODS = [
  "RoPE",
  "HWFA",
  "HWFA, RoPE above",
  "HWFA, no log n",
  "HWFA2, one full",
  "HWFA2, two full",
] as const;
type Method = (typeof METHODS)[number];

interface HwfaSettings {
  readonly method: Method;
  readonly steps: number;
}

const plan = hwfaPlan({ layers: LAYERS, trainingLength: N });
const last = (spec: PositionSpec): PositionSpec[] => [...plan.slice(0, -1), spec];
const mixed = (full: 1 | 2, stage: "training" | "inference"): PositionSpec[] =>
  hwfa2Plan({ layers: LAYERS, trainingLength: N, full, stage });

/** Positions by layer in training, and at inference where they differ. */
const PLANS: Readonly<Record<Method, { training: PositionSpec[]; inference?: PositionSpec[] }>> = {
  RoPE: { training: Array.from({ length: LAYERS }, () => ({ type: "rope" })) },
  HWFA: { training: plan },
  "HWFA, RoPE above": { training: last({ type: "rope", logScale: "trained", trainingLength: N }) },
  "HWFA, no log n": { training: last({ type: "none" }) },
  "HWFA2, one full": { training: mixed(1, "training"), inference: mixed(1, "inference") },
  "HWFA2, two full": { training: mixed(2, "training"), inference: mixed(2, "inference") },
};

const settings = (steps: number, methods: readonly Method[] = METHODS): HwfaSettings[] =>
  methods.map((method) => ({ method, steps }));
const far = (rows: readonly CopyRow[]) => byMethod(rows, (r) => r.far);

export const hwfa: Entry<HwfaSettings, CopyRow> = {
  name: "hwfa",
  row: "hwfa",
  claim: {
    en: "Windows with RoPE below a full layer without position extrapolate unchanged; RoPE in the full layer or no log n is worse; with several full layers of RoPE that become ReRoPE the result is better still.",
    zh: "下层用带 RoPE 的窗口注意力、顶层用无位置的全注意力，不作任何修改即可外推；顶层加 RoPE 或去掉 log n 会变差；换成若干层 RoPE 全注意力并在推理时改为 ReRoPE 则更好。",
  },
  source: {
    says: "Su 2023, Transformer upgrade path 9 and 14",
    links: ["https://kexue.fm/archives/9603", "https://kexue.fm/archives/9731"],
  },
  needs: [],
  minutes: { quick: 4, full: 90 },
  seeds: [0, 1, 2],
  settings: {
    smallest: settings(1, ["HWFA"]),
    quick: settings(900, ["RoPE", "HWFA"]),
    full: settings(1500),
  },
  rules: [
    LEARNT,
    {
      says: {
        en: "HWFA copies from beyond N where its RoPE twin does not (0.4 more).",
        zh: "HWFA 能从 N 之外复制而 RoPE 对照不能（多 0.4）。",
      },
      holds: (rows) =>
        known([far(rows).mean("HWFA"), far(rows).mean("RoPE")], (own = 0, twin = 1) => own > twin + 0.4),
      direction: (rows) =>
        known([far(rows).mean("HWFA"), far(rows).mean("RoPE")], (own = 0, twin = 1) => own > twin),
      shows: (rows) => far(rows).shows(["RoPE", "HWFA"]),
    },
    {
      says: { en: "RoPE in its full layer extrapolates worse.", zh: "全注意力层加 RoPE 外推变差。" },
      holds: (rows) =>
        known(
          [far(rows).mean("HWFA, RoPE above"), far(rows).mean("HWFA")],
          (worse = 1, own = 0) => worse < own,
        ),
      shows: (rows) => far(rows).shows(["HWFA", "HWFA, RoPE above"]),
    },
    {
      says: { en: "Without log n it extrapolates worse.", zh: "去掉 log n 外推变差。" },
      holds: (rows) =>
        known(
          [far(rows).mean("HWFA, no log n"), far(rows).mean("HWFA")],
          (worse = 1, own = 0) => worse < own,
        ),
      shows: (rows) => far(rows).shows(["HWFA", "HWFA, no log n"]),
    },
    {
      says: {
        en: "HWFA2 with two full layers is at least as good as with one, and as HWFA (within 0.02).",
        zh: "两层全注意力的 HWFA2 不差于一层的，也不差于 HWFA（0.02 以内）。",
      },
      holds: (rows) =>
        known(
          [far(rows).mean("HWFA2, two full"), far(rows).mean("HWFA2, one full"), far(rows).mean("HWFA")],
          (two = 0, one = 1, own = 1) => two > Math.max(one, own) - 0.02,
        ),
      shows: (rows) => far(rows).shows(["HWFA", "HWFA2, one full", "HWFA2, two full"]),
    },
  ],
  beyond: [
    {
      en: "That 24 layers with w = 16 lose 0.7 points at the training length (49.41 to 48.70 %) needs the article's model.",
      zh: "24 层、w = 16 时训练长度处损失 0.7 个点（49.41 到 48.70）需要文章的模型。",
    },
  ],
  run: async ({ method, steps }, seed, { report }) => {
    const { training, inference = training } = PLANS[method];
    return copyRun({ training, inference: [[method, inference]] }, { seed, steps }, report);
  },
  figures: (rows) => ({ "hwfa-copy.svg": copyPicture(rows, "Copying by models trained for it") }),
};
