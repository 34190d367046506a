// How good predictions are: of classes by a table of confusions, of numbers by their distances.
import type { Labels } from "./prepare.ts";

/** What a model says of some cases. */
export interface Outputs {
  /** `[count, outputs]`, row by row: logits, or numbers in the model's unit. */
  readonly values: Float64Array;
  readonly count: number;
}

/** Of classes. */
export interface ClassScores {
  /** Share of cases whose class has the largest logit. */
  readonly accuracy: number;
  /** Mean cross-entropy in nats. */
  readonly loss: number;
  /** Mean over the classes that occur of the share of their cases that are right. */
  readonly balancedAccuracy: number;
  /** Mean over the classes of the harmonic mean of precision and recall. */
  readonly macroF1: number;
  /** Cases of class `row` that were taken for class `column`. */
  readonly confusion: readonly (readonly number[])[];
}

/** Of numbers, in the unit of the labels; the loss in that of the model. */
export interface NumberScores {
  readonly loss: number;
  readonly rootMeanSquare: number;
  readonly meanAbsolute: number;
  /** `1 − Σ(y − ŷ)² / Σ(y − ȳ)²`; null where all labels are one. */
  readonly rSquared: number | null;
}

/** Probabilities of the classes of each case. */
export function probabilitiesOf({ values, count }: Outputs, classes: number): number[][] {
  return Array.from({ length: count }, (_, i) => {
    const row = Array.from(values.subarray(i * classes, (i + 1) * classes));
    const most = Math.max(...row);
    const powers = row.map((v) => Math.exp(v - most));
    const total = powers.reduce((a, b) => a + b, 0);
    return powers.map((p) => p / total);
  });
}

/** @param targets Places of the classes. */
export function classScores(outputs: Outputs, targets: Float64Array, classes: number): ClassScores {
  const confusion = Array.from({ length: classes }, () => Array.from({ length: classes }, () => 0));
  let [right, loss] = [0, 0];
  probabilitiesOf(outputs, classes).forEach((row, i) => {
    const target = targets[i] ?? 0;
    const said = row.indexOf(Math.max(...row));
    right += Number(said === target);
    loss -= Math.log(Math.max(row[target] ?? 0, Number.MIN_VALUE));
    const own = confusion[target];
    if (own) own[said] = (own[said] ?? 0) + 1;
  });
  const total = (f: (k: number) => number): number => confusion.reduce((sum, _, k) => sum + f(k), 0);
  const hits = (k: number): number => confusion[k]?.[k] ?? 0;
  const truly = (k: number): number => (confusion[k] ?? []).reduce((a, b) => a + b, 0);
  const said = (k: number): number => total((i) => confusion[i]?.[k] ?? 0);
  const occurring = total((k) => Number(truly(k) > 0));
  return {
    accuracy: right / outputs.count,
    loss: loss / outputs.count,
    balancedAccuracy: total((k) => (truly(k) > 0 ? hits(k) / truly(k) : 0)) / Math.max(1, occurring),
    macroF1: total((k) => (2 * hits(k)) / Math.max(1, truly(k) + said(k))) / classes,
    confusion,
  };
}

/** @param targets In the model's unit, as the outputs. */
export function numberScores(
  { values, count }: Outputs,
  targets: Float64Array,
  { deviation }: Extract<Labels, { type: "number" }>,
): NumberScores {
  const mean = targets.reduce((a, b) => a + b, 0) / count;
  const sum = (f: (target: number, at: number) => number): number =>
    targets.reduce((total, y, i) => total + f(y, i), 0);
  const loss = sum((y, i) => (y - (values[i] ?? 0)) ** 2) / count;
  const spread = sum((y) => (y - mean) ** 2) / count;
  return {
    loss,
    rootMeanSquare: Math.sqrt(loss) * deviation,
    meanAbsolute: (sum((y, i) => Math.abs(y - (values[i] ?? 0))) / count) * deviation,
    rSquared: spread === 0 ? null : 1 - loss / spread,
  };
}
