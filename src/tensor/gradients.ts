// One derivative rule per op, written in the same ops, so that derivatives of derivatives come for free.
// A rule maps the cotangents of an op's outputs to those of its inputs; `null` means "no derivative".
import { GraphError } from "../errors.ts";
import { type Dim, mulDims, type Shape } from "../graph/dim.ts";
import { isFloat } from "../graph/dtype.ts";
import { attributesOf, type OpAttributes, type OpName, typeOf, type Value } from "../graph/value.ts";
import * as e from "./elementwise.ts";
import { fusedRule, recomputeRule, scanRule } from "./control-rules.ts";
import { addAlongAxis, gather, scatterAdd, takeAlongAxis } from "./indexing.ts";
import { broadcastTo, flip, narrow, pad, permute, reshape, slice, tril, triu } from "./movement.ts";
import { matmul } from "./product.ts";
import { cumSum, max, min, prod, sum } from "./reduce.ts";
import type { Backward, Rule } from "./rule.ts";
import { apply, asTensor, full, item, items, type Tensor, zeros } from "./tensor.ts";

/** `x` of a one-operand rule. */
function first(c: { inputs: readonly Tensor[] }): Tensor {
  const [x] = c.inputs;
  if (x === undefined) throw new Error("rule without operand");
  return x;
}

function pairOf(c: { inputs: readonly Tensor[] }): [Tensor, Tensor] {
  const [a, b] = c.inputs;
  if (a === undefined || b === undefined) throw new Error("rule without operands");
  return [a, b];
}

/** `g` summed over the axes that broadcasting added, so that it has `shape` again. */
export function sumTo(g: Tensor, shape: Shape): Tensor {
  const lead = g.rank - shape.length;
  const axes = g.shape.flatMap((d, i) => (i < lead || (shape[i - lead] === 1 && d !== 1) ? [i] : []));
  const reduced = axes.length === 0 ? g : sum(g, { axis: axes });
  return reshape(reduced, shape);
}

const unary =
  (rule: (g: Tensor, x: Tensor, y: Tensor) => Tensor): Rule<OpAttributes["exp"]> =>
  (c) => [rule(c.g, first(c), asTensor(c.y))];

const flat: Rule<unknown> = (c) => c.inputs.map(() => null);

/** The choice of one operand at each place, ties shared equally. */
const choice =
  (better: (a: Tensor, b: Tensor) => Tensor): Rule<OpAttributes["max"]> =>
  (c) => {
    const [a, b] = pairOf(c);
    const half = e.where(e.equal(a, b), 0.5, e.cast(better(a, b), a.dtype));
    return [sumTo(c.g.mul(half), a.shape), sumTo(c.g.sub(c.g.mul(half)), b.shape)];
  };

/** A reduced cotangent or result back over the axes it lost. */
function unreduce(g: Tensor, shape: Shape, { axes, keep }: OpAttributes["sum"]): Tensor {
  const kept = keep
    ? g
    : reshape(
        g,
        shape.map((d, i) => (axes.includes(i) ? 1 : d)),
      );
  return broadcastTo(kept, shape);
}

const extreme =
  (reduce: typeof max): Rule<OpAttributes["reduceMax"]> =>
  (c) => {
    const x = first(c);
    // A runtime may hold either side of a float16 comparison in float32: no element would be its own extreme.
    const half = x.dtype === "float16";
    const wide = half ? e.cast(x, "float32") : x;
    const best = half
      ? reduce(wide, { axis: c.attributes.axes, keep: true })
      : unreduce(asTensor(c.y), x.shape, c.attributes);
    const hit = e.cast(e.equal(wide, best), x.dtype);
    const ties = sum(hit, { axis: c.attributes.axes, keep: true });
    return [unreduce(c.g, x.shape, c.attributes).mul(hit.div(ties))];
  };

function axesCount(shape: Shape, axes: readonly number[]): number {
  const count = mulDims(...axes.map((a): Dim => shape[a] ?? 1));
  if (typeof count !== "number")
    throw new GraphError(`mean: derivative over an unknown length ${count} is not supported. Use sum.`);
  return count;
}

