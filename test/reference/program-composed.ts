// References of what is more than one number at a time: reductions, products, movement, indexing, structure.
import { arithmetic, constant, type Dual, type Rounding } from "./dual.ts";
import { broadcastShape, count, indices, replaced } from "./array.ts";
import { FUSED } from "./program-fused.ts";
import { MOVEMENT } from "./program-movement.ts";
import {
  axisOf,
  build,
  extreme,
  type Fold,
  type Options,
  pick,
  type Reference,
  val,
  whole,
  zeros,
} from "./program-values.ts";
import type { Outcome, Val } from "./program.ts";

/** Groups of elements that a reduction puts together. */
function groups(
  x: Val,
  axes: readonly number[],
): { kept: number[]; group: (i: readonly number[]) => Dual[] } {
  const kept = x.shape.map((size, a) => (axes.includes(a) ? 1 : size));
  const spans = x.shape.map((size, a) => (axes.includes(a) ? size : 1));
  const offsets = indices(spans);
  return {
    kept,
    group: (i) =>
      offsets.map((o) =>
        pick(
          x,
          o.map((v, a) => (axes.includes(a) ? v : (i[a] ?? 0))),
        ),
      ),
  };
}

const sumOf: Fold = (xs, dtype, rounding) => arithmetic(dtype, rounding).sum(xs);
const meanOf: Fold = (xs, dtype, rounding) => {
  const n = arithmetic(dtype, rounding);
  return n.div(n.sum(xs), constant(xs.length));
};
/** `m + log Σ e^{x − m}` with a constant `m`. */
const lseOf: Fold = (xs, dtype, rounding) => {
  const n = arithmetic(dtype, rounding);
  const m = constant(Math.max(...xs.map((x) => x.v)));
  const total = n.sum(xs.map((x) => exp(n.sub(x, m), dtype, rounding)));
  return n.add(m, n.one(total, [Math.log(total.v), 1 / total.v, -1 / total.v ** 2], false, true));
};

function exp(x: Dual, dtype: Val["dtype"], rounding: Rounding): Dual {
  const y = Math.exp(x.v);
  return arithmetic(dtype, rounding).one(x, [y, y, y], false, true);
}

function sqrt(x: Dual, dtype: Val["dtype"], rounding: Rounding): Dual {
  const y = Math.sqrt(x.v);
  return arithmetic(dtype, rounding).one(x, [y, 0.5 / y, -0.25 / (x.v * y)]);
}

const FOLDS: Readonly<Record<string, Fold>> = {
  sum: sumOf,
  mean: meanOf,
  max: extreme(1),
  min: extreme(-1),
  prod: (xs, dtype, rounding) => xs.reduce((a, b) => arithmetic(dtype, rounding).mul(a, b), constant(1)),
  logSumExp: lseOf,
  variance(xs, dtype, rounding) {
    const n = arithmetic(dtype, rounding);
    const mean = meanOf(xs, dtype, rounding);
    return meanOf(
      xs.map((x) => n.mul(n.sub(x, mean), n.sub(x, mean))),
      dtype,
      rounding,
    );
  },
  norm(xs, dtype, rounding) {
    const n = arithmetic(dtype, rounding);
    return sqrt(n.sum(xs.map((x) => n.mul(x, x))), dtype, rounding);
  },
  all: (xs) => constant(Number(xs.every((x) => x.v !== 0))),
  any: (xs) => constant(Number(xs.some((x) => x.v !== 0))),
};

const reduction =
  (f: Fold): Reference =>
  ([value, options], rounding) => {
    const x = val(value);
    const { axis, keep = false } = (options ?? {}) as { axis?: number | number[]; keep?: boolean };
    const rank = x.shape.length;
    const list = axis === undefined ? x.shape.map((_, i) => i) : typeof axis === "number" ? [axis] : axis;
    const axes = list.map((a) => axisOf(a, rank));
    const { kept, group } = groups(x, axes);
    const y = build(x.dtype, kept, (i) => f(group(i), x.dtype, rounding));
    return whole(keep ? y : { ...y, shape: x.shape.filter((_, a) => !axes.includes(a)) });
  };

