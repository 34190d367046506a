// Models in GGUF files: what we write is read back, codes stand for the numbers of their blocks, SmolLM2's logits are
// PyTorch's, and files that do not fit are refused before their weights are read.
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { dequantise } from "../../src/files/gguf-blocks.ts";
import { GGUF_TYPES } from "../../src/files/gguf-types.ts";
import { ggufChunks, type GgufTensor, type GgufWrite } from "../../src/files/gguf-write.ts";
import { codesOf, staysInCodes } from "../../src/model/gguf-codes.ts";
import { saveGguf } from "../../src/model/gguf-write.ts";
import {
  causalLM,
  type CausalLMConfig,
  causalLMConfig,
  createDecoder,
  initCausalLM,
  lendingDecoder,
  loadModel,
} from "../../src/model/index.ts";
import { saveModel } from "../../src/model/save.ts";
import { nbit } from "../../src/quantize/index.ts";
import { flattenTree, random, tensor } from "../../src/tensor/index.ts";
import { createTokenizer, loadTokenizer, type Tokenizer } from "../../src/tokenizer/index.ts";
import { GPT2_SPLIT } from "../../src/tokenizer/pipeline/pre-tokenizers.ts";
import blocks from "../golden/gguf.json" with { type: "json" };
import smollm2 from "../golden/gguf-smollm2.json" with { type: "json" };
import { expectClose } from "../support/check.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "athanor-gguf-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Bytes, two merges, and three specials: 261 tokens. */
function tinyTokenizer(): Tokenizer {
  const pieces = Array.from({ length: 256 }, (_, b) => Uint8Array.of(b));
  const none = new Uint8Array(0);
  const word = (text: string): Uint8Array => new TextEncoder().encode(text);
  return createTokenizer({
    kind: "bpe",
    pieces: [...pieces, word("th"), word("the"), none, none, none],
    merges: Int32Array.of(116, 104, 256, 256, 101, 257),
    specials: [
      { id: 258, text: "<s>", role: "bos" },
      { id: 259, text: "</s>", role: "eos" },
      { id: 260, text: "<pad>", role: "pad" },
    ],
    split: GPT2_SPLIT,
  });
}

const sizes = { vocabulary: 264, context: 64, width: 32, layers: 2, heads: 4, keyValueHeads: 2, hidden: 64 };
const MODELS: readonly [name: string, config: CausalLMConfig][] = [
  ["Llama", causalLMConfig({ ...sizes, position: { type: "rope", base: 5000 } })],
  [
    "Llama, untied, heads wider than the model",
    causalLMConfig({
      ...sizes,
      tieEmbeddings: false,
      headWidth: 16,
      position: { type: "rope", base: 10_000 },
    }),
  ],
  [
    "Llama 3 with its scaling",
    causalLMConfig({
      ...sizes,
      headWidth: 64,
      position: { type: "llama3", base: 500_000, scale: 8, trainingLength: 8192, fast: 4, slow: 1 },
    }),
  ],
  ["Qwen2", causalLMConfig({ ...sizes, bias: "qkv", position: { type: "rope", base: 1e6 } })],
  ["Qwen3", causalLMConfig({ ...sizes, headNorm: true, position: { type: "rope", base: 1e6 } })],
];

const ids = tensor([[3, 141, 59, 26, 53, 58, 97]], { dtype: "int32" });
const template = "{% for m in messages %}{{ bos_token }}{{ m.content }}{{ eos_token }}{% endfor %}";