/** Product of all other elements along the axes, exact where elements are zero. */
const prodRule: Rule<OpAttributes["prod"]> = (c) => {
  const x = first(c);
  const { axes } = c.attributes;
  const rest = x.shape.map((_, i) => i).filter((i) => !axes.includes(i));
  const order = [...rest, ...axes];
  const n = axesCount(x.shape, axes);
  const lead = rest.map((i): Dim => x.shape[i] ?? 1);
  const rows = reshape(permute(x, order), [...lead, n]);
  // Products before and after each element: log-depth scans would be exact too; n is small in practice.
  const square = broadcastTo(reshape(rows, [...lead, 1, n]), [...lead, n, n]);
  const eye = e.equal(
    reshape(apply("iota", [], { size: n, dtype: "int32" }), [n, 1]),
    apply("iota", [], { size: n, dtype: "int32" }),
  );
  const others = prod(e.where(eye, 1, square), { axis: -1 });
  const inverse = order.map((_, i) => order.indexOf(i));
  const back = permute(
    reshape(
      others,
      order.map((i): Dim => x.shape[i] ?? 1),
    ),
    inverse,
  );
  return [unreduce(c.g, x.shape, c.attributes).mul(back)];
};

/** Swaps which operand of a product a transposed flag belongs to. */
const matmulRule: Rule<OpAttributes["matmul"]> = (c) => {
  const [a, b] = pairOf(c);
  const { transposeA, transposeB, scale } = c.attributes;
  const da = transposeA
    ? matmul(b, c.g, { transposeA: transposeB, transposeB: true, scale })
    : matmul(c.g, b, { transposeB: !transposeB, scale });
  // With rows in several leading axes against one matrix, fold them into the product instead of summing after.
  if (!transposeA && b.rank === 2 && a.rank > 2) {
    const rows = mulDims(...a.shape.slice(0, -1));
    const a2 = reshape(a, [rows, a.shape.at(-1) ?? 1]);
    const g2 = reshape(c.g, [rows, c.g.shape.at(-1) ?? 1]);
    const db = transposeB
      ? matmul(g2, a2, { transposeA: true, scale })
      : matmul(a2, g2, { transposeA: true, scale });
    return [sumTo(da, a.shape), db];
  }
  const db = transposeB
    ? matmul(c.g, a, { transposeA: true, transposeB: transposeA, scale })
    : matmul(a, c.g, { transposeA: !transposeA, scale });
  return [sumTo(da, a.shape), sumTo(db, b.shape)];
};

const sliceRule: Rule<OpAttributes["slice"]> = (c) => {
  const x = first(c);
  const { starts, ends, steps } = c.attributes;
  let g = c.g;
  steps.forEach((step, i) => {
    if (step < 0) g = flip(g, i);
  });
  const amounts: [number, number][] = [];
  x.shape.forEach((size, i) => {
    const step = steps[i] ?? 1;
    const start = starts[i] ?? 0;
    const end = ends[i] ?? 0;
    if (start === 0 && end === size && step === 1) {
      amounts.push([0, 0]);
      return;
    }
    const count = g.shape[i];
    if (typeof size !== "number" || typeof start !== "number" || typeof count !== "number") {
      throw new GraphError(
        `slice: derivative at an unknown place [${start}, ${end}) of ${size} is not supported.`,
      );
    }
    const stride = Math.abs(step);
    const lowest = step > 0 ? start : start - (count - 1) * stride;
    if (stride > 1 && count > 0) {
      // Interleave zeros: [n] -> [n, stride] -> [n·stride], last gap dropped.
      const spread = pad(
        reshape(g, [...g.shape.slice(0, i + 1), 1, ...g.shape.slice(i + 1)]),
        Array.from({ length: g.rank + 1 }, (_, j): [number, number] => [0, j === i + 1 ? stride - 1 : 0]),
      );
      g = narrow(
        reshape(spread, [...g.shape.slice(0, i), count * stride, ...g.shape.slice(i + 1)]),
        i,
        0,
        (count - 1) * stride + 1,
      );
    }
    const length = count === 0 ? 0 : (count - 1) * stride + 1;
    amounts.push(count === 0 ? [size, 0] : [lowest, size - lowest - length]);
  });
  return [pad(g, amounts)];
};

/** Mean over the last axis, which stays. */
function lastMean(x: Tensor): Tensor {
  return apply("mean", [x], { axes: [x.rank - 1], keep: true });
}

/**
 * Share of `x` in the cotangent of `r = 1/σ` (or `1/rms`), `−r² x̂ / C`: it flows only in derivatives of
 * derivatives, whose rules use `r`.
 */
