// Configurations of checkpoints against what transformers computes under them (test/golden/make-hugging-face.py), what
// is refused by name, and the way back.
import { describe, expect, test } from "vitest";
import { configText, fromHuggingFace, toHuggingFace } from "../../src/model/hugging-face.ts";
import {
  causalLM,
  causalLMConfig,
  type CausalLMConfig,
  type CausalLMParams,
  createDecoder,
} from "../../src/model/index.ts";
import { parameterTree } from "../../src/model/parameters.ts";
import { tensor } from "../../src/tensor/index.ts";
import golden from "../golden/hugging-face.json" with { type: "json" };
import { expectClose } from "../support/check.ts";
import { weightOf } from "../support/named-weights.ts";

interface Case {
  readonly config: Readonly<Record<string, unknown>>;
  readonly rows: readonly number[];
  readonly logits: readonly (readonly number[])[];
}
const cases = golden.cases as unknown as Readonly<Record<string, Case>>;

const paramsOf = (config: CausalLMConfig): CausalLMParams =>
  parameterTree(config, (name, { shape }) => tensor(weightOf(name, shape), { shape })) as CausalLMParams;

describe.each(Object.entries(cases))("%s", (name, { config: json, rows, logits }) => {
  const { config } = fromHuggingFace(json, "config.json");
  const params = paramsOf(config);
  const V = config.vocabulary;
  // Logits here are up to 40; float32 on both sides.
  const near = 2e-4;

  test("the whole text gives the logits of transformers", async () => {
    const ids = tensor([golden.ids], { dtype: "int32" });
    const got = (await causalLM(config, params, ids).logits.data()) as Float32Array;
    rows.forEach((row, i) =>
      expectClose(got.subarray(row * V, (row + 1) * V), logits[i] ?? [], near, `row ${row}`),
    );
  });

  test("token by token they are the same", async () => {
    // transformers takes the base of dynamic scaling from the length that it reads at once.
    const size = name.endsWith("dynamic") ? golden.ids.length : 1;
    const decoder = createDecoder(config, params);
    let state = await decoder.start();
    for (let at = 0; at < golden.ids.length; at += size) {
      const out = await decoder.advance(state, [golden.ids.slice(at, at + size)]);
      state = out.state;
      const i = rows.indexOf(at + size - 1);
      if (i >= 0) expectClose(out.logits, logits[i] ?? [], near, `row ${rows[i]}`);
    }
    await decoder.release();
  });

  test("written and read again it is the same model", () => {
    expect(fromHuggingFace(toHuggingFace(config), "config.json").config).toEqual(config);
  });
});

const LLAMA = {
  model_type: "llama",
  vocab_size: 19,
  hidden_size: 16,
  intermediate_size: 24,
  num_hidden_layers: 3,
  num_attention_heads: 4,
};
const read = (more: object): CausalLMConfig => fromHuggingFace({ ...LLAMA, ...more }, "config.json").config;

test("numbers that a file leaves out are those of transformers", () => {
  expect(read({})).toMatchObject({ normEpsilon: 1e-6, keyValueHeads: 4, headWidth: 4, context: 2048 });
  expect(read({ num_key_value_heads: null, head_dim: null, rope_scaling: null }).keyValueHeads).toBe(4);
  expect(read({ model_type: "mistral", num_attention_heads: 8 })).toMatchObject({
    keyValueHeads: 8,
    context: 131_072,
    position: { type: "rope", base: 10_000, slidingWindow: 4096 },
  });
});

test.each([
  [
    { logits_scaling: 8 },
    "config.json: logits_scaling must be a key that the family llama reads, got 8, which may change what the model computes. Delete the key if it does not.",
  ],
  [
    { final_logit_softcapping: 30 },
    "config.json: final_logit_softcapping must be a key that the family llama reads",
  ],
  [{ num_experts: 8 }, "config.json: num_experts must be"],
  [{ atention_bias: true }, "got true, which may change what the model computes. Nearest: attention_bias."],
  [
    { model_type: "mistral", num_attention_heads: 8, attention_bias: true },
    "attention_bias must be a key that the family mistral reads",
  ],
  [{ rope_scaling: { type: "linear" } }, "config.json: rope_scaling.factor must be a number, got nothing."],
  [
    { rope_scaling: { type: "yarn", original_max_position_embeddings: 8 } },
    "config.json: rope_scaling.factor must be a number, got nothing.",
  ],
  [{ rope_scaling: { rope_type: "llama3", factor: 8 } }, "high_freq_factor must be a number, got nothing."],
  [
    { rope_scaling: { rope_type: "yarn", factor: 2, original_max_position_embeddings: 8, beta_fst: 3 } },
    "config.json: rope_scaling.beta_fst must be a key that rope of type yarn reads, got 3, which may change what the model computes. Nearest: beta_fast.",
  ],
  [
    { rope_scaling: { rope_type: "longrope", factor: 2 } },
    'config.json: rope_scaling type must be one of default, linear, dynamic, yarn, llama3, got "longrope".',
  ],
  [
    { hidden_act: "xielu" },
    'hidden_act must be one of silu, swish, gelu, gelu_new, gelu_pytorch_tanh, relu, relu2, got "xielu".',
  ],
  [{ hidden_act: "constructor" }, 'got "constructor".'],
  [{ num_hidden_layers: "three" }, 'config.json: num_hidden_layers must be a number, got "three".'],
  [{ tie_word_embeddings: "yes" }, 'config.json: tie_word_embeddings must be true or false, got "yes".'],
  [{ rope_scaling: [2] }, "config.json: rope_scaling must be an object, got [2]."],
  [
    { quantization_config: { quant_method: "gptq", bits: 4 } },
    "config.json: weights must be unquantised, got quantization_config of gptq. Load the model it was made from.",
  ],
  [
    {
      model_type: "qwen2",
      num_key_value_heads: 4,
      sliding_window: 4,
      layer_types: ["full_attention", "sliding_attention", "full_attention"],
    },
    "config.json: use_sliding_window must be true, with a sliding_window, where layer_types has sliding_attention, got neither or one.",
  ],
  [
    { model_type: "qwen2", num_key_value_heads: 4, layer_types: ["full_attention"] },
    "config.json: layer_types must have 3 entries, got 1.",
  ],
  [
    {
      model_type: "qwen2",
      num_key_value_heads: 4,
      layer_types: ["linear_attention", "full_attention", "full_attention"],
    },
    'config.json: layer_types must be full_attention or sliding_attention, got "linear_attention".',
  ],
  [
    { model_type: "minimind", use_moe: true },
    "config.json: use_moe must be false for a model of this kind, got true.",
  ],
])("%j is refused by name", (more, message) => {
  expect(() => read(more)).toThrow(message);
});

