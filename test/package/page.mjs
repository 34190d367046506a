// What a user does in a page: trains a little, loads a model from the server, keeps it in the page's storage, writes on.
import {
  byteTokenizer,
  generate,
  loadModel,
  loadParams,
  saveModel,
  saveParams,
  saveTokenizer,
} from "athanor";
import { sum, tensor } from "athanor/tensor";
import { train } from "./train.mjs";

async function write(model) {
  let text = "";
  const options = { maxTokens: 8, temperature: 0, boundary: "off", device: "wasm" };
  for await (const piece of generate(model, "The furnace", options)) text += piece.text;
  return text;
}

async function run() {
  // No device named: WebGPU or, where there is no adapter, WebAssembly.
  const chosen = await sum(tensor([1, 2, 3])).item();
  const { config, params, losses } = await train(10, "wasm");

  const served = await write(await loadModel("/model"));
  const bytes = await (await fetch("/model/model.safetensors")).blob();
  const names = ["config.json", "tokenizer.json"];
  const files = await Promise.all(
    names.map(async (name) => new File([await (await fetch(`/model/${name}`)).blob()], name)),
  );
  const dropped = await write(await loadModel([...files, new File([bytes], "model.safetensors")]));

  const root = await navigator.storage.getDirectory();
  const folder = await root.getDirectoryHandle("model", { create: true });
  await saveModel(folder, config, params, { bos: undefined, eos: [] });
  await saveTokenizer(byteTokenizer(), await folder.getFileHandle("tokenizer.json", { create: true }));
  const kept = await write(await loadModel(folder));
  const file = await root.getFileHandle("params.safetensors", { create: true });
  await saveParams(file, params);
  const again = await loadParams(file, params);
  const equal =
    String(await again.model.norm.weight.data()) === String(await params.model.norm.weight.data());
  return { chosen, losses, served, dropped, kept, equal };
}

globalThis.outcome = run().catch((error) => ({
  error: `${error.name}: ${error.message}`,
  stack: error.stack,
}));
