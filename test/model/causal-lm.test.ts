import { describe, expect, test } from "vitest";
import { OptionError } from "../../src/errors.ts";
import {
  causalLM,
  type CausalLMConfig,
  causalLMConfig,
  createDecoder,
  initCausalLM,
  learn,
  parameterCount,
  parseAttention,
  trainedBy,
} from "../../src/model/index.ts";
import { hwfaPlan } from "../../src/position/index.ts";
import { evaluate, flattenTree, grad, mean, random, square, tensor } from "../../src/tensor/index.ts";

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
  "linear, shared keys": causalLMConfig({ ...sizes, keyValueHeads: 2, attention: { type: "linear" } }),
  window: causalLMConfig({ ...sizes, keyValueHeads: 2, attention: { type: "window", window: 3 } }),
  "window of one": causalLMConfig({ ...sizes, attention: { type: "window", window: 1 } }),
  "window, rerope": causalLMConfig({
    ...sizes,
    position: { type: "rerope", window: 2 },
    attention: { type: "window", window: 4 },
  }),
  "transformer-vq": causalLMConfig({
    ...sizes,
    attention: { type: "transformer-vq", codes: 5, block: 3 },
  }),
  "transformer-vq, shared keys, learned positions": causalLMConfig({
    ...sizes,
    keyValueHeads: 2,
    position: { type: "learned" },
    bias: "all",
    attention: { type: "transformer-vq", codes: 4, block: 2 },
  }),
  "layers of every kind": causalLMConfig({
    ...sizes,
    layers: 4,
    perLayer: [
      {},
      { attention: { type: "window", window: 3 } },
      { attention: { type: "transformer-vq", codes: 4, block: 2 }, position: { type: "none" } },
      { attention: { type: "linear" }, position: { type: "none" } },
    ],
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

  test("texts of a batch do not mix", async () => {
    const decoder = createDecoder(config, params);
    const write = async (texts: number[][]): Promise<Float32Array[]> => {
      const { state } = await decoder.advance(
        await decoder.start(texts.length),
        texts.map((text) => text.slice(0, -1)),
      );
      const { logits } = await decoder.advance(
        state,
        texts.map((text) => text.slice(-1)),
      );
      return texts.map((_, i) => logits.subarray(i * config.vocabulary, (i + 1) * config.vocabulary));
    };
    const other = ids.toReversed();
    const both = await write([ids, other]);
    const alone = [...(await write([ids])), ...(await write([other]))];
    await decoder.release();
    both.forEach((row, i) => row.forEach((x, v) => expect(x).toBeCloseTo(alone[i]?.[v] ?? Number.NaN, 5)));
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

test("text makes an attention", () => {
  expect(parseAttention("transformer-vq:codes=64,block=32")).toEqual({
    type: "transformer-vq",
    codes: 64,
    block: 32,
  });
  expect(parseAttention("linear")).toEqual({ type: "linear" });
  expect(() => parseAttention("window:window=wide")).toThrow('"window=wide" of "window:window=wide"');
  expect(() => parseAttention("mla:latentWidth=8")).toThrow(
    "attention: mla attention: rotaryWidth must be a whole number ≥ 1, got nothing.",
  );
});

test("a window of attention is dense attention under that window, derivatives included", async () => {
  const params = initCausalLM(MODELS["window"] as CausalLMConfig, random.key(7));
  const [window, dense] = [
    MODELS["window"] as CausalLMConfig,
    causalLMConfig({ ...sizes, keyValueHeads: 2, position: { type: "rope", slidingWindow: 3 } }),
  ].map((config) =>
    grad((p: typeof params) => mean(square(causalLM(config, p, tensor([ids], { dtype: "int32" })).logits)))(
      params,
    ),
  );
  const got = await evaluate({ window, dense });
  const expected = new Map(flattenTree(got.dense));
  for (const [name, g] of flattenTree(got.window)) {
    const want = Array.from((await expected.get(name)?.data()) ?? [], Number);
    Array.from(await g.data(), Number).forEach((x, i) => expect(x, name).toBeCloseTo(want[i] ?? NaN, 6));
  }
});

test("codebooks are no gradient's, and learn from what was seen", async () => {
  const config = MODELS["layers of every kind"] as CausalLMConfig;
  const params = initCausalLM(config, random.key(3));
  const others = flattenTree(params).flatMap(([name]) => (trainedBy(config)(name) ? [] : [name]));
  expect(others).toEqual(["sum", "count"].map((leaf) => `model.layers.2.self_attn.codebook.${leaf}`));
  const { seen, auxiliary } = causalLM(config, params, tensor([ids], { dtype: "int32" }));
  const after = new Map(flattenTree(await evaluate(learn(config, params, seen))));
  expect([...after.keys()]).toEqual(flattenTree(params).map(([name]) => name));
  const counts = Array.from((await after.get(others[1] ?? "")?.data()) ?? [], Number);
  // 4 heads of 4 codes that weighed 0.01 each times 0.99, and 0.01 for each of 10 keys a head.
  expect(counts.reduce((a, b) => a + b, 0)).toBeCloseTo(0.99 * 0.16 + 0.01 * 40, 5);
  expect(Number(await auxiliary?.item())).toBeGreaterThan(0);
  const plain = MODELS["llama"] as CausalLMConfig;
  const without = causalLM(plain, initCausalLM(plain, random.key(3)), tensor([ids], { dtype: "int32" }));
  expect(without.auxiliary).toBeUndefined();
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
      { attention: { type: "linear" }, position: { type: "rope" } },
      "causalLM: layer 0: linear attention has no scores for rope to act on; use learned positions or none.",
    ],
    [
      "transformer-vq with rope",
      { attention: { type: "transformer-vq", codes: 8 }, position: { type: "rope" } },
      "causalLM: layer 0: transformer-vq attention has no scores for rope to act on; it has scores by distance of its own; use none, learned positions, or rerope in their place.",
    ],
    [
      "log scale without scores",
      { attention: { type: "linear" }, position: { type: "none", logScale: "trained", trainingLength: 8 } },
      "causalLM: layer 0: linear attention has no scores for logScale, trainingLength to act on; leave it out.",
    ],
    [
      "transformer-vq with head norms",
      { attention: { type: "transformer-vq", codes: 8 }, headNorm: true },
      "causalLM: layer 0: transformer-vq attention normalises its heads itself, without gains; leave headNorm out.",
    ],
    [
      "transformer-vq without codes",
      { attention: { type: "transformer-vq" } },
      "causalLM: transformer-vq attention: codes must be a whole number ≥ 1, got nothing.",
    ],
    [
      "a window of zero",
      { attention: { type: "window", window: 0 } },
      "causalLM: window attention: window must be a whole number ≥ 1, got 0.",
    ],
    [
      "two windows",
      { attention: { type: "window", window: 4 }, position: { type: "rope", slidingWindow: 3 } },
      "causalLM: layer 0: window attention has a window already, got slidingWindow 3; leave it out.",
    ],
    [
      "a window under a rule of the whole length",
      { attention: { type: "window", window: 4 }, position: { type: "ntk-dynamic", trainingLength: 8 } },
      "causalLM: layer 0: window attention never sees how long the text is, so its scores cannot follow the length.",
    ],
    [
      "unknown field of attention",
      { attention: { type: "performer", feature: 3 } },
      'causalLM: performer attention: option "feature" is unknown. Did you mean features?',
    ],
    [
      "unknown attention",
      { attention: { type: "preformer" } },
      'causalLM: attention must be one of dense, mla, window, linear, performer, rnn, rtf, transformer-vq, got "preformer". Did you mean performer?',
    ],
    [
      "attention that is a word",
      { attention: "linear" },
      'causalLM: attention must have a type, got "linear".',
    ],
    ["truth", { headNorm: "yes" }, 'causalLM: headNorm must be true or false, got "yes".'],
    ["plan of another depth", { perLayer: [{}] }, "causalLM: perLayer must have 2 entries, got 1."],
    ["unknown key", { widht: 3 }, 'causalLM: option "widht" is unknown. Did you mean width?'],
  ];
  test.each(refused)("%s", (_, change, message) => {
    expect(() => causalLMConfig({ ...sizes, ...change })).toThrow(new OptionError(message));
  });
});
