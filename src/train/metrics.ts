// What a training writes down as it goes: a line an update, a line a validation.

/** A line of numbers by name. */
export interface Metric {
  readonly [name: string]: number;
  readonly step: number;
  readonly seconds: number;
}

/** A line about an update: its losses by name besides. */
export interface StepMetric extends Metric {
  readonly rate: number;
  readonly gradientNorm: number;
}

/**
 * The lines up to `step`. At the end of a training, which validates anew when it is gone on with, also without the
 * validations of `step`, so that none stands there twice.
 */
export function withoutLater(metrics: readonly Metric[], step: number, atEnd: boolean): Metric[] {
  return metrics.filter((m) => m.step < step || (m.step === step && !(atEnd && !isStep(m))));
}

/** True for lines about an update. */
export function isStep(metric: Metric): metric is StepMetric {
  return "gradientNorm" in metric;
}
