// Pretrained models: greedy tokens against an independent program, a chat in two languages, files there and back.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { applyChatTemplate } from "../../src/model/chat.ts";
import { createDecoder, generate } from "../../src/model/index.ts";
import { loadModel } from "../../src/model/load.ts";
import { saveModel } from "../../src/model/save.ts";
import { argMaxOf } from "../../src/model/sampling.ts";
import { flattenTree } from "../../src/tensor/index.ts";
import { loadTokenizer } from "../../src/tokenizer/load-save.ts";

const models = join(
  process.env["ATHANOR_DATA"] ?? join(import.meta.dirname, "../../../shared/data"),
  "models",
);
const absent = !existsSync(models);
const golden = JSON.parse(
  readFileSync(join(import.meta.dirname, "../golden/stories-greedy.json"), "utf8"),
) as Record<string, number[]>;
const folder = mkdtempSync(join(tmpdir(), "athanor-models-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.skipIf(absent)("llama2.c files (skipped: no ../shared/data/models)", () => {
  test.each(["stories260K", "stories15M"])("%s writes the reference's tokens", async (name) => {
    const { config, params } = await loadModel(join(models, name, `${name}.bin`));
    const decoder = createDecoder(config, params);
    const expected = golden[name] ?? [];
    const ids = [1];
    let { logits, state } = await decoder.advance(await decoder.start(), [ids]);
    while (ids.length < expected.length) {
      const id = argMaxOf(logits);
      ids.push(id);
      ({ logits, state } = await decoder.advance(state, [[id]]));
    }
    await decoder.release();
    expect(expected.length).toBeGreaterThan(200);
    expect(ids).toEqual(expected);
  });

  test("a saved Hugging Face folder loads with the same numbers", async () => {
    const first = await loadModel(join(models, "stories260K/stories260K.bin"));
    const saved = join(folder, "saved");
    await saveModel(saved, first.config, first.params, first.tokens);
    const second = await loadModel(saved);
    expect(second.config).toEqual(first.config);
    const again = new Map(flattenTree(second.params));
    for (const [name, t] of flattenTree(first.params)) {
      expect(await again.get(name)?.data(), name).toEqual(await t.data());
    }
  });

  test("a prompt that ends inside a word goes on as if it did not", async () => {
    const { config, params, tokens } = await loadModel(join(models, "stories260K/stories260K.bin"));
    const tokenizer = await loadTokenizer(join(models, "stories260K/tok512.bin"));
    const decoder = createDecoder(config, params);
    const write = async (boundary: "exact" | "off"): Promise<string> => {
      let text = "";
      const options = { temperature: 0, maxTokens: 2, bos: tokens.bos, boundary };
      for await (const piece of generate(decoder, tokenizer, "Once upon a ti", options)) text += piece.text;
      return text;
    };
    expect(await write("exact")).toMatch(/^me\b/);
    await decoder.release();
  });
});

describe.skipIf(absent)("MiniMind2-small (skipped: no ../shared/data/models)", () => {
  const path = join(folder, "minimind");
  beforeAll(async () => {
    const { cpSync } = await import("node:fs");
    const from = join(models, "minimind2-small");
    cpSync(from, path, { recursive: true, filter: (f) => !f.endsWith(".gz") });
    writeFileSync(
      join(path, "model.safetensors"),
      gunzipSync(readFileSync(join(from, "model.safetensors.gz"))),
    );
  });

  test("answers its two questions through its chat template, in both languages", async () => {
    const { config, params, tokens, chat, tokenizerPath } = await loadModel(path);
    const tokenizer = await loadTokenizer(tokenizerPath ?? "");
    const decoder = createDecoder(config, params);
    const answer = async (content: string): Promise<string> => {
      if (chat === undefined) throw new Error("no template");
      const prompt = applyChatTemplate(chat, [{ role: "user", content }]);
      let text = "";
      const options = {
        temperature: 0,
        maxTokens: 24,
        specials: true,
        eos: tokens.eos,
        boundary: "off" as const,
      };
      for await (const piece of generate(decoder, tokenizer, prompt, options)) text += piece.text;
      return text;
    };
    expect(await answer("What is the capital of France?")).toBe("The capital of France is Paris.");
    expect(await answer("请介绍一下中国的首都。")).toContain("中国的首都是北京");
    await decoder.release();
  });
});
