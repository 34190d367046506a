// References that move, pick and place elements without changing them.
import { indices, replaced } from "./array.ts";
import { arithmetic, constant, type Dual } from "./dual.ts";
import { axisOf, build, HOLD, pick, type Reference, val, whole } from "./program-values.ts";
import type { Outcome, Val } from "./program.ts";

type Span = { start?: number; end?: number; step?: number };

function bounds(
  { start = 0, end, step = 1 }: Span,
  size: number,
): { start: number; count: number; step: number } {
  const clamp = (i: number): number => Math.min(size, Math.max(0, i < 0 ? i + size : i));
  const from = clamp(start);
  return { start: from, step, count: Math.max(0, Math.ceil((clamp(end ?? size) - from) / step)) };
}

function sliced(x: Val, spans: readonly Span[]): Val {
  const all = x.shape.map((size, a) => bounds(spans[a] ?? {}, size));
  return build(
    x.dtype,
    all.map((s) => s.count),
    (index) =>
      pick2(
        x,
        index.map((i, a) => (all[a]?.start ?? 0) + i * (all[a]?.step ?? 1)),
      ),
  );
}

/** The element at exactly `index`. */
function pick2(x: Val, index: readonly number[]): Dual {
  let at = 0;
  x.shape.forEach((size, a) => {
    const i = index[a] ?? 0;
    if (i < 0 || i >= size) throw new RangeError(`index ${index.join()} outside of ${x.shape.join()}`);
    at = at * size + i;
  });
  return x.data[at] as Dual;
}

function permuted(x: Val, order: readonly number[]): Val {
  const at = order.map((a) => axisOf(a, x.shape.length));
  return build(
    x.dtype,
    at.map((a) => x.shape[a] ?? 1),
    (index) =>
      pick2(
        x,
        at.map((_, a) => index[at.indexOf(a)] ?? 0),
      ),
  );
}

function joined(xs: readonly Val[], axis: number): Val {
  const [first] = xs;
  if (first === undefined) throw new Error("concat of nothing");
  const at = axisOf(axis, first.shape.length);
  const total = xs.reduce((n, x) => n + (x.shape[at] ?? 0), 0);
  return build(first.dtype, replaced(first.shape, at, total), (index) => {
    let i = index[at] ?? 0;
    for (const x of xs) {
      const size = x.shape[at] ?? 0;
      if (i < size) return pick2(x, replaced(index, at, i));
      i -= size;
    }
    throw new RangeError("beyond the last part");
  });
}

const expanded = (x: Val, axis: number): Val => {
  const at = axisOf(axis, x.shape.length + 1);
  return { ...x, shape: [...x.shape.slice(0, at), 1, ...x.shape.slice(at)] };
};

const triangle =
  (keep: (row: number, column: number, diagonal: number) => boolean): Reference =>
  ([value, diagonal = 0]) => {
    const x = val(value);
    return whole(
      build(x.dtype, x.shape, (index) => {
        const [i = 0, j = 0] = index.slice(-2);
        return keep(i, j, diagonal as number) ? pick2(x, index) : constant(0);
      }),
    );
  };

/** What is added at each place of `target`: pairs of an index and an element. */
function adding(
  target: Val,
  updates: readonly (readonly [readonly number[], Dual])[],
  rounding: Parameters<Reference>[1],
): Val {
  const n = arithmetic(target.dtype, rounding);
  const at = new Map<string, Dual[]>();
  for (const [index, u] of updates) at.set(index.join(), [...(at.get(index.join()) ?? []), u]);
  return build(target.dtype, target.shape, (index) =>
    n.sum([pick2(target, index), ...(at.get(index.join()) ?? [])]),
  );
}

/** An index within `size`. */
function within(i: Dual, size: number): number {
  if (i.v < 0 || i.v >= size) throw new RangeError(`index ${i.v} outside of ${size}`);
  return i.v;
}

const parts = (pieces: readonly Val[]): Outcome => Object.fromEntries(pieces.map((p, i) => [`${i}`, p]));