/** Order of the elements of a line: by value, equal ones by place. */
function order(line: readonly Dual[], x: Val, rounding: Rounding, largest: boolean): number[] {
  const n = arithmetic(x.dtype, rounding);
  return line
    .map((_, i) => i)
    .sort((a, b) => {
      const gap = n.compare(line[a] as Dual, line[b] as Dual);
      return (largest ? -gap : gap) || a - b;
    });
}

function lineAt(x: Val, index: readonly number[], axis: number): Dual[] {
  return Array.from({ length: x.shape[axis] ?? 0 }, (_, i) => pick(x, replaced(index, axis, i)));
}

/** Along one axis: `f` from a line to a line of `size`. */
function lines(x: Val, axis: number, size: number, f: (line: Dual[]) => readonly Dual[]): Val {
  const shape = replaced(x.shape, axis, size);
  const known = new Map<string, readonly Dual[]>();
  return build(x.dtype, shape, (index) => {
    const key = replaced(index, axis, 0).join();
    const line = known.get(key) ?? f(lineAt(x, index, axis));
    known.set(key, line);
    return line[index[axis] ?? 0] as Dual;
  });
}

function sorted(x: Val, axis: number, k: number, largest: boolean, rounding: Rounding): Outcome {
  const take = (of: (line: Dual[], i: number) => Dual): Val =>
    lines(x, axis, k, (line) =>
      order(line, x, rounding, largest)
        .slice(0, k)
        .map((i) => of(line, i)),
    );
  return {
    values: take((line, i) => line[i] as Dual),
    indices: { ...take((_, i) => constant(i)), dtype: "int32" },
  };
}

const argument =
  (largest: boolean): Reference =>
  ([value, options], rounding) => {
    const x = val(value);
    const axis = axisOf((options as { axis?: number } | undefined)?.axis ?? -1, x.shape.length);
    if (x.shape[axis] === 0) throw new RangeError("the extreme of nothing");
    const at = lines(x, axis, 1, (line) => [constant(order(line, x, rounding, largest)[0] ?? 0)]);
    return whole({ dtype: "int32", shape: x.shape.filter((_, a) => a !== axis), data: at.data });
  };

/** `scale · A B` over the last two axes. */
function product(a: Val, b: Val, o: Options, rounding: Rounding): Val {
  const n = arithmetic(a.dtype, rounding);
  const size = (x: Val, flip: unknown, axis: number): number =>
    x.shape.at(flip === true ? -3 - axis : axis) ?? 1;
  const [m, k, c] = [
    size(a, o["transposeA"], -2),
    size(a, o["transposeA"], -1),
    size(b, o["transposeB"], -1),
  ];
  const shape = [...broadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2)), m, c];
  const element = (x: Val, lead: readonly number[], row: number, column: number, flip: unknown): Dual =>
    pick(x, flip === true ? [...lead, column, row] : [...lead, row, column]);
  const scale = (o["scale"] as number | undefined) ?? 1;
  return build(a.dtype, shape, (index) => {
    const lead = index.slice(0, -2);
    const [i = 0, j = 0] = index.slice(-2);
    const terms = Array.from({ length: k }, (_, l) =>
      n.mul(element(a, lead, i, l, o["transposeA"]), element(b, lead, l, j, o["transposeB"])),
    );
    const total = n.sum(terms);
    return scale === 1 ? total : n.mul(constant(scale), total);
  });
}

function einsum(pattern: string, xs: readonly Val[], rounding: Rounding): Val {
  const [left = "", right = ""] = pattern.split("->");
  const names = left.split(",").map((s) => [...s]);
  const sizes = new Map<string, number>();
  names.forEach((axes, i) => axes.forEach((name, a) => sizes.set(name, xs[i]?.shape[a] ?? 1)));
  const size = (name: string): number => sizes.get(name) ?? 1;
  const summed = [...sizes.keys()].filter((name) => !right.includes(name));
  const [first] = xs;
  if (first === undefined) throw new Error("einsum of nothing");
  const n = arithmetic(first.dtype, rounding);
  return build(first.dtype, [...right].map(size), (index) => {
    const terms = indices(summed.map(size)).map((inner) => {
      const at = (name: string): number =>
        (right.includes(name) ? index[right.indexOf(name)] : inner[summed.indexOf(name)]) ?? 0;
      return xs.map((x, i) => pick(x, (names[i] ?? []).map(at))).reduce((a, b) => n.mul(a, b));
    });
    return n.sum(terms);
  });
}

