// athanor export: folders for @huggingface/transformers, GGUF files, and what is refused before a model is read.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { OptionError } from "../../src/errors.ts";
import { causalLMConfig, initCausalLM } from "../../src/model/index.ts";
import { saveModel } from "../../src/model/save.ts";
import { toldFiles } from "../../src/model/told.ts";
import { random } from "../../src/tensor/index.ts";
import { byteTokenizer, createTokenizer } from "../../src/tokenizer/index.ts";
import { GPT2_SPLIT } from "../../src/tokenizer/pipeline/pre-tokenizers.ts";
import { loadTokenizer, saveTokenizer } from "../../src/tokenizer/load-save.ts";
import sentencePiece from "../golden/sentencepiece-models.json" with { type: "json" };
import { command } from "../support/command.ts";

const folder = mkdtempSync(join(tmpdir(), "athanor-export-"));
const model = join(folder, "model");
beforeAll(async () => {
  const tokenizer = byteTokenizer();
  const sizes = { vocabulary: tokenizer.vocabularySize, context: 32, width: 32, layers: 2, heads: 2 };
  const config = causalLMConfig(sizes);
  await saveModel(model, config, initCausalLM(config, random.key(3)), { bos: 1, eos: [2] });
  await saveTokenizer(tokenizer, join(model, "tokenizer.json"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const jsonIn = (...path: string[]): unknown => JSON.parse(readFileSync(join(folder, ...path), "utf8"));

test("--transformers-js writes the folder that the package expects, of standard operators", async () => {
  const at = join(folder, "tjs");
  const out = await command("export", model, "--transformers-js", at, "--variants", "fp32,q4", "--json");
  expect(JSON.parse(out.stdout)).toEqual({ transformersJs: at });
  expect(readdirSync(at).sort()).toEqual([
    "config.json",
    "generation_config.json",
    "onnx",
    "tokenizer.json",
    "tokenizer_config.json",
  ]);
  expect(readdirSync(join(at, "onnx")).sort()).toEqual(["model.onnx", "model_q4.onnx"]);
  const uses = (file: string): boolean => readFileSync(join(at, "onnx", file)).includes("com.microsoft");
  expect([uses("model.onnx"), uses("model_q4.onnx")]).toEqual([false, true]);
  expect(jsonIn("tjs", "tokenizer_config.json")).toMatchObject({
    bos_token: "<bos>",
    eos_token: "<eos>",
    add_bos_token: true,
    clean_up_tokenization_spaces: false,
  });
  expect(jsonIn("tjs", "generation_config.json")).toEqual({ bos_token_id: 1, eos_token_id: 2 });
  expect(jsonIn("tjs", "tokenizer.json")).toMatchObject({
    post_processor: { single: [{ SpecialToken: { id: "<bos>" } }, { Sequence: { id: "A" } }] },
  });
});

test.each([
  [["--onnx", "x", "--variants", "q8"], "export: --variants is for --transformers-js FOLDER, got none."],
  [
    ["--transformers-js", "x", "--variants", "q3"],
    'export: --variants must be names of variants (fp32, fp16, q8, q4) separated by commas, got "q3". For example fp32,q8.',
  ],
  [["--onnx", "x", "--bits", "8"], "export: --bits is for --gguf FILE, got none."],
  [["--gguf", "x.gguf", "--bits", "4"], 'export: --bits must be 16 or 8, got "4".'],
  [
    [],
    "export: --onnx FILE, --step FILE, --hf FOLDER, --transformers-js FOLDER or --gguf FILE must be given, got none.",
  ],
] as const)("%j is refused in one sentence", async (flags, message) => {
  await expect(command("export", model, ...flags)).rejects.toThrow(new OptionError(message));
  expect(existsSync("x")).toBe(false);
});

const models = join(
  process.env["ATHANOR_DATA"] ?? join(import.meta.dirname, "../../../shared/data"),
  "models",
);
const stories = join(models, "stories260K/stories260K.bin");
const text = "Once upon a time, Zoë saw 12 red  balloons.\n";

test.skipIf(!existsSync(stories))(
  "--hf makes a tokenizer.json of llama2.c's vocabulary, with its BOS (skipped: no ../shared/data/models)",
  async () => {
    const at = join(folder, "stories");
    await command("export", stories, "--hf", at);
    expect(readdirSync(at).sort()).toEqual([
      "config.json",
      "generation_config.json",
      "model.safetensors",
      "tokenizer.json",
      "tokenizer_config.json",
    ]);
    const [made, own] = [
      await loadTokenizer(at),
      await loadTokenizer(join(models, "stories260K/tok512.bin")),
    ];
    expect(made.encode(text)).toEqual(own.encode(text));
    expect(made.template.before).toEqual([1]);
    expect(jsonIn("stories", "tokenizer_config.json")).toMatchObject({ bos_token: "<s>", eos_token: "</s>" });
  },
);

test("--gguf and --bits, and --hf of that file keeps the chat template", async () => {
  const template = "{% for m in messages %}{{ bos_token }}{{ m.content }}{% endfor %}";
  const bytes = Array.from({ length: 256 }, (_, b) => Uint8Array.of(b));
  const none = new Uint8Array(0);
  const tokenizer = createTokenizer({
    kind: "bpe",
    pieces: [...bytes, none, none],
    merges: Int32Array.of(),
    specials: [
      { id: 256, text: "<s>", role: "bos" },
      { id: 257, text: "</s>", role: "eos" },
    ],
    split: GPT2_SPLIT,
  });
  const spoken = join(folder, "spoken");
  const config = causalLMConfig({ vocabulary: 258, context: 32, width: 32, layers: 1, heads: 2 });
  const beside = new Map(
    toldFiles({
      tokenizer,
      tokens: { bos: 256, eos: [257] },
      addBos: true,
      chat: { source: template, variables: {} },
    }),
  );
  await saveModel(spoken, config, initCausalLM(config, random.key(3)), { bos: 256, eos: [257] }, { beside });
  const [half, eight, back] = ["half.gguf", "eight.gguf", "back"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  await command("export", spoken, "--gguf", half);
  await command("export", spoken, "--gguf", eight, "--bits", "8");
  expect(statSync(eight).size).toBeLessThan(statSync(half).size);
  await command("export", eight, "--hf", back);
  expect(jsonIn("back", "tokenizer_config.json")).toMatchObject({
    chat_template: template,
    add_bos_token: true,
    bos_token: "<s>",
    eos_token: "</s>",
  });
  const again = await loadTokenizer(back);
  expect(again.encode(text)).toEqual(tokenizer.encode(text));
  expect(again.template.before).toEqual([256]);
});

test("a SentencePiece model with symbols of its own goes along as it is", async () => {
  const at = join(folder, "symbols");
  const { model: vocabulary } = sentencePiece.models["bpe, symbols"];
  const file = join(folder, "tokenizer.model");
  writeFileSync(file, Buffer.from(vocabulary, "base64"));
  const { vocabularySize } = await loadTokenizer(file);
  const config = causalLMConfig({ vocabulary: vocabularySize, context: 16, width: 16, layers: 1, heads: 2 });
  const bare = join(folder, "bare");
  await saveModel(bare, config, initCausalLM(config, random.key(3)), { bos: 1, eos: [2] });
  const { stderr } = await command("export", bare, "--tokenizer", file, "--hf", at);
  expect(stderr).toContain("says more than tokenizer.json can: written as tokenizer.model");
  expect(readFileSync(join(at, "tokenizer.model"))).toEqual(readFileSync(file));
});
