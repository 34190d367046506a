// Su et al. 2021, "RoFormer", section 3.2. https://arxiv.org/abs/2104.09864
import { type Position, productPosition } from "./position.ts";
import { type RotaryOptions, turnOf } from "./rotary.ts";

/**
 * Rotary position embedding: queries and keys turned by `position · θᵢ`, so that the score depends on the
 * difference of positions only. Takes any base, frequency rule, layout and turned share of the head.
 * @example
 * rope({ base: 500_000 });
 * rope({ frequencies: ntkMixed({ scale: 8 }) });
 */
export function rope(options: RotaryOptions = {}): Position {
  const turn = turnOf("rope", options);
  return productPosition({ query: turn, key: turn });
}
