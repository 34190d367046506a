// The adapter in a folder, whoever wrote it: Hugging Face's PEFT or Apple's mlx-lm.
import { filesAt } from "#files";
import type { Adapter } from "../adapt/index.ts";
import { FileError } from "../errors.ts";
import { type FilesAt, jsonObject, textIn } from "../files/folder.ts";
import { readMlx } from "./mlx.ts";
import { readPeft } from "./peft.ts";

/**
 * The adapter in a folder, for the model `base`: `adapter_config.json` with the tensors of PEFT or of mlx-lm beside it.
 * @throws FileError for files that are missing, truncated or inconsistent, methods that are not known, and adapters of
 * another base, with the names and shapes of both.
 * @example
 * const adapted = withAdapter(params, await loadAdapter("my-adapter", params));
 */
export async function loadAdapter(at: FilesAt, base: unknown): Promise<Adapter> {
  const { folder } = await filesAt("adapter", at, "folder");
  const text = await textIn(folder, "adapter_config.json");
  if (text === undefined) {
    throw new FileError(`adapter: ${folder.path} must hold adapter_config.json, got nothing of that name.`);
  }
  const json = jsonObject(text);
  return json?.["lora_parameters"] !== undefined && json["peft_type"] === undefined
    ? readMlx(folder, json, base)
    : readPeft(folder, text, base);
}
