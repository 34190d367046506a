// No position in the scores: the model reads order from elsewhere (learned positions, the causal mask).
import { matmul } from "../tensor/index.ts";
import type { Position } from "./position.ts";

/** `scale · q kᵀ`. */
export function noPosition(): Position {
  return { scores: (q, k, _, __, scale) => matmul(q, k, { transposeB: true, scale }) };
}
