// The entries by name and by row of the table.
import { nearest, OptionError } from "../errors.ts";
import * as all from "./entries/all.ts";
import type { AnyEntry } from "./entry.ts";
import { TABLE, type TableRow } from "./table.ts";

/** All entries in the order of the table, then by name. */
export function entries(): readonly AnyEntry[] {
  const rows = Object.keys(TABLE) as TableRow[];
  return Object.values<AnyEntry>(all).sort(
    (a, b) => rows.indexOf(a.row) - rows.indexOf(b.row) || (a.name < b.name ? -1 : 1),
  );
}

/** @throws OptionError for a name that is not there, with the nearest. */
export function entryNamed(name: string): AnyEntry {
  const found = entries().find((entry) => entry.name === name);
  if (found !== undefined) return found;
  const near = nearest(
    name,
    entries().map((entry) => entry.name),
    1,
  );
  const hint = near[0] !== undefined ? `Did you mean ${near[0]}?` : "athanor lab list names them all.";
  throw new OptionError(`lab: an entry must be one of ${entries().length} names, got "${name}". ${hint}`);
}
