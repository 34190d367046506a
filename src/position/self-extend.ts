// Jin et al. 2024, "LLM Maybe LongLM: Self-Extend LLM context window without tuning", section 3.
// https://arxiv.org/abs/2401.01325; read as Leaky ReRoPE with whole places in Su 2024, https://kexue.fm/archives/9948
import { OptionError } from "../errors.ts";
import { add, cast, type Tensor } from "../tensor/index.ts";
import { type Position, positionByDistance } from "./position.ts";
import { type RotaryOptions, turnOf } from "./rotary.ts";
import { checkWhole } from "./scale.ts";

export interface SelfExtendOptions extends RotaryOptions {
  /** Distances below `w` are true. */
  readonly window: number;
  /** Beyond it, `g` neighbouring tokens share a place. */
  readonly group: number;
}

/**
 * Self-Extend: distance `P(i, j) = i − j` for `i − j < w`, else `⌊i/g⌋ − ⌊j/g⌋ + w − ⌊w/g⌋`. Leaky ReRoPE of leak `g`
 * has `w + (i − j − w)/g` there, which lies less than 2 away, and agrees where `i`, `j` and `w` are multiples of `g`:
 * places stay whole numbers, as in training. Group 1 is RoPE. For a model trained with RoPE, at inference.
 */
export function selfExtend({ window, group, ...rotary }: SelfExtendOptions): Position {
  checkWhole("selfExtend", "window", window);
  checkWhole("selfExtend", "group", group);
  if (group > window) {
    throw new OptionError(
      `selfExtend: group must be at most the window, or far tokens would seem nearer than near ones, got ${group} and ${window}.`,
    );
  }
  const turn = turnOf("selfExtend", rotary);
  const place = (positions: Tensor): Tensor => cast(positions, "int32").div(group);
  const shift = window - Math.floor(window / group);
  return positionByDistance({
    near: { query: turn, key: turn },
    far: {
      query: (q, i) => turn(q, add(place(i), shift)),
      key: (k, j) => turn(k, place(j)),
    },
    window,
  });
}
