import * as fc from "fast-check";
import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { DTYPES, type Dtype, hostArray } from "../../src/graph/dtype.ts";
import {
  encodeModel,
  externalChunks,
  type OnnxAttribute,
  type OnnxGraph,
  type OnnxNode,
  type OnnxTensor,
  OPSET,
  planExternalData,
} from "../../src/graph/onnx.ts";
import { type ReadGraph, type ReadTensor, readModel } from "../reference/onnx.ts";

const names = Object.keys(DTYPES) as Dtype[];
const word = fc.string({ minLength: 1, maxLength: 12, unit: "grapheme" });

const tensorOf: fc.Arbitrary<OnnxTensor> = fc
  .record({ name: word, dtype: fc.constantFrom(...names), shape: fc.array(fc.nat(4), { maxLength: 3 }) })
  .chain(({ name, dtype, shape }) =>
    fc
      .array(dtype === "bool" || dtype === "uint8" ? fc.nat(1) : fc.integer({ min: -100, max: 100 }), {
        minLength: shape.reduce((a, b) => a * b, 1),
        maxLength: shape.reduce((a, b) => a * b, 1),
      })
      .map((values) => ({ name, dtype, shape, data: hostArray(values, dtype) })),
  );

const dim = fc.oneof(fc.nat(2 ** 31), fc.constantFrom("B", "T", "2*B*T+S+1"));
const port = fc.record({
  name: word,
  type: fc.record({ dtype: fc.constantFrom(...names), shape: fc.array(dim, { maxLength: 4 }) }),
});

const whole = fc.integer({ min: -(2 ** 52), max: 2 ** 52 });

const { graph: graphOf } = fc.letrec<{ graph: OnnxGraph; node: OnnxNode; attribute: OnnxAttribute }>(
  (tie) => ({
    attribute: fc.oneof(
      { depthSize: "small" },
      whole.map((int) => ({ int })),
      fc.float({ noNaN: true }).map((float) => ({ float })),
      fc.string().map((text) => ({ text })),
      fc.array(whole).map((ints) => ({ ints })),
      tie("graph").map((graph) => ({ graph })),
    ),
    node: fc.record({
      opType: word,
      domain: fc.constantFrom("", "com.microsoft"),
      inputs: fc.array(fc.oneof(word, fc.constant("")), { maxLength: 3 }),
      outputs: fc.array(word, { minLength: 1, maxLength: 3 }),
      attributes: fc.dictionary(
        word.filter((w) => w !== "__proto__"),
        tie("attribute"),
        { maxKeys: 3, noNullPrototype: true },
      ),
    }),
    graph: fc.record({
      name: word,
      nodes: fc.array(tie("node"), { maxLength: 3 }),
      initializers: fc.array(tensorOf, { maxLength: 2 }),
      inputs: fc.array(port, { maxLength: 2 }),
      outputs: fc.array(port, { maxLength: 2 }),
    }),
  }),
);

const raw = (t: OnnxTensor): Uint8Array =>
  new Uint8Array(t.data.buffer, t.data.byteOffset, t.data.byteLength);

/** What a reader should see. */
function plain(graph: OnnxGraph): ReadGraph {
  const ports = (list: OnnxGraph["inputs"]): ReadGraph["inputs"] =>
    list.map(({ name, type }) => ({ name, code: DTYPES[type.dtype].code, shape: [...type.shape] }));
  return {
    name: graph.name,
    nodes: graph.nodes.map((n) => ({
      opType: n.opType,
      domain: n.domain,
      inputs: [...n.inputs],
      outputs: [...n.outputs],
      attributes: Object.fromEntries(
        Object.entries(n.attributes).map(([key, a]) => {
          if ("graph" in a) return [key, plain(a.graph)];
          if ("ints" in a) return [key, [...a.ints]];
          if ("text" in a) return [key, a.text];
          return [key, "int" in a ? a.int : a.float];
        }),
      ),
    })),
    initializers: graph.initializers.map(
      (t): ReadTensor => ({
        name: t.name,
        code: DTYPES[t.dtype].code,
        shape: [...t.shape],
        bytes: raw(t),
        external: {},
      }),
    ),
    inputs: ports(graph.inputs),
    outputs: ports(graph.outputs),
  };
}

