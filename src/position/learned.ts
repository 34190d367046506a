// Gehring et al. 2017, "Convolutional sequence to sequence learning", section 3.1. https://arxiv.org/abs/1705.03122
import { OptionError } from "../errors.ts";
import { checkShapes, type Dim, gather, type Tensor } from "../tensor/index.ts";

/**
 * Rows of a learned table, to add to embeddings.
 * @param table `[N, C]`. @param positions `[T]`, int32. @param end One more than the last position, where known.
 * @returns `[T, C]`. @throws OptionError when `end` lies beyond the table: nothing was learned for those positions.
 */
export function learnedPositions(table: Tensor, positions: Tensor, end: Dim): Tensor {
  const { N } = checkShapes("learnedPositions", { table: [table, "N C"], positions: [positions, "T~"] });
  if (typeof end === "number" && end > N) {
    throw new OptionError(
      `learnedPositions: positions must be below ${N}, the rows of the table, got ${end - 1}. Shorten the text or use rotary positions.`,
    );
  }
  return gather(table, positions);
}
