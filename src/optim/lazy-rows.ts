// Rows of tables move only when their gradient says so: the first remedy of Su 2023, "Why do the embeddings of Lion and
// Tiger grow?", https://kexue.fm/archives/9736. A momentum falls geometrically and its sign does not, so that the row of
// a token that was seen once drifts at full speed until it meets the decay, at ±1/λ.
import {
  abs,
  cast,
  flattenTree,
  less,
  lessEqual,
  maximum,
  sum,
  type Tensor,
  where,
  zeros,
  zipTrees,
} from "../tensor/index.ts";
import type { RoleOf } from "./role.ts";
import type { Transform } from "./transform.ts";

/** State of the rule, and of the update in progress which rows of each table had a gradient: 1 or 0, `[rows]`. */
export interface LazyState<S> {
  readonly rule: S;
  readonly rows: Readonly<Record<string, Tensor>>;
}

/**
 * `rule`, but a row of a table whose gradient is zero in every part of a batch stays where it is, decay included. The
 * rule's own state goes on: a momentum falls while its row is away, so that little is left of an old one when the row
 * comes back.
 * @param role Which parameters are tables.
 */
export function lazyRows<P, S>(rule: Transform<P, S>, role: RoleOf): Transform<P, LazyState<S>> {
  const tables = (tree: P): (readonly [string, Tensor])[] =>
    flattenTree(tree).filter(([name, t]) => role(name, t) === "table" && t.rank >= 2);
  const present = (g: Tensor): Tensor => {
    const axes = Array.from({ length: g.rank - 1 }, (_, i) => i + 1);
    // A row that is not finite is there: a comparison with a NaN is false.
    return where(lessEqual(sum(abs(g), { axis: axes }), 0), zeros([]), 1);
  };
  const rowsOf = (grads: P): Record<string, Tensor> =>
    Object.fromEntries(tables(grads).map(([name, g]) => [name, cast(present(g), "float32")]));
  const held = (updates: P, rows: Readonly<Record<string, Tensor>>): P =>
    zipTrees(updates, updates, (u, _, name) => {
      const there = rows[name];
      if (there === undefined) return u;
      const shape = [u.shape[0] ?? 1, ...Array.from({ length: u.rank - 1 }, () => 1)];
      return where(less(0, there.reshape(shape)), u, 0);
    }) as P;
  const { micro } = rule;
  return {
    init: (params) => ({
      rule: rule.init(params),
      rows: Object.fromEntries(tables(params).map(([name, t]) => [name, zeros([t.shape[0] ?? 0])])),
    }),
    update: (grads, state, params) => {
      const done = rule.update(grads, state.rule, params);
      const rows = rowsOf(grads);
      return { updates: held(done.updates, rows), state: { rule: done.state, rows } };
    },
    ...(micro && {
      micro: {
        take: (grads, state, first, parts) => {
          const now = rowsOf(grads);
          const before = (name: string): Tensor => where(less(0, first), 0, state.rows[name] ?? zeros([]));
          return {
            rule: micro.take(grads, state.rule, first, parts),
            rows: Object.fromEntries(Object.entries(now).map(([n, r]) => [n, maximum(before(n), r)])),
          };
        },
        finish: (state, params, parts) => {
          const done = micro.finish(state.rule, params, parts);
          return { updates: held(done.updates, state.rows), state: { rule: done.state, rows: state.rows } };
        },
      },
    }),
  };
}
