// Which files a person means: those named, those of a folder, those a quoted pattern matches.
import { readdir, stat } from "node:fs/promises";
import { join, sep } from "node:path";
import { FileError } from "../../errors.ts";

/** Endings of files that a folder is searched for. */
const ENDINGS = /\.(txt|text|md|jsonl|ndjson|json)(\.gz)?$/i;

/**
 * The files that `paths` mean, in order: a folder stands for the texts below it by name (hidden ones left out), a name
 * with `*`, `?` or `**` that is no file for what it matches.
 * @throws FileError when a folder or a pattern holds nothing.
 */
export async function findFiles(paths: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const path of paths) {
    const info = await stat(path).catch(() => undefined);
    if (info?.isDirectory()) found.push(...(await textsIn(path)));
    else if (info === undefined && /[*?]/.test(path)) found.push(...(await matching(path)));
    else found.push(path);
  }
  return found;
}

async function textsIn(folder: string): Promise<string[]> {
  const files = (await below(folder)).filter((path) => ENDINGS.test(path));
  if (files.length > 0) return files;
  throw new FileError(
    `train: folder ${folder} must hold texts (.txt, .md, .jsonl, .json, also as .gz), got none. Name the files in it.`,
  );
}

/** All files below a folder, by name, without hidden ones. */
async function below(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    throw new FileError(`train: folder ${folder} must be readable, got ${error.code ?? error.message}.`);
  });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  const files: string[] = [];
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.name.startsWith(".")) continue;
    if (entry.isDirectory()) files.push(...(await below(path)));
    else if (
      entry.isFile() ||
      (entry.isSymbolicLink() && (await stat(path).catch(() => undefined))?.isFile())
    ) {
      files.push(path);
    }
  }
  return files;
}

async function matching(pattern: string): Promise<string[]> {
  const parts = pattern.split(/[/\\]/);
  const first = parts.findIndex((part) => /[*?]/.test(part));
  // An empty first part is the root.
  const base = parts.slice(0, first).join(sep) || (first > 0 ? sep : ".");
  const info = await stat(base).catch(() => undefined);
  const wanted = patternOf(parts.slice(first).join("/"));
  const files = info?.isDirectory() ? await below(base) : [];
  const found = files.filter((path) => wanted.test(relativeTo(base, path)));
  if (found.length > 0) return found;
  throw new FileError(
    `train: pattern ${pattern} must match files, got none of ${files.length} below ${base}.`,
  );
}

function relativeTo(base: string, path: string): string {
  const inside = base === "." || base.endsWith(sep) ? path : path.slice(base.length + 1);
  return (base.endsWith(sep) ? path.slice(base.length) : inside).replaceAll(sep, "/");
}

/** `*` and `?` stay within a name, `**` crosses folders. */
function patternOf(glob: string): RegExp {
  const source = glob.replaceAll(/\*\*\/|\*\*|[*?]|[\\^$.|+()[\]{}]/g, (found) => {
    if (found === "**/") return "(?:[^/]+/)*";
    if (found === "**") return ".*";
    if (found === "*") return "[^/]*";
    return found === "?" ? "[^/]" : `\\${found}`;
  });
  return new RegExp(`^${source}$`);
}
