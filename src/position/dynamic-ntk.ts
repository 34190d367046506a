// emozilla 2023, "Dynamically scaled RoPE", https://www.reddit.com/r/LocalLLaMA/comments/14mrgpr, on bloc97's NTK-aware
// rule, as published in Hugging Face's modeling_rope_utils.py (rope_type "dynamic").
import { checkOptions, OptionError } from "../errors.ts";
import { add, cast, exp, iota, log, matmul, max, maximum, type Tensor } from "../tensor/index.ts";
import type { Position } from "./position.ts";
import { type RotaryLayout, rotate, turnPart } from "./rotary.ts";
import { checkScale, checkWhole } from "./scale.ts";

export interface DynamicNtkOptions {
  /** Length `N` the model was trained on: up to it nothing changes. */
  readonly trainingLength: number;
  /** Growth `F ≥ 1` of the base with length; default 1. */
  readonly factor?: number;
  /** Default 10000. */
  readonly base?: number;
  /** Default `half`. */
  readonly layout?: RotaryLayout;
  /** Share of a head's numbers that turn; default 1. */
  readonly fraction?: number;
}

/**
 * Rotary scores whose base grows with the context in view: at length `n`, the last key's position plus one,
 * `b ← b·(F·n/N − (F − 1))^(D/(D−2))` for n > N. Keys arrive unrotated, so every step scores all of them under one
 * base, exactly; a block of queries uses the length at its end.
 */
export function dynamicNtk(options: DynamicNtkOptions): Position {
  checkOptions("dynamicNtk", options, ["trainingLength", "factor", "base", "layout", "fraction"]);
  const { trainingLength: N, factor = 1, base = 10_000, layout = "half", fraction = 1 } = options;
  checkWhole("dynamicNtk", "trainingLength", N);
  checkScale("dynamicNtk", factor);
  if (!(base > 1)) throw new OptionError(`dynamicNtk: base must be above 1, got ${base}.`);
  return {
    whole: true,
    scores(q, k, queryPositions, keyPositions, scale) {
      const dtype = q.dtype === "float16" ? "float32" : q.dtype;
      const length = add(cast(max(keyPositions), dtype), 1); // []
      const growth = log(maximum(length.mul(factor / N).sub(factor - 1), 1));
      const turn = (x: Tensor, positions: Tensor): Tensor =>
        turnPart("dynamicNtk", x, fraction, (part, D) => {
          // θᵢ = (b · growth^(D/(D−2)))^(−2i/D), by logarithms.
          const logBase = growth.mul(D / Math.max(D - 2, 1)).add(Math.log(base));
          const exponents = cast(iota(D / 2), dtype).mul(-2 / D);
          return rotate(part, positions, exp(exponents.mul(logBase)), layout);
        });
      return matmul(turn(q, queryPositions), turn(k, keyPositions), { transposeB: true, scale });
    },
  };
}
