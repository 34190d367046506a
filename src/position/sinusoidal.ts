// Vaswani et al. 2017, section 3.5. https://arxiv.org/abs/1706.03762
import { OptionError } from "../errors.ts";
import {
  cast,
  checkShapes,
  concat,
  cos,
  type Dtype,
  expandDims,
  sin,
  type Tensor,
  tensor,
} from "../tensor/index.ts";
import { ropeFrequencies } from "./rotary.ts";

/**
 * Waves to add to embeddings: `sin(p θᵢ)` in the first half, `cos(p θᵢ)` in the second (the paper interleaves them,
 * a permutation that the next linear map absorbs).
 * @param positions `[T]`, any numeric dtype. @param width `C`, even.
 * @param options `base` default 10000; `dtype` default float32.
 * @returns `[T, C]`.
 */
export function sinusoidalPositions(
  positions: Tensor,
  width: number,
  { base = 10_000, dtype = "float32" }: { base?: number; dtype?: Dtype } = {},
): Tensor {
  checkShapes("sinusoidalPositions", { positions: [positions, "T~"] });
  if (width % 2 !== 0 || width < 2) {
    throw new OptionError(`sinusoidalPositions: width must be even and ≥ 2, got ${width}.`);
  }
  const wide = dtype === "float16" ? "float32" : dtype;
  const theta = tensor(Array.from(ropeFrequencies(width, base)), { dtype: wide });
  const angles = expandDims(cast(positions, wide), 1).mul(theta);
  return cast(concat([sin(angles), cos(angles)], 1), dtype);
}
