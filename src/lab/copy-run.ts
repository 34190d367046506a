// The copy task as entries use it: train at 64, copy at 512 with other positions or the same.
import { createPosition, type PositionSpec } from "../position/index.ts";
import { random } from "../tensor/index.ts";
import type { Rule } from "./entry.ts";
import { copyAccuracy, copyTexts, trainCopyModel } from "./copy-model.ts";

/** Length of training, and how many times longer texts are then. */
export const COPY_LENGTH = 64;
export const LONGER = 8;
const TEXTS = 8;

/** What each layer is trained with, and what it is then run with, by name; one spec stands for all layers. */
export interface CopyPlan {
  readonly training: readonly PositionSpec[];
  readonly inference: readonly (readonly [name: string, specs: readonly PositionSpec[]])[];
}

/** One way to run a trained model. */
export interface CopyRow {
  readonly method: string;
  /** Share of repeated tokens predicted at the training length, as trained. */
  readonly own: number;
  /** The same at eight times the length: periods 24 to 40, met in training. */
  readonly near: number;
  /** Periods 90 to 120, longer than anything met in training. */
  readonly far: number;
}

/** What must hold where several models are trained. */
export const LEARNT: Rule<CopyRow> = {
  premise: true,
  says: {
    en: "Every model learns the training length (above 0.95).",
    zh: "每个模型都学会了训练长度（高于 0.95）。",
  },
  holds: (rows) => rows.every((r) => r.own > 0.95),
};

/** Trains one model and lets it copy in every way of `plan`. */
export async function copyRun(
  { training, inference }: CopyPlan,
  { seed, steps, texts = TEXTS }: { readonly seed: number; readonly steps: number; readonly texts?: number },
  report: (line: string) => void,
): Promise<CopyRow[]> {
  const key = random.key(seed);
  const trained = training.map(createPosition);
  const params = await trainCopyModel(key, trained, { length: COPY_LENGTH, steps }, (step, loss) =>
    report(`step ${step}: loss ${loss.toFixed(4)}`),
  );
  const test = random.fold(key, "test");
  const draw = (
    name: string,
    length: number,
    periods: readonly [number, number],
  ): ReturnType<typeof copyTexts> => copyTexts(random.fold(test, name), texts, length, periods);
  const [own = 0] = await copyAccuracy(params, trained, [draw("own", COPY_LENGTH, [8, 40])]);
  const long = COPY_LENGTH * LONGER;
  const kinds = [draw("near", long, [24, 40]), draw("far", long, [90, 120])];
  const rows: CopyRow[] = [];
  for (const [method, specs] of inference) {
    const [near = 0, far = 0] = await copyAccuracy(params, specs.map(createPosition), kinds);
    rows.push({ method, own, near, far });
    report(
      `${method}: ${own.toFixed(2)} at ${COPY_LENGTH}, ${near.toFixed(2)} / ${far.toFixed(2)} at ${long}`,
    );
  }
  return rows;
}
