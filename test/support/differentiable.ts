// One row or more for every derivative rule, at points away from kinks.
import { attend } from "../../src/attention/index.ts";
import { noPosition, rotate } from "../../src/position/index.ts";
import * as t from "../../src/tensor/index.ts";
import { apply } from "../../src/tensor/tensor.ts";
import { pair, sample } from "./check.ts";
import type { Row } from "./differences.ts";

type F = (...xs: t.Tensor[]) => t.Tensor;

const real = (shape: readonly number[], low = -2, high = 2, seed = "x"): t.Tensor =>
  sample(shape, { low, high, seed: `${seed}${shape.join()}` }).x;

const row = (name: string, at: readonly t.Tensor[], f: F): Row => ({ name, at, f });

/** Functions of one operand: name, op, range. */
const UNARY: readonly [string, (x: t.Tensor) => t.Tensor, number, number][] = [
  ["neg", t.neg, -2, 2],
  ["abs", t.abs, -2, 2],
  ["sign", t.sign, -2, 2],
  ["floor", t.floor, -2, 2],
  ["ceil", t.ceil, -2, 2],
  ["round", t.round, -2, 2],
  ["exp", t.exp, -2, 2],
  ["log", t.log, 0.3, 4],
  ["sqrt", t.sqrt, 0.3, 4],
  ["rsqrt", t.rsqrt, 0.3, 4],
  ["sin", t.sin, -3, 3],
  ["cos", t.cos, -3, 3],
  ["tan", t.tan, -1, 1],
  ["asin", t.asin, -0.8, 0.8],
  ["acos", t.acos, -0.8, 0.8],
  ["atan", t.atan, -3, 3],
  ["sinh", t.sinh, -2, 2],
  ["cosh", t.cosh, -2, 2],
  ["tanh", t.tanh, -2, 2],
  ["asinh", t.asinh, -3, 3],
  ["acosh", t.acosh, 1.5, 4],
  ["atanh", t.atanh, -0.8, 0.8],
  ["erf", t.erf, -2, 2],
  ["sigmoid", t.sigmoid, -3, 3],
  ["softplus", t.softplus, -3, 3],
  ["relu", t.relu, -2, 2],
  ["silu", t.silu, -3, 3],
  ["gelu", t.gelu, -3, 3],
  ["gelu tanh", (x) => t.gelu(x, { approximate: "tanh" }), -3, 3],
  ["clip", (x) => t.clip(x, -1, 1), -2, 2],
  ["square", t.square, -2, 2],
  ["pow 3", (x) => t.pow(x, 3), -2, 2],
  ["pow base", (x) => t.pow(2, x), -2, 2],
  ["cast", (x) => t.cast(t.cast(x, "float64"), "float64"), -2, 2],
];

const unary = UNARY.map(([name, f, low, high]) => row(name, [real([7], low, high, name)], f));

const two: Row[] = (
  [
    ["add", t.add],
    ["sub", t.sub],
    ["mul", t.mul],
    ["div", t.div],
    ["pow", t.pow],
    ["minimum", t.minimum],
    ["maximum", t.maximum],
  ] as const
).flatMap(([name, op]) =>
  (
    [
      [[3], [3]],
      [
        [2, 1, 3],
        [4, 1],
      ],
      [[], [2]],
    ] as const
  ).map(([a, b]) =>
    row(`${name} [${a.join()}] [${b.join()}]`, [real(a, 0.5, 3, "a"), real(b, 0.5, 3, "b")], (x, y) =>
      op(one(x), one(y)),
    ),
  ),
);

const condition = pair([3], [1, 0, 1], "bool").x;
const choice = [
  row("where", [real([2, 3]), real([2, 1], -2, 2, "b")], (a, b) => t.where(condition, one(a), one(b))),
];

function one(x: t.Tensor | undefined): t.Tensor {
  if (x === undefined) throw new Error("operand missing");
  return x;
}

const on = (
  shape: readonly number[],
  f: (x: t.Tensor) => t.Tensor,
  low = -2,
  high = 2,
  seed = "x",
): readonly [readonly t.Tensor[], F] => [[real(shape, low, high, seed)], (x) => f(one(x))];

const ids = pair([4], [2, 0, 2, 1], "int32").x;
const along = pair([3, 2], [0, 2, 2, 1, 0, 0], "int64").x;

