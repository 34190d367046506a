// Pascanu, Mikolov and Bengio 2013, "On the difficulty of training recurrent neural networks".
import {
  cast,
  div,
  full,
  leaves,
  mapTree,
  minimum,
  sqrt,
  square,
  sum,
  type Tensor,
} from "../tensor/index.ts";
import type { Transform } from "./transform.ts";

/** `√Σ g²` over all leaves of a tree. */
export function globalNorm(tree: unknown): Tensor {
  const squares = leaves(tree).map((g) => sum(square(g)));
  const [first, ...rest] = squares;
  if (first === undefined) throw new Error("globalNorm of an empty tree");
  return sqrt(rest.reduce((a, b) => a.add(b), first));
}

/** Gradients times `min(1, max / ‖g‖)`. The state keeps the norm before clipping. */
export function clipByGlobalNorm<P>(max: number): Transform<P, { readonly norm: Tensor }> {
  return {
    init: () => ({ norm: full([], 0) }),
    update: (grads) => {
      const norm = globalNorm(grads);
      const factor = minimum(div(max, norm.add(1e-6)), 1);
      return { updates: mapTree(grads, (g) => g.mul(factor)) as P, state: { norm: cast(norm, "float32") } };
    },
  };
}
