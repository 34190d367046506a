// What a classifier learns from: sequences with labels, whatever file they came from.
import { FileError, OptionError } from "../../errors.ts";

/** One sequence, with its label where there is one. */
export interface Case {
  /** One array a channel, all of one length; NaN where a value is missing. Series only. */
  readonly series?: readonly Float64Array[];
  /** Texts only. */
  readonly text?: string;
  readonly label?: string;
  /** `train.ts, line 14`. */
  readonly where: string;
}

/** The cases of a file. */
export interface Cases {
  readonly input: "series" | "text";
  readonly cases: readonly Case[];
  /** Channels of every series; 0 for texts. */
  readonly channels: number;
  /** Classes in the order that the file lists them, where it does. */
  readonly classes?: readonly string[];
  /** The file says that its labels are numbers to be predicted. */
  readonly numbers: boolean;
  /** What a person should know about how the file was read. */
  readonly notices: readonly string[];
}

/** What becomes of missing values: nothing is guessed unless it is said. */
export type Missing = "refuse" | "linear" | "mean";

/** Names of the choices. */
export const MISSING: readonly Missing[] = ["refuse", "linear", "mean"];

/** Length of a series. */
export const lengthOf = (series: readonly Float64Array[]): number => series[0]?.length ?? 0;

/**
 * Series without missing values. `linear` draws a straight line between the neighbours and holds the ends; `mean` takes the
 * channel's mean over the training part; `refuse` names the first gap.
 * @param means One a channel. @throws FileError with `refuse`, and for a channel of which no value is known.
 */
export function withoutGaps(cases: readonly Case[], how: Missing, means: readonly number[]): Case[] {
  return cases.map((one) => {
    const { series, where } = one;
    if (series === undefined || series.every((channel) => !channel.some(Number.isNaN))) return one;
    if (how === "refuse") {
      const channel = series.findIndex((values) => values.some(Number.isNaN));
      const place = series[channel]?.findIndex(Number.isNaN) ?? 0;
      throw new FileError(
        `classify: ${where} must have all its values, got none at place ${place + 1} of channel ${channel + 1}. Say what stands there with --missing linear or --missing mean.`,
      );
    }
    return {
      ...one,
      series: series.map((values, c) =>
        how === "mean"
          ? values.map((v) => (Number.isNaN(v) ? (means[c] ?? 0) : v))
          : joined(values, where, c),
      ),
    };
  });
}

/** Straight lines across gaps. */
function joined(values: Float64Array, where: string, channel: number): Float64Array {
  const known = [...values.keys()].filter((i) => !Number.isNaN(values[i]));
  const [first, last] = [known[0], known.at(-1)];
  if (first === undefined || last === undefined) {
    throw new FileError(
      `classify: ${where} must have a value in channel ${channel + 1} to draw lines from, got ${values.length} missing ones. Use --missing mean.`,
    );
  }
  let next = 0;
  return values.map((v, i) => {
    if (!Number.isNaN(v)) return v;
    while ((known[next] ?? Infinity) < i) next += 1;
    const [from, to] = [known[next - 1] ?? first, known[next] ?? last];
    const [a, b] = [values[from] ?? 0, values[to] ?? 0];
    return from === to ? a : a + ((b - a) * (i - from)) / (to - from);
  });
}

/** How many values of all series are missing. */
export function gapsIn(cases: readonly Case[]): number {
  let gaps = 0;
  for (const { series = [] } of cases)
    for (const values of series) gaps += values.filter(Number.isNaN).length;
  return gaps;
}

/**
 * The classes of a training part: in the order of the file where it lists them, else sorted, numbers by size.
 * @throws FileError for a case without a label, OptionError for fewer than two classes.
 */
export function classesOf({ cases, classes: listed }: Cases): string[] {
  const found = new Set(cases.map((one) => labelOf(one)));
  const all = listed ? listed.filter((name) => found.has(name)) : [...found].sort(byNumber);
  if (all.length >= 2) return all;
  throw new OptionError(
    `classify: the training part must have at least two classes, got ${all.length === 0 ? "none" : `only "${all[0]}"`}. Is --label the column meant? Numbers are predicted with --regression.`,
  );
}

const byNumber = (a: string, b: string): number => {
  const [x, y] = [Number(a), Number(b)];
  if (Number.isFinite(x) && Number.isFinite(y)) return x - y;
  return a < b ? -1 : a > b ? 1 : 0;
};

/** @throws FileError for a case without one. */
export function labelOf({ label, where }: Case): string {
  if (label !== undefined) return label;
  throw new FileError(
    `classify: ${where} must have a label, got none. Files without labels are for: athanor classify predict`,
  );
}

/** The place of a case's class. @throws FileError for a class that no training example has. */
export function classAt(classes: readonly string[], one: Case): number {
  const label = labelOf(one);
  const at = classes.indexOf(label);
  if (at >= 0) return at;
  throw new FileError(
    `classify: ${one.where} must be of a class of the training part (${classes.slice(0, 12).join(", ")}${classes.length > 12 ? ", …" : ""}), got "${label}", which no training example has. Add some to the training part, or take these cases out.`,
  );
}

/** The number that a case's label is. @throws FileError for one that is none. */
export function numberAt(one: Case): number {
  const label = labelOf(one);
  const value = label.trim() === "" ? Number.NaN : Number(label);
  if (Number.isFinite(value)) return value;
  throw new FileError(`classify: ${one.where} must have a number as its label, got "${label}".`);
}