const reductions: Row[] = (
  [
    ["sum", t.sum],
    ["mean", t.mean],
    ["max", t.max],
    ["min", t.min],
    ["prod", t.prod],
    ["logSumExp", t.logSumExp],
    ["variance", t.variance],
    ["norm", t.norm],
  ] as const
).flatMap(([name, op]) => [
  row(`${name} all`, ...on([2, 3], (x) => op(x))),
  row(`${name} axis`, ...on([2, 3, 2], (x) => op(x, { axis: 1 }))),
  row(`${name} keep`, ...on([2, 3, 2], (x) => op(x, { axis: [0, -1], keep: true }))),
]);

const products: Row[] = [false, true].flatMap((transposeA) =>
  [false, true].flatMap((transposeB) =>
    (
      [
        [[], []],
        [[2], []],
        [[], [2]],
        [[2, 1], [3]],
      ] as const
    ).map(([left, right]) => {
      const a = real([...left, ...(transposeA ? [3, 2] : [2, 3])], -1, 1, "a");
      const b = real([...right, ...(transposeB ? [2, 3] : [3, 2])], -1, 1, "b");
      return row(`matmul ${left.length}${transposeA} ${right.length}${transposeB}`, [a, b], (x, y) =>
        t.matmul(one(x), one(y), { transposeA, transposeB, scale: 0.7 }),
      );
    }),
  ),
);

const movement: Row[] = [
  row("reshape", ...on([2, 3], (x) => t.reshape(x, [3, 2]))),
  row("permute", ...on([2, 3, 2], (x) => t.permute(x, [2, 0, 1]))),
  row("broadcast", ...on([2, 1], (x) => t.broadcastTo(x, [3, 2, 2]))),
  row("slice", ...on([3, 5], (x) => t.slice(x, { start: 1 }, { start: 1, end: 5, step: 3 }))),
  row("slice even", ...on([6], (x) => t.slice(x, { step: 2 }))),
  row("slice none", ...on([3], (x) => t.concat([t.slice(x, { start: 2, end: 2 }), x]))),
  row("flip", ...on([2, 3], (x) => t.flip(x, 0))),
  row(
    "pad",
    ...on([2, 2], (x) =>
      t.pad(
        x,
        [
          [1, 0],
          [0, 2],
        ],
        3,
      ),
    ),
  ),
  row("tril", ...on([3, 4], (x) => t.tril(x, 1))),
  row("triu", ...on([3, 3], (x) => t.triu(x, -1))),
  row("concat", [real([2, 2]), real([2, 3])], (a, b) => t.concat([one(a), one(b), one(a)], 1)),
  row("stack", [real([3]), real([3], -2, 2, "b")], (a, b) => t.stack([one(a), one(b)], -1)),
  row("split", ...on([5], (x) => t.concat(t.split(x, [1, 3, 1]).reverse()))),
  row("at", ...on([3, 2], (x) => t.at(x, 1, 1))),
];

const indexing: Row[] = [
  row("gather", ...on([3, 2], (x) => t.gather(x, ids))),
  row("gather last", ...on([2, 3], (x) => t.gather(x, ids, -1))),
  row("gather middle", ...on([2, 3, 2], (x) => t.gather(x, t.reshape(ids, [2, 2]), 1))),
  row("takeAlongAxis", ...on([3, 3], (x) => t.takeAlongAxis(x, along, 1))),
  row("addAlongAxis", [real([3, 3]), real([3, 2])], (x, u) => t.addAlongAxis(one(x), along, one(u), 1)),
  row("scatterAdd", [real([3, 2]), real([4, 2])], (x, u) => t.scatterAdd(one(x), ids, one(u))),
  row("topK", ...on([2, 5], (x) => t.topK(x, 3).values)),
  row("sort", ...on([5], (x) => t.sort(x).values)),
  row("cumSum", ...on([2, 3], (x) => t.cumSum(x, { axis: 0 }))),
  row("cumSum rest", ...on([4], (x) => t.cumSum(x, { exclusive: true, reverse: true }))),
];

