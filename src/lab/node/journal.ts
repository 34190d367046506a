// Units that are done, one a line as they end, so that a run that is broken off goes on where it was.
import { existsSync } from "node:fs";
import { appendFile, mkdir, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { type Done, type Unit, unitKey } from "../unit.ts";

export interface Journal {
  /** What is done of a unit; `undefined` for one that is still to do. */
  done(unit: Unit): Done | undefined;
  add(done: Done): Promise<void>;
}

/** Opens the journal at `path`. A last line that was cut short by a kill is work to be done again. */
export async function openJournal(path: string): Promise<Journal> {
  const kept = new Map<string, Done>();
  const text = existsSync(path) ? await readFile(path, "utf8") : "";
  for (const line of text.split("\n")) {
    const unit = read(line);
    if (unit !== undefined) kept.set(unitKey(unit), unit);
  }
  // What follows a cut line must not stand on it.
  let cut = text !== "" && !text.endsWith("\n");
  return {
    done: (unit) => kept.get(unitKey(unit)),
    async add(done) {
      kept.set(unitKey(done), done);
      await mkdir(dirname(path), { recursive: true });
      await appendFile(path, `${cut ? "\n" : ""}${JSON.stringify(done)}\n`);
      cut = false;
    },
  };
}

function read(line: string): Done | undefined {
  try {
    const value = JSON.parse(line) as Partial<Done> | null;
    return Array.isArray(value?.rows) && typeof value.entry === "string" ? (value as Done) : undefined;
  } catch {
    return undefined;
  }
}
