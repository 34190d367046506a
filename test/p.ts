import * as t from "../src/tensor/index.ts";
const D = ["float32", "float64", "float16", "int32", "int64", "uint8", "bool"] as const;
const cases: Record<string, (x: t.Tensor, i: t.Tensor) => t.Tensor> = {};
for (const n of [
  "neg",
  "abs",
  "sign",
  "floor",
  "ceil",
  "round",
  "exp",
  "log",
  "sqrt",
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
  "gelu",
  "not",
  "sum",
  "mean",
  "max",
  "min",
  "prod",
  "logSumExp",
  "argMax",
  "argMin",
  "cumSum",
  "softmax",
  "logSoftmax",
  "layerNorm",
  "rmsNorm",
  "tril",
  "triu",
  "flip",
] as const)
  cases[n] = (x) => (t as any)[n](x);
for (const n of [
  "add",
  "sub",
  "mul",
  "div",
  "pow",
  "minimum",
  "maximum",
  "equal",
  "less",
  "lessEqual",
  "greater",
  "greaterEqual",
  "and",
  "or",
  "xor",
])
  cases[n] = (x) => (t as any)[n](x, x);
cases.where = (x) => t.where(t.equal(x, x), x, x);
cases.matmul = (x) => t.matmul(x, x);
cases.matmulT = (x) => t.matmul(x, x, { transposeB: true, scale: 2 });
cases.matmul3 = (x) => t.matmul(t.stack([x, x]), t.stack([x, x]), { transposeA: true });
cases.pad = (x) =>
  t.pad(x, [
    [1, 0],
    [0, 1],
  ]);
cases.concat = (x) => t.concat([x, x]);
cases.slice = (x) => t.slice(x, { start: 1 }, { step: 2 });
cases.gather = (x, i) => t.gather(x, i);
cases.takeAlong = (x, i) => t.takeAlongAxis(x, t.broadcastTo(t.expandDims(i, 0), [4, 2]));
cases.scatterAdd = (x, i) => t.scatterAdd(x, i, t.slice(x, { end: 2 }));
cases.addAlong = (x, i) =>
  t.addAlongAxis(x, t.broadcastTo(t.expandDims(i, 0), [4, 2]), t.slice(x, {}, { end: 2 }));
cases.topK = (x) => t.topK(x, 2).values;
cases.sort = (x) => t.sort(x).values;
cases.broadcast = (x) => t.broadcastTo(x, [2, 4, 4]);
cases.permute = (x) => t.transpose(x);
cases.reshape = (x) => t.reshape(x, [2, 8]);
cases.iota = (x) => t.iota(4, { dtype: x.dtype });
cases.full = (x) => t.full([2], 1, { dtype: x.dtype });
cases.expand = (x) => t.full([2, 2], 1, { dtype: x.dtype }).add(x.dtype === "bool" ? 1 : 0);
cases.prodAxis = (x) => t.prod(x, { axis: 0 });
for (const [name, f] of Object.entries(cases))
  for (const d of D) {
    const x = t.tensor(
      Float64Array.from({ length: 16 }, (_, i) => i % 3),
      { shape: [4, 4], dtype: d },
    );
    let y;
    try {
      y = f(x, t.tensor([0, 1], { dtype: "int32" }));
    } catch {
      continue;
    }
    try {
      await y.data();
    } catch (e) {
      console.log(name, d, (e as Error).message.slice(0, 150).replaceAll("\n", " "));
    }
  }
try {
  const { carry, ys } = t.scan(
    (c: t.Tensor, v: t.Tensor) => [c.add(t.sum(v)), v.mul(2)] as const,
    t.ones([]),
    t.ones([0, 2]),
  );
  console.log("scan0", await carry.data(), ys.shape, await ys.data());
} catch (e) {
  console.log("scan0", (e as Error).message.slice(0, 200));
}
try {
  const xs = await Promise.all(
    Array.from({ length: 300 }, (_, i) =>
      t
        .ones([2])
        .mul(i + 0.5)
        .add(t.tensor([i]))
        .data(),
    ),
  );
  console.log(xs.length);
} catch (e) {
  console.log("many", (e as Error).message.slice(0, 200));
}
