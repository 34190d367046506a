// A model of every family, exported in a page and run there by plain ONNX Runtime, writes what Node writes.
import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-web/wasm";
import { expect, test } from "vitest";
import golden from "../golden/families.json" with { type: "json" };
import { exportFamily, FAMILIES, greedy, paramsOf } from "../support/families.ts";

const written: Readonly<Record<string, readonly number[]>> = golden;

test.each(Object.entries(FAMILIES))("%s writes the same greedy text", async (name, config) => {
  const params = await paramsOf(config);
  for (const portable of [true, false]) {
    const { bytes } = await exportFamily(config, params, portable);
    const session = await InferenceSession.create(bytes, { executionProviders: ["wasm"] });
    const { tokens } = await greedy(async (ids, dims) => {
      const { logits } = await session.run({ input_ids: new OrtTensor("int32", ids, dims) });
      return logits?.data as Float32Array;
    });
    expect(tokens, portable ? "portable" : "fused").toEqual(written[name]);
    await session.release();
  }
});
