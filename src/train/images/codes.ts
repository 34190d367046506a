// Figures of auto-encoders whose code is one of a number of codes.
import { codeCounts, codeUse } from "../../quantize/index.ts";
import { sum, type Tensor } from "../../tensor/index.ts";
import type { Numbers } from "../task.ts";
import type { ImageSpace } from "./method.ts";
import { pixelCount } from "./pixels.ts";

/** Sums from which `codeFigures` finds the figures. @param indices Codes of the pictures, below `K`. */
export function codeSums(
  pixels: Tensor,
  back: Tensor,
  indices: Tensor,
  K: number,
): { readonly squares: Tensor; readonly counts: Tensor } {
  return { squares: sum(back.sub(pixels).square()), counts: codeCounts(indices, K) };
}

/** `reconstructionMse`, `usage` and `perplexity`. */
export function codeFigures(
  space: ImageSpace,
  { squares, counts }: Readonly<Record<string, Float64Array>>,
  count: number,
): Numbers {
  return {
    reconstructionMse: (squares?.[0] ?? Number.NaN) / (count * pixelCount(space)),
    ...codeUse(counts ?? []),
  };
}
