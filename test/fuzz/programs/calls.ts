// One random call of each function of the op set, on operands that are there. What does not fit its operands' values
// (a logarithm of −1, an index out of range) is refused afterwards, when the reference has run.
import { count } from "../../reference/array.ts";
import { type Arg, isFloatKind, type Kind, type Val } from "../../reference/program.ts";
import { call, type Draw, type Make, MOST, ref, type Variable } from "./call.ts";
import { KERNELS } from "./kernels.ts";
import type { Random } from "./random.ts";

const float = (x: Val): boolean => isFloatKind(x.dtype);
const integer = (x: Val): boolean => x.dtype === "int32" || x.dtype === "int64";
const number = (x: Val): boolean => float(x) || integer(x);
const bool = (x: Val): boolean => x.dtype === "bool";
const index = integer;
const rank = (x: Val): number => x.shape.length;
const size = (x: Val, axis: number): number => x.shape[axis] ?? 0;

function broadcasts(a: readonly number[], b: readonly number[]): boolean {
  const n = Math.max(a.length, b.length);
  let total = 1;
  for (let i = 1; i <= n; i++) {
    const [x, y] = [a[a.length - i] ?? 1, b[b.length - i] ?? 1];
    if (x !== y && x !== 1 && y !== 1) return false;
    total *= x === 1 ? y : x;
  }
  return n <= 5 && total <= MOST;
}

const same = (a: readonly number[], b: readonly number[]): boolean => a.join() === b.join();

const unary =
  (fn: string, holds: (x: Val) => boolean = float): Make =>
  (d) => {
    const x = d.find(holds);
    return x && call(fn, ref(x));
  };

/** A literal that a dtype holds. */
function literal(dtype: Kind, random: Random): number {
  if (isFloatKind(dtype)) return random.of([0, 1, -1, 0.5, 2, 0.1, -0.3, 1 / 3, 3, 1.7]);
  return random.of([0, 1, 2, 3, -1, -2, 5]);
}

const binary =
  (fn: string, holds: (x: Val) => boolean = number): Make =>
  (d) => {
    const a = d.find(holds);
    if (!a) return undefined;
    if (!bool(a.val) && d.random.chance(0.25)) {
      const b = literal(a.val.dtype, d.random);
      return d.random.chance(0.5) ? call(fn, ref(a), b) : call(fn, b, ref(a));
    }
    const b = d.find((x) => x.dtype === a.val.dtype && broadcasts(a.val.shape, x.shape));
    return b && call(fn, ref(a), ref(b));
  };

function axes(d: Draw, x: Val): number[] {
  const some = d.random.shuffled(x.shape.map((_, i) => i)).slice(0, 1 + d.random.below(rank(x)));
  return some.map((a) => (d.random.chance(0.5) ? a - rank(x) : a));
}

const reduction =
  (fn: string, holds: (x: Val) => boolean = float): Make =>
  (d) => {
    const x = d.find((v) => holds(v) && (rank(v) > 0 || d.random.chance(0.2)));
    if (!x) return undefined;
    const keep = d.random.chance(0.3);
    if (rank(x.val) === 0 || d.random.chance(0.3)) return call(fn, ref(x), { keep });
    const over = axes(d, x.val);
    return call(fn, ref(x), {
      axis: over.length === 1 && d.random.chance(0.5) ? (over[0] ?? 0) : over,
      keep,
    });
  };

/** A function along one axis, given in options or as a plain argument. */
const along =
  (fn: string, holds: (x: Val) => boolean, how: "options" | "plain", places = [""]): Make =>
  (d) => {
    const x = d.find((v) => holds(v) && rank(v) > 0);
    if (!x) return undefined;
    const axis = d.random.below(2 * rank(x.val)) - rank(x.val);
    return { fn, args: [ref(x), how === "plain" ? axis : { axis }], places };
  };

