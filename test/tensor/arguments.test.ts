// Every public function of the room given something that is no tensor, and each mistake that once reached the runtime.
import { expect, test } from "vitest";
import { UserError } from "../../src/errors.ts";
import * as t from "../../src/tensor/index.ts";

type T = t.Tensor;
const x = t.ones([2, 3]);
const image = t.ones([1, 1, 3, 3]);
const ids = t.iota(2);
const functions: Readonly<Record<string, unknown>> = { ...t };
const none = undefined as unknown as T;

/** Calls with `bad` in place of each tensor in turn. */
const CALLS: Readonly<Record<string, readonly ((bad: T) => unknown)[]>> = {
  ...Object.fromEntries(
    (
      [
        "neg",
        "abs",
        "sign",
        "floor",
        "ceil",
        "round",
        "exp",
        "log",
        "sqrt",
        "rsqrt",
        "sin",
        "cos",
        "tan",
        "asin",
        "acos",
        "atan",
        "sinh",
        "cosh",
        "tanh",
        "asinh",
        "acosh",
        "atanh",
        "erf",
        "sigmoid",
        "softplus",
        "relu",
        "silu",
        "not",
        "gelu",
        "square",
        "softmax",
        "logSoftmax",
        "layerNorm",
        "rmsNorm",
        "sum",
        "mean",
        "max",
        "min",
        "prod",
        "logSumExp",
        "variance",
        "norm",
        "all",
        "any",
        "argMax",
        "argMin",
        "cumSum",
        "transpose",
        "flip",
        "tril",
        "triu",
        "squeeze",
        "sort",
        "byteLength",
        "onesLike",
      ] as const
    ).map((name) => [name, [(bad: T) => (functions[name] as (v: T) => unknown)(bad)]]),
  ),
  ...Object.fromEntries(
    (
      [
        "add",
        "sub",
        "mul",
        "div",
        "pow",
        "minimum",
        "maximum",
        "equal",
        "notEqual",
        "less",
        "lessEqual",
        "greater",
        "greaterEqual",
        "and",
        "or",
        "xor",
        "matmul",
        "dot",
      ] as const
    ).map((name) => [
      name,
      [
        (bad: T) => (functions[name] as (a: T, b: T) => unknown)(bad, x),
        (bad: T) => (functions[name] as (a: T, b: T) => unknown)(x, bad),
      ],
    ]),
  ),
  where: [(b) => t.where(b, 1, 2), (b) => t.where(t.equal(x, x), b, 2), (b) => t.where(t.equal(x, x), 1, b)],
  clip: [(b) => t.clip(b, 0, 1)],
  cast: [(b) => t.cast(b, "float64")],
  reshape: [(b) => t.reshape(b, [6])],
  permute: [(b) => t.permute(b, [0])],
  broadcastTo: [(b) => t.broadcastTo(b, [2])],
  expandDims: [(b) => t.expandDims(b, 0)],
  slice: [(b) => t.slice(b, {})],
  narrow: [(b) => t.narrow(b, 0, 0, 1)],
  concat: [(b) => t.concat([b]), (b) => t.concat([x, b])],
  stack: [(b) => t.stack([b]), (b) => t.stack([x, b])],
  split: [(b) => t.split(b, 1)],
  pad: [(b) => t.pad(b, [])],
  gather: [(b) => t.gather(b, ids), (b) => t.gather(x, b)],
  takeAlongAxis: [(b) => t.takeAlongAxis(b, ids), (b) => t.takeAlongAxis(x, b)],
  scatterAdd: [(b) => t.scatterAdd(b, ids, x), (b) => t.scatterAdd(x, b, x), (b) => t.scatterAdd(x, ids, b)],
  addAlongAxis: [(b) => t.addAlongAxis(b, ids, x), (b) => t.addAlongAxis(x, ids, b)],
  oneHot: [(b) => t.oneHot(b, 3)],
  topK: [(b) => t.topK(b, 1)],
  at: [(b) => t.at(b, 0)],
  rearrange: [(b) => t.rearrange(b, "a b -> b a")],
  conv1d: [(b) => t.conv1d(b, t.ones([1, 1, 1])), (b) => t.conv1d(t.ones([1, 1, 3]), b)],
  conv2d: [(b) => t.conv2d(b, image), (b) => t.conv2d(image, b)],
  convTranspose2d: [(b) => t.convTranspose2d(b, image), (b) => t.convTranspose2d(image, b)],
  maxPool2d: [(b) => t.maxPool2d(b, 1)],
  averagePool2d: [(b) => t.averagePool2d(b, 1)],
  upsample2d: [(b) => t.upsample2d(b, { scale: 2 })],
  select: [(b) => t.select(b, x, x)],
  cond: [
    (b) =>
      t.cond(
        b,
        () => x,
        () => x,
      ),
  ],
  einsum: [(b) => t.einsum("a b -> b a", b)],
  fft: [(b) => t.fft(b)],
  rfft: [(b) => t.rfft(b)],
};