function conv1d(x: Val, w: Val, o: Options, rounding: Rounding): Val {
  const { stride = 1, dilation = 1, groups: parts = 1, padding = 0 } = o as Record<string, number>;
  const n = arithmetic(x.dtype, rounding);
  const [B = 0, , T = 0] = x.shape;
  const [O = 0, per = 0, K = 0] = w.shape;
  const length = Math.floor((T + 2 * padding - dilation * (K - 1) - 1) / stride) + 1;
  return build(x.dtype, [B, O, length], ([b = 0, out = 0, t = 0]) => {
    const group = Math.floor(out / (O / parts));
    const terms: Dual[] = [];
    for (let c = 0; c < per; c++) {
      for (let k = 0; k < K; k++) {
        const at = t * stride + k * dilation - padding;
        if (at >= 0 && at < T) terms.push(n.mul(pick(x, [b, group * per + c, at]), pick(w, [out, c, k])));
      }
    }
    return n.sum(terms);
  });
}

/** `(x − mean) / √(variance + ε) · scale + bias`, or without centre and bias. */
function normalised(x: Val, o: Options, centred: boolean, rounding: Rounding): Val {
  const n = arithmetic(x.dtype, rounding);
  const axis = x.shape.length - 1;
  const epsilon = constant(Math.fround((o["epsilon"] as number | undefined) ?? 1e-5));
  const y = lines(x, axis, x.shape[axis] ?? 0, (line) => {
    const mean = centred ? meanOf(line, x.dtype, rounding) : undefined;
    const moved = mean ? line.map((v) => n.sub(v, mean)) : line;
    const square = meanOf(
      moved.map((v) => n.mul(v, v)),
      x.dtype,
      rounding,
    );
    const root = sqrt(n.add(square, epsilon), x.dtype, rounding);
    return moved.map((v) => n.div(v, root));
  });
  const [scale, bias] = [o["scale"], o["bias"]].map((v) => (v === undefined ? undefined : val(v)));
  return build(x.dtype, x.shape, (index) => {
    const last = [index.at(-1) ?? 0];
    const scaled = scale ? n.mul(pick(y, index), pick(scale, last)) : pick(y, index);
    return bias ? n.add(scaled, pick(bias, last)) : scaled;
  });
}

/** The derivatives of `x` times `factor`; the value stays. */
function derivativesTimes(x: Dual, factor: number): Dual {
  if (factor === 0) return { ...x, d: null, t: 0, h: null };
  return {
    ...x,
    d: x.d?.map((v) => v * factor) ?? null,
    t: x.t * factor,
    h: x.h?.map((v) => v * factor) ?? null,
  };
}

const mapped = (x: Val, f: (x: Dual) => Dual): Val => ({ ...x, data: x.data.map(f) });

/** Row `i` along axis 0, and rows put together again. */
const rowOf = (x: Val, i: number): Val => {
  const size = count(x.shape.slice(1));
  return { ...x, shape: x.shape.slice(1), data: x.data.slice(i * size, (i + 1) * size) };
};

const STRUCTURE: Readonly<Record<string, Reference>> = {
  stopGradient: ([x]) => whole(mapped(val(x), (v) => derivativesTimes(v, 0))),
  straightThrough([hard, soft]) {
    const [a, b] = [val(hard), val(soft)];
    return whole({ ...a, data: a.data.map((v, i) => ({ ...(b.data[i] as Dual), v: v.v, exact: v.exact })) });
  },
  // The rule of these programs is the true derivative times two.
  customGradient(args, _, call) {
    const results = call(args as Val[]);
    return Object.fromEntries(results.map((y, i) => [`${i}`, mapped(y, (v) => derivativesTimes(v, 2))]));
  },
  checkpoint: (args, _, call) => Object.fromEntries(call(args as Val[]).map((y, i) => [`${i}`, y])),
  scan([init, xs, options], _, call) {
    let carry = init as Val[];
    const series = xs as Val[];
    const { reverse = false } = options as { reverse?: boolean };
    const T = series[0]?.shape[0] ?? 0;
    const rows: Val[][] = [];
    if (T === 0) {
      // No step is made; a step on zeros tells the shapes of what it would have given.
      const results = call([...carry, ...series.map((x) => zeros(x.dtype, x.shape.slice(1)))]);
      const none = results.slice(carry.length).map((y) => ({ ...y, shape: [0, ...y.shape], data: [] }));
      return Object.fromEntries([
        ...carry.map((c, i): [string, Val] => [`carry.${i}`, c]),
        ...none.map((y, i): [string, Val] => [`ys.${i}`, y]),
      ]);
    }
    for (let i = 0; i < T; i++) {
      const t = reverse ? T - 1 - i : i;
      const results = call([...carry, ...series.map((x) => rowOf(x, t))]);
      carry = results.slice(0, carry.length);
      rows[t] = results.slice(carry.length);
    }
    const stacked = (rows[0] ?? []).map((first, i) => ({
      ...first,
      shape: [T, ...first.shape],
      data: rows.flatMap((row) => row[i]?.data ?? []),
    }));
    return Object.fromEntries([
      ...carry.map((c, i): [string, Val] => [`carry.${i}`, c]),
      ...stacked.map((y, i): [string, Val] => [`ys.${i}`, y]),
    ]);
  },
};

