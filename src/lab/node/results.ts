// The folder of results: one file an entry, `<name>.json`.
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { FileError } from "../../errors.ts";
import { writeFileAtomic } from "../../files/node/atomic.ts";
import type { AnyEntry } from "../entry.ts";
import { type LabResult, parseResult, type Standing, standingOf } from "../result.ts";

/** The results that come with the package: the only ones that verdicts are taken from. */
export const COMMITTED: string = resolve(import.meta.dirname, "../../../data/lab");

/** Reads all results in `folder`; none where there is no folder. @throws FileError for a file of another version. */
export async function readResults(folder: string): Promise<Map<string, LabResult>> {
  const results = new Map<string, LabResult>();
  if (!existsSync(folder)) return results;
  for (const file of (await readdir(folder)).filter((name) => name.endsWith(".json")).sort()) {
    const path = join(folder, file);
    const result = parseResult(await readFile(path, "utf8"), path);
    if (`${result.name}.json` !== file) {
      throw new FileError(
        `lab: ${path} must be named ${result.name}.json after its entry, got ${file}. Rename it.`,
      );
    }
    results.set(result.name, result);
  }
  return results;
}

/** Writes one, rows a line each, so that changes can be read; returns its path. */
export async function writeResult(folder: string, result: LabResult): Promise<string> {
  const path = join(folder, `${result.name}.json`);
  const { units, ...head } = result;
  const start = JSON.stringify(head, null, 1).slice(0, -2);
  const lines = units.map((unit) => `  ${JSON.stringify(unit)}`).join(",\n");
  await writeFileAtomic(path, `${start},\n "units": [\n${lines}\n ]\n}\n`);
  return path;
}

/** What stands of each entry. */
export async function standings(
  entries: readonly AnyEntry[],
  folder: string = COMMITTED,
): Promise<Standing[]> {
  const results = await readResults(folder);
  return entries.map((entry) => standingOf(entry, results.get(entry.name)));
}