const matmul: Make = (d) => {
  const a = d.find((x) => (float(x) || x.dtype === "int32") && rank(x) >= 2);
  if (!a) return undefined;
  const transposeA = d.random.chance(0.3);
  const transposeB = d.random.chance(0.3);
  const k = size(a.val, rank(a.val) - (transposeA ? 2 : 1));
  const b = d.find(
    (x) =>
      x.dtype === a.val.dtype &&
      rank(x) >= 2 &&
      size(x, rank(x) - (transposeB ? 1 : 2)) === k &&
      broadcasts(a.val.shape.slice(0, -2), x.shape.slice(0, -2)),
  );
  if (!b) return undefined;
  const scale = float(a.val) && d.random.chance(0.4) ? d.random.of([0.5, -1, 0.3, 2]) : 1;
  return call("matmul", ref(a), ref(b), { transposeA, transposeB, scale });
};

const einsum: Make = (d) => {
  const a = d.find((x) => float(x) && rank(x) >= 1 && rank(x) <= 3);
  if (!a) return undefined;
  const names = [..."abc"].slice(0, rank(a.val));
  const b = d.find((x) => x.dtype === a.val.dtype && rank(x) >= 1 && rank(x) <= 3);
  if (!b) return undefined;
  const sizes = new Map(names.map((n, i) => [n, size(a.val, i)]));
  const second = b.val.shape.map((s, i) => {
    const match = names.find((n) => sizes.get(n) === s && d.random.chance(0.7));
    return match ?? "xyz"[i] ?? "x";
  });
  if (new Set(second).size !== second.length) return undefined;
  const out = d.random
    .shuffled([...new Set([...names, ...second])])
    .filter((n) => d.random.chance(names.includes(n) && second.includes(n) ? 0.4 : 0.8));
  const all = [...new Set([...names, ...second])].map((n) =>
    names.includes(n) ? (sizes.get(n) ?? 1) : size(b.val, second.indexOf(n)),
  );
  if (count(all) > 4 * MOST) return undefined;
  return call("einsum", `${names.join("")},${second.join("")}->${out.join("")}`, ref(a), ref(b));
};

const conv1d: Make = (d) => {
  const x = d.find((v) => float(v) && rank(v) === 3 && size(v, 2) > 0);
  const w = x && d.find((v) => v.dtype === x.val.dtype && rank(v) === 3 && count(v.shape) > 0);
  if (!x || !w) return undefined;
  const groups = size(x.val, 1) / size(w.val, 1);
  if (!Number.isInteger(groups) || groups < 1 || size(w.val, 0) % groups !== 0) return undefined;
  const [stride, dilation, padding] = [1 + d.random.below(2), 1 + d.random.below(2), d.random.below(3)];
  if (size(x.val, 2) + 2 * padding < dilation * (size(w.val, 2) - 1) + 1) return undefined;
  return call("conv1d", ref(x), ref(w), { stride, dilation, padding, groups });
};

function factors(n: number, random: Random): number[] {
  if (n === 0) return random.shuffled([0, 1 + random.below(4)]);
  const out: number[] = [];
  let rest = n;
  for (const p of [2, 3, 5, 7]) {
    while (rest % p === 0 && out.length < 4) {
      out.push(p);
      rest /= p;
    }
  }
  if (rest > 1 || random.chance(0.3)) out.push(rest);
  const merged: number[] = [];
  for (const f of random.shuffled(out)) {
    if (merged.length > 0 && random.chance(0.4)) merged.push((merged.pop() ?? 1) * f);
    else merged.push(f);
  }
  return merged.slice(0, 5);
}

const reshape: Make = (d) => {
  const x = d.find(() => true);
  if (!x) return undefined;
  const to = factors(count(x.val.shape), d.random);
  if (count(to) !== count(x.val.shape)) return undefined;
  const at = d.random.below(to.length + 2);
  return call(
    "reshape",
    ref(x),
    count(to) > 0 && at < to.length ? to.map((n, i) => (i === at ? -1 : n)) : to,
  );
};

