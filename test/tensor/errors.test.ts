import { expect, test } from "vitest";
import { DtypeError, GraphError, OptionError, ShapeError } from "../../src/errors.ts";
import * as t from "../../src/tensor/index.ts";

const x = t.ones([2, 3]);
const ids = t.iota(3);
const bools = t.equal(x, x);

/** Every mistake surfaces while the program is built; none of these reaches a session. */
const MISTAKES: readonly [what: string, f: () => unknown, error: Error][] = [
  [
    "broadcast",
    () => x.add(t.ones([2])),
    new ShapeError("add: shapes must broadcast, got [2, 3] and [2] (axis −1: 3 against 2)."),
  ],
  [
    "dtypes",
    () => x.mul(ids),
    new DtypeError("mul: dtypes must be equal, got float32 and int32. Use cast first."),
  ],
  [
    "float only",
    () => t.exp(ids),
    new DtypeError("exp: input must be a float type, got int32. Use cast first."),
  ],
  [
    "numbers only",
    () => t.sum(bools),
    new DtypeError("sum: input must be numeric, got bool. Use cast first."),
  ],
  [
    "bytes",
    () => t.sum(t.cast(x, "uint8")),
    new DtypeError("sum: input must be a float type, int32 or int64, got uint8. Use cast first."),
  ],
  [
    "order of bools",
    () => t.less(bools, bools),
    new DtypeError("less: input must be numeric, got bool. Use cast first."),
  ],
  ["max axis", () => t.max(x, { axis: -3 }), new ShapeError("max: axis must be in [-2, 2), got -3.")],
  ["bools only", () => t.and(x, bools), new DtypeError("and: inputs must be bool, got float32.")],
  ["not", () => t.not(x), new DtypeError("not: input must be bool, got float32.")],
  ["where", () => t.where(x, x, x), new DtypeError("where: condition must be bool, got float32.")],
  ["axis", () => t.sum(x, { axis: 2 }), new ShapeError("sum: axis must be in [-2, 2), got 2.")],
  [
    "matmul rank",
    () => t.matmul(t.ones([3]), x),
    new ShapeError("matmul: both operands must have rank ≥ 2, got [3] and [2, 3]."),
  ],
  [
    "matmul inner",
    () => t.matmul(x, x),
    new ShapeError("matmul: inner sizes must be equal, got 3 and 2 from [2, 3] and [2, 3]."),
  ],
  [
    "matmul transposed",
    () => t.matmul(x, t.ones([4, 5]), { transposeB: true }),
    new ShapeError(
      "matmul: inner sizes must be equal, got 3 and 5 from [2, 3] and [4, 5], second transposed.",
    ),
  ],
  [
    "reshape",
    () => t.reshape(x, [4]),
    new ShapeError("reshape: [4] must hold 6 elements as [2, 3] does, got 4."),
  ],
  [
    "reshape −1",
    () => t.reshape(x, [4, -1]),
    new ShapeError("reshape: [4, -1] must divide 6 elements of [2, 3]."),
  ],
  [
    "permute",
    () => t.permute(x, [0, 0]),
    new ShapeError("permute: order must permute the 2 axes of [2, 3], got [0, 0]."),
  ],
  [
    "broadcastTo",
    () => t.broadcastTo(x, [3, 3]),
    new ShapeError("broadcastTo: shapes must broadcast, got [2, 3] and [3, 3] (axis −2: 2 against 3)."),
  ],
  [
    "broadcastTo smaller",
    () => t.broadcastTo(x, [1, 3]),
    new ShapeError("broadcastTo: [2, 3] must broadcast to [1, 3]."),
  ],
  [
    "slice step",
    () => t.slice(x, { step: 0 }),
    new OptionError("slice: step must be a whole number ≥ 1, got 0. Use flip to reverse an axis."),
  ],
  ["slice spans", () => t.slice(x, {}, {}, {}), new ShapeError("slice: at most 2 spans fit [2, 3], got 3.")],
  [
    "concat",
    () => t.concat([x, t.ones([3, 2])], 1),
    new ShapeError("concat: shapes must agree outside axis 1, got [2, 3] and [3, 2]."),
  ],
  ["concat none", () => t.concat([]), new ShapeError("concat: at least one tensor is needed, got 0.")],
  ["split", () => t.split(x, [1, 1], 1), new ShapeError("split: sizes must add up to 3, got [1, 1].")],
  ["squeeze", () => t.squeeze(x, 0), new ShapeError("squeeze: axis 0 must have size 1, got 2.")],
  ["pad", () => t.pad(x, [[1, 1]]), new ShapeError("pad: one pair per axis of [2, 3] is needed, got 1.")],
  [
    "pad negative",
    () =>
      t.pad(x, [
        [0, 0],
        [-1, 0],
      ]),
    new OptionError("pad: amounts must be ≥ 0, got [0, -1] and [0, 0]."),
  ],
  ["tril", () => t.tril(t.ones([3])), new ShapeError("tril: rank must be ≥ 2, got [3].")],
  [
    "gather",
    () => t.gather(x, x),
    new DtypeError("gather: indices must be int32 or int64, got float32. Use cast first."),
  ],
  [
    "takeAlongAxis",
    () => t.takeAlongAxis(x, t.zeros([3, 3], { dtype: "int32" })),
    new ShapeError("takeAlongAxis: indices must agree with [2, 3] outside axis 1, got [3, 3]."),
  ],
  [
    "scatterAdd",
    () => t.scatterAdd(x, ids, x),
    new ShapeError("scatterAdd: updates must be [3, 3], got [2, 3]."),
  ],
  ["topK", () => t.topK(x, 4), new OptionError("topK: k must be between 1 and 3, got 4.")],
  ["at", () => t.at(x, 2), new ShapeError("at: index must be in [-2, 2), got 2.")],
  [
    "layerNorm",
    () => t.layerNorm(x, { scale: t.ones([2]) }),
    new ShapeError("layerNorm: scale must be [C=3], got [2]."),
  ],
  [
    "tensor",
    () => t.tensor([1, 2], { shape: [3] }),
    new ShapeError("tensor: shape [3] must hold 2 elements, got 3."),
  ],
  [
    "ragged",
    () => t.tensor([[1], [1, 2]]),
    new ShapeError("tensor: nested arrays must have equal lengths, got [1] and [2]."),
  ],
  [
    "array kind",
    () => t.tensor(new Int8Array(1) as unknown as Uint8Array),
    new DtypeError(
      "tensor: data must be Float32Array, Float64Array, Float16Array, Int32Array, BigInt64Array or Uint8Array, got Int8Array.",
    ),
  ],
  ["iota", () => t.iota(-1), new OptionError("iota: size must be a whole number ≥ 0, got -1.")],
  ["einsum arrow", () => t.einsum("ij", x), new OptionError('einsum: pattern must have one "->", got "ij".')],
  [
    "einsum sizes",
    () => t.einsum("ij,jk->ik", x, x),
    new ShapeError("einsum: j must have one size, got 3 and 2."),
  ],
  [
    "einsum rank",
    () => t.einsum("ijk->i", x),
    new ShapeError('einsum: operand 0 must have axes "i j k", got [2, 3].'),
  ],
  [
    "einsum output",
    () => t.einsum("ij->k", x),
    new OptionError('einsum: output name "k" stands in no operand.'),
  ],
  [
    "einsum count",
    () => t.einsum("i,j,k->i", x, x, x),
    new OptionError('einsum: pattern "i,j,k->i" must name as many operands as are given (1 or 2), got 3.'),
  ],
  [
    "rearrange",
    () => t.rearrange(x, "a (b c) -> a b c", { b: 2 }),
    new ShapeError('rearrange: "b c" must multiply to 3, got 2.'),
  ],
  [
    "rearrange lost",
    () => t.rearrange(x, "a b -> a"),
    new OptionError('rearrange: "b" stands only on the left. Reduce it first.'),
  ],
  [
    "rearrange unknown",
    () => t.rearrange(x, "a b -> a b r"),
    new OptionError('rearrange: the size of "r" is not known. Give { r: … }.'),
  ],
  [
    "rearrange brackets",
    () => t.rearrange(x, "a (b -> a b"),
    new OptionError('rearrange: unmatched "(" in "a (b".'),
  ],
  [
    "conv1d kernel",
    () => t.conv1d(t.ones([1, 2, 3]), t.ones([1, 2, 4])),
    new ShapeError("conv1d: kernel must fit 3 padded steps, got 4."),
  ],
  [
    "conv1d groups",
    () => t.conv1d(t.ones([1, 4, 3]), t.ones([2, 3, 1]), { groups: 2 }),
    new ShapeError("conv1d: weight must be [O, C/groups=2, K], got [2, 3, 1]."),
  ],
  [
    "grad of a vector",
    () => t.grad((p: t.Tensor) => p)(x),
    new ShapeError(
      "grad: function must return a scalar tensor, got shape [2, 3]. Reduce it with sum or mean.",
    ),
  ],
  [
    "grad of an integer",
    () => t.grad((p: t.Tensor) => t.sum(t.cast(p, "int32")))(x),
    new DtypeError("grad: loss must be a float type, got int32."),
  ],
  [
    "no derivative",
    () => t.vjp((p: t.Tensor) => t.argMax(p), x).pullback(t.zeros([2], { dtype: "int32" })),
    new GraphError(
      "grad: argMax has no derivative. Wrap its input in stopGradient, or give a rule with customGradient.",
    ),
  ],
  [
    "cotangent shape",
    () => t.vjp((p: t.Tensor) => t.sum(p), x).pullback(x),
    new ShapeError("vjp: cotangent must be [] as its result, got [2, 3]."),
  ],
  [
    "cotangent dtype",
    () => t.vjp((p: t.Tensor) => t.sum(p), x).pullback(t.zeros([], { dtype: "float64" })),
    new DtypeError("vjp: cotangent must be float32 as its result, got float64."),
  ],
  [
    "jacobian",
    () => t.jacobian((p) => p)(x),
    new ShapeError("jacobian: x must have 0 batch axes and one more, got [2, 3]."),
  ],
  [
    "customGradient",
    () =>
      t.grad((p: t.Tensor) =>
        t.sum(
          t.customGradient(
            (a: t.Tensor) => a,
            () => [],
          )(p),
        ),
      )(x),
    new OptionError("customGradient: rule must return 1 cotangents, got 0."),
  ],
  [
    "scan carry",
    () => t.scan((c: t.Tensor, v: t.Tensor) => [t.concat([c, c]), v] as const, t.ones([1]), t.ones([3])),
    new ShapeError(
      "scan: carry 0 must keep its type, got float32 [1] before and float32 [2] after the step.",
    ),
  ],
  [
    "scan lengths",
    () => t.scan((c: t.Tensor) => [c, c] as const, x, [t.ones([3]), t.ones([4])]),
    new ShapeError("scan: every tensor of xs must be [T=3, …], got [4]."),
  ],
  [
    "scan nothing",
    () => t.scan((c: t.Tensor) => [c, c] as const, x, undefined),
    new OptionError("scan: xs must hold a tensor of rank ≥ 1, or length must be given."),
  ],
  [
    "unflattenTree",
    () => t.unflattenTree({ a: x, b: x }, [x]),
    new OptionError('unflattenTree: a leaf for "b" is missing, got 1.'),
  ],
  [
    "unflattenTree more",
    () => t.unflattenTree({ a: x }, [x, x]),
    new OptionError("unflattenTree: tree holds 1 leaves, got 2."),
  ],
  [
    "zipTrees",
    () => t.zipTrees({ a: { b: x } }, { a: {} }, (p) => p),
    new OptionError('zipTrees: "a.b" is missing from the second tree.'),
  ],
];

test.each(MISTAKES)("%s", (_, f, error) => {
  expect(f).toThrow(error);
  expect(f).toThrow(error.constructor);
});

test("item wants one element", async () => {
  await expect(x.item()).rejects.toThrow(
    new ShapeError("item: tensor must hold one element, got shape [2, 3]."),
  );
});
