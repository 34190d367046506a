// What a derivative rule is: from the cotangents of an op's outputs to those of its inputs; `null` means "no
// derivative".
import type { Value } from "../graph/value.ts";
import type { Tensor } from "./tensor.ts";

/** What a rule sees: the value, its inputs, and the cotangent of each output (zeros where nothing flows). */
export interface RuleContext<A> {
  readonly y: Value;
  readonly inputs: readonly Tensor[];
  readonly attributes: A;
  /** Cotangent of the first output. */
  readonly g: Tensor;
  /** Cotangents of all outputs, `null` where nothing flows. */
  readonly all: readonly (Tensor | null)[];
  /** Reverse mode itself, for ops that hold programs. */
  readonly backward: Backward;
}

/** Cotangents of `sources`, given those of `results`. */
export type Backward = (
  results: readonly Value[],
  cotangents: readonly Tensor[],
  sources: readonly Value[],
) => Tensor[];

export type Rule<A> = (c: RuleContext<A>) => readonly (Tensor | null)[];
