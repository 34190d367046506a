// Files: safetensors and where files may lie. Runs in Node and in a page; what needs Node is in `athanor/files/node`.
export type { DirectoryHandle, FileHandle, FilesAt } from "./folder.ts";
export { encodePng, type PictureSize } from "./png.ts";
export { type PictureHead, pictureHead } from "./picture-head.ts";
export {
  parseSafetensors,
  planSafetensors,
  type SafetensorsHeader,
  type SafetensorsPlan,
  type StoredEntry,
  type StoredTensor,
  tensorBytes,
  type TensorSpec,
} from "./safetensors.ts";
export type { SafetensorsFile, TensorToWrite } from "./safetensors-file.ts";
