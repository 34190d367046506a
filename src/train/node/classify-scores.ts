// Scores of a classifier, and what a run folder shows of them: result.json, confusion.svg or numbers.svg, accuracy.svg.
import type { Heading } from "../../draw/svg.ts";
import type { ClassifierConfig } from "../../model/classifier-config.ts";
import type { ClassifierParams } from "../../model/classifier.ts";
import type { Device } from "../../tensor/index.ts";
import type { Metric } from "../metrics.ts";
import type { RunStore } from "../run-store.ts";
import { confusionPicture, curvePicture, numbersPicture } from "../classify/pictures.ts";
import type { Labels, Prepared } from "../classify/prepare.ts";
import {
  classScores,
  type ClassScores,
  numberScores,
  type NumberScores,
  type Outputs,
} from "../classify/scores.ts";
import { outputsOf } from "../classify/task.ts";

/** Scores of classes, with their names, or of numbers. */
export type Scores =
  | (ClassScores & { readonly classes: readonly string[] })
  | (NumberScores & { readonly accuracy: null });

/** Scores, and what they are made of. */
export interface Scored {
  readonly scores: Scores;
  readonly outputs: Outputs;
  readonly targets: Float64Array;
}

/** What a model says of labelled cases, beside their labels. */
export async function scoreOf(
  model: ClassifierConfig,
  params: ClassifierParams,
  cases: Prepared,
  labels: Labels,
  on: { readonly device?: Device } = {},
): Promise<Scored> {
  const reader = outputsOf(model, on);
  try {
    const outputs = await reader.read(params, cases);
    const targets = cases.targets ?? new Float64Array(cases.count);
    const scores: Scores =
      labels.type === "classes"
        ? { ...classScores(outputs, targets, labels.names.length), classes: labels.names }
        : { ...numberScores(outputs, targets, labels), accuracy: null };
    return { scores, outputs, targets };
  } finally {
    await reader.release();
  }
}

/** Writes the pictures and numbers of a training that ended after `steps`. */
export async function writeScores(
  store: RunStore,
  { scores, outputs, targets }: Scored,
  labels: Labels,
  { steps, ...heading }: Heading & { readonly steps: number },
): Promise<void> {
  await store.write("result.json", `${JSON.stringify(scores, null, 2)}\n`);
  // The last line may still wait to be written.
  const before = metricsIn((await store.read("metrics.jsonl")) ?? "").filter(({ step }) => step < steps);
  const until = (last: Record<string, number>): Metric[] => [...before, { step: steps, seconds: 0, ...last }];
  if (labels.type === "classes" && "confusion" in scores) {
    const title = `${heading.title}: ${(100 * scores.accuracy).toFixed(1)} % of ${outputs.count} right`;
    await store.write(
      "confusion.svg",
      confusionPicture(scores.confusion, labels.names, { ...heading, title }),
    );
    const curve = curvePicture(until({ accuracy: scores.accuracy }), "accuracy", "accuracy", heading);
    if (curve !== undefined) await store.write("accuracy.svg", curve);
    return;
  }
  if (labels.type !== "number" || !("rootMeanSquare" in scores)) return;
  const { rootMeanSquare } = scores;
  const unit = (value: number): number => value * labels.deviation + labels.mean;
  await store.write("numbers.svg", numbersPicture(targets.map(unit), outputs.values.map(unit), heading));
  const curve = curvePicture(until({ rootMeanSquare }), "rootMeanSquare", "root mean square error", heading);
  if (curve !== undefined) await store.write("error.svg", curve);
}

function metricsIn(text: string): Metric[] {
  return text.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as Metric]));
}