describe.each(MODELS)("%s written and read back", (name, config) => {
  const params = initCausalLM(config, random.key(5));
  test.each([16, 8] as const)("in %i bits", async (bits) => {
    const file = join(folder, `${name}-${bits}.gguf`);
    const tokens = { bos: 258, eos: [259] };
    await saveGguf(file, config, params, {
      tokens,
      tokenizer: tinyTokenizer(),
      template,
      addBos: true,
      bits,
    });
    const model = await loadModel(file);
    expect(model.config).toEqual(config);
    expect(model.tokens).toEqual(tokens);
    expect(model.addBos).toBe(true);
    expect(model.chat).toEqual({ source: template, variables: { bos_token: "<s>", eos_token: "</s>" } });
    const kinds = new Set(flattenTree(model.params).map(([leaf]) => leaf.split(".").at(-1)));
    expect(kinds.has("codes")).toBe(bits === 8);
    // Half precision doubles here; of 8 bits nothing is widened.
    expect((model.widened ?? []).every(({ from }) => from === "F16")).toBe(true);
    expect((model.widened ?? []).length > 0).toBe(bits === 16);
    const [a, b] = [
      (await causalLM(model.config, model.params, ids).logits.data()) as Float32Array,
      (await causalLM(config, params, ids).logits.data()) as Float32Array,
    ];
    const size = Math.hypot(...b);
    expect(Math.hypot(...a.map((x, i) => x - (b[i] ?? Number.NaN))) / size).toBeLessThan(
      bits === 8 ? 0.02 : 1e-3,
    );
    // Its tokenizer, from the model and from the file alone.
    for (const tokenizer of [await model.tokenizer(), await loadTokenizer(file)]) {
      const text = "the thé <s>";
      expect(tokenizer.encode(text)).toEqual(tinyTokenizer().encode(text));
      expect(tokenizer.encode(text, { allowSpecials: true }).at(-1)).toBe(258);
    }
  });
});

describe.each(Object.entries(blocks.blocks))("%s", (name, { bytes, values }) => {
  const type = [...GGUF_TYPES.values()].find((t) => t.name === name);
  if (type === undefined) throw new Error(name);
  const raw = Uint8Array.from(Buffer.from(bytes, "base64"));
  const count = (raw.length / type.bytes) * type.block;
  const entry = { type, shape: [1, count], begin: 0, byteLength: raw.length };

  test("stays in codes that say the same, or is widened", async () => {
    const kept = ["Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q4_K", "Q5_K"].includes(name);
    expect(staysInCodes(entry)).toBe(kept);
    if (!kept) return;
    const expected = new Float32Array(Uint8Array.from(Buffer.from(values, "base64")).buffer);
    const most = Math.max(...expected.map(Math.abs));
    const got = (await nbit.toDense(codesOf(raw, entry)).data()) as Float32Array;
    got.forEach((x, i) => expect(Math.abs(x - (expected[i] ?? Number.NaN))).toBeLessThanOrEqual(1e-6 * most));
    expect(dequantise(raw, "w", entry, "m")).toEqual(expected);
  });
});

const real = process.env["SMOLLM2_GGUF"] ?? "";
describe.skipIf(!existsSync(real))(
  "SmolLM2-135M-Instruct.Q4_1.gguf (skipped: SMOLLM2_GGUF names no file)",
  () => {
    test("its ids and logits are those of PyTorch, by the definition and by the kernels", async () => {
      const model = await loadModel(real);
      const tokenizer = await model.tokenizer();
      expect(Array.from(tokenizer.encode(smollm2.text, { allowSpecials: true }))).toEqual(smollm2.ids);
      const expected = new Float32Array(Uint8Array.from(Buffer.from(smollm2.logits, "base64")).buffer);
      const [T, V] = [smollm2.ids.length, model.config.vocabulary];
      const exact = lendingDecoder(model.config).of(model.params);
      const kernels = createDecoder(model.config, model.params);
      for (const [decoder, tolerance] of [
        [exact, 1e-3],
        [kernels, 1e-2], // the products with the table round to 16 bits
      ] as const) {
        const { logits } = await decoder.advance(await decoder.start(), [smollm2.ids], T);
        const chosen = Array.from({ length: T }, (_, t) =>
          smollm2.columns.map((c) => logits[t * V + c] ?? NaN),
        );
        expectClose(chosen.flat(), Array.from(expected), tolerance);
        const best = Array.from({ length: T }, (_, t) => {
          const row = logits.subarray(t * V, (t + 1) * V);
          return row.indexOf(row.reduce((a, b) => Math.max(a, b)));
        });
        expect(best).toEqual(smollm2.best);
        await decoder.release();
      }
    });
  },
);

