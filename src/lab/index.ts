// The lab: published claims, executed. An entry is a file in entries/; what needs Node is in node/.
export { entries, entryNamed } from "./entries.ts";
export {
  type AnyEntry,
  type Entry,
  type LabContext,
  type Rule,
  type Scale,
  SCALES,
  type Seeded,
  type Source,
  type Words,
} from "./entry.ts";
export { type Finding, judge, type Judgement, lean, type Verdict, VERDICTS } from "./judge.ts";
export type { Need } from "./needs.ts";
export { TABLE, type TableRow } from "./table.ts";
export { type Done, rowsOf, runUnit, type Unit, unitKey, unitsOf } from "./unit.ts";
