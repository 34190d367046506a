// Models to Hugging Face folders, each file whole or not at all.
import { filesAt } from "#files";
import type { FilesAt } from "../files/folder.ts";
import { safetensorsChunks } from "../files/safetensors-file.ts";
import type { CausalLMParams } from "./causal-lm.ts";
import type { CausalLMConfig } from "./config.ts";
import { configText, type ModelTokens, writeHuggingFace } from "./hugging-face.ts";
import { pack, type WeightDtype } from "./weights.ts";

/** What is written beside the weights. */
export interface SaveModelOptions {
  /** Element type of the weights; default float32. */
  readonly dtype?: WeightDtype;
  /** `model_type` that is asked first, such as that of the folder a model came from; others may say the same. */
  readonly family?: string;
  /** Whether texts of this model begin with BOS, where no file of `beside` says; default: if it has one. */
  readonly addBos?: boolean;
  /** Further files by name, such as those that a model came with (`StoredModel.beside`). */
  readonly beside?: ReadonlyMap<string, string>;
}

/**
 * Writes `config.json`, `tokenizer_config.json` and `model.safetensors` into a folder, in the words of a family that
 * transformers knows where there is one.
 * @param at A path (Node) or a folder handle of the page's storage. @param tokens Ids for `config.json`.
 */
export async function saveModel(
  at: FilesAt,
  config: CausalLMConfig,
  params: CausalLMParams,
  tokens?: ModelTokens,
  options: SaveModelOptions = {},
): Promise<void> {
  const { dtype = "float32", family: first, beside = new Map<string, string>() } = options;
  const { addBos = tokens?.bos !== undefined } = options;
  const { folder } = await filesAt("saveModel", at, "folder");
  const { json, family } = writeHuggingFace(config, tokens, dtype, first);
  const tensors = await pack(family, config, params, dtype);
  await folder.write("model.safetensors", safetensorsChunks(tensors, { format: "pt" }));
  await folder.write("config.json", configText(json));
  for (const [name, text] of beside) await folder.write(name, text);
  if (beside.has("tokenizer_config.json")) return;
  await folder.write("tokenizer_config.json", `${JSON.stringify({ add_bos_token: addBos })}\n`);
}
