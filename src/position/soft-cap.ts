// Bello et al. 2016, section 5.1 (https://arxiv.org/abs/1611.09940); of attention's scores: Gemma 2, section 2.
// https://arxiv.org/abs/2408.00118
import { OptionError } from "../errors.ts";
import { tanh } from "../tensor/index.ts";
import { type Position, rescored } from "./position.ts";

/** `inner` with scores `cap · tanh(score / cap)`, which never leave `(−cap, cap)`. */
export function softCapped(inner: Position, cap: number): Position {
  if (!(cap > 0 && cap < Infinity)) throw new OptionError(`softCapped: cap must be above 0, got ${cap}.`);
  return rescored(inner, (...given) => tanh(inner.scores(...given).div(cap)).mul(cap));
}