function inverseScaleRule(g: Tensor, r: Tensor, xhat: Tensor): Tensor {
  const width = axesCount(xhat.shape, [xhat.rank - 1]);
  return g
    .mul(r)
    .mul(r)
    .mul(-1 / width)
    .mul(xhat);
}

const layerNormRule: Rule<OpAttributes["layerNorm"]> = (c) => {
  const [x, scale] = pairOf(c);
  const [, gMean, gInverse] = c.all;
  const r = item(c.y, 2);
  const xhat = x.sub(item(c.y, 1)).mul(r);
  const gs = c.g.mul(scale);
  let dx = gs
    .sub(lastMean(gs))
    .sub(xhat.mul(lastMean(gs.mul(xhat))))
    .mul(r);
  if (gMean) dx = dx.add(gMean.mul(1 / axesCount(x.shape, [x.rank - 1])));
  if (gInverse) dx = dx.add(inverseScaleRule(gInverse, r, xhat));
  return [dx, sumTo(c.g.mul(xhat), scale.shape), sumTo(c.g, scale.shape)];
};

const rmsNormRule: Rule<OpAttributes["rmsNorm"]> = (c) => {
  const [x, scale] = pairOf(c);
  const [, gInverse] = c.all;
  const r = item(c.y, 1);
  const xhat = x.mul(r);
  const gs = c.g.mul(scale);
  const dx = gs.sub(xhat.mul(lastMean(gs.mul(xhat)))).mul(r);
  const again = gInverse ? dx.add(inverseScaleRule(gInverse, r, xhat)) : dx;
  return [again, sumTo(c.g.mul(xhat), scale.shape)];
};

const SQRT_2_OVER_PI = Math.sqrt(2 / Math.PI);

const geluRule: Rule<OpAttributes["gelu"]> = (c) => {
  const x = first(c);
  if (c.attributes.approximate === "tanh") {
    const x2 = x.mul(x);
    const t = e.tanh(x.mul(x2.mul(0.044715 * SQRT_2_OVER_PI).add(SQRT_2_OVER_PI)));
    // ½(1 + t) + ½x(1 − t²)·u′,  u′ = √(2/π)(1 + 3·0.044715 x²)
    const slope = x.mul(x2.mul(1.5 * 0.044715 * SQRT_2_OVER_PI).add(0.5 * SQRT_2_OVER_PI));
    return [
      c.g.mul(
        t
          .mul(0.5)
          .add(0.5)
          .add(slope.sub(slope.mul(t).mul(t))),
      ),
    ];
  }
  // Φ(x) + x φ(x) = ½ (1 + erf u + x e^{log(2/√2π) − u²}), u = x/√2; the ½ passes into the products behind.
  const u = x.mul(Math.SQRT1_2);
  const density = x.mul(e.exp(e.sub(Math.log(2 / Math.sqrt(2 * Math.PI)), u.mul(u))));
  return [c.g.mul(e.erf(u).add(density).add(1)).mul(0.5)];
};

/** `b − 1`, or 1 for `b = 0`, of a number spelled in the program. */
function powerLess(b: Tensor): Tensor {
  const { value } = attributesOf(b, "constant");
  return full([], value === 0 ? 1 : value - 1, { dtype: b.dtype });
}

