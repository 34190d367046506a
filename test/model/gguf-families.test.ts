// GGUF files of every architecture, written by Python's package `gguf` and held against llama.cpp
// (test/golden/gguf-families.py): they give the logits of transformers, and so do they when we write them again.
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { OptionError } from "../../src/errors.ts";
import { saveGguf } from "../../src/model/gguf-write.ts";
import { causalLM, loadModel } from "../../src/model/index.ts";
import type { StoredModel } from "../../src/model/load.ts";
import { tensor } from "../../src/tensor/index.ts";
import { expectClose } from "../support/check.ts";
import { folderOf, GOLDEN } from "../support/golden-families.ts";

interface Case {
  readonly ids: readonly number[];
  readonly logits: readonly number[];
  /** The file, in base64. */
  readonly file: string;
}
const folder = new URL("../golden/gguf-families/", import.meta.url);
const cases = await Promise.all(
  (await readdir(folder)).sort().map(async (file): Promise<[string, Case]> => {
    return [file.replace(".json", ""), JSON.parse(await readFile(new URL(file, folder), "utf8")) as Case];
  }),
);

let work = "";
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), "athanor-gguf-families-"));
});
afterAll(() => rm(work, { recursive: true, force: true }));

async function lastLogits({ config, params }: StoredModel, ids: readonly number[]): Promise<Float32Array> {
  const { logits } = causalLM(config, params, tensor([[...ids]], { dtype: "int32" }));
  return ((await logits.data()) as Float32Array).subarray(-config.vocabulary);
}

const extras = async (model: StoredModel) => ({
  tokens: model.tokens,
  tokenizer: await model.tokenizer(),
  addBos: false,
  bits: 16 as const,
  family: model.family ?? "",
});

/** Where to leave the files for `gguf-families.py check DIR`; unset: nowhere. */
const keep = process.env["GGUF_FAMILIES"];

describe.each(cases)("%s", (name, { file, ids, logits }) => {
  test("gives the logits of transformers, and after it was written again", async () => {
    const path = join(work, `${name}.gguf`);
    await writeFile(path, Buffer.from(file, "base64"));
    const model = await loadModel(path);
    expectClose(await lastLogits(model, ids), logits, 2e-4);
    expect((await model.tokenizer()).encode("cab")).toEqual(expect.objectContaining({ length: 2 }));
    const again = join(keep ?? work, keep === undefined ? `${name}-again.gguf` : `${name}.gguf`);
    await saveGguf(again, model.config, model.params, await extras(model));
    const back = await loadModel(again);
    expect(back.config).toEqual(model.config);
    expect(back.tokens).toEqual(model.tokens);
    expectClose(await lastLogits(back, ids), logits, 2e-4);
  });
});

/** Why a folder of `test/golden/families` cannot be written: what llama.cpp computes otherwise. */
const REFUSED: Readonly<Record<string, string>> = {
  deepseek2: "num_hidden_layers 26 or 27 without q_lora_rank, got 3",
  "deepseek3-half": "rope_interleave true, got false",
  deepseek3: "attention_factor 1 beside mscale_all_dim, got 1.06",
  gemma2: "query_pre_attn_scalar 8, got 12",
  "gemma2-caps": 'hidden_activation gelu_pytorch_tanh, got "gelu"',
  "gemma2-no-caps": "layer_types full_attention in every second layer",
  gemma3: "layer_types full_attention in every sixth layer",
  "gpt2-relu-unscaled": 'activation_function gelu_new, got "relu"',
  "llama-relu2": 'hidden_act silu, got "relu2"',
  mistral: "sliding_window null, got 5",
  olmo2: "head_dim of 16 in all heads together, got 8",
  "olmo2-bias": "attention_bias false, got true",
  "qwen3-windows": "sliding_window null, got 4",
  smollm3: "no_rope_layers 0 in every fourth layer, got [1,0,1]",
  "smollm3-windows": "attention_bias false, got true",
};

test.each(Object.entries(REFUSED))(
  "%s is refused with the key that llama.cpp has no words for",
  async (name, reason) => {
    const found = GOLDEN.find(([other]) => other === name)?.[1];
    if (found === undefined) throw new Error(name);
    const model = await loadModel(await folderOf(work, name, found, "float32"));
    const any = await loadModel(join(work, "gpt2.gguf"));
    const saved = saveGguf(join(work, "x.gguf"), model.config, model.params, {
      ...(await extras(any)),
      tokens: model.tokens,
      family: model.family ?? "",
    });
    await expect(saved).rejects.toThrow(OptionError);
    await expect(saved).rejects.toThrow(reason);
  },
);
