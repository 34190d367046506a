// Files by name, wherever they lie: on disk, behind an address, dropped on a page, in the page's own storage.
import { FileError } from "../errors.ts";

/** Pieces of a file, in order. */
export type Chunks = Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>;

/** A file that can be read in parts. */
export interface OpenFile {
  /** Path, address or name, for messages. */
  readonly path: string;
  readonly byteLength: number;
  /** Bytes `begin` to `end`. @throws FileError when the file has become shorter. */
  read(begin: number, end: number): Promise<Uint8Array<ArrayBuffer>>;
  close(): Promise<void>;
}

/** Files beside one another. */
export interface Folder {
  /** Path, address or name, for messages. */
  readonly path: string;
  /** The file `name`, or `undefined` where there is none. */
  open(name: string): Promise<OpenFile | undefined>;
  /** Path or address of the file `name`, or `undefined` where there is none. */
  find(name: string): Promise<string | undefined>;
  /** Names of the files, where whoever holds them can tell: not behind an address. */
  list?(): Promise<readonly string[]>;
  /** Writes the file `name`, whole or not at all. @throws FileError where nothing can be written. */
  write(name: string, content: string | Uint8Array | Chunks): Promise<void>;
}

/** A file of the page's own storage or of a picker (`FileSystemFileHandle`). */
export interface FileHandle {
  readonly kind: "file";
  readonly name: string;
  getFile(): Promise<Blob>;
  createWritable(): Promise<{
    write(data: Uint8Array<ArrayBuffer> | string): Promise<void>;
    close(): Promise<void>;
    abort(): Promise<void>;
  }>;
}

/** A folder of the page's own storage or of a picker (`FileSystemDirectoryHandle`). */
export interface DirectoryHandle {
  readonly kind: "directory";
  readonly name: string;
  getFileHandle(name: string, options?: { create?: boolean }): Promise<FileHandle>;
}

/**
 * Where files are: a path (Node) or an address (`https:` anywhere, relative ones in a page); a file or folder of the
 * page's storage; a file; the files of a folder, as a page gets them from a picker.
 */
export type FilesAt = string | URL | FileHandle | DirectoryHandle | Blob | Iterable<File>;

/** What the caller takes the place for; `either` where files tell by themselves. */
export type Meant = "folder" | "file" | "either";

/** Texts that name a file where nobody can be asked. */
export const FILE_NAME: RegExp = /\.(?:bin|bytepiece|gguf|json|model|safetensors|tiktoken)$/i;

/** What `FilesAt` leads to: a folder, and the name of the one file in it that was meant, if one was. */
export interface Found {
  readonly folder: Folder;
  readonly file?: string;
}

/** All of a file's bytes. */
export async function readWhole(file: OpenFile): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await file.read(0, file.byteLength);
  } finally {
    await file.close();
  }
}

/** The text of the file `name` in `folder`, or `undefined` where there is none. */
export async function textIn(folder: Folder, name: string): Promise<string | undefined> {
  const file = await folder.open(name);
  return file && new TextDecoder().decode(await readWhole(file));
}

/** The one file that `found` means. @throws FileError when it is a folder, or nothing is there. */
export async function fileIn({ folder, file }: Found, where: string): Promise<OpenFile> {
  if (file === undefined) throw new FileError(`${where}: ${folder.path} must be a file, got a folder.`);
  const open = await folder.open(file);
  if (open === undefined) {
    throw new FileError(`${where}: ${file} in ${folder.path} must exist, got nothing there.`);
  }
  return open;
}

/** `text` as a JSON object, or `undefined` where it is none. */
export function jsonObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
