// Exported models in a page, opened by plain ONNX Runtime with nothing of ours beside it.
import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-web/wasm";
import { expect, test } from "vitest";
import { evaluate, exportOnnx, tensor } from "../../src/tensor/index.ts";
import { CONFIGS, exportable, gap, idsOf, LENGTHS } from "../support/exported.ts";

test.each(Object.entries(CONFIGS))("%s runs at every batch and length", async (_, config) => {
  const { logits, example, options } = exportable(config);
  const { bytes } = await exportOnnx(logits, [example], { ...options, portable: true });
  const session = await InferenceSession.create(bytes, { executionProviders: ["wasm"] });
  for (const [batch, time] of LENGTHS) {
    const ids = idsOf(batch, time);
    const { logits: got } = await session.run({ input_ids: new OrtTensor("int32", ids, [batch, time]) });
    const ours = await evaluate(logits(tensor(ids, { shape: [batch, time] })), { device: "wasm" });
    const want = await ours.data();
    expect(got?.dims).toEqual([batch, time, 31]);
    expect(gap(got?.data as Float32Array, want as Float32Array)).toBeLessThan(2e-5);
  }
  await session.release();
});