test.each(Object.entries(CALLS))("%s says that it needs a tensor", (name, calls) => {
  for (const bad of [none, null, "text", { shape: [1] }, [1, 2]] as unknown as T[]) {
    for (const [i, call] of calls.entries()) {
      // Some are said in terms of others, whose names they may give.
      const said = expect(() => call(bad), `${name}, call ${i}, given ${JSON.stringify(bad)}`);
      said.toThrow(UserError);
      said.toThrow(/^\w+: .+ must be .+, got .+\.$/);
    }
  }
});

test("every public function of one or more tensors stands in the table", () => {
  /** Functions of functions, of arrays, of shapes or of trees. */
  const others = new Set(
    "setDevice addDims divideDims mulDims subDims compile evaluate associativeScan checkpoint scan exportOnnx ifft irfft eigh qr randomizedSvd smallEigh solve svd fused full iota ones tensor zeros Tensor customGradient grad jacobian jvp stopGradient straightThrough valueAndGrad vjp vmap flattenTree leaves mapTree unflattenTree zipTrees checkShapes fromBfloat16 toBfloat16".split(
      " ",
    ),
  );
  const missing = Object.entries(t).filter(
    ([name, f]) => typeof f === "function" && !others.has(name) && !(name in CALLS),
  );
  expect(missing.map(([name]) => name)).toEqual([]);
});