describe("files that do not fit are refused by name", () => {
  const text = (value: string): GgufWrite => ({ type: "string", value });
  const u32 = (value: number): GgufWrite => ({ type: "uint32", value });
  const usual: Readonly<Record<string, GgufWrite>> = {
    "general.architecture": text("llama"),
    "llama.block_count": u32(1),
    "llama.context_length": u32(16),
    "llama.embedding_length": u32(32),
    "llama.feed_forward_length": u32(32),
    "llama.attention.head_count": u32(2),
    "llama.attention.layer_norm_rms_epsilon": { type: "float32", value: 1e-5 },
  };
  const layer = ["attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"];
  const tensors = (): Map<string, readonly number[]> =>
    new Map<string, readonly number[]>([
      ["token_embd.weight", [40, 32]],
      ["output_norm.weight", [32]],
      ["blk.0.attn_norm.weight", [32]],
      ["blk.0.ffn_norm.weight", [32]],
      ...layer.map((name): [string, number[]] => [`blk.0.${name}.weight`, [32, 32]]),
    ]);
  const load = async (
    metadata: Record<string, GgufWrite | undefined>,
    shapes = tensors(),
  ): Promise<unknown> => {
    const all = Object.entries({ ...usual, ...metadata }).flatMap(([k, v]) => (v ? [[k, v] as const] : []));
    const list = [...shapes].map(
      ([name, shape]): GgufTensor => ({
        name,
        shape,
        type: "F16",
        data: () => new Float32Array(shape.reduce((a, b) => a * b, 1)),
      }),
    );
    const file = join(folder, "bad.gguf");
    const parts: Uint8Array[] = [];
    for await (const part of ggufChunks(new Map(all), list)) parts.push(part);
    await writeFile(file, Buffer.concat(parts));
    const model = await loadModel(file);
    return model.tokenizer();
  };
  const cases: readonly [string, () => Promise<unknown>, RegExp][] = [
    [
      "an architecture",
      () => load({ "general.architecture": text("mamba") }),
      /general.architecture must be one of llama, .* got "mamba"/,
    ],
    ["none", () => load({ "general.architecture": undefined }), /general.architecture .* got nothing/],
    [
      "experts",
      () => load({ "llama.expert_count": u32(8) }),
      /llama.expert_count must be 0, got 8: models with experts/,
    ],
    ["a key that may matter", () => load({ "llama.logit_scale": u32(2) }), /llama.logit_scale must be a key/],
    [
      "a missing size",
      () => load({ "llama.block_count": undefined }),
      /llama.block_count must be a number, got nothing/,
    ],
    [
      "a size of another type",
      () => load({ "llama.embedding_length": text("wide") }),
      /llama.embedding_length must be a number, got "wide"/,
    ],
    [
      "a scaling",
      () => load({ "llama.rope.scaling.type": text("magic") }),
      /rope.scaling.type must be none, linear/,
    ],
    ["one of several parts", () => load({ "split.count": u32(3) }), /must be whole, got one of 3 parts/],
    [
      "a shape, both shown",
      () => load({}, tensors().set("blk.0.ffn_up.weight", [16, 32])),
      /"blk.0.ffn_up.weight" must be \[32, 32\] by the metadata, got F16 \[16, 32\]/,
    ],
    [
      "a tensor too many",
      () => load({}, tensors().set("blk.0.attn_gate.weight", [32, 32])),
      /holds "blk.0.attn_gate.weight", which no 1-layer model has/,
    ],
    [
      "a tensor too few",
      () => {
        const shapes = tensors();
        shapes.delete("blk.0.ffn_up.weight");
        return load({}, shapes);
      },
      /lacks the tensor of "model.layers.0.mlp.up_proj.weight"/,
    ],
    [
      "factors of positions",
      () => load({}, tensors().set("rope_freqs.weight", [8])),
      /rope_freqs.weight must be the factors of Llama 3/,
    ],
    ["no tokenizer", () => load({}), /must carry tokenizer.ggml.model and tokens, got none/],
    [
      "a tokenizer of another kind",
      () =>
        load({
          "tokenizer.ggml.model": text("bert"),
          "tokenizer.ggml.tokens": { type: "strings", value: ["a"] },
        }),
      /tokenizer.ggml.model must be gpt2 or llama, got "bert"/,
    ],
    [
      "a split",
      () =>
        load({
          "tokenizer.ggml.model": text("gpt2"),
          "tokenizer.ggml.pre": text("qwen3"),
          "tokenizer.ggml.tokens": { type: "strings", value: ["a"] },
        }),
      /tokenizer.ggml.pre must be one of .* got "qwen3". Nearest: qwen2/,
    ],
    [
      "an id beyond the tokens",
      () =>
        load({
          "tokenizer.ggml.model": text("gpt2"),
          "tokenizer.ggml.pre": text("gpt-2"),
          "tokenizer.ggml.bos_token_id": u32(9),
          "tokenizer.ggml.tokens": { type: "strings", value: ["a"] },
        }),
      /tokenizer.ggml.bos_token_id must be below 1, got 9/,
    ],
    [
      "types of tokens",
      () =>
        load({
          "tokenizer.ggml.model": text("gpt2"),
          "tokenizer.ggml.tokens": { type: "strings", value: ["a"] },
          "tokenizer.ggml.token_type": { type: "int32s", value: [1, 1] },
        }),
      /tokenizer.ggml.token_type must hold 1 numbers, one a token, got 2/,
    ],
  ];
  test.each(cases)("%s", async (_, run, message) => {
    await expect(run()).rejects.toThrow(message);
  });
});

