// When a loss stops being a number: which tensor went first.
import { type CausalLMParams } from "../model/index.ts";
import { flattenTree } from "../tensor/index.ts";

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
  /** Parameters that the step started from. */
  readonly params: CausalLMParams;
  readonly rate: number;
}

/**
 * The error for a loss or gradient that is not finite. A parameter that is itself not finite is the cause; else the
 * gradients that are not, and, when all of them are, the one that was largest the step before.
 */
export async function explainNonFinite(failure: Failure, advice: string): Promise<NonFiniteError> {
  const { step, loss, names, norms, before, rate } = failure;
  const parameter = await nonFiniteLeaf(failure.params);
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

/** Name of the first tensor that holds a value that is not finite. */
async function nonFiniteLeaf(tree: unknown): Promise<string | undefined> {
  for (const [name, leaf] of flattenTree(tree)) {
    // On a GPU the buffers of a donated state are gone; on a host they live until the next step.
    const data = await leaf.data().catch(() => undefined);
    if (data && !(data as Float32Array).every(Number.isFinite)) return name;
  }
  return undefined;
}