/** What the types would not let through. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters
const any = <A>(value: unknown): A => value as A;

test.each<[string, () => unknown, string]>([
  ["a fraction of a span", () => t.slice(x, { start: 0.5 }), "slice: start must be a whole number, got 0.5."],
  [
    "spans in an array",
    () => t.slice(x, [{ start: 1 }] as never),
    'slice: option "0" is unknown. Known: start, end, step.',
  ],
  ["its end", () => t.narrow(x, 0, 0, NaN), "slice: end must be a whole number, got NaN."],
  [
    "a fraction of a size",
    () => t.reshape(x, [1.5, 4]),
    "reshape: shape must hold whole numbers ≥ 0 and at most one -1, got [1.5, 4].",
  ],
  [
    "two unknown sizes",
    () => t.reshape(x, [-1, -1]),
    "reshape: shape must hold whole numbers ≥ 0 and at most one -1, got [-1, -1].",
  ],
  ["a size below 0", () => t.full([-1], 1), "full: shape must hold whole numbers ≥ 0, got [-1]."],
  [
    "a size that is text of a number's kind",
    () => t.zeros(any([undefined])),
    "zeros: shape must hold whole numbers ≥ 0, got [undefined].",
  ],
  ["no shape", () => t.ones(any(3)), "ones: shape must hold whole numbers ≥ 0, got 3."],
  ["broadcast", () => t.broadcastTo(x, [0.5]), "broadcastTo: shape must hold whole numbers ≥ 0, got [0.5]."],
  ["text", () => t.tensor(any("a")), 'tensor: values must be a number or a boolean, got "a".'],
  [
    "a hole",
    () => t.tensor(any([1, undefined])),
    "tensor: element [1] must be a number or a boolean, got undefined.",
  ],
  [
    "deeper",
    () => t.tensor(any([[1], [1n]])),
    "tensor: element [1][0] must be a number or a boolean, got 1n.",
  ],
  [
    "shape of tensor",
    () => t.tensor([1, 2], { shape: [-2] }),
    "tensor: shape must hold whole numbers ≥ 0, got [-2].",
  ],
  [
    "dtype",
    () => t.zeros([3], { dtype: any("float") }),
    'zeros: dtype must be one of float32, uint8, int32, int64, bool, float16, float64, got "float". Did you mean float16?',
  ],
  [
    "dtype of cast",
    () => t.cast(x, any("Float32")),
    'cast: dtype must be one of float32, uint8, int32, int64, bool, float16, float64, got "Float32". Did you mean float32?',
  ],
  ["option", () => t.sum(x, any({ axes: 0 })), 'sum: option "axes" is unknown. Did you mean axis?'],
  ["value", () => t.full([1], any("1")), 'full: value must be a number, got "1".'],
  ["pad", () => t.pad(x, any([1, 2])), "pad: amounts must be one [before, after] per axis, got [1, 2]."],
  [
    "pad by a fraction",
    () =>
      t.pad(x, [
        [0.5, 0],
        [0, 0],
      ]),
    "pad: amounts must be a whole number, got 0.5.",
  ],
  ["diagonal", () => t.tril(x, 0.5), "tril: diagonal must be a whole number, got 0.5."],
  ["index", () => t.at(x, 0.5), "at: index must be a whole number, got 0.5."],
  ["axis", () => t.concat([x, x], 0.5), "concat: axis must be in [-2, 2), got 0.5."],
  ["stack", () => t.stack([x, t.ones([3])]), "stack: tensor 1 must be [2, 3] as the first, got [3]."],
  [
    "gelu",
    () => t.gelu(x, { approximate: any("fast") }),
    'gelu: approximate must be none or tanh, got "fast".',
  ],
  ["max of nothing", () => t.max(t.zeros([0])), "max: reduced axes must hold an element, got [0]."],
  [
    "argMax of nothing",
    () => t.argMax(t.zeros([2, 0])),
    "argMax: reduced axes must hold an element, got [2, 0].",
  ],
  ["compile", () => t.compile(any<(a: T) => T>(3)), "compile: fn must be a function, got 3."],
  [
    "compile option",
    () => t.compile((a: T) => a, any({ donte: [0] })),
    'compile: option "donte" is unknown. Did you mean donate?',
  ],
  [
    "donate",
    () => t.compile((a: T) => a, { donate: [-1] }),
    "compile: donate must be a whole number ≥ 0, got -1.",
  ],
  [
    "threads",
    () => t.compile((a: T) => a, { threads: 0 }),
    "compile: threads must be a whole number ≥ 1, got 0.",
  ],
])("%s", (_, f, message) => {
  expect(f).toThrow(UserError);
  expect(f).toThrow(expect.objectContaining({ message }) as Error);
});

test("the largest of an axis that is not reduced away may be missing", async () => {
  expect((await t.max(t.zeros([0, 3]), { axis: 1 }).data()).length).toBe(0);
  expect((await t.argMax(t.zeros([0, 3])).data()).length).toBe(0);
});

test("what compile is given and what it gives is checked", async () => {
  const waiting = t.compile(any<(a: T) => T>(async (a: T) => Promise.resolve(a)));
  await expect(waiting(x)).rejects.toThrow(/^compile: fn must return its tensors at once, got a Promise\./);
  const reading = t.compile(any<(a: T) => T>(async (a: T) => [await a.data()]));
  await expect(reading(x)).rejects.toThrow(/^compile: fn must return its tensors at once/);
  await expect(t.compile((a: T) => ({ size: a.rank }))(x)).rejects.toThrow(
    "compile: fn must return a tensor or a tree of tensors, got an object.",
  );
  await expect(t.compile((a: T) => a.add(1), { donate: [4] })(x)).rejects.toThrow(
    "compile: donate must name arguments of 0 to 0, got 4: fn was called with 1.",
  );
  const lacking = t.compile((p: { w: T; b?: T }) => p.w.add(p.b as T));
  await expect(lacking({ w: x })).rejects.toThrow("add: b must be a tensor or a number, got undefined.");
});

test("elements of a parameter cannot be read while a function is traced", async () => {
  let inside: Promise<unknown> = Promise.resolve();
  const f = t.compile((a: T) => {
    inside = a.mul(2).data();
    inside.catch(() => undefined);
    return a;
  });
  await f(x);
  await expect(inside).rejects.toThrow(
    "data: tensor must have elements, got one made from a parameter float32 [2, 3] of a function that is being compiled.",
  );
  t.scan(
    (c: T, row: T): [T, T] => {
      inside = row.item();
      inside.catch(() => undefined);
      return [c, row];
    },
    t.zeros([]),
    t.ones([2]),
  );
  await expect(inside).rejects.toThrow(/of the body of a loop or checkpoint/);
});
