// Folders for @huggingface/transformers: every family's graph gives the logits of Python's transformers, alone, in a
// padded batch and after a past; and the real package writes our greedy text.
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { env, pipeline } from "@huggingface/transformers";
import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { freshAdapter, withAdapter } from "../../src/adapt/index.ts";
import { OptionError } from "../../src/errors.ts";
import { applyChatTemplate } from "../../src/model/chat.ts";
import { generate } from "../../src/model/generate.ts";
import {
  type CausalLMConfig,
  causalLMConfig,
  type CausalLMParams,
  createDecoder,
  initCausalLM,
  loadModel,
} from "../../src/model/index.ts";
import {
  saveTransformersJs,
  type TransformersJsOptions,
  transformersJsFiles,
  variantWeights,
  VARIANTS,
} from "../../src/model/transformers-js.ts";
import { cast, evaluate, mapTree, random } from "../../src/tensor/index.ts";
import { byteTokenizer } from "../../src/tokenizer/index.ts";
import { expectClose } from "../support/check.ts";
import { folderOf, GOLDEN, NEAR } from "../support/golden-families.ts";

let work = "";
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), "athanor-transformers-js-"));
  env.allowRemoteModels = false;
});
afterAll(() => rm(work, { recursive: true }));

const told = (): TransformersJsOptions => ({
  tokenizer: byteTokenizer(),
  tokens: { bos: undefined, eos: [] },
  addBos: false,
});

/** The graph `onnx/model.onnx` of a model. */
async function graphOf(
  config: CausalLMConfig,
  params: CausalLMParams,
  family?: string,
): Promise<InferenceSession> {
  const options = { ...told(), variants: ["fp32" as const], ...(family !== undefined && { family }) };
  for await (const [name, content] of transformersJsFiles(config, params, options)) {
    if (name === "onnx/model.onnx") return InferenceSession.create(content as Uint8Array);
  }
  throw new Error("no graph");
}

type Past = Readonly<Record<string, OrtTensor>>;

/** One pass: ids of texts of one length, and which of all tokens so far are there. */
async function pass(
  session: InferenceSession,
  texts: readonly (readonly number[])[],
  there: readonly (readonly number[])[],
  past?: Past,
): Promise<{ logits: Float32Array; present: Past }> {
  const [B, T, all] = [texts.length, texts[0]?.length ?? 0, there[0]?.length ?? 0];
  const long = (rows: readonly (readonly number[])[], columns: number): OrtTensor =>
    new OrtTensor("int64", BigInt64Array.from(rows.flat().map(BigInt)), [B, columns]);
  // As transformers has it: how many tokens were there before, and 1 for padding.
  const places = there.map((row) =>
    row.map((x, i) => (x === 0 ? 1 : row.slice(0, i).reduce((n, y) => n + y, 0))).slice(all - T),
  );
  const kept: Record<string, OrtTensor> = { ...past };
  for (const input of session.inputMetadata) {
    if (past !== undefined || !input.isTensor || !input.name.startsWith("past_key_values")) continue;
    const dims = input.shape.map((d) => (typeof d === "number" ? d : d === "batch_size" ? B : 0));
    kept[input.name] = new OrtTensor("float32", new Float32Array(), dims);
  }
  const { logits, ...present } = await session.run({
    input_ids: long(texts, T),
    attention_mask: long(there, all),
    position_ids: long(places, T),
    ...kept,
  });
  const next = Object.entries(present).map(([name, x]) => [name.replace("present", "past_key_values"), x]);
  return { logits: logits?.data as Float32Array, present: Object.fromEntries(next) as Past };
}