/** One rule per op; ops with integer or boolean results have none. */
export const GRADIENTS: { readonly [K in OpName]?: Rule<OpAttributes[K]> } = {
  constant: flat,
  data: flat,
  input: flat,
  argument: flat,
  stopGradient: flat,
  sign: flat,
  floor: flat,
  ceil: flat,
  round: flat,
  neg: unary((g) => g.neg()),
  abs: unary((g, x) => g.mul(e.sign(x))),
  exp: unary((g, _, y) => g.mul(y)),
  log: unary((g, x) => g.div(x)),
  sqrt: unary((g, _, y) => g.mul(0.5).div(y)),
  sin: unary((g, x) => g.mul(e.cos(x))),
  cos: unary((g, x) => g.mul(e.sin(x)).neg()),
  tan: unary((g, _, y) => g.mul(y.mul(y).add(1))),
  asin: unary((g, x) => g.div(e.sqrt(e.sub(1, x.mul(x))))),
  acos: unary((g, x) => g.div(e.sqrt(e.sub(1, x.mul(x)))).neg()),
  atan: unary((g, x) => g.div(x.mul(x).add(1))),
  sinh: unary((g, x) => g.mul(e.cosh(x))),
  cosh: unary((g, x) => g.mul(e.sinh(x))),
  tanh: unary((g, _, y) => g.sub(g.mul(y).mul(y))),
  asinh: unary((g, x) => g.div(e.sqrt(x.mul(x).add(1)))),
  acosh: unary((g, x) => g.div(e.sqrt(x.mul(x).sub(1)))),
  atanh: unary((g, x) => g.div(e.sub(1, x.mul(x)))),
  erf: unary((g, x) => g.mul(2 / Math.sqrt(Math.PI)).mul(e.exp(x.mul(x).neg()))),
  sigmoid: unary((g, _, y) => g.mul(y.sub(y.mul(y)))),
  softplus: unary((g, x) => g.mul(e.sigmoid(x))),
  relu: unary((g, _, y) => e.where(e.greater(y, 0), g, 0)),
  silu: unary((g, x, y) => {
    const s = e.sigmoid(x);
    return g.mul(s.add(y.sub(y.mul(s)))); // s + xs(1 − s)
  }),
  gelu: geluRule,
  cast: (c) => [isFloat(first(c).dtype) ? e.cast(c.g, first(c).dtype) : null],
  add: (c) => c.inputs.map((x) => sumTo(c.g, x.shape)),
  sub: (c) => {
    const [a, b] = pairOf(c);
    return [sumTo(c.g, a.shape), sumTo(c.g.neg(), b.shape)];
  },
  mul: (c) => {
    const [a, b] = pairOf(c);
    return [sumTo(c.g.mul(b), a.shape), sumTo(c.g.mul(a), b.shape)];
  },
  div: (c) => {
    const [a, b] = pairOf(c);
    const da = c.g.div(b);
    return [sumTo(da, a.shape), sumTo(da.mul(asTensor(c.y)).neg(), b.shape)];
  },
  pow: (c) => {
    const [a, b] = pairOf(c);
    const y = asTensor(c.y);
    // b aᵇ⁻¹, and 0 for b = 0 also where a = 0.
    const nothing = (): Tensor => e.and(e.equal(b, 0), e.equal(a, 0));
    const less = b.op === "constant" ? powerLess(b) : e.where(nothing(), 1, b.sub(1));
    const da = c.g.mul(b).mul(e.pow(a, less));
    // d/db aᵇ = aᵇ log a, taken as 0 where a ≤ 0.
    const positive = e.greater(a, 0);
    const db = c.g.mul(y).mul(e.where(positive, e.log(e.where(positive, a, 1)), 0));
    return [sumTo(da, a.shape), sumTo(db, b.shape)];
  },
  max: choice(e.greater),
  min: choice(e.less),
  where: (c) => {
    const [condition, a, b] = c.inputs;
    if (condition === undefined || a === undefined || b === undefined)
      throw new Error("where needs three inputs");
    return [null, sumTo(e.where(condition, c.g, 0), a.shape), sumTo(e.where(condition, 0, c.g), b.shape)];
  },
  sum: (c) => [unreduce(c.g, first(c).shape, c.attributes)],
  mean: (c) => {
    const x = first(c);
    return [unreduce(c.g.mul(1 / axesCount(x.shape, c.attributes.axes)), x.shape, c.attributes)];
  },
  reduceMax: extreme(max),
  reduceMin: extreme(min),
  prod: prodRule,
  logSumExp: (c) => {
    const x = first(c);
    const y = unreduce(asTensor(c.y), x.shape, c.attributes);
    return [unreduce(c.g, x.shape, c.attributes).mul(e.exp(x.sub(y)))];
  },
  cumSum: (c) => {
    const { axis, exclusive, reverse } = c.attributes;
    return [cumSum(c.g, { axis, exclusive, reverse: !reverse })];
  },
  matmul: matmulRule,
  reshape: (c) => [reshape(c.g, first(c).shape)],
  transpose: (c) => {
    const { order } = c.attributes;
    return [
      permute(
        c.g,
        order.map((_, i) => order.indexOf(i)),
      ),
    ];
  },
  broadcast: (c) => [sumTo(c.g, first(c).shape)],
  slice: sliceRule,
  concat: (c) => {
    const { axis } = c.attributes;
    let start = 0;
    return c.inputs.map((x) => {
      const size = x.shape[axis] ?? 0;
      if (typeof size !== "number")
        throw new GraphError(`concat: derivative of an unknown size ${size} is not supported.`);
      start += size;
      return narrow(c.g, axis, start - size, start);
    });
  },
  pad: (c) => {
    const { before } = c.attributes;
    const spans = first(c).shape.map((d, i) => {
      const start = before[i] ?? 0;
      if (typeof d !== "number") {
        if (start !== 0 || (c.attributes.after[i] ?? 0) !== 0)
          throw new GraphError(`pad: derivative of an unknown size ${d} is not supported.`);
        return {};
      }
      return { start, end: start + d };
    });
    return [slice(c.g, ...spans)];
  },
  triangle: (c) => {
    const { part, diagonal } = c.attributes;
    return [part === "lower" ? tril(c.g, diagonal) : triu(c.g, diagonal)];
  },
  gather: (c) => {
    const [x, indices] = pairOf(c);
    const { axis } = c.attributes;
    if (axis === 0) return [scatterAdd(zeros(x.shape, { dtype: x.dtype }), indices, c.g), null];
    // Bring the gathered axis to the front: g is [lead…, indices…, rest…].
    const lead = Array.from({ length: axis }, (_, i) => i);
    const picked = Array.from({ length: indices.rank }, (_, i) => axis + i);
    const rest = Array.from({ length: x.rank - axis - 1 }, (_, i) => axis + indices.rank + i);
    const g = permute(c.g, [...picked, ...lead, ...rest]);
    const order = [axis, ...lead, ...Array.from({ length: x.rank - axis - 1 }, (_, i) => axis + 1 + i)];
    const sums = scatterAdd(
      zeros(
        order.map((i): Dim => x.shape[i] ?? 1),
        { dtype: x.dtype },
      ),
      indices,
      g,
    );
    return [
      permute(
        sums,
        order.map((_, i) => order.indexOf(i)),
      ),
      null,
    ];
  },
  takeAlongAxis: (c) => {
    const [x, indices] = pairOf(c);
    return [addAlongAxis(zeros(x.shape, { dtype: x.dtype }), indices, c.g, c.attributes.axis), null];
  },
  scatterAdd: (c) => {
    const [, indices] = pairOf(c);
    return [c.g, null, gather(c.g, indices, 0)];
  },
  addAlongAxis: (c) => {
    const [, indices] = pairOf(c);
    return [c.g, null, takeAlongAxis(c.g, indices, c.attributes.axis)];
  },
  topK: (c) => {
    const x = first(c);
    const [g] = c.all;
    return [g ? addAlongAxis(zeros(x.shape, { dtype: x.dtype }), item(c.y, 1), g, c.attributes.axis) : null];
  },
  softmax: (c) => {
    const y = asTensor(c.y);
    return [y.mul(c.g.sub(sum(c.g.mul(y), { axis: c.attributes.axis, keep: true })))];
  },
  logSoftmax: (c) => {
    const { axis } = c.attributes;
    return [c.g.sub(e.exp(asTensor(c.y)).mul(sum(c.g, { axis, keep: true })))];
  },
  layerNorm: layerNormRule,
  rmsNorm: rmsNormRule,
  fused: fusedRule,
  alias: (c) => [c.g],
  barrier: (c) => [c.g, null],
  custom: (c) => {
    const { outputs, rule } = c.attributes;
    const cotangents = c.all.map((g, i) => g ?? zerosLike(c.inputs[i]));
    const grads = rule(cotangents, c.inputs.slice(outputs), items(c.y));
    return [...Array.from({ length: outputs }, () => null), ...grads.map((g) => g && asTensor(g))];
  },
  recompute: recomputeRule,
  scan: scanRule,
};

function zerosLike(x: Tensor | undefined): Tensor {
  return zeros(x?.shape ?? [], { dtype: x?.dtype ?? "float32" });
}

/** Cotangents of the inputs of `y`, given those of its outputs. @throws GraphError for ops without a rule. */
export function pullBack(
  y: Value,
  all: readonly (Tensor | null)[],
  backward: Backward,
): readonly (Tensor | null)[] {
  const rule = GRADIENTS[y.op] as Rule<unknown> | undefined;
  if (rule === undefined) {
    throw new GraphError(
      `grad: ${y.op} has no derivative. Wrap its input in stopGradient, or give a rule with customGradient.`,
    );
  }
  const { dtype, shape } = typeOf(y);
  return rule({
    y,
    inputs: y.inputs.map(asTensor),
    attributes: attributesOf(y, y.op),
    g: all[0] ?? full(shape, 0, { dtype: isFloat(dtype) ? dtype : "float32" }),
    all,
    backward,
  });
}