const span = (d: Draw, n: number): Arg => {
  if (d.random.chance(0.4)) return {};
  const start = d.random.below(n + 1) - (d.random.chance(0.2) ? n : 0);
  const end = d.random.chance(0.5) ? n : d.random.below(n + 1);
  return { start, end, step: 1 + (d.random.chance(0.3) ? d.random.below(3) : 0) };
};

const anything = (): boolean => true;
const ranked = (x: Val): boolean => rank(x) > 0;

const MOVEMENT: readonly Make[] = [
  reshape,
  (d) => {
    const x = d.find((v) => rank(v) >= 2);
    return x && call("permute", ref(x), d.random.shuffled(x.val.shape.map((_, i) => i)));
  },
  (d) => {
    const x = d.find((v) => rank(v) >= 2);
    return x && call("transpose", ref(x));
  },
  (d) => {
    const x = d.find((v) => rank(v) < 5);
    if (!x) return undefined;
    const grown = x.val.shape.map((s) => (s === 1 ? 1 + d.random.below(4) : s));
    const lead = Array.from({ length: d.random.below(6 - rank(x.val)) }, () => d.random.below(4));
    return count([...lead, ...grown]) > MOST ? undefined : call("broadcastTo", ref(x), [...lead, ...grown]);
  },
  (d) => {
    const x = d.find((v) => rank(v) < 5);
    return x && call("expandDims", ref(x), d.random.below(rank(x.val) + 1));
  },
  (d) => {
    const x = d.find((v) => v.shape.includes(1));
    return x && call("squeeze", ref(x), x.val.shape.indexOf(1));
  },
  (d) => {
    const x = d.find(ranked);
    return x && call("slice", ref(x), ...x.val.shape.map((n) => span(d, n)));
  },
  (d) => {
    const x = d.find(ranked);
    if (!x) return undefined;
    const axis = d.random.below(rank(x.val));
    const start = d.random.below(size(x.val, axis) + 1);
    return call("narrow", ref(x), axis, start, start + d.random.below(size(x.val, axis) - start + 1));
  },
  (d) => {
    const x = d.find((v) => ranked(v) && size(v, 0) > 0);
    return x && call("at", ref(x), d.random.below(2 * size(x.val, 0)) - size(x.val, 0));
  },
  (d) => {
    const x = d.find(ranked);
    return x && call("flip", ref(x), d.random.below(rank(x.val)));
  },
  (d) => {
    const x = d.find(ranked);
    if (!x) return undefined;
    const axis = d.random.below(rank(x.val));
    const fits = (v: Val): boolean =>
      v.dtype === x.val.dtype &&
      rank(v) === rank(x.val) &&
      v.shape.every((s, i) => i === axis || s === x.val.shape[i]);
    const rest = [d.find(fits), d.find(fits)].filter((v) => v !== undefined).slice(0, 1 + d.random.below(2));
    const total = count(x.val.shape) + rest.reduce((n, v) => n + count(v.val.shape), 0);
    return total > MOST ? undefined : call("concat", [x, ...rest].map(ref), axis);
  },
  (d) => {
    const x = d.find((v) => rank(v) < 4);
    const y = x && d.find((v) => v.dtype === x.val.dtype && same(v.shape, x.val.shape));
    return x && y && 2 * count(x.val.shape) <= MOST
      ? call("stack", [ref(x), ref(y)], d.random.below(rank(x.val) + 1))
      : undefined;
  },
  (d) => {
    const x = d.find((v) => ranked(v) && v.shape.some((s) => s > 1));
    if (!x) return undefined;
    const axis = x.val.shape.findIndex((s) => s > 1);
    const first = d.random.below(size(x.val, axis) + 1);
    const sizes = [first, size(x.val, axis) - first];
    return { fn: "split", args: [ref(x), sizes, axis], places: ["0", "1"] };
  },
  (d) => {
    const x = d.find((v) => v.dtype !== "bool");
    if (!x) return undefined;
    const amounts = x.val.shape.map(() => [d.random.below(3), d.random.below(3)]);
    const total = count(x.val.shape.map((s, i) => s + (amounts[i]?.[0] ?? 0) + (amounts[i]?.[1] ?? 0)));
    return total > MOST ? undefined : call("pad", ref(x), amounts, literal(x.val.dtype, d.random));
  },
  (d) => {
    const x = d.find((v) => number(v) && rank(v) >= 2);
    return x && call(d.random.of(["tril", "triu"]), ref(x), d.random.below(5) - 2);
  },
];