describe.each(GOLDEN)("%s", (name, golden) => {
  test("its graph gives the logits of transformers: whole, padded on the left, after a past", async () => {
    const { config, params, family } = await loadModel(await folderOf(work, name, golden, "float32"));
    const session = await graphOf(config, params, family);
    const { ids, logits } = golden;
    const V = config.vocabulary;
    const [T, P, cut] = [ids.length, 5, 9]; // LongRoPE changes its factors after 8
    const ones = (n: number): number[] => Array.from({ length: n }, () => 1);
    // The second text is the first `T - P` tokens, behind padding.
    const short = ids.slice(0, T - P);
    const padded = [...Array.from({ length: P }, () => 0), ...short];
    const mask = [...Array.from({ length: P }, () => 0), ...ones(T - P)];
    const whole = await pass(session, [ids, padded], [ones(T), mask]);
    expectClose(whole.logits.subarray(0, T * V), logits.flat(), NEAR);
    const shorter = logits.slice(0, T - P).flat();
    expectClose(whole.logits.subarray((T + P) * V), shorter, NEAR);
    const first = await pass(
      session,
      [ids.slice(0, cut), padded.slice(0, cut)],
      [ones(cut), mask.slice(0, cut)],
    );
    const rest = await pass(session, [ids.slice(cut), padded.slice(cut)], [ones(T), mask], first.present);
    expectClose(rest.logits.subarray(0, (T - cut) * V), logits.slice(cut).flat(), NEAR);
    expectClose(rest.logits.subarray((T - cut) * V), logits.slice(cut - P, T - P).flat(), NEAR);
    await session.release();
  });
});

/** A model that the package opens, and what it writes. */
async function theirs(
  folder: string,
  prompts: unknown,
  dtype: "fp32" | "fp16" | "q8" | "q4",
): Promise<unknown> {
  const generator = await pipeline("text-generation", folder, { dtype });
  const written = await generator(prompts as string[], { max_new_tokens: 24, do_sample: false });
  await generator.dispose();
  return written;
}

/** What we write after `prompt`, greedily. */
async function ours(
  config: CausalLMConfig,
  params: CausalLMParams,
  { tokenizer, tokens, addBos }: TransformersJsOptions,
  prompt: string,
  specials = false,
): Promise<string> {
  const decoder = createDecoder(config, params);
  const bos = addBos ? tokens.bos : undefined;
  const options = { maxTokens: 24, temperature: 0, bos, eos: tokens.eos, specials, boundary: "off" as const };
  let text = "";
  for await (const piece of generate(decoder, tokenizer, prompt, options)) text += piece.text;
  await decoder.release();
  return text;
}

const bytes = byteTokenizer();
const own = causalLMConfig({ vocabulary: bytes.vocabularySize, context: 64, width: 32, layers: 2, heads: 4 });
/** Weights large enough that one token is far ahead of the next. */
const large = async (): Promise<CausalLMParams> =>
  evaluate(mapTree(initCausalLM(own, random.key(7)), (t, name) => (name.includes("norm") ? t : t.mul(8))));

test("a model of our own making: one text, and two of unequal length", async () => {
  const params = await large();
  const options = { ...told(), tokens: { bos: undefined, eos: [2] }, variants: ["fp32" as const] };
  const folder = join(work, "own");
  await saveTransformersJs(folder, own, params, options);
  const prompts = ["Once upon", "A dog in the rain said"];
  const expected = await Promise.all(prompts.map((prompt) => ours(own, params, options, prompt)));
  expect(await theirs(folder, prompts[0], "fp32")).toEqual([
    { generated_text: `${prompts[0]}${expected[0]}` },
  ]);
  expect(await theirs(folder, prompts, "fp32")).toEqual(
    prompts.map((prompt, i) => [{ generated_text: prompt + expected[i] }]),
  );
});

test("weights may stand in a file of their own, which config.json tells of", async () => {
  const params = await large();
  const options = { ...told(), dataFromBytes: 1000, variants: ["fp32", "q4"] as const };
  const folder = join(work, "apart");
  await saveTransformersJs(folder, own, params, options);
  const json = JSON.parse(await readFile(join(folder, "config.json"), "utf8")) as Record<string, unknown>;
  expect(json["transformers.js_config"]).toEqual({
    use_external_data_format: { "model.onnx": 1, "model_q4.onnx": 1 },
  });
  const text = await ours(own, params, options, "Once");
  expect(await theirs(folder, "Once", "fp32")).toEqual([{ generated_text: `Once${text}` }]);
});

