// Tiny examples of every op, for asking a device what it can do. The type of `OP_CASES` keeps the list complete.
import type { OpName } from "../../src/graph/value.ts";
import { attend } from "../../src/attention/index.ts";
import { noPosition, rotate, ropeFrequencies } from "../../src/position/index.ts";
import * as t from "../../src/tensor/index.ts";
import { apply, constant } from "../../src/tensor/tensor.ts";

/** Ops that are no kernels: leaves, and structure that leaves no trace in the graph. */
export type Silent =
  | "constant"
  | "data"
  | "input"
  | "argument"
  | "random"
  | "item"
  | "alias"
  | "stopGradient"
  | "custom"
  | "recompute";

type Case = () => t.Tensor;

/** `count` numbers between `low` and `high` in a scrambled order. */
function spread(shape: readonly number[], low = -2, high = 2): t.Tensor {
  const count = shape.reduce((a, b) => a * b, 1);
  const data = Float32Array.from({ length: count }, (_, i) => {
    const place = (i * 7 + 3) % count;
    return low + ((high - low) * (place + 0.5)) / count;
  });
  return t.tensor(data, { shape });
}

const whole = (shape: readonly number[], below: number): t.Tensor => {
  const count = shape.reduce((a, b) => a * b, 1);
  return t.tensor(
    Int32Array.from({ length: count }, (_, i) => (i * 5 + 1) % below),
    { shape },
  );
};
const flags = (shape: readonly number[]): t.Tensor => {
  const count = shape.reduce((a, b) => a * b, 1);
  return t.tensor(
    Uint8Array.from({ length: count }, (_, i) => Number(i % 3 === 0)),
    { shape, dtype: "bool" },
  );
};

const A = [3, 5] as const;
const x = (): t.Tensor => spread(A);
const positive = (): t.Tensor => spread(A, 0.1, 3);
const inner = (): t.Tensor => spread(A, -0.9, 0.9);
const rows = (): t.Tensor => spread([4, 2, 6]);

const rows4 = (): t.Tensor => spread([2, 3, 3, 4]);

/** Queries `[B, H, T, D]` on the first 3 keys of a cache `[B, G, R, D]` and on `added`; the values are the keys. */
function attendAfter(q: t.Tensor, cache: t.Tensor, added: t.Tensor): t.Tensor {
  const keys = t.concat([t.narrow(cache, 2, 0, 3), added], 2);
  const keyPositions = t.iota(keys.shape[2] ?? 1);
  const options = {
    position: noPosition(),
    keyPositions,
    queryPositions: t.slice(keyPositions, { start: 3 }),
  };
  return t.fused({ name: "causalAttention", scale: 8 ** -0.5 }, [q, keys, keys], (a, k, v) =>
    attend(a, k, v, options),
  );
}

const on =
  (f: (x: t.Tensor) => t.Tensor, make: Case = x): Case =>
  () =>
    f(make());
const pair =
  (f: (a: t.Operand, b: t.Operand) => t.Tensor): Case =>
  () =>
    f(x(), spread([5], 0.5, 2));
const compare = (f: (a: t.Operand, b: t.Operand) => t.Tensor): Case[] => [
  () => f(x(), spread([5], 0.5, 2)),
  () => f(whole(A, 4), whole([5], 4)),
];
const reduction = (f: (x: t.Tensor, o?: t.ReduceOptions) => t.Tensor): Case[] => [
  () => f(positive(), { axis: 1 }),
  () => f(positive(), { axis: 0, keep: true }),
  () => f(positive()),
];

