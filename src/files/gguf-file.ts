/// <reference lib="esnext.disposable" preserve="true" />
// GGUF in files, wherever those are: tensors are read one by one when asked for.
import type { OpenFile } from "./folder.ts";
import { parseGguf } from "./gguf.ts";
import type { GgufHeader } from "./gguf-types.ts";

/** An open file. Only what stands before the tensors is in memory. */
export interface GgufFile extends GgufHeader, AsyncDisposable {
  readonly path: string;
  readonly byteLength: number;
  /** Bytes `begin` to `end`. */
  read(begin: number, end: number): Promise<Uint8Array<ArrayBuffer>>;
  close(): Promise<void>;
}

/** Vocabularies of 50,000 tokens fit; for more the reading is done again. */
const FIRST_READ = 4 << 20;

/** `file` as GGUF; it is closed with the result. @throws FileError for what is truncated or inconsistent. */
export async function readGguf(file: OpenFile): Promise<GgufFile> {
  const { path, byteLength } = file;
  const close = (): Promise<void> => file.close();
  try {
    let length = Math.min(FIRST_READ, byteLength);
    let header = parseGguf(await file.read(0, length), byteLength, path);
    while (header === undefined) {
      length = Math.min(4 * length, byteLength);
      header = parseGguf(await file.read(0, length), byteLength, path);
    }
    return {
      ...header,
      path,
      byteLength,
      read: (begin, end) => file.read(begin, end),
      close,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
