// Running entries on this machine, unit by unit.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { cpus } from "node:os";
import { join, resolve } from "node:path";
import type { AnyEntry, LabContext, Scale } from "../entry.ts";
import type { Circumstances } from "../result.ts";
import { type Done, runUnit, type Unit, unitsOf } from "../unit.ts";
import { openJournal } from "./journal.ts";

export interface RunOptions {
  readonly scale: Scale;
  /** Default: the entry's own. */
  readonly seeds?: readonly number[];
  /** Folder where units are kept as they end; none for runs that need not survive. */
  readonly keep?: string;
  /** Called when a unit is there, with how many are. */
  readonly onUnit?: (unit: Done, count: number, of: number) => void;
}

/** Does every unit of `entry` that is not done yet, and returns all. */
export async function runEntry(entry: AnyEntry, context: LabContext, options: RunOptions): Promise<Done[]> {
  const units = unitsOf(entry, options.scale, options.seeds);
  return runUnits(units, options, (unit) => runUnit(entry, unit, context), entry.name);
}

async function runUnits(
  units: readonly Unit[],
  { scale, keep, onUnit }: RunOptions,
  work: (unit: Unit) => Promise<Done>,
  name: string,
): Promise<Done[]> {
  const journal = keep === undefined ? undefined : await openJournal(join(keep, `${name}.${scale}.jsonl`));
  const all: Done[] = [];
  for (const unit of units) {
    const before = journal?.done(unit);
    const done = before ?? (await work(unit));
    if (before === undefined) await journal?.add(done);
    all.push(done);
    onUnit?.(done, all.length, units.length);
  }
  return all;
}

/** Date, machine and commit of what is done now. */
export function circumstances(command: string): Circumstances {
  return {
    date: new Date().toISOString(),
    command,
    machine: { cpu: cpus()[0]?.model.trim() ?? "unknown", cores: cpus().length, node: process.version },
    commit: commit(),
  };
}

/** The commit that the sources are of; `null` where they are no clone of git, as in an installed package. */
function commit(): string | null {
  const folder = resolve(import.meta.dirname, "../../..");
  if (!existsSync(join(folder, ".git"))) return null;
  try {
    const args = ["-C", folder, "describe", "--always", "--dirty", "--abbrev=12"];
    return execFileSync("git", args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  } catch {
    return null;
  }
}
