// What a page's project sees: the browser's own types and none of Node's. Compiled, never run.
import { type FilesAt, generate, loadModel, loadParams, saveModel, saveParams } from "athanor";
import { attend } from "athanor/attention";
import { parseSafetensors } from "athanor/files";
import { createDecoder } from "athanor/model";
import { queryArxiv } from "athanor/papers";
import { rope } from "athanor/position";
import { tensor } from "athanor/tensor";
import { byteTokenizer } from "athanor/tokenizer";
import { trainLoop } from "athanor/train";

export {
  attend,
  byteTokenizer,
  createDecoder,
  generate,
  parseSafetensors,
  queryArxiv,
  rope,
  tensor,
  trainLoop,
};

/** All that a page may hand over. */
export async function open(
  folder: FileSystemDirectoryHandle,
  file: FileSystemFileHandle,
  list: FileList,
): Promise<object> {
  const places: FilesAt[] = [folder, file, [...list], new URL("https://x"), "/models/small", new Blob([])];
  const model = await loadModel(folder);
  await saveModel(folder, model.config, model.params);
  await saveParams(file, model.params);
  return { places, params: await loadParams(file, model.params) };
}