const fused: Row[] = [
  row("softmax", ...on([2, 3], (x) => t.softmax(x))),
  row("softmax axis 0", ...on([3, 2], (x) => t.softmax(x, 0))),
  row("logSoftmax", ...on([2, 3], (x) => t.logSoftmax(x))),
  row("layerNorm", [real([2, 4]), real([4], 0.5, 1), real([4], 0, 1)], (x, scale, bias) =>
    t.layerNorm(one(x), { scale, bias, epsilon: 0.125 }),
  ),
  row("rmsNorm", [real([2, 4]), real([4], 0.5, 1)], (x, scale) =>
    t.rmsNorm(one(x), { scale: one(scale), epsilon: 0.125 }),
  ),
  row("rotary halves", [real([1, 2, 3, 4]), real([2])], (x, theta) => rotate(one(x), t.iota(3), one(theta))),
  row("rotary neighbours", [real([1, 2, 3, 4]), real([2])], (x, theta) =>
    rotate(one(x), t.iota(3), one(theta), "interleaved"),
  ),
  row("causalAttention", [real([1, 2, 2, 3]), real([1, 1, 4, 3])], (q, k) => {
    const at = t.iota(4);
    const options = { position: noPosition(), queryPositions: t.slice(at, { start: 2 }), keyPositions: at };
    return t.fused({ name: "causalAttention", scale: 3 ** -0.5 }, [one(q), one(k), one(k)], (a, b, c) =>
      attend(a, b, c, options),
    );
  }),
  row("einsum", [real([2, 3]), real([3, 2])], (a, b) => t.einsum("ij,jk->ki", one(a), one(b))),
  row("conv1d", [real([1, 2, 5]), real([2, 1, 2])], (x, w) =>
    t.conv1d(one(x), one(w), { stride: 2, padding: 1, groups: 2 }),
  ),
];

/** Images: stride, padding, dilation, groups, and rows that no window reaches. */
const images: Row[] = [
  row("conv2d", [real([2, 2, 4, 3]), real([2, 2, 2, 2], -1, 1)], (x, w) =>
    t.conv2d(one(x), one(w), { padding: 1 }),
  ),
  row("conv2d strided", [real([1, 4, 5, 4]), real([4, 2, 2, 2], -1, 1)], (x, w) =>
    t.conv2d(one(x), one(w), { stride: [2, 3], padding: [[1, 0], 1], dilation: [2, 1], groups: 2 }),
  ),
  row("convTranspose2d", [real([1, 2, 2, 3]), real([2, 1, 3, 2], -1, 1)], (x, w) =>
    t.convTranspose2d(one(x), one(w), { stride: 2, padding: 1, outputPadding: 1, groups: 2 }),
  ),
  row("convTranspose2d dilated", [real([2, 2, 2, 2]), real([2, 3, 2, 2], -1, 1)], (x, w) =>
    t.convTranspose2d(one(x), one(w), { dilation: 2, padding: [[0, 1], 1] }),
  ),
  row("maxPool2d", ...on([1, 2, 4, 5], (x) => t.maxPool2d(x, 2, { stride: [2, 1], padding: 1 }))),
  row("averagePool2d", ...on([1, 2, 4, 5], (x) => t.averagePool2d(x, [3, 2], { stride: 2, padding: 1 }))),
  row("upsample2d", ...on([1, 2, 2, 3], (x) => t.upsample2d(x, { scale: 2 }))),
  row("upsample2d bilinear", ...on([1, 1, 2, 3], (x) => t.upsample2d(x, { scale: 3, mode: "bilinear" }))),
];

const structure: Row[] = [
  row(
    "checkpoint",
    ...on(
      [3],
      t.checkpoint((x: t.Tensor) => t.tanh(x).mul(x)),
    ),
  ),
  row("cond", [real([3]), real([3], -2, 2, "b")], (a, b) =>
    t.cond(
      t.greater(t.sum(one(a)), -100),
      (x, y) => x.exp().mul(y),
      (x, y) => x.sub(y),
      one(a),
      one(b),
    ),
  ),
  row("barrier", ...on([3], (x) => apply("barrier", [x, t.sum(x)], {}).mul(x))),
  row("scan", [real([2]), real([3, 2], -1, 1), real([2, 2], -1, 1)], (h, x, w) => {
    const step = (c: t.Tensor, v: t.Tensor): readonly [t.Tensor, t.Tensor] => {
      const next = t.tanh(t.reshape(t.matmul(t.reshape(c, [1, 2]), one(w)), [2]).add(v));
      return [next, next.mul(v)];
    };
    const { carry, ys } = t.scan(step, one(h), one(x));
    return t.concat([carry, t.reshape(ys, [6])]);
  }),
];

/** Every rule, twice differentiable or not. */
export const DIFFERENTIABLE: readonly Row[] = [
  ...unary,
  ...two,
  ...choice,
  ...reductions,
  ...products,
  ...movement,
  ...indexing,
  ...fused,
  ...images,
  ...structure,
];
