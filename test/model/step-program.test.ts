// Models that write step by step in a runtime that knows nothing of us.
import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { sized } from "../../src/model/cache.ts";
import {
  type CausalLMConfig,
  causalLM,
  causalLMConfig,
  initCausalLM,
  parseAttention,
} from "../../src/model/index.ts";
import { stepProgram } from "../../src/model/step-program.ts";
import { exportOnnx, mapTree, random, tensor } from "../../src/tensor/index.ts";
import { expectClose } from "../support/check.ts";

const IDS = [3, 1, 4, 1, 5, 9, 2, 6, 5];
const base = { vocabulary: 17, context: 16, width: 16, layers: 2, heads: 2 };
const models: readonly (readonly [string, CausalLMConfig])[] = [
  ...["rtf:state=5", "rnn:cell=lstm", "rnn:cell=gru,solver=deer,iterations=3", "dense"].map(
    (text) => [text, causalLMConfig({ ...base, attention: parseAttention(text) })] as const,
  ),
  [
    "rtf beside dense with learned positions",
    causalLMConfig({
      ...base,
      position: { type: "learned" },
      attention: { type: "rtf", state: 4 },
      perLayer: [{}, { attention: { type: "dense" } }],
    }),
  ],
];

describe.each(models)("the step form of %s", (_, config) => {
  test("token by token in ONNX Runtime: the logits of the whole text", async () => {
    const params = mapTree(initCausalLM(config, random.key(2)), (p, name) =>
      /proj\.weight|hidden\.weight/.test(name) ? p.mul(10) : p,
    );
    const { fn, args, states, ...names } = stepProgram(config, params);
    const { bytes } = await exportOnnx(fn, args, { ...names, weights: params });
    const session = await InferenceSession.create(bytes);
    expect([...session.inputNames].sort()).toEqual(["ids", ...Object.keys(states)].sort());
    const kept: Record<string, OrtTensor> = {};
    for (const [name, shape] of Object.entries(states)) {
      const dims = sized(shape, 1, 0);
      kept[name] = new OrtTensor("float32", new Float32Array(dims.reduce((a, b) => a * b, 1)), dims);
    }
    const rows: number[] = [];
    // A prompt of four tokens at once, then one after another.
    for (const part of [IDS.slice(0, 4), ...IDS.slice(4).map((id) => [id])]) {
      const ids = new OrtTensor("int32", Int32Array.from(part), [1, part.length]);
      const found = await session.run({ ids, ...kept });
      rows.push(...(found["logits"]?.data as Float32Array));
      for (const name of Object.keys(states)) {
        const next = found[name.replace("past", "present")];
        if (next) kept[name] = next;
      }
    }
    await session.release();
    const whole = causalLM(config, params, tensor(Int32Array.from(IDS), { shape: [1, IDS.length] })).logits;
    // A deer of three rounds is not exact: its step form is that of the recurrence.
    const exact = !("solver" in config.attention);
    const expected = Float64Array.from(await whole.data(), Number);
    expectClose(exact ? rows : rows.slice(0, 3 * 17), exact ? expected : expected.subarray(0, 3 * 17), 3e-5);
    const constant = Object.values(states).every((shape) => !shape.includes("S"));
    expect(constant).toBe(/^(rtf|rnn)/.test(config.attention.type) && config.perLayer === undefined);
  });
});

test("models that ask where they are, and whose states do not say, are refused", () => {
  for (const attention of [{ type: "linear" }, { type: "window", window: 3 }] as const) {
    const config = causalLMConfig({ ...base, attention });
    expect(() => stepProgram(config, initCausalLM(config, random.key(0)))).toThrow(
      `export: --step must know how many tokens went before, got a layer 0 of ${attention.type} attention`,
    );
  }
});
