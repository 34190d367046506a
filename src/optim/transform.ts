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
  /** How the rule takes in a batch part by part; absent where the gradient has to be added up outside. */
  readonly micro?: Micro<P, S>;
}

/**
 * Accumulation without a buffer: the state takes in the gradient of one part after another, and the update follows
 * when all parts are in. The same update as that of the whole batch, without a tensor the size of the gradient.
 */
export interface Micro<P, S> {
  /**
   * Takes in one part.
   * @param grads Gradient of the mean loss of the part. @param first Scalar, 1 in the first part of an update, else 0.
   * @param parts How many parts an update has.
   */
  take(grads: P, state: S, first: Tensor, parts: number): S;
  /** The update, when all `parts` are in. */
  finish(state: S, params: P, parts: number): { updates: P; state: S };
}

type States<P, T> = { readonly [K in keyof T]: T[K] extends Transform<P, infer S> ? S : never };

/**
 * `first`, then `second` on its updates. The state holds both by name. A chain accumulates without a buffer where its
 * first member does: the others see only the finished update.
 */
export function chain<P, const T extends Readonly<Record<string, Transform<P, unknown>>>>(
  members: T,
): Transform<P, States<P, T>> {
  const entries = Object.entries(members) as [string, Transform<P, unknown>][];
  const [first, ...others] = entries;
  const micro = first?.[1].micro;
  /** The state of all after `members` have had their turn, and their updates. */
  const run = (
    turns: readonly [string, Transform<P, unknown>][],
    start: { readonly updates: P; readonly state: States<P, T> },
    params: P,
  ): { updates: P; state: States<P, T> } => {
    let { updates } = start;
    const next: Record<string, unknown> = { ...start.state };
    for (const [name, t] of turns) {
      const result = t.update(updates, next[name], params);
      updates = result.updates;
      next[name] = result.state;
    }
    return { updates, state: next as States<P, T> };
  };
  const all: Transform<P, States<P, T>> = {
    init: (params) => Object.fromEntries(entries.map(([name, t]) => [name, t.init(params)])) as States<P, T>,
    update: (grads, state, params) => run(entries, { updates: grads, state }, params),
  };
  if (first === undefined || micro === undefined) return all;
  const [name] = first;
  const part = (state: States<P, T>): unknown => (state as Record<string, unknown>)[name];
  return {
    ...all,
    micro: {
      take: (grads, state, start, parts) => ({
        ...state,
        [name]: micro.take(grads, part(state), start, parts),
      }),
      finish: (state, params, parts) => {
        const done = micro.finish(part(state), params, parts);
        return run(others, { updates: done.updates, state: { ...state, [name]: done.state } }, params);
      },
    },
  };
}

/**
 * Different rules for different parameters: `choose` names the group of each leaf. A rule sees nothing of the
 * parameters of other groups. Accumulates without a buffer where all its members do.
 */
export function partition<P, const T extends Readonly<Record<string, Transform<P, unknown>>>>(
  choose: (name: string, parameter: Tensor) => keyof T & string,
  members: T,
): Transform<P, States<P, T>> {
  const entries = Object.entries(members) as [string, Transform<P, unknown>][];
  /** Leaves of one group; the others shrink to nothing, so that their state takes no memory. */
  const part = (tree: P, group: string, params: P): P =>
    zipTrees(tree, params, (x, p, name) =>
      choose(name, p) === group ? x : zeros([0], { dtype: x.dtype }),
    ) as P;
  const stateOf = (state: States<P, T>, group: string): unknown => (state as Record<string, unknown>)[group];
  const join = (
    params: P,
    done: readonly (readonly [string, { readonly updates: P; readonly state: unknown }])[],
  ): { updates: P; state: States<P, T> } => {
    const byGroup = new Map(done.map(([g, r]) => [g, new Map(flattenTree(r.updates))]));
    const updates = mapTree(params, (p, name) => byGroup.get(choose(name, p))?.get(name) ?? p) as P;
    return { updates, state: Object.fromEntries(done.map(([g, r]) => [g, r.state])) as States<P, T> };
  };
  const micros = entries.flatMap(([g, t]) => (t.micro ? [[g, t.micro] as const] : []));
  return {
    init: (params) =>
      Object.fromEntries(entries.map(([g, t]) => [g, t.init(part(params, g, params))])) as States<P, T>,
    update: (grads, state, params) =>
      join(
        params,
        entries.map(([g, t]) => {
          const own = part(params, g, params);
          return [g, t.update(part(grads, g, params), stateOf(state, g), own)] as const;
        }),
      ),
    ...(micros.length === entries.length && {
      micro: {
        take: (grads, state, first, parts) =>
          Object.fromEntries(
            micros.map(([g, m]) => [g, m.take(part(grads, g, grads), stateOf(state, g), first, parts)]),
          ) as States<P, T>,
        finish: (state, params, parts) =>
          join(
            params,
            micros.map(([g, m]) => [g, m.finish(stateOf(state, g), part(params, g, params), parts)] as const),
          ),
      },
    }),
  };
}

/** Parameters plus updates. */
export function applyUpdates<P>(params: P, updates: P): P {
  return zipTrees(params, updates, (p, u) => p.add(u)) as P;
}
