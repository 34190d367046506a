// Folders of every family as their authors leave them, against what transformers computes of them
// (test/golden/families.py): the whole text, token by token, from float16 and bfloat16, and written again.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseSafetensors, type WrittenDtype } from "../../src/files/safetensors.ts";
import { safetensorsChunks, type TensorToWrite } from "../../src/files/safetensors-file.ts";
import { unreachable } from "../../src/errors.ts";
import { fromHuggingFace } from "../../src/model/hugging-face.ts";
import { causalLM, causalLMConfig, createDecoder, initCausalLM } from "../../src/model/index.ts";
import { loadModel, type StoredModel } from "../../src/model/load.ts";
import { saveModel } from "../../src/model/save.ts";
import {
  evaluate,
  expandDims,
  flattenTree,
  greaterEqual,
  iota,
  mapTree,
  random,
  tensor,
} from "../../src/tensor/index.ts";
import { expectClose } from "../support/check.ts";
import { bytesOf, folderOf as goldenFolder, type Golden, GOLDEN, NEAR } from "../support/golden-families.ts";
import { weightOf } from "../support/named-weights.ts";

const cases = GOLDEN;

let work = "";
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), "athanor-checkpoints-"));
});
afterAll(() => rm(work, { recursive: true }));

const folderOf = (name: string, golden: Golden, dtype: WrittenDtype): Promise<string> =>
  goldenFolder(work, name, golden, dtype);

async function logitsOf({ config, params }: StoredModel, ids: readonly number[]): Promise<Float32Array> {
  const all = causalLM(config, params, tensor([[...ids]], { dtype: "int32" })).logits;
  return (await all.data()) as Float32Array;
}

const goldenOf = (name: string): Golden => new Map(cases).get(name) ?? unreachable(`no golden ${name}`);

describe.each(cases)("%s", (name, golden) => {
  const { ids, logits } = golden;

  test("the whole text gives the logits of transformers", async () => {
    const got = await logitsOf(await loadModel(await folderOf(name, golden, "float32")), ids);
    expectClose(got, logits.flat(), NEAR);
  });

  test("token by token they are the same", async () => {
    const { config, params } = await loadModel(await folderOf(name, golden, "float32"));
    const decoder = createDecoder(config, params);
    let state = await decoder.start();
    // LongRoPE changes its frequencies with the length: what came before is another text to a shorter one.
    const size = name === "phi3-long" ? ids.length : 1;
    for (let at = 0; at < ids.length; at += size) {
      const out = await decoder.advance(state, [ids.slice(at, at + size)]);
      state = out.state;
      expectClose(out.logits, logits[at + size - 1] ?? [], NEAR, `row ${at}`);
    }
    await decoder.release();
  });

  test.each(["float16", "bfloat16"] as const)("from weights in %s", async (dtype) => {
    const model = await loadModel(await folderOf(name, golden, dtype));
    expect(model.dtype).toBe(dtype);
    const got = await logitsOf(model, ids);
    expectClose(got.subarray(-model.config.vocabulary), golden[dtype], NEAR);
  });

  test.each(["float32", "float16", "bfloat16"] as const)("written again in %s", async (dtype) => {
    const model = await loadModel(await folderOf(name, golden, dtype));
    const at = await mkdtemp(join(work, `${name}-again-`));
    await saveModel(at, model.config, model.params, model.tokens, { dtype, family: model.family ?? "" });
    const again = await loadModel(at);
    expect(again.config).toEqual(model.config);
    expect(again.dtype).toBe(dtype);
    const before = new Map(flattenTree(model.params));
    for (const [key, after] of flattenTree(again.params)) {
      const was = (await before.get(key)?.data()) as Float32Array;
      // A gain that acts as 1 + w is rounded once on its way: half a unit of the sum.
      expectClose(
        (await after.data()) as Float32Array,
        was,
        dtype === "bfloat16" ? 4e-3 : dtype === "float16" ? 5e-4 : 1e-7,
        key,
      );
    }
    // Under the names and shapes of transformers, whose families share a block now and then.
    const header = parseSafetensors(await readFile(join(at, "model.safetensors")));
    const written = Object.fromEntries([...header.entries].map(([key, { shape }]) => [key, [...shape]]));
    expect(written).toEqual(golden.tensors);
  });
});

