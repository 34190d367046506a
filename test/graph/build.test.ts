// What a program becomes, without running it.
import { expect, test } from "vitest";
import { GraphError } from "../../src/errors.ts";
import { buildGraph } from "../../src/graph/build.ts";
import { encodeModel, type OnnxGraph } from "../../src/graph/onnx.ts";
import { targetOf } from "../../src/graph/target.ts";
import { placeholdersFor } from "../../src/tensor/compile.ts";
import * as t from "../../src/tensor/index.ts";
import { countOps, readModel } from "../reference/onnx.ts";

type T = t.Tensor;

/** The graph of `fn` for arguments of the given shapes. */
function graphOf(
  fn: (...xs: T[]) => T | readonly T[],
  shapes: readonly (readonly t.Dim[])[],
  place: t.Device | "portable" = "cpu",
): OnnxGraph {
  const like = shapes.map((s) => t.zeros(s.map((d) => (typeof d === "number" ? d : 2))));
  const { placeholders, inputs } = placeholdersFor(like, (name) => shapes[Number(name)]);
  const result = fn(...placeholders);
  const outputs = t.leaves(result).map((x, i) => [`out_${i}`, x] as const);
  return buildGraph(outputs, inputs, { target: targetOf(place), leaves: "embed" }).graph;
}

const ops = (graph: OnnxGraph): string[] => graph.nodes.map((n) => n.opType).filter((o) => o !== "Identity");

test("the step of docs/engine.md is eleven nodes", () => {
  const loss = (w: T, x: T, y: T): T => t.mean(t.square(t.tanh(t.matmul(x, w)).sub(y)));
  const graph = graphOf(
    (w, x, y) => w.sub(t.grad(loss)(w, x, y).mul(0.1)),
    [
      [3, 2],
      [5, 3],
      [5, 2],
    ],
  );
  expect(ops(graph)).toEqual([
    "MatMul",
    "Tanh",
    "Sub",
    "Mul",
    "Add",
    "Mul",
    "Mul",
    "Sub",
    "Gemm",
    "Mul",
    "Sub",
  ]);
  // Two factors that round to one float32 are one constant.
  expect(graph.initializers.map((i) => i.shape)).toEqual([[]]);
});

test("equal nodes stand once, dead ones not at all", () => {
  const graph = graphOf(
    (x) => {
      const a = x;
      t.cos(a);
      return t.sin(a).mul(t.sin(a.add(0)));
    },
    [[4]],
  );
  expect(ops(graph)).toEqual(["Sin", "Mul"]);
});

test("numbers stay numbers until something needs them whole", () => {
  const shape = [1000, 1000];
  const graph = graphOf((x) => x.mul(t.full(shape, 2).add(t.ones(shape))).sub(t.zeros(shape)), [shape]);
  expect(ops(graph)).toEqual(["Mul"]);
  expect(graph.initializers.map((i) => i.data)).toEqual([Float32Array.of(3)]);
  expect(ops(graphOf(() => t.full(shape, 7), [[1]]))).toEqual(["Expand"]);
});

test("transposes and factors of operands go into the product", () => {
  const [a, b] = [
    [2, 3, 4, 5],
    [2, 3, 6, 5],
  ];
  const scores = (q: T, k: T): T => t.matmul(q.mul(0.5), t.transpose(k).mul(0.25));
  const graph = graphOf((q, k) => scores(q, k), [a, b]);
  const [node] = graph.nodes;
  expect(ops(graph)).toEqual(["FusedMatMul"]);
  expect(node?.attributes).toEqual({ transA: { int: 0 }, transB: { int: 1 }, alpha: { float: 0.125 } });
  // The portable form says the same with standard operators.
  const portable = graphOf((q, k) => scores(q, k), [a, b], "portable");
  expect(portable.nodes.every((n) => n.domain === "")).toBe(true);
  expect(ops(portable)).toEqual(["Transpose", "MatMul", "Mul"]);
});

test("a stack of rows against one matrix is one plain product, and so is the gradient of that matrix", () => {
  const graph = graphOf(
    (x, w) => t.grad((p: T) => t.sum(t.square(t.matmul(x, p, { transposeB: true }))))(w),
    [
      [2, 7, 3],
      [4, 3],
    ],
  );
  expect(countOps(readModel(encodeModel(graph)).graph)["Gemm"]).toBe(2);
  expect(ops(graph).filter((o) => o === "ReduceSum")).toEqual([]);
});

test("what a loop does not change is computed outside of it", () => {
  const graph = graphOf(
    (w, xs) => t.scan((c: T, x: T) => [c.add(t.exp(w)).mul(x), c] as const, t.zeros([3]), xs).carry,
    [[3], [5, 3]],
  );
  const [exp] = graph.nodes.filter((n) => n.opType === "Exp");
  expect(exp).toBeDefined();
  const loop = graph.nodes.find((n) => n.opType === "Scan");
  const body = loop?.attributes["body"];
  expect(body && "graph" in body ? ops(body.graph) : []).toEqual(["Add", "Mul"]);
});

test("a loop keeps its carries only where a derivative reads them", () => {
  const run = (w: T, xs: T): T =>
    t.scan((c: T, x: T) => [t.tanh(c.mul(w)).add(x), null] as const, t.zeros([3]), xs).carry;
  const outputs = (graph: OnnxGraph): number[] =>
    graph.nodes.filter((n) => n.opType === "Scan").map((n) => n.outputs.length);
  expect(outputs(graphOf((w, xs) => run(w, xs), [[3], [5, 3]]))).toEqual([1]);
  const grad = graphOf((w, xs) => t.grad((p: T) => t.sum(run(p, xs)))(w), [[3], [5, 3]]);
  expect(outputs(grad)[0]).toBe(2);
});

test("symbolic sizes are read from the inputs that have them", () => {
  const graph = graphOf(
    (x) => t.concat([t.reshape(x, [-1]), t.iota("T", { dtype: "float32" })]),
    [["B", "T"]],
  );
  expect(graph.outputs.map((o) => o.type.shape)).toEqual([["B*T+T"]]);
  expect(ops(graph)).toContain("Shape");
  expect(() => graphOf(() => t.iota("S"), [["T"]])).toThrow(
    new GraphError("dimension S stands in no input. Give an input with this size."),
  );
});

test("a value of a loop that escapes it is refused", () => {
  let escaped: T | undefined;
  t.scan(
    (c: T, x: T) => {
      escaped = c.mul(2);
      return [c.add(x), c] as const;
    },
    t.zeros([]),
    t.ones([3]),
  );
  expect(() => graphOf(() => escaped as T, [[1]])).toThrow(
    new GraphError("argument cannot stand here. Pass it as an argument."),
  );
});

test("inputs nothing uses stay, so that a program has one input per argument", () => {
  const graph = graphOf((x) => x.mul(2), [[2], [3]]);
  expect(graph.inputs.map((p) => p.name)).toEqual(["in_0", "in_1"]);
});
