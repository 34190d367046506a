// Files for other programs hold registered operators of the default domain and nothing else, whatever the op.
import { expect, test } from "vitest";
import { buildGraph } from "../../src/graph/build.ts";
import type { OnnxGraph, OnnxNode } from "../../src/graph/onnx.ts";
import { targetOf } from "../../src/graph/target.ts";
import * as t from "../../src/tensor/index.ts";
import { STANDARD_OPERATORS } from "../reference/onnx-operators.ts";
import { readModel } from "../reference/onnx.ts";
import { OP_CASES } from "../support/op-cases.ts";
import { CONFIGS, exportable } from "../support/exported.ts";

/** Nodes of a graph, those of loop bodies included. */
function nodesOf(graph: OnnxGraph): OnnxNode[] {
  return graph.nodes.flatMap((node) => [
    node,
    ...Object.values(node.attributes).flatMap((a) => ("graph" in a ? nodesOf(a.graph) : [])),
  ]);
}

/** Operators of `y` that no other runtime has to know. */
function foreign(y: t.Tensor): string[] {
  const { graph } = buildGraph([["y", y]], [], { target: targetOf("portable"), leaves: "feed" });
  return nodesOf(graph)
    .filter((node) => node.domain !== "" || !STANDARD_OPERATORS.has(node.opType))
    .map((node) => `${node.domain}:${node.opType}`);
}

test("the list is the standard's", () => {
  for (const known of ["LayerNormalization", "Gelu", "Scan", "MatMul"])
    expect(STANDARD_OPERATORS).toContain(known);
  // ONNX Runtime takes these in the default domain, and they are registered in no operator set up to 21.
  for (const other of ["SimplifiedLayerNormalization", "RMSNormalization", "FusedMatMul", "QuickGelu"])
    expect(STANDARD_OPERATORS).not.toContain(other);
});

test.each(Object.entries(OP_CASES))("%s", (_, cases) => {
  for (const make of cases) expect(foreign(make())).toEqual([]);
});

test.each(Object.entries(CONFIGS))(
  "a %s model by default, and with fused operators when asked",
  async (name, config) => {
    const { logits, example, options } = exportable(config);
    const opsOf = async (more: object): Promise<string[]> => {
      const { graph } = readModel((await t.exportOnnx(logits, [example], { ...options, ...more })).bytes);
      return graph.nodes
        .filter((n) => n.domain !== "" || !STANDARD_OPERATORS.has(n.opType))
        .map((n) => n.opType);
    };
    expect(await opsOf({})).toEqual([]);
    if (name === "llama") expect(await opsOf({ portable: false })).toContain("SimplifiedLayerNormalization");
  },
);