describe("what does not fit is refused by name", () => {
  const read = (family: string, more: object): unknown =>
    fromHuggingFace({ ...goldenOf(family).config, ...more }, "config.json");

  test.each([
    [
      "deepseek2",
      { first_k_dense_replace: 1 },
      "config.json: first_k_dense_replace must be at least the 3 layers, got 1: layers with experts are not supported.",
    ],
    [
      "deepseek3",
      { first_k_dense_replace: null },
      "config.json: first_k_dense_replace must be at least the 3 layers, got 3",
      true,
    ],
    ["deepseek3", { mlp_bias: true }, "config.json: mlp_bias must be false, got true."],
    ["deepseek3", { num_key_value_heads: 2 }, "keyValueHeads must equal heads"],
    [
      "gpt2",
      { scale_attn_by_inverse_layer_idx: true },
      "scale_attn_by_inverse_layer_idx must be false, got true.",
    ],
    [
      "gpt2",
      { add_cross_attention: true },
      "add_cross_attention must be a key that the family gpt2 reads, got true",
    ],
    [
      "gpt2",
      { activation_function: "tanh" },
      'activation_function must be one of gelu_new, gelu_pytorch_tanh, gelu, relu, relu2, silu, swish, got "tanh".',
    ],
    ["gpt2", { n_embd: undefined, hidden_size: 16 }, "config.json: n_embd must be a number, got nothing."],
    ["smollm3", { no_rope_layers: [1, 0] }, "no_rope_layers must be 3 numbers 0 or 1, got [1,0]."],
    ["smollm3", { no_rope_layers: [1, 2, 0] }, "no_rope_layers must be 3 numbers 0 or 1, got [1,2,0]."],
    [
      "smollm3",
      { layer_types: ["full_attention", "sliding_attention", "full_attention"] },
      "use_sliding_window must be true, with a sliding_window, where layer_types has sliding_attention",
    ],
    [
      "gemma2",
      { use_bidirectional_attention: true },
      "use_bidirectional_attention must be false for text, got true.",
    ],
    [
      "gemma2",
      { sliding_window: null },
      "sliding_window must be a number where layer_types has sliding_attention, got null.",
    ],
    ["gemma2", { altup_num_inputs: 4 }, "altup_num_inputs must be a key that the family gemma2 reads, got 4"],
    [
      "gemma3",
      { rope_parameters: { rope_type: "default", rope_theta: 5 } },
      'config.json: rope_parameters.rope_type must be a key that rope by kind of layer reads, got "default"',
    ],
    [
      "phi3",
      { rope_scaling: { type: "linear", factor: 2 } },
      'rope_scaling type must be one of default, longrope, su, yarn, got "linear".',
    ],
    [
      "phi3",
      { rope_scaling: { type: "longrope", short_factor: [1, 1] } },
      "rope_scaling.long_factor must be a list of numbers, got nothing.",
    ],
    ["olmo2", { mlp_bias: true, clip_qkv: 8 }, "clip_qkv must be a key that the family olmo2 reads, got 8"],
    [
      "llama",
      { partial_rotary_factor: 0.5 },
      "partial_rotary_factor must be 1 in this family, whose heads turn as a whole, got 0.5.",
    ],
    [
      "llama",
      { rope_scaling: { type: "linear", factor: 2, partial_rotary_factor: 0.5 } },
      "partial_rotary_factor must be 1 in this family",
    ],
    [
      "llama",
      { model_type: "mixtral" },
      'model_type must be one of llama, mistral, smollm, minimind, qwen2, qwen3, gpt2, smollm3, gemma, gemma2, gemma3_text, phi3, olmo2, deepseek_v2, deepseek_v3, athanor, got "mixtral". Did you mean mistral?',
    ],
    [
      "llama",
      { model_type: "mixtral", num_local_experts: 8 },
      'got "mixtral", whose layers have experts (num_local_experts 8); those are not supported.',
    ],
    [
      "gemma3",
      { model_type: "gemma3", text_config: {} },
      'got "gemma3", which reads more than text. Save its language model alone.',
    ],
    ["llama", { num_local_experts: 8 }, "num_local_experts must be a key that the family llama reads, got 8"],
  ])("%s with %j", (family, more, message, fits = false) => {
    if (fits) expect(() => read(family, more)).not.toThrow(message);
    else expect(() => read(family, more)).toThrow(message);
  });

  test("a fused matrix of another size, both shown with the part that was wanted", async () => {
    const phi = goldenOf("phi3");
    const name = "model.layers.1.self_attn.qkv_proj.weight";
    const at = await folderOf("phi3", { ...phi, tensors: { ...phi.tensors, [name]: [30, 16] } }, "float32");
    await expect(loadModel(at)).rejects.toThrow(
      `model: "${name}" (model.layers.1.self_attn.q_proj.weight here) must be [32, 16] by config.json, got [30, 16] in ${join(at, "model.safetensors")}.`,
    );
  });

  test("a turned matrix of another size", async () => {
    const gpt = goldenOf("gpt2");
    const name = "transformer.h.0.mlp.c_fc.weight";
    const at = await folderOf("gpt2", { ...gpt, tensors: { ...gpt.tensors, [name]: [64, 16] } }, "float32");
    await expect(loadModel(at)).rejects.toThrow("must be [16, 64] by config.json, got [64, 16]");
  });

  test("a tokenizer in a form that is not read, with the way to one that is", async () => {
    const at = await folderOf("llama", goldenOf("llama"), "float32");
    await writeFile(join(at, "vocab.json"), "{}");
    const model = await loadModel(at);
    expect(model.tokenizerPath).toBeUndefined();
    await expect(model.tokenizer()).rejects.toThrow(
      `model: ${at} must carry tokenizer.json or tokenizer.model, got vocab.json of an older form.`,
    );
  });
});

