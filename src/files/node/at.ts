// What a place means in Node: a text is a path, unless it begins like an address.
import { open, readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { FileError } from "../../errors.ts";
import type { FilesAt, Folder, Found, Meant, OpenFile } from "../folder.ts";
import { atAddress, atWeb } from "../web.ts";
import { writeFileAtomic } from "./atomic.ts";

/** One read call takes at most this many bytes. */
const LONGEST_READ = 1 << 30;

/** Opens a file on disk. @throws FileError when it is missing, unreadable or no file. */
export async function openDiskFile(path: string, where = "open"): Promise<OpenFile> {
  const handle = await open(path, "r").catch((error: NodeJS.ErrnoException) => {
    throw new FileError(`${where}: ${path} must be readable, got ${error.code ?? error.message}.`);
  });
  const info = await handle.stat();
  if (!info.isFile()) {
    await handle.close();
    throw new FileError(`${where}: ${path} must be a file, got a folder or device.`);
  }
  return {
    path,
    byteLength: info.size,
    async read(begin, end) {
      const bytes = new Uint8Array(end - begin);
      for (let at = 0; at < bytes.length; ) {
        const { bytesRead } = await handle.read(
          bytes,
          at,
          Math.min(bytes.length - at, LONGEST_READ),
          begin + at,
        );
        if (bytesRead === 0) {
          throw new FileError(
            `${where}: ${path} was cut while being read: it ends at byte ${begin + at}, not ${end}.`,
          );
        }
        at += bytesRead;
      }
      return bytes;
    },
    close: () => handle.close(),
  };
}

/** A folder on disk. */
export function diskFolder(path: string): Folder {
  const find = async (name: string): Promise<string | undefined> => {
    const file = join(path, name);
    return (await stat(file).catch(() => undefined)) && file;
  };
  return {
    path,
    async open(name) {
      const file = await find(name);
      return file === undefined ? undefined : await openDiskFile(file);
    },
    find,
    list: () => readdir(path),
    write: (name, content) => writeFileAtomic(join(path, name), content),
  };
}

/** The files at `at`. @throws FileError when it is to be read and a path has nothing there. */
export async function filesAt(where: string, at: FilesAt, meant: Meant = "either"): Promise<Found> {
  if (at instanceof URL && at.protocol === "file:") return atPath(where, fileURLToPath(at), meant);
  if (typeof at !== "string") return atWeb(at, meant);
  if (/^https?:\/\//.test(at)) return atAddress(new URL(at), meant);
  return atPath(where, at.startsWith("file:") ? fileURLToPath(at) : at, meant);
}

async function atPath(where: string, path: string, meant: Meant): Promise<Found> {
  const asFile = (): Found => ({ folder: diskFolder(dirname(path)), file: basename(path) });
  if (meant === "file") return asFile();
  if (meant === "folder") return { folder: diskFolder(path) };
  const info = await stat(path).catch(() => undefined);
  if (info === undefined) throw new FileError(`${where}: ${path} must exist, got nothing there.`);
  return info.isDirectory() ? { folder: diskFolder(path) } : asFile();
}