const INDEXING: readonly Make[] = [
  (d) => {
    const x = d.find(ranked);
    const at = x && d.find((v) => index(v) && rank(v) + rank(x.val) <= 6);
    return x && at && call("gather", ref(x), ref(at), d.random.below(rank(x.val)));
  },
  (d) => {
    const x = d.find(ranked);
    if (!x) return undefined;
    const axis = d.random.below(rank(x.val));
    const at = d.find(
      (v) =>
        index(v) && rank(v) === rank(x.val) && v.shape.every((s, i) => i === axis || s === x.val.shape[i]),
    );
    return at && call("takeAlongAxis", ref(x), ref(at), axis);
  },
  (d) => {
    const x = d.find((v) => float(v) && ranked(v));
    const at = x && d.find((v) => index(v) && rank(v) <= 2);
    const shape = at && [...at.val.shape, ...x.val.shape.slice(1)];
    const u = shape && d.find((v) => v.dtype === x.val.dtype && same(v.shape, shape));
    return u && call("scatterAdd", ref(x), ref(at), ref(u));
  },
  (d) => {
    const x = d.find((v) => float(v) && ranked(v));
    if (!x) return undefined;
    const axis = d.random.below(rank(x.val));
    const at = d.find(
      (v) =>
        index(v) && rank(v) === rank(x.val) && v.shape.every((s, i) => i === axis || s === x.val.shape[i]),
    );
    const u = at && d.find((v) => v.dtype === x.val.dtype && same(v.shape, at.val.shape));
    return u && call("addAlongAxis", ref(x), ref(at), ref(u), axis);
  },
  (d) => {
    const x = d.find((v) => index(v) && rank(v) < 5);
    return (
      x &&
      call("oneHot", ref(x), 1 + d.random.below(4), {
        dtype: d.random.of(["float16", "float32", "float64", "int32"]),
      })
    );
  },
  (d) => {
    const x = d.find((v) => number(v) && ranked(v));
    if (!x) return undefined;
    const axis = d.random.below(rank(x.val));
    if (size(x.val, axis) === 0) return undefined;
    const options = { axis, largest: d.random.chance(0.5) };
    const args = [ref(x), 1 + d.random.below(size(x.val, axis)), options];
    return { fn: "topK", args, places: ["values", "indices"] };
  },
  along("sort", (x) => number(x) && !x.shape.includes(0), "options", ["values", "indices"]),
];

const normalise =
  (fn: "layerNorm" | "rmsNorm"): Make =>
  (d) => {
    const x = d.find((v) => float(v) && ranked(v) && size(v, rank(v) - 1) > 0);
    if (!x) return undefined;
    const width = [size(x.val, rank(x.val) - 1)];
    const vector = (): Variable | undefined =>
      d.random.chance(0.5) ? d.find((v) => v.dtype === x.val.dtype && same(v.shape, width)) : undefined;
    const [scale, bias] = [vector(), fn === "layerNorm" ? vector() : undefined];
    const epsilon = d.random.of([0.125, 0.5, 2 ** -10]);
    return call(fn, ref(x), {
      ...(scale && { scale: ref(scale) }),
      ...(bias && { bias: ref(bias) }),
      epsilon,
    });
  };