describe("files as they come", () => {
  test("safetensors count before all else in a folder of several formats, one file before shards, which is told", async () => {
    const at = await folderOf("llama", goldenOf("llama"), "float32");
    expect((await loadModel(at)).notices).toBeUndefined();
    await writeFile(join(at, "model.safetensors.index.json"), '{"weight_map": {"x": "nowhere.safetensors"}}');
    await writeFile(join(at, "pytorch_model.bin"), "x");
    await writeFile(join(at, "model-q4.gguf"), "x");
    expect((await loadModel(at)).notices).toEqual([
      `${at} holds model.safetensors.index.json, model-q4.gguf, pytorch_model.bin beside model.safetensors, which is what is read.`,
    ]);
    await rm(join(at, "model.safetensors"));
    await rm(join(at, "model.safetensors.index.json"));
    await expect(loadModel(at)).rejects.toThrow(
      "must hold model.safetensors, got pytorch_model.bin: PyTorch's",
    );
    await rm(join(at, "pytorch_model.bin"));
    await expect(loadModel(at)).rejects.toThrow(
      `model: ${at} must hold model.safetensors, got model-q4.gguf. Give that file itself.`,
    );
  });

  test("GPT-2's body alone, with its masks", async () => {
    const gpt = goldenOf("gpt2");
    const at = await mkdtemp(join(work, "body-"));
    const tensors = Object.entries(gpt.tensors).map(([key, shape]): [string, TensorToWrite] => [
      key.replace("transformer.", ""),
      { dtype: "float32", shape, data: weightOf(key, shape) },
    ]);
    tensors.push(["h.0.attn.bias", { dtype: "bool", shape: [1, 1, 2, 2], data: Uint8Array.of(1, 0, 1, 1) }]);
    await writeFile(join(at, "model.safetensors"), await bytesOf(safetensorsChunks(new Map(tensors))));
    await writeFile(join(at, "config.json"), JSON.stringify(gpt.config));
    expectClose(await logitsOf(await loadModel(at), gpt.ids), gpt.logits.flat(), NEAR);
  });

  test("DeepSeek's layer that predicts a further token is passed over", async () => {
    const deep = goldenOf("deepseek3");
    const extra = { "model.layers.3.eh_proj.weight": [4, 4], "model.layers.3.enorm.weight": [4] };
    const at = await folderOf("deepseek3", { ...deep, tensors: { ...deep.tensors, ...extra } }, "float32");
    expectClose(await logitsOf(await loadModel(at), deep.ids), deep.logits.flat(), NEAR);
  });

  test("a fused matrix may lie in another shard than its neighbours", async () => {
    const phi = goldenOf("phi3");
    const at = await folderOf("phi3", phi, "float32");
    const names = Object.keys(phi.tensors);
    const weight_map: Record<string, string> = {};
    for (const [i, file] of ["a.safetensors", "b.safetensors"].entries()) {
      const own = names.filter((_, n) => n % 2 === i);
      for (const name of own) weight_map[name] = file;
      const tensors = own.map((key): [string, TensorToWrite] => {
        const shape = phi.tensors[key] ?? [];
        return [key, { dtype: "float32", shape, data: weightOf(key, shape) }];
      });
      await writeFile(join(at, file), await bytesOf(safetensorsChunks(new Map(tensors))));
    }
    await rm(join(at, "model.safetensors"));
    await writeFile(join(at, "model.safetensors.index.json"), JSON.stringify({ weight_map }));
    expectClose(await logitsOf(await loadModel(at), phi.ids), phi.logits.flat(), NEAR);
  });
});

test.each([
  { type: "ntk-dynamic", scale: 4, trainingLength: 5, slidingWindow: 3 },
  {
    type: "longrope",
    trainingLength: 5,
    slidingWindow: 3,
    shortFactors: [1, 1, 1, 1],
    longFactors: [1, 2, 5, 9],
  },
] as const)(
  "under a window, scores that follow the length follow that of the text: $type",
  async (position) => {
    const config = causalLMConfig({ vocabulary: 17, context: 16, width: 16, layers: 2, heads: 2, position });
    const params = mapTree(initCausalLM(config, random.key(1)), (p, name) =>
      name.includes("norm") ? p : p.mul(20),
    );
    const ids = tensor([[3, 1, 4, 1, 5, 9, 2, 6, 5, 3]], { dtype: "int32" });
    const places = iota(10);
    const mask = greaterEqual(expandDims(places, 1), expandDims(places, 0));
    const [near, whole] = await evaluate([
      causalLM(config, params, ids).logits,
      causalLM(config, params, ids, { mask }).logits, // a mask of the caller's own is scored as a whole
    ]);
    expectClose((await near?.data()) as Float32Array, (await whole?.data()) as Float32Array, 1e-5);
  },
);
