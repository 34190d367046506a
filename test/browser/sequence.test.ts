// State spaces and recurrent cells in a page: trained there, and written there step by step by plain ONNX Runtime.
import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-web/wasm";
import { expect, test } from "vitest";
import { sized } from "../../src/model/cache.ts";
import { type CausalLMParams, causalLM, causalLMConfig, parseAttention } from "../../src/model/index.ts";
import { stepProgram } from "../../src/model/step-program.ts";
import { evaluate, exportOnnx, tensor } from "../../src/tensor/index.ts";
import { memoryStore, textTask, trainRun, trainSettings } from "../../src/train/index.ts";

const IDS = Int32Array.from({ length: 400 }, (_, i) => (i * i + (i % 5)) % 11);

test.each(["rtf:state=6", "rnn:cell=gru"])("%s learns in a page and writes there", async (text) => {
  const config = causalLMConfig({
    vocabulary: 11,
    context: 16,
    width: 16,
    layers: 2,
    heads: 2,
    attention: parseAttention(text),
  });
  const settings = trainSettings({ steps: 50, batch: 4, rate: 3e-2, validateEvery: 50, seed: 2 });
  const task = textTask({
    config,
    settings,
    ids: { train: IDS.subarray(0, 320), validation: IDS.subarray(320) },
    bytesOf: new Int32Array(11).fill(1),
    device: "wasm",
  });
  const losses: number[] = [];
  const { params } = await trainRun(task, settings, memoryStore(), {
    device: "wasm",
    onStep: ({ loss }) => losses.push(loss),
  });
  expect(losses.at(-1)).toBeLessThan(0.7 * (losses[0] ?? 0));
  const trained: CausalLMParams = params;
  const { fn, args, states, ...names } = stepProgram(config, trained);
  const { bytes } = await exportOnnx(fn, args, { ...names, weights: trained });
  const session = await InferenceSession.create(bytes, { executionProviders: ["wasm"] });
  const kept: Record<string, OrtTensor> = {};
  for (const [name, shape] of Object.entries(states)) {
    const dims = sized(shape, 1, 0);
    kept[name] = new OrtTensor("float32", new Float32Array(dims.reduce((a, b) => a * b, 1)), dims);
  }
  const ids = IDS.subarray(320, 328);
  const whole = await evaluate(causalLM(config, trained, tensor(ids, { shape: [1, 8] })).logits, {
    device: "wasm",
  });
  const expected = Array.from(await whole.data(), Number);
  for (const [t, id] of ids.entries()) {
    const found = await session.run({ ids: new OrtTensor("int32", Int32Array.of(id), [1, 1]), ...kept });
    const row = Array.from(found["logits"]?.data as Float32Array);
    row.forEach((value, v) => expect(value).toBeCloseTo(expected[t * 11 + v] ?? Number.NaN, 3));
    for (const name of Object.keys(states)) {
      const next = found[name.replace("past", "present")];
      if (next) kept[name] = next;
    }
  }
  await session.release();
});