test.each([
  [
    "a mixer without keys and values",
    { attention: { type: "performer", features: 8 }, position: { type: "none" } },
    /got the mixer performer in layer 0, whose state/,
  ],
  [
    "positions that no family there has",
    { position: { type: "alibi" } },
    /got a model that none of them has words for/,
  ],
] as const)("%s is refused with the reason", async (_, departure, reason) => {
  const config = causalLMConfig({ ...own, ...departure } as Parameters<typeof causalLMConfig>[0]);
  const saved = saveTransformersJs(
    join(work, "refused"),
    config,
    initCausalLM(config, random.key(1)),
    told(),
  );
  await expect(saved).rejects.toThrow(OptionError);
  await expect(saved).rejects.toThrow(reason);
  expect(existsSync(join(work, "refused"))).toBe(false);
});

const stories = join(
  process.env["ATHANOR_DATA"] ?? join(import.meta.dirname, "../../../shared/data"),
  "models/stories260K/stories260K.bin",
);
describe.skipIf(!existsSync(stories))("stories260K (skipped: no ../shared/data/models)", () => {
  const opened = async (): Promise<[CausalLMConfig, CausalLMParams, TransformersJsOptions]> => {
    const { config, params, tokens, tokenizer } = await loadModel(stories);
    return [config, params, { tokenizer: await tokenizer(), tokens, addBos: true, variants: VARIANTS }];
  };
  const prompts = ["Once upon a time", "The dog", "Lily saw a big"];

  test("every variant writes what we write with those weights; fp16 halves, codes a third and less", async () => {
    const [config, params, options] = await opened();
    const folder = join(work, "stories");
    await saveTransformersJs(folder, config, params, options);
    const size = async (suffix: string): Promise<number> =>
      (await stat(join(folder, `onnx/model${suffix}.onnx`))).size;
    expect((await size("_fp16")) / (await size(""))).toBeLessThan(0.55);
    expect((await size("_quantized")) / (await size(""))).toBeLessThan(0.5);
    for (const variant of VARIANTS) {
      const weights = await variantWeights(config, params, variant);
      const plain = mapTree(weights, (t) => (t.dtype === "float16" ? cast(t, "float32") : t));
      const expected = [];
      for (const prompt of prompts) {
        expected.push([
          { generated_text: prompt + (await ours(config, await evaluate(plain), options, prompt)) },
        ]);
      }
      expect(await theirs(folder, prompts, variant), variant).toEqual(expected);
    }
  });

  test("with an adapter, and spoken to through its template", async () => {
    const [config, params, options] = await opened();
    const adapter = freshAdapter(params, { rank: 2, alpha: 4, targets: ["self_attn.*"] }, random.key(2));
    const noisy = mapTree(adapter, (t, name) =>
      name.endsWith("lora_B") ? random.normal(random.key(4), t.shape as number[], { std: 0.15 }) : t,
    );
    const worn = withAdapter(params, await evaluate(noisy));
    const chat = {
      source: "{{ bos_token }}{% for m in messages %}{{ m.content }} Then{% endfor %}",
      variables: { bos_token: "<s>" },
    };
    const folder = join(work, "adapted");
    await saveTransformersJs(folder, config, worn, { ...options, chat, variants: ["fp32"] });
    const text = await ours(config, worn, options, "The dog");
    expect(text).not.toBe(await ours(config, params, options, "The dog"));
    expect(await theirs(folder, "The dog", "fp32")).toEqual([{ generated_text: `The dog${text}` }]);
    const message = { role: "user", content: "The dog" } as const;
    const answer = await ours(
      config,
      worn,
      { ...options, addBos: false },
      applyChatTemplate(chat, [message]),
      true,
    );
    expect(await theirs(folder, [message], "fp32")).toEqual([
      { generated_text: [message, { role: "assistant", content: answer }] },
    ]);
  });
});