test("any graph reads back as it was written", () => {
  fc.assert(
    fc.property(graphOf, (graph) => {
      const read = readModel(encodeModel(graph));
      expect(read.irVersion).toBe(10);
      expect(read.producer).toBe("athanor");
      expect(read.opsets[""]).toBe(OPSET);
      expect(read.graph).toEqual(plain(graph));
    }),
    { seed: 20261122, numRuns: 300 },
  );
});

test("large initializers go to a file of their own, aligned, in order", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(900), { minLength: 1, maxLength: 6 }), (sizes) => {
      const initializers = sizes.map(
        (size, i): OnnxTensor => ({
          name: `w${i}`,
          dtype: "float32",
          shape: [size],
          data: Float32Array.from({ length: size }, (_, j) => i * 1000 + j),
        }),
      );
      const graph: OnnxGraph = { name: "g", nodes: [], initializers, inputs: [], outputs: [] };
      const plan = planExternalData(graph, "weights.bin");
      const file = Buffer.concat([...externalChunks(plan)]);
      expect(file.length).toBe(plan.byteLength);
      const read = readModel(encodeModel(graph, plan)).graph.initializers;
      read.forEach((t, i) => {
        const expected = raw(initializers[i] as OnnxTensor);
        if (expected.byteLength < 1024) {
          expect(t.external).toEqual({});
          expect(t.bytes).toEqual(expected);
          return;
        }
        const offset = Number(t.external["offset"]);
        expect(t.external["location"]).toBe("weights.bin");
        expect(offset % 64).toBe(0);
        const length = Number(t.external["length"]);
        expect(new Uint8Array(file.subarray(offset, offset + length))).toEqual(expected);
      });
    }),
    { seed: 20261122, numRuns: 60 },
  );
});

test("plain onnxruntime-node returns every tensor, inside the model and beside it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "onnx-test-"));
  try {
    const initializers = names.map(
      (dtype, i): OnnxTensor => ({
        name: `w_${dtype}`,
        dtype,
        shape: [3, 100],
        data: hostArray(
          Array.from({ length: 300 }, (_, j) => (dtype === "bool" ? j % 2 : (i + j) % 100)),
          dtype,
        ),
      }),
    );
    const graph: OnnxGraph = {
      name: "g",
      initializers,
      inputs: [{ name: "x", type: { dtype: "float32", shape: ["N"] } }],
      nodes: [
        { opType: "Neg", domain: "", inputs: ["x"], outputs: ["y"], attributes: {} },
        ...initializers.map(
          (t): OnnxNode => ({
            opType: "Identity",
            domain: "",
            inputs: [t.name],
            outputs: [`o_${t.dtype}`],
            attributes: {},
          }),
        ),
      ],
      outputs: [
        { name: "y", type: { dtype: "float32", shape: ["N"] } },
        ...initializers.map((t) => ({ name: `o_${t.dtype}`, type: { dtype: t.dtype, shape: t.shape } })),
      ],
    };
    const plan = planExternalData(graph, "weights.bin");
    writeFileSync(join(folder, "weights.bin"), Buffer.concat([...externalChunks(plan)]));
    writeFileSync(join(folder, "beside.onnx"), encodeModel(graph, plan));
    for (const source of [encodeModel(graph), join(folder, "beside.onnx")]) {
      const session = await InferenceSession.create(source as string);
      const out = await session.run({ x: new OrtTensor("float32", Float32Array.of(1, -2), [2]) });
      expect(Array.from(out["y"]?.data as Float32Array)).toEqual([-1, 2]);
      for (const t of initializers) {
        const got = out[`o_${t.dtype}`];
        expect(got?.dims).toEqual([3, 100]);
        expect(Array.from(got?.data as Float32Array, Number), t.dtype).toEqual(
          Array.from(t.data as Float32Array, Number),
        );
      }
      await session.release();
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
