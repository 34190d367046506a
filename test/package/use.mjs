// What a user does in Node, Bun or Deno: trains a little, saves, loads, writes on. Throws where something is not right.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import {
  byteTokenizer,
  generate,
  loadModel,
  loadParams,
  saveModel,
  saveParams,
  saveTokenizer,
} from "athanor";
import { openSafetensors } from "athanor/files/node";
import { cast, tensor } from "athanor/tensor";
import { train } from "./train.mjs";

// With a folder as argument, the model stays there.
const folder = process.argv[2] ?? (await mkdtemp(join(tmpdir(), "athanor-use-")));
try {
  const { config, params, losses } = await train(30);
  assert(losses.at(-1) < losses[0], `the loss must fall, got ${losses[0]} to ${losses.at(-1)}`);

  await saveModel(folder, config, params, { bos: undefined, eos: [] });
  await saveTokenizer(byteTokenizer(), join(folder, "tokenizer.json"));
  const texts = [];
  for (const at of [folder, pathToFileURL(folder)]) {
    const model = await loadModel(at);
    let text = "";
    for await (const piece of generate(model, "The furnace", {
      maxTokens: 8,
      temperature: 0,
      boundary: "off",
    })) {
      text += piece.text;
    }
    texts.push(text);
  }
  assert(texts[0].length > 0);
  assert.equal(texts[0], texts[1]);

  const file = join(folder, "params.safetensors");
  await saveParams(file, params);
  const again = await loadParams(file, params);
  assert.deepEqual(await again.model.norm.weight.data(), await params.model.norm.weight.data());
  const stored = await openSafetensors(file);
  assert(stored.entries.has("model.norm.weight"));
  await stored.close();

  // Half precision, whatever this engine knows of it.
  const half = tensor([1.5, 0.1], { dtype: "float16" });
  assert.deepEqual([...(await half.data())], [1.5, 0.0999755859375]);
  assert.deepEqual([...(await half.add(1).data())], [2.5, 1.099609375]);
  assert.deepEqual([...(await cast(half.add(1), "float32").data())][0], 2.5);
  console.log(
    `loss ${losses[0].toFixed(2)} to ${losses.at(-1).toFixed(2)}, then ${JSON.stringify(texts[0])}`,
  );
} finally {
  if (process.argv[2] === undefined) await rm(folder, { recursive: true, force: true });
}
