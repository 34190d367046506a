// Models and parameters in a page's own storage, and from files that were dropped.
import { expect, test } from "vitest";
import {
  causalLMConfig,
  initCausalLM,
  loadModel,
  loadParams,
  saveModel,
  saveParams,
} from "../../src/model/index.ts";
import { random } from "../../src/tensor/index.ts";
import { byteTokenizer, loadTokenizer, saveTokenizer } from "../../src/tokenizer/index.ts";

const config = causalLMConfig({ vocabulary: 259, context: 16, width: 8, layers: 1, heads: 2 });
const params = initCausalLM(config, random.key(5));

test("what is stored comes back, and a folder without a model says so", async () => {
  const root = await navigator.storage.getDirectory();
  const folder = await root.getDirectoryHandle("files-test", { create: true });
  await expect(loadModel(folder)).rejects.toThrow(
    "model: files-test must hold config.json, got nothing of that name.",
  );
  await saveModel(folder, config, params, { bos: undefined, eos: [] });
  const file = await folder.getFileHandle("tokenizer.json", { create: true });
  await saveTokenizer(byteTokenizer(), file);
  expect((await loadTokenizer(file)).vocabularySize).toBe(259);

  const stored = await loadModel(folder);
  const weights = await params.model.norm.weight.data();
  expect(await stored.params.model.norm.weight.data()).toEqual(weights);
  expect((await stored.tokenizer()).vocabularySize).toBe(259);

  const dropped = await Promise.all(
    ["config.json", "model.safetensors"].map(async (name) => (await folder.getFileHandle(name)).getFile()),
  );
  expect((await loadModel(dropped)).config).toEqual(stored.config);

  const kept = await root.getFileHandle("files-test.safetensors", { create: true });
  await saveParams(kept, params);
  expect(await (await loadParams(kept, params)).model.norm.weight.data()).toEqual(weights);
  await root.removeEntry("files-test", { recursive: true });
});

test("a text is an address of the page's own server", async () => {
  await expect(loadModel("/no-such-model")).rejects.toThrow(
    `model: ${new URL("/no-such-model/", location.href).href} must hold config.json, got nothing of that name.`,
  );
});
