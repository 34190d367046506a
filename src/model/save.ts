// Models to Hugging Face folders, each file whole or not at all.
import { filesAt } from "#files";
import type { FilesAt } from "../files/folder.ts";
import { safetensorsChunks } from "../files/safetensors-file.ts";
import type { CausalLMParams } from "./causal-lm.ts";
import type { CausalLMConfig } from "./config.ts";
import { type ModelTokens, toHuggingFace } from "./hugging-face.ts";
import { storedTensors } from "./params.ts";

/**
 * Writes `config.json`, `tokenizer_config.json` and `model.safetensors` (float32) into a folder.
 * @param at A path (Node) or a folder handle of the page's storage.
 */
export async function saveModel(
  at: FilesAt,
  config: CausalLMConfig,
  params: CausalLMParams,
  tokens?: ModelTokens,
): Promise<void> {
  const { folder } = await filesAt("saveModel", at, "folder");
  const tensors = await storedTensors(params);
  await folder.write("model.safetensors", safetensorsChunks(tensors, { format: "pt" }));
  await folder.write("config.json", `${JSON.stringify(toHuggingFace(config, tokens), null, 2)}\n`);
  // Texts of this model begin with BOS exactly if it has one.
  const advice = { add_bos_token: tokens?.bos !== undefined };
  await folder.write("tokenizer_config.json", `${JSON.stringify(advice)}\n`);
}
