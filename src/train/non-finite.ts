// When a loss stops being a number: which tensor went first.

/** A training that cannot go on because its numbers are no longer finite. */
export class NonFiniteError extends Error {
  override name = "NonFiniteError";
  /** Updates before the one that failed. */
  readonly step: number;
  /** Parameter (or gradient) that is not finite, if one stands out. */
  readonly tensor: string | undefined;

  constructor(message: string, step: number, tensor: string | undefined) {
    super(message);
    this.step = step;
    this.tensor = tensor;
  }
}

/** What is known of the failed step. */
export interface Failure {
  readonly step: number;
  readonly loss: number;
  readonly names: readonly string[];
  /** Gradient norms of this step and of the one before. */
  readonly norms: Float64Array;
  readonly before: Float64Array | undefined;
  /** Sums of the parameters that the step started from. */
  readonly sums: Float64Array;
  readonly rate: number;
}

/**
 * The error for a loss or gradient that is not finite. A parameter that is itself not finite is the cause; else the
 * gradients that are not, and, when all of them are, the one that was largest the step before.
 */
export function explainNonFinite(failure: Failure, advice: string): NonFiniteError {
  const { step, loss, names, norms, sums, before, rate } = failure;
  const parameter = names.find((_, i) => !Number.isFinite(sums[i]));
  const gradients = names.filter((_, i) => !Number.isFinite(norms[i]));
  const largest = before && names[before.indexOf(Math.max(...before))];
  let cause = "";
  let tensor = parameter;
  if (parameter !== undefined) {
    cause = `parameter ${parameter} is not finite after an update with learning rate ${rate.toPrecision(3)}`;
  } else if (gradients.length > 0 && (gradients.length < names.length || largest === undefined)) {
    tensor = gradients[0];
    const others = gradients.length > 1 ? ` and ${gradients.length - 1} more` : "";
    cause = `the gradient of ${tensor}${others} is not finite`;
  } else if (largest !== undefined) {
    tensor = largest;
    cause = `all gradients are not finite; the largest before was that of ${largest}, norm ${Math.max(...(before ?? [])).toPrecision(3)}`;
  }
  return new NonFiniteError(
    `train: loss and gradients must be finite, got loss ${loss} at step ${step}: ${cause}. ${advice}`,
    step,
    tensor,
  );
}