describe("what looks like a model and is none is said by name, with the way out", () => {
  const config = JSON.stringify({ model_type: "llama" });
  const cases: readonly [
    string,
    Readonly<Record<string, string | Uint8Array>>,
    string | undefined,
    RegExp,
  ][] = [
    [
      "a folder of PyTorch",
      { "config.json": config, "pytorch_model.bin": "x" },
      undefined,
      /got pytorch_model.bin: PyTorch's pickled weights. Save it again from Python/,
    ],
    [
      "its shards",
      { "config.json": config, "pytorch_model.bin.index.json": "{}" },
      undefined,
      /got pytorch_model.bin.index.json/,
    ],
    [
      "an adapter",
      { "adapter_model.safetensors": "x" },
      undefined,
      /an adapter alone. Load the model it belongs to/,
    ],
    [
      "a file of PyTorch",
      { "m.bin": Uint8Array.of(0x50, 0x4b, 3, 4, 0, 0) },
      "m.bin",
      /got a zip archive, as PyTorch's/,
    ],
    [
      "a Git-LFS pointer",
      { "m.gguf": "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n" },
      "m.gguf",
      /got a Git-LFS pointer, .* Run git lfs pull/,
    ],
    ["a web page", { "m.gguf": "<!DOCTYPE html><html>" }, "m.gguf", /got a web page/],
  ];
  test.each(cases)("%s", async (_, files, name, message) => {
    const at = await mkdtemp(join(folder, "foreign-"));
    for (const [file, content] of Object.entries(files)) await writeFile(join(at, file), content);
    await expect(loadModel(name === undefined ? at : join(at, name))).rejects.toThrow(message);
  });

  test("a pointer in place of a folder's weights; GPTQ and AWQ", async () => {
    const at = await mkdtemp(join(folder, "foreign-"));
    const model = causalLMConfig({ ...sizes, position: { type: "rope", base: 10_000 } });
    await saveModel(at, model, initCausalLM(model, random.key(1)));
    await writeFile(join(at, "model.safetensors"), "version https://git-lfs.github.com/spec/v1\n");
    await expect(loadModel(at)).rejects.toThrow(/model.safetensors must hold .* got a Git-LFS pointer/);
    for (const quant_method of ["gptq", "awq"]) {
      const json = { model_type: "llama", quantization_config: { quant_method } };
      await writeFile(join(at, "config.json"), JSON.stringify(json));
      await expect(loadModel(at)).rejects.toThrow(
        new RegExp(`quantization_config of ${quant_method}. Load the model`),
      );
    }
  });
});