/** One example or more per op. */
export const OP_CASES: { readonly [K in Exclude<OpName, Silent>]: readonly Case[] } = {
  iota: [() => t.iota(5).add(whole([5], 3))],
  neg: [on(t.neg)],
  abs: [on(t.abs)],
  sign: [on(t.sign)],
  floor: [on(t.floor)],
  ceil: [on(t.ceil)],
  round: [on(t.round)],
  exp: [on(t.exp)],
  log: [on(t.log, positive)],
  sqrt: [on(t.sqrt, positive)],
  sin: [on(t.sin)],
  cos: [on(t.cos)],
  tan: [on(t.tan, inner)],
  asin: [on(t.asin, inner)],
  acos: [on(t.acos, inner)],
  atan: [on(t.atan)],
  sinh: [on(t.sinh)],
  cosh: [on(t.cosh)],
  tanh: [on(t.tanh)],
  asinh: [on(t.asinh)],
  acosh: [on((a) => t.acosh(a.add(1)), positive)],
  atanh: [on(t.atanh, inner)],
  erf: [on(t.erf)],
  sigmoid: [on(t.sigmoid)],
  softplus: [on(t.softplus)],
  relu: [on(t.relu)],
  silu: [on(t.silu)],
  gelu: [on(t.gelu), on((a) => t.gelu(a, { approximate: "tanh" }))],
  not: [on(t.not, () => flags(A))],
  cast: [
    on((a) => t.cast(a, "int32")),
    on(
      (a) => t.cast(a, "float32"),
      () => whole(A, 9),
    ),
    on(
      (a) => t.cast(a, "float32"),
      () => flags(A),
    ),
    on(
      (a) => t.cast(a, "bool"),
      () => whole(A, 2),
    ),
  ],
  add: [pair(t.add)],
  sub: [pair(t.sub)],
  mul: [pair(t.mul)],
  div: [pair(t.div)],
  pow: [() => t.pow(positive(), spread([5], 0.5, 2))],
  min: [pair(t.minimum)],
  max: [pair(t.maximum)],
  equal: compare(t.equal),
  less: compare(t.less),
  lessEqual: compare(t.lessEqual),
  greater: compare(t.greater),
  greaterEqual: compare(t.greaterEqual),
  and: [() => t.and(flags(A), flags([5]))],
  or: [() => t.or(flags(A), flags([5]))],
  xor: [() => t.xor(flags(A), flags([5]))],
  where: [() => t.where(flags(A), x(), spread([5])), () => t.where(flags(A), flags(A), flags([5]))],
  sum: reduction(t.sum),
  mean: reduction(t.mean),
  reduceMax: reduction(t.max),
  reduceMin: reduction(t.min),
  prod: reduction(t.prod),
  logSumExp: reduction(t.logSumExp),
  argMax: [on((a) => t.argMax(a)), on((a) => t.argMax(a, { axis: 0 }))],
  argMin: [on((a) => t.argMin(a))],
  cumSum: [on((a) => t.cumSum(a)), on((a) => t.cumSum(a, { axis: 0, exclusive: true, reverse: true }))],
  matmul: [
    () => t.matmul(spread([3, 4]), spread([4, 5])),
    () => t.matmul(spread([4, 3]), spread([5, 4]), { transposeA: true, transposeB: true, scale: 0.5 }),
    () => t.matmul(rows(), spread([5, 6]), { transposeB: true }),
    () => t.matmul(spread([2, 3, 5]), spread([2, 4, 5]), { transposeB: true, scale: 0.3 }),
    () => t.matmul(spread([2, 2, 5, 3]), spread([2, 2, 5, 4]), { transposeA: true }),
  ],
  reshape: [on((a) => t.reshape(a, [5, 3]))],
  transpose: [on((a) => t.permute(a, [2, 0, 1]), rows)],
  broadcast: [on((a) => t.broadcastTo(a, [2, 3, 5])), () => t.broadcastTo(whole([3, 1], 3), [3, 5])],
  slice: [on((a) => t.slice(a, { start: 1 }, {}, { start: 0, end: 5, step: 2 }), rows), on((a) => t.flip(a))],
  concat: [() => t.concat([x(), spread([2, 5])]), () => t.concat([whole(A, 3), whole([3, 2], 3)], 1)],
  pad: [
    on((a) =>
      t.pad(
        a,
        [
          [1, 0],
          [0, 2],
        ],
        0.5,
      ),
    ),
  ],
  triangle: [on((a) => t.tril(a)), on((a) => t.triu(a, 1))],
  gather: [
    () => t.gather(rows(), whole([2, 3], 4)),
    () => t.gather(rows(), whole([3], 6), 2),
    () => t.gather(whole([4, 2], 7), whole([3], 4)),
  ],
  takeAlongAxis: [() => t.takeAlongAxis(x(), whole([3, 2], 5))],
  scatterAdd: [() => t.scatterAdd(spread([4, 3]), t.tensor([1, 3, 1], { dtype: "int32" }), spread([3, 3]))],
  addAlongAxis: [
    () =>
      t.addAlongAxis(
        x(),
        t.tensor(
          [
            [1, 1],
            [0, 4],
            [2, 2],
          ],
          { dtype: "int32" },
        ),
        spread([3, 2]),
      ),
  ],
  topK: [
    on((a) => t.topK(a, 3).values),
    on((a) => t.topK(a, 3).indices),
    on((a) => t.sort(a, { axis: 0 }).values),
  ],
  softmax: [on((a) => t.softmax(a)), on((a) => t.softmax(a, 0))],
  logSoftmax: [on((a) => t.logSoftmax(a))],
  layerNorm: [
    () => t.layerNorm(rows(), { scale: spread([6]), bias: spread([6]) }),
    () => t.grad((a: t.Tensor) => t.sum(t.exp(t.layerNorm(a, { scale: spread([6]) }))))(rows()),
  ],
  fused: [
    () => rotate(rows4(), t.iota(3), ropeFrequencies(4, 10)),
    () => rotate(rows4(), t.iota(3), ropeFrequencies(4, 10), "interleaved"),
    () => attendAfter(spread([1, 4, 2, 8]), spread([1, 2, 7, 8]), spread([1, 2, 2, 8])),
    () => attendAfter(spread([3, 2, 1, 8]), spread([3, 2, 5, 8]), spread([3, 2, 1, 8])),
    () => t.conv2d(spread([2, 4, 6, 5]), spread([4, 2, 3, 2]), { stride: [2, 1], padding: 1, groups: 2 }),
    () => t.conv2d(spread([1, 2, 7, 7]), spread([3, 2, 3, 3]), { dilation: 2, padding: [[1, 2], 0] }),
    () =>
      t.convTranspose2d(spread([2, 3, 4, 3]), spread([3, 2, 3, 3]), {
        stride: 2,
        padding: 1,
        outputPadding: 1,
      }),
    () => t.maxPool2d(spread([2, 2, 5, 6]), 3, { stride: 2, padding: 1 }),
    () => t.averagePool2d(spread([2, 2, 5, 6]), [3, 2], { stride: 2, padding: 1 }),
  ],
  rmsNorm: [
    () => t.rmsNorm(rows(), { scale: spread([6]) }),
    () => t.grad((a: t.Tensor) => t.sum(t.exp(t.rmsNorm(a, { scale: spread([6]) }))))(rows()),
  ],
  barrier: [() => apply("barrier", [x(), spread([2, 2])], {}).add(constant(1))],
  scan: [() => t.scan((s: t.Tensor, a: t.Tensor) => [t.tanh(s.add(a)), s] as const, spread([5]), x()).ys],
};
