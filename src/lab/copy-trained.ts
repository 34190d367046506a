// Methods that extrapolate only if trained with: HWFA, and inverse Leaky ReRoPE, beside a RoPE twin on the copy task.
import {
  createPosition,
  hwfaPlan,
  inverseLeakyRerope,
  type Position,
  rerope,
  rope,
} from "../position/index.ts";
import { random } from "../tensor/index.ts";
import { barChart } from "../draw/bar-chart.ts";
import { copyAccuracy, copyTexts, trainCopyModel } from "./copy-model.ts";
import { type Lab, verdictOf } from "./lab.ts";

export type TrainedMethod = "rope" | "hwfa" | "inverse-leaky" | "rerope";

export interface CopyTrainedOptions {
  readonly seed?: number;
  readonly steps?: number;
  /** Default all; each trains a model of its own. */
  readonly methods?: readonly TrainedMethod[];
}

export interface CopyTrainedRow {
  readonly method: TrainedMethod;
  /** Accuracy at the training length, as trained. */
  readonly own: number;
  /** At eight times the length, as run at inference: periods 24 to 40, and 90 to 120. */
  readonly near: number;
  readonly far: number;
}

const N = 64;
const LONGER = 8;
const LAYERS = 2;
const TEXTS = 8;

/** Positions by layer, in training and at inference. */
function plan(method: TrainedMethod): { training: readonly Position[]; inference: readonly Position[] } {
  if (method === "hwfa") {
    const layers = hwfaPlan({ layers: LAYERS, trainingLength: N }).map(createPosition);
    return { training: layers, inference: layers };
  }
  if (method === "inverse-leaky") {
    const { training, inference } = inverseLeakyRerope({ trainingLength: N, scale: LONGER });
    return { training: [training], inference: [inference] };
  }
  const same = method === "rerope" ? [rerope({ window: N / 4 })] : [rope()];
  return { training: same, inference: same };
}

async function run(
  { seed = 0, steps = 1500, methods = ["rope", "hwfa", "inverse-leaky", "rerope"] }: CopyTrainedOptions,
  report: (line: string) => void = () => undefined,
): Promise<{ rows: CopyTrainedRow[]; figures: Record<string, string> }> {
  const key = random.key(seed);
  const test = random.fold(key, "test");
  const texts = (
    name: string,
    length: number,
    periods: readonly [number, number],
  ): ReturnType<typeof copyTexts> => copyTexts(random.fold(test, name), TEXTS, length, periods);
  const rows: CopyTrainedRow[] = [];
  for (const method of methods) {
    const { training, inference } = plan(method);
    const params = await trainCopyModel(key, training, { length: N, steps }, (step, loss) =>
      report(`${method}, step ${step}: loss ${loss.toFixed(4)}`),
    );
    const [own = 0] = await copyAccuracy(params, training, [texts("own", N, [8, 40])]);
    const kinds = [texts("near", N * LONGER, [24, 40]), texts("far", N * LONGER, [90, 120])];
    const [near = 0, far = 0] = await copyAccuracy(params, inference, kinds);
    rows.push({ method, own, near, far });
    report(`${method}: ${own.toFixed(2)} at ${N}; ${near.toFixed(2)} / ${far.toFixed(2)} at ${N * LONGER}`);
  }
  const figure = barChart({
    title: "Copying at 512 by models trained for it at 64",
    subtitle: `Share of repeated tokens predicted; seed ${seed}, ${steps} steps`,
    most: 1,
    names: ["period 24–40", "period 90–120"],
    rows: rows.map((r) => ({ name: r.method, values: [r.near, r.far] })),
  });
  return { rows, figures: { "copy-trained.svg": figure } };
}

function verdict(rows: readonly CopyTrainedRow[]): ReturnType<typeof verdictOf> {
  const row = (method: TrainedMethod): CopyTrainedRow | undefined => rows.find((r) => r.method === method);
  const twin = row("rope");
  const beats = (method: TrainedMethod): boolean => (row(method)?.far ?? 0) > (twin?.far ?? 1) + 0.1;
  return verdictOf([
    ["Every model learns the training length (above 0.95).", rows.every((r) => r.own > 0.95)],
    ["HWFA copies from beyond it where its RoPE twin does not.", beats("hwfa")],
    ["Inverse Leaky ReRoPE does, running as plain RoPE.", beats("inverse-leaky")],
    ["Training with ReRoPE from the start brings nothing of the kind.", !beats("rerope")],
  ]);
}

export const copyTrained: Lab<CopyTrainedOptions, CopyTrainedRow> = {
  name: "copy-trained",
  claim:
    "HWFA and inverse Leaky ReRoPE, trained at N, copy from beyond N without change; ReRoPE from the start does not.",
  source:
    "Su 2023, Transformer upgrade path 9, 13 and 16, https://kexue.fm/archives/9603, https://kexue.fm/archives/9728, https://kexue.fm/archives/9948",
  run,
  verdict,
};
