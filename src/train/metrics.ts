// What a training writes down as it goes.

/** A line about an update. */
export interface StepMetric {
  readonly step: number;
  readonly seconds: number;
  readonly loss: number;
  readonly rate: number;
  readonly gradientNorm: number;
}

/** A line about a validation. */
export interface ValidationMetric {
  readonly step: number;
  readonly seconds: number;
  readonly validationLoss: number;
  readonly validationBitsPerByte: number;
}

export type Metric = StepMetric | ValidationMetric;

/** True for lines about an update. */
export function isStep(metric: Metric): metric is StepMetric {
  return "loss" in metric;
}
