// Files of records as text, plain or gzip, a piece at a time.
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { createGunzip } from "node:zlib";
import { FileError } from "../../errors.ts";
import { type Decoding, decodingOf } from "./encoding.ts";

/** A file's text. */
export interface TextFile extends Decoding {
  /** Pieces of some ten thousand characters, from the beginning each time. @throws FileError as `openText`. */
  text(): AsyncGenerator<string>;
}

/**
 * Opens a file whose encoding is found out by reading it once.
 * @throws FileError if the file cannot be read or its compression is damaged.
 */
export async function openText(path: string): Promise<TextFile> {
  const zipped = await isGzip(path);
  const bytes = () => bytesOf(path, zipped);
  const decoding = await decodingOf(bytes);
  return {
    ...decoding,
    async *text() {
      const decoder = new TextDecoder(decoding.encoding);
      for await (const chunk of bytes()) yield decoder.decode(chunk, { stream: true });
      yield decoder.decode();
    },
  };
}

async function* bytesOf(path: string, zipped: boolean): AsyncGenerator<Uint8Array> {
  const raw = createReadStream(path);
  const stream = zipped ? raw.pipe(createGunzip()) : raw;
  if (stream !== raw) raw.on("error", (error) => stream.destroy(error));
  try {
    for await (const chunk of stream) if (chunk instanceof Uint8Array) yield chunk;
  } catch (error) {
    throw unreadable(path, error);
  } finally {
    raw.destroy();
    stream.destroy();
  }
}

async function isGzip(path: string): Promise<boolean> {
  try {
    await using file = await open(path);
    const { bytesRead, buffer } = await file.read(Buffer.alloc(2), 0, 2, 0);
    return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b;
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** What is wrong with a record that has what its file's encoding could not read. */
export const notDecoded =
  "has bytes that are not UTF-8. Save the file as UTF-8, or declare its encoding in a first line `% Encoding: gbk`";

/** A reading failure in words. */
export function unreadable(path: string, error: unknown): FileError {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const why = code === "ENOENT" ? "no such file" : error instanceof Error ? error.message : String(error);
  return new FileError(`papers add: ${path} must be readable, got ${why}.`, { cause: error });
}
