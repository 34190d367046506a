// Ding et al. 2024, "LongRoPE", section 3 (one divisor a pair, found by search). https://arxiv.org/abs/2402.13753
// As Phi-3's checkpoints mean it (Hugging Face's rope_type "longrope"): two sets, chosen by the length in view.
import { OptionError } from "../errors.ts";
import { add, cast, greater, matmul, max, type Tensor, tensor, where } from "../tensor/index.ts";
import type { Position } from "./position.ts";
import { ropeFrequencies, type RotaryLayout, rotate, turnPart } from "./rotary.ts";
import { checkWhole } from "./scale.ts";

export interface LongRopeOptions {
  /** Divisors `λᵢ` of the frequencies, one a pair, for texts of at most `trainingLength` tokens. */
  readonly shortFactors: readonly number[];
  /** The same for longer texts. */
  readonly longFactors: readonly number[];
  /** Length `N` at which the sets change. */
  readonly trainingLength: number;
  /** Default 10000. */
  readonly base?: number;
  /** Default `half`. */
  readonly layout?: RotaryLayout;
  /** Share of a head's numbers that turn; default 1. */
  readonly fraction?: number;
  /** Factor of cosine and sine; default 1. */
  readonly magnitude?: number;
}

/**
 * Rotary scores with `θᵢ ← θᵢ / λᵢ`, where the length in view, the last key's position plus one, decides between the
 * two sets. Keys arrive unrotated, so that a text that grows beyond `N` is scored under one set, exactly.
 */
export function longRope(options: LongRopeOptions): Position {
  const { shortFactors, longFactors, trainingLength: N } = options;
  const { base = 10_000, layout = "half", fraction = 1, magnitude = 1 } = options;
  checkWhole("longRope", "trainingLength", N);
  return {
    whole: true,
    scores(q, k, queryPositions, keyPositions, scale) {
      const dtype = q.dtype === "float16" ? "float32" : q.dtype;
      const long = greater(add(cast(max(keyPositions), dtype), 1), N); // []
      const turn = (x: Tensor, positions: Tensor): Tensor =>
        turnPart("longRope", x, fraction, (part, D) => {
          const set = (factors: readonly number[], name: string): Tensor => {
            if (factors.length === D / 2) {
              const theta = ropeFrequencies(D, base);
              return tensor(
                Array.from(theta, (t, i) => t / (factors[i] ?? 1)),
                { dtype },
              );
            }
            throw new OptionError(`longRope: ${name} must be ${D / 2} numbers, got ${factors.length}.`);
          };
          const theta = where(long, set(longFactors, "longFactors"), set(shortFactors, "shortFactors"));
          return rotate(part, positions, theta, layout, magnitude);
        });
      return matmul(turn(q, queryPositions), turn(k, keyPositions), { transposeB: true, scale });
    },
  };
}
