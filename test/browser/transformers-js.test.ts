// A folder for @huggingface/transformers, made in the page: the real package opens it there, by WebAssembly in 8 bits,
// which is what it takes in pages unless told otherwise, and writes our greedy text.
import { env, pipeline } from "@huggingface/transformers";
import { expect, test } from "vitest";
import { generate } from "../../src/model/generate.ts";
import { causalLMConfig, type CausalLMParams, createDecoder, initCausalLM } from "../../src/model/index.ts";
import {
  type TransformersJsOptions,
  transformersJsFiles,
  variantWeights,
} from "../../src/model/transformers-js.ts";
import { evaluate, mapTree, random } from "../../src/tensor/index.ts";
import { byteTokenizer } from "../../src/tokenizer/index.ts";

/** The package's own runtime, which it would fetch from afar. */
const runtime = (end: string): string =>
  new URL(
    `/node_modules/@huggingface/transformers/node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.asyncify.${end}`,
    location.href,
  ).href;

const tokenizer = byteTokenizer();
const config = causalLMConfig({
  vocabulary: tokenizer.vocabularySize,
  context: 64,
  width: 32,
  layers: 2,
  heads: 4,
  keyValueHeads: 2,
});
const options: TransformersJsOptions = { tokenizer, tokens: { bos: undefined, eos: [2] }, addBos: false };

async function ours(weights: CausalLMParams, prompt: string): Promise<string> {
  const decoder = createDecoder(config, weights, { device: "wasm" });
  let text = prompt;
  const how = { maxTokens: 16, temperature: 0, eos: [2], boundary: "off" as const };
  for await (const piece of generate(decoder, tokenizer, prompt, how)) text += piece.text;
  await decoder.release();
  return text;
}

test("pipeline(text-generation) writes our greedy text in a page", async () => {
  // Weights large enough that one token is far ahead of the next.
  const params = await evaluate(
    mapTree(initCausalLM(config, random.key(7)), (t, name) => (name.includes("norm") ? t : t.mul(8))),
  );
  const files = new Map<string, string | Uint8Array>();
  for await (const [name, content] of transformersJsFiles(config, params, options)) {
    files.set(name, content as string | Uint8Array);
  }
  const { wasm } = env.backends.onnx;
  if (wasm) wasm.wasmPaths = { mjs: runtime("mjs"), wasm: runtime("wasm") };
  env.allowLocalModels = true;
  env.allowRemoteModels = false;
  env.useBrowserCache = false;
  const asked: string[] = [];
  env.fetch = async (input: string | URL | Request): Promise<Response> => {
    const address = String(input instanceof Request ? input.url : input);
    const at = address.split("/models/ours/")[1];
    if (at === undefined) return fetch(input);
    asked.push(at);
    const content = files.get(at);
    return content === undefined
      ? new Response("", { status: 404 })
      : new Response(typeof content === "string" ? content : content.slice());
  };
  const prompts = ["Once upon", "A dog in the rain said"];
  for (const variant of ["q8", "fp32"] as const) {
    // 8 bits are its own choice here.
    const generator = await pipeline("text-generation", "ours", variant === "q8" ? {} : { dtype: variant });
    const written = await generator(prompts, { max_new_tokens: 16, do_sample: false });
    await generator.dispose();
    const weights = await evaluate(await variantWeights(config, params, variant));
    for (const [i, prompt] of prompts.entries()) {
      expect(written[i], variant).toEqual([{ generated_text: await ours(weights, prompt) }]);
    }
  }
  expect(asked).toContain("onnx/model_quantized.onnx");
  expect(asked).toContain("onnx/model.onnx");
});
