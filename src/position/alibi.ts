// Press et al. 2021, "Train short, test long", section 3. https://arxiv.org/abs/2108.12409
import { abs, cast, checkShapes, expandDims, matmul, tensor } from "../tensor/index.ts";
import type { Position } from "./position.ts";
import { checkWhole } from "./scale.ts";

const powers = (n: number): number[] => Array.from({ length: n }, (_, h) => 2 ** ((-8 * (h + 1)) / n));

/**
 * The slopes of `H` heads: for a power of two `2^(−8h/H)`, h = 1 … H; otherwise those of the next lower power, then
 * every second one of the next higher, as the authors' code has it.
 */
export function alibiSlopes(H: number): Float64Array {
  checkWhole("alibiSlopes", "heads", H);
  const whole = 2 ** Math.floor(Math.log2(H));
  const between = powers(2 * whole).filter((_, h) => h % 2 === 0);
  return Float64Array.from([...powers(whole), ...between].slice(0, H));
}

/** Attention with linear biases: `scale · q kᵀ − mₕ |D|`, no position anywhere else. */
export function alibi(): Position {
  return {
    scores(q, k, queryPositions, keyPositions, scale) {
      const { H } = checkShapes("alibi", { q: [q, "B~ H T~ D"] });
      const slopes = tensor(alibiSlopes(H), { shape: [H, 1, 1], dtype: q.dtype });
      const distance = abs(expandDims(queryPositions, 1).sub(expandDims(keyPositions, 0))); // [T, S]
      return matmul(q, k, { transposeB: true, scale }).sub(cast(distance, q.dtype).mul(slopes));
    },
  };
}
