// Choosing between the results of two programs by a value of the program. Both are computed: an operator that runs one of
// two graphs would wait for the processor on a GPU, and most choices are between small things.
import { DtypeError, OptionError } from "../errors.ts";
import { showShape } from "../graph/infer.ts";
import { where } from "./elementwise.ts";
import { requireTensor, type Tensor } from "./tensor.ts";
import { flattenTree, mapTree } from "./tree.ts";

/**
 * The tensors of `a` where `condition` holds, else those of `b`: two trees of one structure.
 * @param condition bool, of a shape that broadcasts to every tensor: `[]` chooses whole trees.
 * @returns A tree like `a`. Derivatives flow into what was chosen, and are 0 elsewhere.
 */
export function select<T>(condition: Tensor, a: T, b: T): T {
  requireTensor("select", "condition", condition);
  const others = new Map(flattenTree(b));
  const count = flattenTree(a).length;
  if (count !== others.size) {
    throw new OptionError(`select: a and b must hold as many tensors, got ${count} and ${others.size}.`);
  }
  return mapTree(a, (x, name) => {
    const y = others.get(name);
    if (y === undefined) throw new OptionError(`select: "${name}" must be in b as in a, got none.`);
    return where(condition, x, y);
  }) as T;
}

/**
 * `then(...args)` where `condition` holds, else `otherwise(...args)`. Both run, whatever is chosen, so that neither may fail;
 * a branch with an infinite slope where it is not chosen makes its derivative NaN (`0 · ∞`), as `where` does.
 * @param condition One bool, `[]`. @param then, otherwise From trees of tensors to trees of one structure.
 * @example
 * cond(greater(norm, 1), (g: Tensor) => g.div(norm), (g: Tensor) => g, gradient);
 */
export function cond<A extends readonly unknown[], R>(
  condition: Tensor,
  then: (...args: A) => R,
  otherwise: (...args: A) => R,
  ...args: A
): R {
  requireTensor("cond", "condition", condition);
  if (condition.dtype !== "bool" || condition.rank !== 0) {
    throw new DtypeError(
      `cond: condition must be bool [], got ${condition.dtype} ${showShape(condition.shape)}. Use where for a choice per element.`,
    );
  }
  return select(condition, then(...args), otherwise(...args));
}
