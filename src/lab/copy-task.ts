// Length extrapolation on a task made for it: does a model trained at N copy from farther away when only its position
// method is changed? After the comparisons of Su 2023, parts 10 to 12 and 15 of "Transformer upgrade path".
import { barChart } from "../draw/bar-chart.ts";
import { createPosition, type PositionSpec } from "../position/index.ts";
import { random } from "../tensor/index.ts";
import { copyAccuracy, copyTexts, trainCopyModel } from "./copy-model.ts";
import { type Lab, verdictOf } from "./lab.ts";

export interface CopyTaskOptions {
  readonly seed?: number;
  readonly steps?: number;
  /** Trained with `ln n / ln N` or without; default without. */
  readonly logScale?: "none" | "trained";
}

/** One method's accuracies in copying at eight times the training length. */
export interface CopyTaskRow {
  readonly method: string;
  /** Periods 24 to 40, met in training. */
  readonly near: number;
  /** Periods 90 to 120, longer than anything met in training. */
  readonly far: number;
}

const N = 64;
const LONGER = 8;
const TEXTS = 8;

const METHODS: readonly (readonly [name: string, spec: PositionSpec])[] = [
  ["RoPE", { type: "rope" }],
  ["PI", { type: "pi", scale: LONGER }],
  ["NTK-old", { type: "ntk-old", scale: LONGER }],
  ["NTK-aware", { type: "ntk-aware", scale: LONGER }],
  ["NTK-aware, 2s", { type: "ntk-aware", scale: 2 * LONGER }],
  ["NTK-fixed", { type: "ntk-fixed", scale: LONGER }],
  ["NTK-mixed", { type: "ntk-mixed", scale: LONGER }],
  ["dynamic NTK", { type: "ntk-dynamic", scale: 1, trainingLength: N }],
  ["YaRN, τ = 8", { type: "yarn", scale: LONGER, trainingLength: N, fast: 8, magnitude: 1 }],
  ["ReRoPE w = 16", { type: "rerope", window: 16 }],
  ["ReRoPE w = 32", { type: "rerope", window: 32 }],
  ["ReRoPE w = 64", { type: "rerope", window: 64 }],
  ["Leaky w = 16, k = 16", { type: "leaky-rerope", window: 16, leak: 16 }],
  ["Leaky w = 32, k = 16", { type: "leaky-rerope", window: 32, leak: 16 }],
  ["ReRoPE w = 64, window 64", { type: "rerope", window: 64, slidingWindow: 64 }],
];

async function run(
  { seed = 0, steps = 1500, logScale = "none" }: CopyTaskOptions,
  report: (line: string) => void = () => undefined,
): Promise<{ rows: CopyTaskRow[]; figures: Record<string, string> }> {
  const key = random.key(seed);
  const scaled = (spec: PositionSpec): PositionSpec =>
    logScale === "trained" ? { ...spec, logScale: "trained", trainingLength: N } : spec;
  const trained = [createPosition(scaled({ type: "rope" }))];
  const params = await trainCopyModel(key, trained, { length: N, steps }, (step, loss) =>
    report(`step ${step}: loss ${loss.toFixed(4)}`),
  );
  const test = random.fold(key, "test");
  const texts = (
    name: string,
    length: number,
    periods: readonly [number, number],
  ): ReturnType<typeof copyTexts> => copyTexts(random.fold(test, name), TEXTS, length, periods);
  const [own = 0] = await copyAccuracy(params, trained, [texts("own", N, [8, 40])]);
  report(`accuracy at ${N}: ${own.toFixed(3)}`);
  const kinds = [texts("near", N * LONGER, [24, 40]), texts("far", N * LONGER, [90, 120])];
  const rows: CopyTaskRow[] = [{ method: `RoPE at ${N}`, near: own, far: Number.NaN }];
  for (const [method, spec] of METHODS) {
    const [near = 0, far = 0] = await copyAccuracy(params, [createPosition(scaled(spec))], kinds);
    rows.push({ method, near, far });
    report(`${method}: ${near.toFixed(2)} / ${far.toFixed(2)}`);
  }
  const figure = barChart({
    title: "Copying at 512 after training at 64",
    subtitle: `Share of repeated tokens predicted; seed ${seed}, ${steps} steps`,
    most: 1,
    names: ["period 24–40", "period 90–120"],
    rows: rows.slice(1).map((r) => ({ name: r.method, values: [r.near, r.far] })),
  });
  return { rows, figures: { "copy-task.svg": figure } };
}

function verdict(rows: readonly CopyTaskRow[]): ReturnType<typeof verdictOf> {
  const far = (method: string): number => rows.find((r) => r.method === method)?.far ?? Number.NaN;
  const ntk = far("NTK-mixed");
  const order = [far("PI"), far("RoPE"), ntk, far("YaRN, τ = 8"), far("ReRoPE w = 16")];
  return verdictOf([
    ["The training length is learned (accuracy above 0.95).", (rows[0]?.near ?? 0) > 0.95],
    [
      "Far copying: PI < RoPE < NTK-mixed < YaRN < ReRoPE(N/4).",
      order.every((x, i) => i === 0 || x > (order[i - 1] ?? 1)),
    ],
    [
      "ReRoPE with w = N/4 copies from beyond the training length (at least 0.9).",
      far("ReRoPE w = 16") >= 0.9,
    ],
    ["A window of N is clearly worse.", far("ReRoPE w = 64") < far("ReRoPE w = 16") - 0.2],
    ["A window mask keeps no long recall.", far("ReRoPE w = 64, window 64") < 0.1],
    ["NTK needs about twice the scale it should reach.", far("NTK-aware, 2s") > far("NTK-aware")],
  ]);
}

export const copyTask: Lab<CopyTaskOptions, CopyTaskRow> = {
  name: "copy-task",
  claim:
    "A model trained at length N copies from beyond N when only its position method changes, and methods rank PI < RoPE < NTK < YaRN < ReRoPE.",
  source:
    "Su 2023, Transformer upgrade path 10 to 12 and 15, https://kexue.fm/archives/9675, https://kexue.fm/archives/9708",
  run,
  verdict,
};
