// Writing on: models wider than their tokenizer and narrower, texts longer than a model's places, and their errors.
import { describe, expect, test } from "vitest";
import {
  causalLM,
  type CausalLMConfig,
  causalLMConfig,
  type CausalLMParams,
  createDecoder,
  generate,
  type GenerateOptions,
  initCausalLM,
  sampler,
} from "../../src/model/index.ts";
import { argMaxOf } from "../../src/model/sampling.ts";
import { evaluate, mapTree, random, tensor } from "../../src/tensor/index.ts";
import { byteTokenizer, createTokenizer, type Tokenizer } from "../../src/tokenizer/index.ts";

const SIZES = { vocabulary: 259, context: 16, width: 16, layers: 2, heads: 2 };
const bytes = byteTokenizer();

/** Fresh parameters write one token for ever; larger ones do not. */
const paramsOf = (config: CausalLMConfig): Promise<CausalLMParams> =>
  evaluate(mapTree(initCausalLM(config, random.key(3)), (p, name) => (/norm/.test(name) ? p : p.mul(12))));

async function write(
  config: CausalLMConfig,
  tokenizer: Tokenizer,
  prompt: string,
  options: GenerateOptions,
): Promise<{ ids: number[]; reason: string; text: string }> {
  const decoder = createDecoder(config, await paramsOf(config));
  try {
    let text = "";
    const writing = generate(decoder, tokenizer, prompt, options);
    for (;;) {
      const next = await writing.next();
      if (next.done) return { ...next.value, text };
      text += next.value.text;
    }
  } finally {
    await decoder.release();
  }
}

/** What a whole pass over the last `context` tokens finds most probable, token by token. */
async function slowly(config: CausalLMConfig, prompt: readonly number[], count: number): Promise<number[]> {
  const params = await paramsOf(config);
  const text = [...prompt];
  while (text.length < prompt.length + count) {
    const seen = text.slice(-config.context);
    const { logits } = causalLM(config, params, tensor(Int32Array.from(seen), { shape: [1, seen.length] }));
    const all = (await logits.data()) as Float32Array;
    text.push(argMaxOf(all.subarray((seen.length - 1) * config.vocabulary)));
  }
  return text.slice(prompt.length);
}

describe("learned positions", () => {
  const config = causalLMConfig({ ...SIZES, position: { type: "learned" } });

  test.each(["the furnace", "in the beginning the furnace was cold"])(
    "a text goes on past them, seeing the last 16 tokens: after %j",
    async (prompt) => {
      const { ids } = await write(config, bytes, prompt, { temperature: 0, maxTokens: 24, boundary: "off" });
      expect(ids).toEqual(await slowly(config, Array.from(bytes.encode(prompt)), 24));
      expect(new Set(ids).size).toBeGreaterThan(3);
    },
  );

  test("stepping back at the end of a prompt that fills them", async () => {
    const { ids } = await write(config, bytes, "exactly 16 bytes and more", { temperature: 0, maxTokens: 8 });
    expect(ids).toHaveLength(8);
  });
});

test.each([
  ["learned positions", causalLMConfig({ ...SIZES, position: { type: "learned" } })],
  ["rope", causalLMConfig(SIZES)],
  ["linear", causalLMConfig({ ...SIZES, attention: { type: "linear" }, position: { type: "none" } })],
])("a model in training is sampled through its last 16 tokens, by one program: %s", async (_, config) => {
  const writer = sampler(config);
  const prompt = bytes.encode("the furnace");
  const params = await paramsOf(config);
  const fresh = await evaluate(initCausalLM(config, random.key(9)));
  const options = { count: 12, temperature: 0, seed: 1 };
  const first = await writer.sample(params, prompt, options);
  const other = await writer.sample(fresh, prompt, options);
  const again = await writer.sample(params, prompt, options);
  expect(Array.from(first)).toEqual(await slowly(config, Array.from(prompt), 12));
  expect(again).toEqual(first);
  expect(other).not.toEqual(first);
  const drawn = await writer.sample(params, prompt, { count: 12, temperature: 1, seed: 2 });
  expect(await writer.sample(params, prompt, { count: 12, temperature: 1, seed: 2 })).toEqual(drawn);
  expect(await writer.sample(params, prompt, { count: 12, temperature: 1, seed: 3 })).not.toEqual(drawn);
  await writer.release();
});

test.each([0, 1])("ids beyond the tokenizer are never drawn, temperature %d", async (temperature) => {
  // Three quarters of the vocabulary are padding.
  const config = causalLMConfig({ ...SIZES, vocabulary: 1024 });
  for (let seed = 0; seed < 3; seed++) {
    const options = { temperature, seed, maxTokens: 40 };
    const { ids } = await write(config, bytes, "padded ", options);
    expect(ids).toHaveLength(40);
    expect(Math.max(...ids)).toBeLessThan(259);
  }
});

describe("a tokenizer with an added token that the model never learnt", () => {
  const { model } = bytes;
  if (model?.kind !== "unigram") throw new Error("bytes are a unigram model");
  const wider = createTokenizer({
    ...model,
    pieces: [...model.pieces, new Uint8Array(0)],
    logProbs: Float64Array.from([...model.logProbs, -Infinity]),
    specials: [...model.specials, { id: 259, text: "<tool>", role: "other" }],
  });
  const config = causalLMConfig(SIZES);

  test("writes what it writes without it, and never the token", async () => {
    const options = { temperature: 1, seed: 4, maxTokens: 40 };
    const [plain, wide] = [
      await write(config, bytes, "the fu", options),
      await write(config, wider, "the fu", options),
    ];
    expect(wide).toEqual(plain);
  });

  test("says so where a prompt uses it", async () => {
    await expect(write(config, wider, "a <tool> b", { specials: true })).rejects.toThrow(
      'generate: prompt must be of the model\'s 259 tokens, got "<tool>" (259), which its tokenizer adds and it never learnt. Leave it out.',
    );
  });

  test("ordinary tokens beyond the model are another model's tokenizer", async () => {
    const narrow = causalLMConfig({ ...SIZES, vocabulary: 200 });
    await expect(write(narrow, bytes, "a", {})).rejects.toThrow(
      "generate: the tokenizer must fit the model's 200 embeddings, got 259 tokens. Give the model's own tokenizer.",
    );
  });
});

test.each([
  [
    { topP: 0 },
    "sampling: topP must be in (0, 1], got 0. For the most probable token always, set temperature to 0.",
  ],
  [{ topK: 0 }, "sampling: topK must be a whole number ≥ 1, got 0. Leave it out for all tokens."],
])("%j is refused with the way out", async (options, message) => {
  await expect(write(causalLMConfig(SIZES), bytes, "a", options)).rejects.toThrow(message);
});
