// Safetensors on disk: tensors are read one by one when asked for, and written one by one.
import { openDiskFile } from "./at.ts";
import { writeFileAtomic } from "./atomic.ts";
import {
  readSafetensors,
  safetensorsChunks,
  type SafetensorsFile,
  type TensorToWrite,
} from "../safetensors-file.ts";

export type { SafetensorsFile, TensorToWrite } from "../safetensors-file.ts";

/**
 * Opens a safetensors file and checks its header against the file's size.
 * @throws FileError for a missing, truncated or inconsistent file, with both numbers.
 * @example
 * await using file = await openSafetensors("model.safetensors");
 * const { data, shape, dtype } = await file.read("model.norm.weight");
 */
export async function openSafetensors(path: string): Promise<SafetensorsFile> {
  return readSafetensors(await openDiskFile(path, "safetensors"));
}

/**
 * Writes a safetensors file, whole or not at all, holding one tensor at a time.
 * @param tensors By name. @param metadata Text for the header.
 */
export async function writeSafetensors(
  path: string,
  tensors: ReadonlyMap<string, TensorToWrite>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  await writeFileAtomic(path, safetensorsChunks(tensors, metadata));
}
