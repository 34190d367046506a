// No position in the scores: the model reads order from elsewhere (learned positions, the causal mask).
import { type Position, productPosition } from "./position.ts";

/** `scale · q kᵀ`. */
export function noPosition(): Position {
  return productPosition({ query: (q) => q, key: (k) => k });
}