const CHOICES: readonly Make[] = [
  (d) => {
    const c = d.find(bool);
    const a = c && d.find((x) => broadcasts(c.val.shape, x.shape));
    if (!a) return undefined;
    const b = d.find(
      (x) => x.dtype === a.val.dtype && broadcasts(a.val.shape, x.shape) && broadcasts(c.val.shape, x.shape),
    );
    if (!b || d.random.chance(0.3)) {
      return bool(a.val) ? undefined : call("where", ref(c), ref(a), literal(a.val.dtype, d.random));
    }
    return call("where", ref(c), ref(a), ref(b));
  },
  (d) => {
    const x = d.find(number);
    return x && call("clip", ref(x), d.random.of([-1, -2, 0]), d.random.of([1, 2, 3]));
  },
  (d) => {
    const x = d.find(anything);
    const to = d.random.of<Kind>(["float16", "float32", "float64", "int32", "bool", "int64", "uint8"]);
    if (!x || x.val.dtype === to || (to === "uint8" && x.val.data.some((v) => v.v < 0 || v.v > 255)))
      return undefined;
    return call("cast", ref(x), to);
  },
  (d) => {
    const x = d.find(float);
    return x && call("stopGradient", ref(x));
  },
  (d) => {
    const hard = d.find(float);
    const soft = hard && d.find((x) => x.dtype === hard.val.dtype && same(x.shape, hard.val.shape));
    return hard && soft && call("straightThrough", ref(hard), ref(soft));
  },
  (d) => {
    const x = d.find(float);
    const y = x && d.find((v) => v.dtype === x.val.dtype && count(v.shape) === count(x.val.shape));
    return x && y && same(x.val.shape, y.val.shape) ? call("dot", ref(x), ref(y)) : undefined;
  },
  (d) =>
    call("full", [1 + d.random.below(3)], literal("float32", d.random), {
      dtype: d.random.of(["float16", "float32", "float64"]),
    }),
  (d) => call("iota", d.random.below(5), { dtype: d.random.of(["int32", "int64", "float32"]) }),
];

const SMOOTH = [
  "exp",
  "log",
  "sqrt",
  "rsqrt",
  "square",
  "sin",
  "cos",
  "tan",
  "asin",
  "acos",
  "atan",
  "sinh",
  "cosh",
];
const BENT = ["tanh", "asinh", "acosh", "atanh", "erf", "sigmoid", "softplus", "relu", "silu"];
const gelu: Make = (d) => {
  const x = d.find(float);
  return x && call("gelu", ref(x), { approximate: d.random.of(["none", "tanh"]) });
};

const COMPARISONS = ["equal", "notEqual", "less", "lessEqual", "greater", "greaterEqual"];

/** Ways to make a call, by kind: a kind is chosen first, so that none drowns the others. */
export const CALLS: Readonly<Record<string, readonly Make[]>> = {
  smooth: [...SMOOTH, ...BENT].map((fn) => unary(fn)).concat(gelu),
  steps: [
    ...["floor", "ceil", "round"].map((fn) => unary(fn)),
    ...["neg", "abs", "sign"].map((fn) => unary(fn, number)),
    unary("not", bool),
  ],
  arithmetic: [
    ...["add", "sub", "mul", "minimum", "maximum"].map((fn) => binary(fn)),
    ...["add", "sub", "mul", "div", "pow"].map((fn) => binary(fn, float)),
    binary("div", integer),
  ],
  comparisons: [
    ...COMPARISONS.map((fn) => binary(fn)),
    ...["and", "or", "xor"].map((fn) => binary(fn, bool)),
  ],
  reductions: [
    ...["sum", "mean", "max", "min", "prod", "logSumExp", "variance", "norm"].map((fn) => reduction(fn)),
    ...["sum", "max", "min", "prod"].map((fn) => reduction(fn, integer)),
    ...["all", "any"].map((fn) => reduction(fn, bool)),
    ...["argMax", "argMin", "cumSum"].map((fn) => along(fn, number, "options")),
  ],
  products: [matmul, matmul, einsum, conv1d],
  kernels: KERNELS,
  movement: MOVEMENT,
  indexing: INDEXING,
  fused: [
    along("softmax", float, "plain"),
    along("logSoftmax", float, "plain"),
    normalise("layerNorm"),
    normalise("rmsNorm"),
  ],
  choices: CHOICES,
};
