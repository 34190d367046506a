import { describe, expect, test } from "vitest";
import { OptionError } from "../../src/errors.ts";
import {
  causalLM,
  type CausalLMConfig,
  causalLMConfig,
  createDecoder,
  initCausalLM,
  parameterCount,
} from "../../src/model/index.ts";
import { hwfaPlan } from "../../src/position/index.ts";
import { flattenTree, random, tensor } from "../../src/tensor/index.ts";

const sizes = { vocabulary: 17, context: 16, width: 16, layers: 2, heads: 4 };
const MODELS: Record<string, CausalLMConfig> = {
  llama: causalLMConfig({ ...sizes, keyValueHeads: 2 }),
  "qwen3 (head norms)": causalLMConfig({ ...sizes, keyValueHeads: 1, headNorm: true }),
  "qwen2 (biases in q, k, v)": causalLMConfig({ ...sizes, bias: "qkv", tieEmbeddings: false }),
  "gpt-2": causalLMConfig({
    ...sizes,
    norm: "layer",
    activation: "gelu",
    position: { type: "learned" },
    bias: "all",
  }),
  rerope: causalLMConfig({ ...sizes, position: { type: "rerope", window: 4 } }),
  "dynamic ntk": causalLMConfig({ ...sizes, position: { type: "ntk-dynamic", trainingLength: 4, scale: 2 } }),
  "sliding window": causalLMConfig({ ...sizes, position: { type: "rope", slidingWindow: 3 } }),
  hwfa: causalLMConfig({
    ...sizes,
    perLayer: hwfaPlan({ layers: 2, trainingLength: 8 }).map((position) => ({ position })),
  }),
  mla: causalLMConfig({ ...sizes, attention: { type: "mla", latentWidth: 8, rotaryWidth: 4 } }),
  linear: causalLMConfig({ ...sizes, position: { type: "learned" }, attention: { type: "linear" } }),
  performer: causalLMConfig({
    ...sizes,
    position: { type: "none" },
    attention: { type: "performer", features: 9 },
  }),
};
const ids = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3];

describe.each(Object.entries(MODELS))("%s", (_, config) => {
  const params = initCausalLM(config, random.key(7));

  test("has the parameters that its shapes list", () => {
    const count = flattenTree(params).reduce(
      (sum, [, t]) => sum + t.shape.reduce<number>((a, d) => a * Number(d), 1),
      0,
    );
    expect(count).toBe(parameterCount(config));
  });

  test("one program decodes at every length what the whole text gives", async () => {
    // Lengths at which blocks of one, two and three tokens end; dynamic bases use the length at a block's end.
    const blocks = config.position.type === "ntk-dynamic" ? [ids.length] : [1, 2, 3, 1, 3];
    const decoder = createDecoder(config, params);
    let state = await decoder.start();
    let at = 0;
    const V = config.vocabulary;
    const whole = await causalLM(
      config,
      params,
      tensor(Int32Array.from(ids), { shape: [1, ids.length] }),
    ).logits.data();
    for (const size of blocks) {
      const out = await decoder.advance(state, [ids.slice(at, at + size)], size);
      state = out.state;
      for (let r = 0; r < size; r++) {
        for (let v = 0; v < V; v++) {
          expect(out.logits[r * V + v]).toBeCloseTo(Number(whole[(at + r) * V + v]), 4);
        }
      }
      at += size;
    }
    expect(at).toBe(ids.length);
    await decoder.release();
  });

  test("a token never changes what stands before it", async () => {
    const read = async (last: number): Promise<ArrayLike<unknown>> =>
      causalLM(
        config,
        params,
        tensor(Int32Array.from([...ids.slice(0, -1), last]), { shape: [1, ids.length] }),
      ).logits.data();
    const [a, b] = [await read(3), await read(11)];
    const before = (ids.length - 1) * config.vocabulary;
    expect(Array.from(a).slice(0, before)).toEqual(Array.from(b).slice(0, before));
    expect(Array.from(a).slice(before)).not.toEqual(Array.from(b).slice(before));
  });
});

describe("refusals", () => {
  const refused: [string, object, string][] = [
    ["heads", { keyValueHeads: 3 }, "causalLM: keyValueHeads must divide heads, got 3 and 4."],
    [
      "mla without rotary",
      { attention: { type: "mla", latentWidth: 8, rotaryWidth: 4 }, position: { type: "learned" } },
      "causalLM: layer 0: mla attention must have a rotary position for its rotary part, got learned.",
    ],
    [
      "linear with rope",
      { attention: { type: "linear" } },
      "causalLM: layer 0: linear attention has no scores for rope to act on; use learned positions or none.",
    ],
    ["plan of another depth", { perLayer: [{}] }, "causalLM: perLayer must have 2 entries, got 1."],
    ["unknown key", { widht: 3 }, 'causalLM: option "widht" is unknown. Did you mean width?'],
  ];
  test.each(refused)("%s", (_, change, message) => {
    expect(() => causalLMConfig({ ...sizes, ...change })).toThrow(new OptionError(message));
  });
});
