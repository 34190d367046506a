// athanor export: folders for @huggingface/transformers, GGUF files, and what is refused before a model is read.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { OptionError } from "../../src/errors.ts";
import { causalLMConfig, initCausalLM } from "../../src/model/index.ts";
import { saveModel } from "../../src/model/save.ts";
import { random } from "../../src/tensor/index.ts";
import { byteTokenizer } from "../../src/tokenizer/index.ts";
import { saveTokenizer } from "../../src/tokenizer/load-save.ts";
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
  [[], "export: --onnx FILE, --hf FOLDER, --transformers-js FOLDER or --gguf FILE must be given, got none."],
] as const)("%j is refused in one sentence", async (flags, message) => {
  await expect(command("export", model, ...flags)).rejects.toThrow(new OptionError(message));
  expect(existsSync("x")).toBe(false);
});