/** Functions by name. */
export const MOVEMENT: Readonly<Record<string, Reference>> = {
  reshape([x, shape]) {
    const { data } = val(x);
    const to = shape as number[];
    const known = to.filter((d) => d !== -1).reduce((a, b) => a * b, 1);
    return whole({ ...val(x), shape: to.map((d) => (d === -1 ? data.length / known : d)) });
  },
  transpose([value, a = -2, b = -1]) {
    const x = val(value);
    const rank = x.shape.length;
    const [i, j] = [axisOf(a as number, rank), axisOf(b as number, rank)];
    return whole(
      permuted(
        x,
        x.shape.map((_, k) => (k === i ? j : k === j ? i : k)),
      ),
    );
  },
  permute: ([x, order]) => whole(permuted(val(x), order as number[])),
  broadcastTo: ([x, shape]) => whole(build(val(x).dtype, shape as number[], (i) => pick(val(x), i))),
  expandDims: ([x, axis]) => whole(expanded(val(x), axis as number)),
  squeeze([value, ...axes]) {
    const x = val(value);
    const at = axes.map((a) => axisOf(a as number, x.shape.length));
    return whole({ ...x, shape: x.shape.filter((_, a) => !at.includes(a)) });
  },
  slice: ([x, ...spans]) => whole(sliced(val(x), spans as Span[])),
  narrow([value, axis, start, end]) {
    const x = val(value);
    const at = axisOf(axis as number, x.shape.length);
    const span = { start: start as number, end: end as number };
    return whole(
      sliced(
        x,
        x.shape.map((_, a) => (a === at ? span : {})),
      ),
    );
  },
  at([value, index, axis = 0]) {
    const x = val(value);
    const a = axisOf(axis as number, x.shape.length);
    const i = (index as number) < 0 ? (index as number) + (x.shape[a] ?? 0) : (index as number);
    const part = sliced(
      x,
      x.shape.map((_, k) => (k === a ? { start: i, end: i + 1 } : {})),
    );
    return whole({ ...part, shape: x.shape.filter((_, k) => k !== a) });
  },
  flip([value, axis = -1]) {
    const x = val(value);
    const at = axisOf(axis as number, x.shape.length);
    return whole(
      build(x.dtype, x.shape, (i) => pick2(x, replaced(i, at, (x.shape[at] ?? 0) - 1 - (i[at] ?? 0)))),
    );
  },
  concat: ([xs, axis = 0]) => whole(joined(xs as Val[], axis as number)),
  stack: ([xs, axis = 0]) =>
    whole(
      joined(
        (xs as Val[]).map((x) => expanded(x, axis as number)),
        axisOf(axis as number, ((xs as Val[])[0]?.shape.length ?? 0) + 1),
      ),
    ),
  split([value, sizes, axis = 0]) {
    const x = val(value);
    const at = axisOf(axis as number, x.shape.length);
    let start = 0;
    return parts(
      (sizes as number[]).map((size) => {
        start += size;
        return sliced(
          x,
          x.shape.map((_, a) => (a === at ? { start: start - size, end: start } : {})),
        );
      }),
    );
  },
  pad([value, amounts, fill = 0]) {
    const x = val(value);
    const pairs = amounts as [number, number][];
    const around = constant(HOLD[x.dtype](fill as number));
    const shape = x.shape.map((d, a) => d + (pairs[a]?.[0] ?? 0) + (pairs[a]?.[1] ?? 0));
    return whole(
      build(x.dtype, shape, (index) => {
        const inner = index.map((i, a) => i - (pairs[a]?.[0] ?? 0));
        return inner.every((i, a) => i >= 0 && i < (x.shape[a] ?? 0)) ? pick2(x, inner) : around;
      }),
    );
  },
  tril: triangle((i, j, d) => j - i <= d),
  triu: triangle((i, j, d) => j - i >= d),
  gather([value, positions, axis = 0]) {
    const [x, at] = [val(value), val(positions)];
    const a = axisOf(axis as number, x.shape.length);
    const shape = [...x.shape.slice(0, a), ...at.shape, ...x.shape.slice(a + 1)];
    return whole(
      build(x.dtype, shape, (index) => {
        const i = within(pick2(at, index.slice(a, a + at.shape.length)), x.shape[a] ?? 0);
        return pick2(x, [...index.slice(0, a), i, ...index.slice(a + at.shape.length)]);
      }),
    );
  },
  takeAlongAxis([value, positions, axis = -1]) {
    const [x, at] = [val(value), val(positions)];
    const a = axisOf(axis as number, x.shape.length);
    return whole(
      build(x.dtype, at.shape, (i) => pick2(x, replaced(i, a, within(pick2(at, i), x.shape[a] ?? 0)))),
    );
  },
  scatterAdd([value, positions, rows], rounding) {
    const [x, at, updates] = [val(value), val(positions), val(rows)];
    const list = indices(updates.shape).map((index): [number[], Dual] => {
      const i = within(pick2(at, index.slice(0, at.shape.length)), x.shape[0] ?? 0);
      return [[i, ...index.slice(at.shape.length)], pick2(updates, index)];
    });
    return whole(adding(x, list, rounding));
  },
  addAlongAxis([value, positions, elements, axis = -1], rounding) {
    const [x, at, updates] = [val(value), val(positions), val(elements)];
    const a = axisOf(axis as number, x.shape.length);
    const list = indices(updates.shape).map((index): [number[], Dual] => [
      replaced(index, a, within(pick2(at, index), x.shape[a] ?? 0)),
      pick2(updates, index),
    ]);
    return whole(adding(x, list, rounding));
  },
  oneHot([positions, classes, options]) {
    const at = val(positions);
    const { dtype = "float32" } = (options ?? {}) as { dtype?: Val["dtype"] };
    return whole(
      build(dtype, [...at.shape, classes as number], (index) =>
        constant(Number(pick2(at, index.slice(0, -1)).v === index.at(-1))),
      ),
    );
  },
};
