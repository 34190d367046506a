// Files of records as text, plain or gzip, a piece at a time.
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { createGunzip } from "node:zlib";
import { FileError } from "../../errors.ts";

/**
 * The text of a file, decoded as UTF-8, in pieces of some ten thousand characters.
 * @throws FileError if the file cannot be read or its compression is damaged.
 */
export async function* textOf(path: string): AsyncGenerator<string> {
  const raw = createReadStream(path);
  const stream = (await isGzip(path)) ? raw.pipe(createGunzip()) : raw;
  if (stream !== raw) raw.on("error", (error) => stream.destroy(error));
  const decoder = new TextDecoder();
  try {
    for await (const chunk of stream)
      yield decoder.decode(chunk instanceof Uint8Array ? chunk : undefined, { stream: true });
  } catch (error) {
    throw unreadable(path, error);
  } finally {
    raw.destroy();
  }
  yield decoder.decode();
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

/** A reading failure in words. */
export function unreadable(path: string, error: unknown): FileError {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const why = code === "ENOENT" ? "no such file" : error instanceof Error ? error.message : String(error);
  return new FileError(`papers add: ${path} must be readable, got ${why}.`, { cause: error });
}
