// YaRN whose scale follows the length in view: Peng et al. 2023, "YaRN", section 3.3 ("Dynamic scaling"),
// https://arxiv.org/abs/2309.00071; Su 2024, https://kexue.fm/archives/9948, which weighs it against one scale a dialogue.
import { add, cast, log, matmul, max, maximum, square, type Tensor, tensor } from "../tensor/index.ts";
import type { Position } from "./position.ts";
import { ropeFrequencies, type RotaryLayout, rotate, turnPart } from "./rotary.ts";
import { checkRamp, keptShare, type YarnOptions } from "./yarn.ts";

export interface DynamicYarnOptions extends Omit<YarnOptions, "scale" | "truncate"> {
  /** Default 10000. */
  readonly base?: number;
  /** Default `half`. */
  readonly layout?: RotaryLayout;
  /** Share of a head's numbers that turn; default 1. */
  readonly fraction?: number;
}

/**
 * Rotary scores under YaRN's ramp over turns with `s = max(1, n/N)`, `n` the last key's position plus one: up to the
 * trained length nothing changes, so that short texts pay nothing. Keys arrive unrotated and are all scored under the one
 * scale in view, exactly; a block of queries uses the length at its end. Scores carry the factor `(1 + 0.1 ln s)²`.
 */
export function dynamicYarn(options: DynamicYarnOptions): Position {
  const { trainingLength: N, base = 10_000, layout = "half", fraction = 1 } = options;
  checkRamp("dynamicYarn", { ...options, scale: 1 });
  return {
    whole: true,
    scores(q, k, queryPositions, keyPositions, scale) {
      const dtype = q.dtype === "float16" ? "float32" : q.dtype;
      const s = maximum(add(cast(max(keyPositions), dtype), 1).mul(1 / N), 1); // []
      const turn = (x: Tensor, positions: Tensor): Tensor =>
        turnPart("dynamicYarn", x, fraction, (part, D) => {
          const theta = ropeFrequencies(D, base);
          const kept = theta.map((t) => keptShare(t, options));
          const list = (of: (t: number, i: number) => number): Tensor =>
            tensor(Array.from(theta, of), { dtype });
          // θᵢ (γᵢ + (1 − γᵢ)/s)
          const stretched = list((t, i) => t * (1 - (kept[i] ?? 0))).div(s);
          return rotate(part, positions, list((t, i) => t * (kept[i] ?? 0)).add(stretched), layout);
        });
      const scores = matmul(turn(q, queryPositions), turn(k, keyPositions), { transposeB: true, scale });
      return scores.mul(cast(square(log(s).mul(0.1).add(1)), q.dtype));
    },
  };
}
