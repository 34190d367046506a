// Files as the web has them: behind addresses, as blobs, in a page's own storage. Runs anywhere.
import { FileError } from "../errors.ts";
import {
  type DirectoryHandle,
  FILE_NAME,
  type FileHandle,
  type FilesAt,
  type Folder,
  type Found,
  type Meant,
  type OpenFile,
} from "./folder.ts";

/** A blob as a file; only what is asked for comes into memory. */
export function blobFile(path: string, blob: Blob): OpenFile {
  return {
    path,
    byteLength: blob.size,
    async read(begin, end) {
      const bytes = new Uint8Array(await blob.slice(begin, end).arrayBuffer());
      if (bytes.length === end - begin) return bytes;
      throw new FileError(`${path} must have ${end} bytes, got ${blob.size}.`);
    },
    close: () => Promise.resolve(),
  };
}

/** The files beside one another at `base`, an address that ends with a slash. */
function addressFolder(base: URL): Folder {
  const ask = async (address: URL, method: "GET" | "HEAD"): Promise<Response | undefined> => {
    const answer = await fetch(address, { method }).catch((cause: unknown) => {
      throw new FileError(`fetch: ${address.href} must answer, got nothing. Is the address right?`, {
        cause,
      });
    });
    // A server of a single page answers with that page whatever is asked for.
    const page = answer.headers.get("content-type")?.startsWith("text/html") === true;
    if (answer.status === 404 || answer.status === 410 || (answer.ok && page)) {
      await answer.body?.cancel();
      return undefined;
    }
    if (!answer.ok)
      throw new FileError(`fetch: ${address.href} must be readable, got status ${answer.status}.`);
    return answer;
  };
  return {
    path: base.href,
    async open(name) {
      const address = new URL(name, base);
      const answer = await ask(address, "GET");
      return answer && blobFile(address.href, await answer.blob());
    },
    async find(name) {
      const address = new URL(name, base);
      return (await ask(address, "HEAD")) && address.href;
    },
    write: () => refuse(base.href, "is an address"),
  };
}

function refuse(path: string, why: string): Promise<never> {
  return Promise.reject(
    new FileError(`write: ${path} must be writable, but ${why}. Give a folder handle or a path.`),
  );
}

/** `address` as a folder, or as a file in one. */
export function atAddress(address: URL, meant: Meant): Found {
  const file = address.pathname.split("/").at(-1) ?? "";
  if (meant === "file" || (meant === "either" && FILE_NAME.test(file))) {
    return { folder: addressFolder(new URL(".", address)), file: file + address.search };
  }
  const base = new URL(address);
  if (!base.pathname.endsWith("/")) base.pathname += "/";
  return { folder: addressFolder(base) };
}

/** A folder of the page's storage, or of a picker. */
function handleFolder(handle: DirectoryHandle): Folder {
  return {
    path: handle.name || "storage",
    async open(name) {
      const file = await handle.getFileHandle(name).catch(unlessMissing);
      return file && blobFile(name, await file.getFile());
    },
    find: async (name) => (await handle.getFileHandle(name).catch(unlessMissing)) && name,
    async write(name, content) {
      await writeTo(await handle.getFileHandle(name, { create: true }), content);
    },
  };
}

function unlessMissing(error: unknown): undefined {
  if (error instanceof DOMException && (error.name === "NotFoundError" || error.name === "TypeMismatchError"))
    return undefined;
  throw error;
}

/** What is written becomes the file when it is closed, so that a page that ends leaves the old one. */
async function writeTo(handle: FileHandle, content: Parameters<Folder["write"]>[1]): Promise<void> {
  const out = await handle.createWritable();
  try {
    const chunks = typeof content === "string" || content instanceof Uint8Array ? [content] : content;
    for await (const chunk of chunks) await out.write(chunk as Uint8Array<ArrayBuffer> | string);
  } catch (error) {
    await out.abort();
    throw error;
  }
  await out.close();
}

function blobsFolder(path: string, blobs: ReadonlyMap<string, Blob>): Folder {
  return {
    path,
    open(name) {
      const blob = blobs.get(name);
      return Promise.resolve(blob && blobFile(name, blob));
    },
    find: (name) => Promise.resolve(blobs.has(name) ? name : undefined),
    write: () => refuse(path, "holds files that were given to the page"),
  };
}

/** `at` wherever it is, except for texts, which mean different things in Node and in a page. */
export function atWeb(at: Exclude<FilesAt, string>, meant: Meant): Found {
  if (at instanceof URL) return atAddress(at, meant);
  if (at instanceof Blob) {
    const name = at instanceof File ? at.name : "blob";
    return { folder: blobsFolder(name, new Map([[name, at]])), file: name };
  }
  if ("kind" in at) {
    if (at.kind === "directory") return { folder: handleFolder(at) };
    const only = (name: string): Promise<FileHandle> =>
      name === at.name ? Promise.resolve(at) : Promise.reject(new DOMException(name, "NotFoundError"));
    return { folder: handleFolder({ kind: "directory", name: at.name, getFileHandle: only }), file: at.name };
  }
  const files = new Map([...at].map((file) => [file.name, file]));
  return { folder: blobsFolder(`${files.size} files`, files) };
}
