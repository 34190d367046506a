// What the methods of this room share: the causal mask, and a softmax over what is visible.
import { expandDims, full, greaterEqual, softmax, type Tensor, where } from "../tensor/index.ts";

/** What a hidden score becomes: far below any other, yet finite, so that a fully hidden row stays finite. */
export const HIDDEN = -1e9;

/** `[T, S]`, true where `keyPosition ≤ queryPosition`. */
export function causalMask(queryPositions: Tensor, keyPositions: Tensor): Tensor {
  return greaterEqual(expandDims(queryPositions, 1), expandDims(keyPositions, 0));
}

/** `scores` where `visible` (of a shape that broadcasts), far below elsewhere. */
export function hide(scores: Tensor, visible: Tensor): Tensor {
  return scores.add(where(visible, full([], 0, { dtype: scores.dtype }), HIDDEN));
}

/** Softmax over the last axis of what is visible. */
export function maskedSoftmax(scores: Tensor, visible: Tensor): Tensor {
  return softmax(hide(scores, visible));
}
