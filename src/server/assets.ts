// The files of a built page, read once. Only what was listed at the start can be served: a path is a key of a
// table, never a name on the disk, so no spelling of `..` reaches anything else.
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { extname, join, relative, sep } from "node:path";
import { gzipSync } from "node:zlib";
import { FileError } from "../errors.ts";

/** One file, ready to send. */
export interface Asset {
  readonly body: Uint8Array<ArrayBuffer>;
  /** Compressed body, where that is smaller by a tenth. */
  readonly gzip?: Uint8Array<ArrayBuffer>;
  readonly type: string;
  readonly etag: string;
  /** Whether the name holds a hash of the content, so that it may be kept for ever. */
  readonly immutable: boolean;
}

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".json": "application/json; charset=utf-8",
  ".webmanifest": "application/manifest+json",
  ".woff2": "font/woff2",
  ".png": "image/png",
  ".wasm": "application/wasm",
  ".txt": "text/plain; charset=utf-8",
};

/** Kinds of file that are text and shrink. */
const compressible: readonly string[] = [
  ".html",
  ".js",
  ".css",
  ".svg",
  ".json",
  ".webmanifest",
  ".txt",
  ".wasm",
];

/** A strong validator of some bytes. */
export function etagOf(body: Uint8Array | string): string {
  return `"${createHash("sha1").update(body).digest("base64url")}"`;
}

/** Whether an `If-None-Match` header holds a validator. */
export function matchesEtag(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.split(",").some((part) => part.trim().replace(/^W\//, "") === etag || part.trim() === "*");
}

/** Makes an asset of a file's name and content. */
function asset(path: string, content: Uint8Array): Asset {
  const extension = extname(path).toLowerCase();
  const body = new Uint8Array(content);
  const gzip =
    compressible.includes(extension) && body.length > 1024 ? new Uint8Array(gzipSync(body)) : undefined;
  return {
    body,
    ...(gzip !== undefined && gzip.length < 0.9 * body.length && { gzip }),
    type: types[extension] ?? "application/octet-stream",
    etag: etagOf(body),
    immutable: path.startsWith("/assets/"),
  };
}

/** Reads a folder into a table from `/path` to file. Links and hidden files are left out. */
export async function readAssets(folder: string): Promise<ReadonlyMap<string, Asset>> {
  const table = new Map<string, Asset>();
  try {
    for (const item of await readdir(folder, { recursive: true, withFileTypes: true })) {
      if (!item.isFile() || item.name.startsWith(".")) continue;
      const file = join(item.parentPath, item.name);
      const path = `/${relative(folder, file).split(sep).join("/")}`;
      table.set(path, asset(path, await readFile(file)));
    }
  } catch (cause) {
    throw new FileError(`readAssets: ${folder} must be a readable folder. Build the page first.`, { cause });
  }
  return table;
}
