// Choosing between the results of two programs by a value of the program. Both are computed: an operator that runs one of
// two graphs would wait for the processor on a GPU, and most choices are between small things.
import { DtypeError, OptionError } from "../errors.ts";
import { showShape } from "../graph/infer.ts";
import { reach, type Value } from "../graph/value.ts";
import { argument, instantiate } from "./body.ts";
import { not, where } from "./elementwise.ts";
import { apply, asTensor, requireTensor, type Tensor } from "./tensor.ts";
import { flattenTree, leaves, mapTree, unflattenTree } from "./tree.ts";

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
 * `then(...args)` where `condition` holds, else `otherwise(...args)`. Both are computed, so that neither may fail; derivatives
 * are those of the chosen one alone, whatever the slopes of the other are, also of what the branches use from outside.
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
  return select(condition, branch(condition, then, args), branch(not(condition), otherwise, args));
}

/** `fn(...args)`, whose cotangents are 0 where it is not chosen: those inside may be `0 · ∞`. */
function branch<A extends readonly unknown[], R>(chosen: Tensor, fn: (...args: A) => R, args: A): R {
  const inputs = leaves(args);
  const first = argument({ dtype: "bool", shape: [] }); // what the branch makes is younger
  const parameters = inputs.map((t) => argument({ dtype: t.dtype, shape: t.shape }));
  const tree = fn(...(unflattenTree(args, parameters) as unknown as A));
  const results = leaves(tree);
  const outside = olderInputs(results, first.id).map(asTensor);
  const guarded = [...inputs, ...outside].map((t) => onlyWhere(chosen, t));
  const body = { parameters: [...parameters, ...outside], results };
  return unflattenTree(tree, instantiate(body, guarded).map(asTensor)) as R;
}

/**
 * What `results` take from values made before the one called `since`. Unlike `captures`, not what was made of them inside:
 * that may have infinite slopes as well.
 */
function olderInputs(results: readonly Value[], since: number): Value[] {
  const outside = new Set<Value>();
  const consider = (v: Value): void => {
    if (v.id < since && v.op !== "constant" && v.op !== "iota") outside.add(v);
  };
  for (const v of reach(results, (x) => x.id < since)) if (v.id >= since) v.inputs.forEach(consider);
  results.forEach(consider);
  return [...outside];
}

/** `x`, whose cotangent counts where `chosen` holds and is 0 elsewhere. */
function onlyWhere(chosen: Tensor, x: Tensor): Tensor {
  if (!x.dtype.startsWith("float")) return x;
  return apply("custom", [apply("stopGradient", [x], {}), x, chosen], {
    outputs: 1,
    rule: ([g], [, c]) => [g && c ? where(asTensor(c), asTensor(g), 0) : null, null],
  });
}