test("keys that change nothing are passed over", () => {
  const plain = read({});
  expect(
    read({
      architectures: ["LlamaForCausalLM"],
      torch_dtype: "bfloat16",
      dtype: "float16",
      attention_dropout: 0.1,
      initializer_range: 0.02,
      use_cache: true,
      pretraining_tp: 1,
      transformers_version: "4.57.1",
      pad_token_id: 3,
      temperature: 0.6,
      _name_or_path: "here",
      is_decoder: false,
      some_flag: null,
      rope_theta: 10_000,
    }),
  ).toEqual(plain);
  expect(
    fromHuggingFace(
      { ...LLAMA, model_type: "minimind", use_moe: false, n_routed_experts: 4, dropout: 0, flash_attn: true },
      "config.json",
    ).config.tieEmbeddings,
  ).toBe(true);
});

test("numbers that transformers wants with a point have one in the file", () => {
  const text = configText({
    rope_theta: 10_000,
    head_dim: 8,
    rms_norm_eps: 1e-6,
    rope_scaling: { factor: 4, beta_slow: 1 },
  });
  expect(text).toContain('"rope_theta": 10000.0,');
  expect(text).toContain('"factor": 4.0,');
  expect(text).toContain('"beta_slow": 1.0\n');
  expect(text).toContain('"head_dim": 8,');
  expect(JSON.parse(text)).toMatchObject({ rope_theta: 10_000, rms_norm_eps: 1e-6 });
});

test("rope by kind of layer", () => {
  const config = read({
    model_type: "qwen3",
    num_key_value_heads: 4,
    use_sliding_window: true,
    sliding_window: 4,
    layer_types: ["sliding_attention", "full_attention", "sliding_attention"],
    rope_parameters: {
      sliding_attention: { rope_type: "default", rope_theta: 1000 },
      full_attention: { rope_type: "linear", factor: 2, rope_theta: 2000 },
    },
  });
  expect(config.perLayer?.map(({ position }) => position)).toEqual([
    { type: "rope", base: 1000, slidingWindow: 4 },
    { type: "pi", scale: 2, base: 2000 },
    { type: "rope", base: 1000, slidingWindow: 4 },
  ]);
});

test.each([
  ["llama", causalLMConfig({ vocabulary: 9, context: 8, width: 8, layers: 1, heads: 2 })],
  [
    "llama",
    causalLMConfig({
      vocabulary: 9,
      context: 8,
      width: 8,
      layers: 1,
      heads: 2,
      bias: "mlp",
      activation: "geglu",
    }),
  ],
  [
    "llama",
    causalLMConfig({
      vocabulary: 9,
      context: 8,
      width: 8,
      layers: 1,
      heads: 2,
      position: { type: "llama3", base: 500, scale: 8, trainingLength: 4, fast: 4, slow: 1 },
    }),
  ],
  [
    "gpt2",
    causalLMConfig({
      vocabulary: 9,
      context: 8,
      width: 8,
      layers: 1,
      heads: 2,
      norm: "layer",
      position: { type: "learned" },
      activation: "gelu-tanh",
      bias: "all",
    }),
  ],
  [
    "mistral",
    causalLMConfig({
      vocabulary: 9,
      context: 8,
      width: 8,
      layers: 1,
      heads: 2,
      position: { type: "rope", base: 900, slidingWindow: 3 },
    }),
  ],
  ["qwen2", causalLMConfig({ vocabulary: 9, context: 8, width: 8, layers: 1, heads: 2, bias: "qkv" })],
  ["qwen3", causalLMConfig({ vocabulary: 9, context: 8, width: 8, layers: 1, heads: 2, headNorm: true })],
  [
    "athanor",
    causalLMConfig({ vocabulary: 9, context: 8, width: 8, layers: 1, heads: 2, headNorm: true, bias: "all" }),
  ],
  [
    "athanor",
    causalLMConfig({ vocabulary: 9, context: 8, width: 8, layers: 1, heads: 2, activation: "gelu" }),
  ],
  [
    "athanor",
    causalLMConfig({
      vocabulary: 9,
      context: 8,
      width: 8,
      layers: 1,
      heads: 2,
      position: { type: "rerope", window: 4 },
    }),
  ],
])("is written as %s", (type, config) => {
  const written = toHuggingFace(config);
  expect((written as Record<string, unknown>)["model_type"]).toBe(type);
  const named = type !== "athanor" && config.position.type === "rope";
  const base = named ? { base: 10_000, ...config.position } : config.position;
  expect(fromHuggingFace(written, "config.json").config).toEqual({ ...config, position: base });
});
