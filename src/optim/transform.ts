// The contract of the room, after optax: a pure pair of functions over trees. Updates are added to parameters.
import { flattenTree, mapTree, type Tensor, zeros, zipTrees } from "../tensor/index.ts";

/** Learning rate (or another factor) as a function of the number of earlier steps (a float32 scalar tensor). */
export type Schedule = (step: Tensor) => Tensor;

/** An update rule. `P` is the tree of parameters, `S` a tree of tensors with readable names. */
export interface Transform<P, S> {
  /** State before the first step. */
  init(params: P): S;
  /** From gradients to what is added to the parameters. */
  update(grads: P, state: S, params: P): { updates: P; state: S };
}

/** `first`, then `second` on its updates. The state holds both by name. */
export function chain<P, const T extends Readonly<Record<string, Transform<P, unknown>>>>(
  members: T,
): Transform<P, { readonly [K in keyof T]: T[K] extends Transform<P, infer S> ? S : never }> {
  type States = { readonly [K in keyof T]: T[K] extends Transform<P, infer S> ? S : never };
  const entries = Object.entries(members) as [string, Transform<P, unknown>][];
  return {
    init: (params) => Object.fromEntries(entries.map(([name, t]) => [name, t.init(params)])) as States,
    update: (grads, state, params) => {
      let updates = grads;
      const next = entries.map(([name, t]) => {
        const result = t.update(updates, (state as Record<string, unknown>)[name], params);
        updates = result.updates;
        return [name, result.state] as const;
      });
      return { updates, state: Object.fromEntries(next) as States };
    },
  };
}

/**
 * Different rules for different parameters: `choose` names the group of each leaf. A rule sees zeros in place of the
 * gradients of other groups and its updates there are dropped.
 */
export function partition<P, const T extends Readonly<Record<string, Transform<P, unknown>>>>(
  choose: (name: string, parameter: Tensor) => keyof T & string,
  members: T,
): Transform<P, { readonly [K in keyof T]: T[K] extends Transform<P, infer S> ? S : never }> {
  type States = { readonly [K in keyof T]: T[K] extends Transform<P, infer S> ? S : never };
  const entries = Object.entries(members) as [string, Transform<P, unknown>][];
  /** Leaves of one group; the others shrink to nothing, so that their state takes no memory. */
  const part = (tree: P, group: string, params: P): P =>
    zipTrees(tree, params, (x, p, name) =>
      choose(name, p) === group ? x : zeros([0], { dtype: x.dtype }),
    ) as P;
  return {
    init: (params) =>
      Object.fromEntries(entries.map(([g, t]) => [g, t.init(part(params, g, params))])) as States,
    update: (grads, state, params) => {
      const done = entries.map(([g, t]) => {
        const result = t.update(
          part(grads, g, params),
          (state as Record<string, unknown>)[g],
          part(params, g, params),
        );
        return [g, result] as const;
      });
      const byGroup = new Map(done.map(([g, r]) => [g, new Map(flattenTree(r.updates))]));
      const updates = mapTree(params, (p, name) => byGroup.get(choose(name, p))?.get(name) ?? p) as P;
      return { updates, state: Object.fromEntries(done.map(([g, r]) => [g, r.state])) as States };
    },
  };
}

/** Parameters plus updates. */
export function applyUpdates<P>(params: P, updates: P): P {
  return zipTrees(params, updates, (p, u) => p.add(u)) as P;
}
