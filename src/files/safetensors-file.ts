/// <reference lib="esnext.disposable" preserve="true" />
// Safetensors in files, wherever those are: tensors are read one by one when asked for, and written one by one.
import type { HostArray } from "../graph/dtype.ts";
import type { OpenFile } from "./folder.ts";
import {
  decodeTensor,
  findEntry,
  headerLength,
  parseHeader,
  planSafetensors,
  type SafetensorsHeader,
  type StoredTensor,
  type TensorSpec,
  tensorBytes,
} from "./safetensors.ts";

/** An open file. Only the header is in memory. */
export interface SafetensorsFile extends SafetensorsHeader, AsyncDisposable {
  readonly path: string;
  /** Reads one tensor. @throws FileError when there is none of that name (nearest names shown). */
  read(name: string): Promise<StoredTensor>;
  close(): Promise<void>;
}

/** A tensor to be written; a function as `data` is called when its turn comes. */
export interface TensorToWrite extends TensorSpec {
  readonly data: HostArray | (() => HostArray | Promise<HostArray>);
}

/** `file` as safetensors; it is closed with the result. @throws FileError for what is truncated or inconsistent. */
export async function readSafetensors(file: OpenFile): Promise<SafetensorsFile> {
  const { path, byteLength } = file;
  const close = (): Promise<void> => file.close();
  try {
    const length = headerLength(await file.read(0, Math.min(8, byteLength)), byteLength, path);
    const header = parseHeader(await file.read(8, 8 + length), byteLength, path);
    return {
      ...header,
      path,
      async read(name) {
        const entry = findEntry(header, name, path);
        return decodeTensor(entry, await file.read(entry.begin, entry.begin + entry.byteLength), name, path);
      },
      close,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The file of `tensors`, piece by piece. @param metadata Text for the header. */
export async function* safetensorsChunks(
  tensors: ReadonlyMap<string, TensorToWrite>,
  metadata: Readonly<Record<string, string>> = {},
): AsyncGenerator<Uint8Array> {
  const plan = planSafetensors(tensors, metadata);
  yield plan.head;
  for (const name of plan.order) {
    const spec = tensors.get(name);
    if (spec === undefined) continue;
    yield tensorBytes(name, spec, typeof spec.data === "function" ? await spec.data() : spec.data);
  }
}