const along =
  (f: (line: Dual[], x: Val, rounding: Rounding) => readonly Dual[]): Reference =>
  ([value, axis = -1], rounding) => {
    const x = val(value);
    const at = axisOf(axis as number, x.shape.length);
    return whole(lines(x, at, x.shape[at] ?? 0, (line) => f(line, x, rounding)));
  };

/** Functions by name. */
export const COMPOSED: Readonly<Record<string, Reference>> = {
  ...Object.fromEntries(Object.entries(FOLDS).map(([name, f]) => [name, reduction(f)])),
  argMax: argument(true),
  argMin: argument(false),
  cumSum([value, options], rounding) {
    const x = val(value);
    const {
      axis = -1,
      exclusive = false,
      reverse = false,
    } = options as {
      axis?: number;
      exclusive?: boolean;
      reverse?: boolean;
    };
    const n = arithmetic(x.dtype, rounding);
    const at = axisOf(axis, x.shape.length);
    return whole(
      lines(x, at, x.shape[at] ?? 0, (line) => {
        const run = reverse ? [...line].reverse() : line;
        const sums = run.map((_, i) => n.sum(run.slice(0, exclusive ? i : i + 1)));
        return reverse ? sums.reverse() : sums;
      }),
    );
  },
  topK([x, k, options], rounding) {
    const { axis = -1, largest = true } = (options ?? {}) as { axis?: number; largest?: boolean };
    return sorted(val(x), axisOf(axis, val(x).shape.length), k as number, largest, rounding);
  },
  sort([value, options], rounding) {
    const x = val(value);
    const axis = axisOf((options as { axis?: number } | undefined)?.axis ?? -1, x.shape.length);
    return sorted(x, axis, x.shape[axis] ?? 0, false, rounding);
  },
  matmul: ([a, b, o], rounding) => whole(product(val(a), val(b), (o ?? {}) as Options, rounding)),
  einsum: ([pattern, ...xs], rounding) => whole(einsum(pattern as string, xs as Val[], rounding)),
  conv1d: ([x, w, o], rounding) => whole(conv1d(val(x), val(w), o as Options, rounding)),
  dot([a, b], rounding) {
    const [x, y] = [val(a), val(b)];
    const n = arithmetic(x.dtype, rounding);
    return whole({
      dtype: x.dtype,
      shape: [],
      data: [n.sum(x.data.map((v, i) => n.mul(v, y.data[i] as Dual)))],
    });
  },
  softmax: along((line, x, rounding) => {
    const n = arithmetic(x.dtype, rounding);
    const m = constant(Math.max(...line.map((v) => v.v)));
    const powers = line.map((v) => exp(n.sub(v, m), x.dtype, rounding));
    const total = n.sum(powers);
    return powers.map((p) => n.div(p, total));
  }),
  logSoftmax: along((line, x, rounding) => {
    const total = lseOf(line, x.dtype, rounding);
    return line.map((v) => arithmetic(x.dtype, rounding).sub(v, total));
  }),
  layerNorm: ([x, o], rounding) => whole(normalised(val(x), (o ?? {}) as Options, true, rounding)),
  rmsNorm: ([x, o], rounding) => whole(normalised(val(x), (o ?? {}) as Options, false, rounding)),
  ...FUSED,
  ...STRUCTURE,
  ...MOVEMENT,
};
