// Safetensors on disk: tensors are read one by one when asked for, and written one by one.
import { type FileHandle, open } from "node:fs/promises";
import { FileError } from "../../errors.ts";
import type { HostArray } from "../../graph/dtype.ts";
import { writeFileAtomic } from "./atomic.ts";
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
} from "../safetensors.ts";

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

/**
 * Opens a safetensors file and checks its header against the file's size.
 * @throws FileError for a missing, truncated or inconsistent file, with both numbers.
 * @example
 * await using file = await openSafetensors("model.safetensors");
 * const { data, shape, dtype } = await file.read("model.norm.weight");
 */
export async function openSafetensors(path: string): Promise<SafetensorsFile> {
  const handle = await open(path, "r").catch((error: NodeJS.ErrnoException) => {
    throw new FileError(`safetensors: ${path} must be readable, got ${error.code ?? error.message}.`);
  });
  try {
    const info = await handle.stat();
    if (!info.isFile()) throw new FileError(`safetensors: ${path} must be a file, got a folder or device.`);
    const prefix = await readAt(handle, 0, Math.min(8, info.size), path);
    const length = headerLength(prefix, info.size, path);
    const header = parseHeader(await readAt(handle, 8, length, path), info.size, path);
    const close = (): Promise<void> => handle.close();
    return {
      ...header,
      path,
      async read(name) {
        const entry = findEntry(header, name, path);
        return decodeTensor(entry, await readAt(handle, entry.begin, entry.byteLength, path), name, path);
      },
      close,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** One read call takes at most this many bytes. */
const LONGEST_READ = 1 << 30;

async function readAt(
  handle: FileHandle,
  position: number,
  length: number,
  path: string,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; ) {
    const { bytesRead } = await handle.read(bytes, at, Math.min(length - at, LONGEST_READ), position + at);
    if (bytesRead === 0) {
      throw new FileError(
        `safetensors: ${path} was cut while being read: it ends at byte ${position + at}, not ${position + length}.`,
      );
    }
    at += bytesRead;
  }
  return bytes;
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
  const plan = planSafetensors(tensors, metadata);
  async function* chunks(): AsyncGenerator<Uint8Array> {
    yield plan.head;
    for (const name of plan.order) {
      const spec = tensors.get(name);
      if (spec === undefined) continue;
      yield tensorBytes(name, spec, typeof spec.data === "function" ? await spec.data() : spec.data);
    }
  }
  await writeFileAtomic(path, chunks());
}
