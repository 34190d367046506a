// The slowest clear arrays: nested loops over plain numbers, nothing from src.

/** Row-major numbers with a shape. */
export interface Arr {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

export type Index = readonly number[];

/** Number of elements. */
export function count(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

/** All indices of a shape in row-major order. */
export function indices(shape: readonly number[]): number[][] {
  let all: number[][] = [[]];
  for (const size of shape) {
    all = all.flatMap((index) => Array.from({ length: size }, (_, i) => [...index, i]));
  }
  return all;
}

/** The array whose element at `index` is `f(index)`. */
export function build(shape: readonly number[], f: (index: Index) => number): Arr {
  return { shape, data: indices(shape).map(f) };
}

/** Element at `index`. */
export function get(x: Arr, index: Index): number {
  let at = 0;
  index.forEach((i, axis) => {
    const size = x.shape[axis] ?? 1;
    if (i < 0 || i >= size) throw new Error(`index ${index.join()} outside of ${x.shape.join()}`);
    at = at * size + i;
  });
  const value = x.data[at];
  if (value === undefined) throw new Error(`no element ${index.join()}`);
  return value;
}

/** The shape that all broadcast to. */
export function broadcastShape(...shapes: (readonly number[])[]): number[] {
  const rank = Math.max(...shapes.map((s) => s.length));
  return Array.from({ length: rank }, (_, i) => {
    const sizes = shapes.map((s) => s[i - rank + s.length] ?? 1);
    return sizes.includes(0) ? 0 : Math.max(...sizes);
  });
}

/** Element of `x` at an index of a shape that it broadcasts to. */
export function stretched(x: Arr, index: Index): number {
  const own = index.slice(index.length - x.shape.length);
  return get(
    x,
    own.map((i, axis) => (x.shape[axis] === 1 ? 0 : i)),
  );
}

/** `f` element by element, broadcasting. */
export function zip(f: (...values: number[]) => number, ...xs: Arr[]): Arr {
  return build(broadcastShape(...xs.map((x) => x.shape)), (index) =>
    f(...xs.map((x) => stretched(x, index))),
  );
}

/** `f` over the elements of each group that a reduction over `axes` (counted from the front) puts together. */
export function fold(x: Arr, axes: readonly number[], keep: boolean, f: (values: number[]) => number): Arr {
  const kept = x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  const reduced = build(kept, (index) => {
    const spans = x.shape.map((size, axis) => (axes.includes(axis) ? size : 1));
    const group = indices(spans).map((offset) =>
      get(
        x,
        offset.map((o, axis) => o + (index[axis] ?? 0)),
      ),
    );
    return f(group);
  });
  return keep ? reduced : { shape: x.shape.filter((_, axis) => !axes.includes(axis)), data: reduced.data };
}

/** `index` with `value` at `axis`. */
export function replaced(index: Index, axis: number, value: number): number[] {
  return index.map((i, a) => (a === axis ? value : i));
}

/** All elements of the line through `index` along `axis`. */
export function line(x: Arr, index: Index, axis: number): number[] {
  return Array.from({ length: x.shape[axis] ?? 0 }, (_, i) => get(x, replaced(index, axis, i)));
}

/** The array with axes reordered: axis `i` of the result is axis `order[i]` of `x`. */
export function reorder(x: Arr, order: readonly number[]): Arr {
  return build(
    order.map((a) => x.shape[a] ?? 1),
    (index) =>
      get(
        x,
        order.map((_, a) => index[order.indexOf(a)] ?? 0),
      ),
  );
}

/** Matrix product over the last two axes, leading axes broadcast. */
export function product(a: Arr, b: Arr): Arr {
  const lead = broadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
  const [m = 1, k = 1] = a.shape.slice(-2);
  const n = b.shape.at(-1) ?? 1;
  const pick = (x: Arr, index: Index, row: number, column: number): number => {
    const own = index.slice(0, -2).slice(lead.length - (x.shape.length - 2));
    return get(x, [...own.map((i, axis) => (x.shape[axis] === 1 ? 0 : i)), row, column]);
  };
  return build([...lead, m, n], (index) => {
    const [i = 0, j = 0] = index.slice(-2);
    let sum = 0;
    for (let l = 0; l < k; l++) sum += pick(a, index, i, l) * pick(b, index, l, j);
    return sum;
  });
}
