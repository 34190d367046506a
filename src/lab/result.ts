// Results of full runs, as files hold them, and what they say of an entry as it stands today.
import { FileError } from "../errors.ts";
import type { AnyEntry } from "./entry.ts";
import { judge, type Judgement, type Verdict } from "./judge.ts";
import { type Done, rowsOf, unitKey, unitsOf } from "./unit.ts";

/** Version of the format; files of another are refused. */
export const RESULT_FORMAT = 1;

/** Where and how a run was made. */
export interface Circumstances {
  /** ISO 8601. */
  readonly date: string;
  /** What repeats it. */
  readonly command: string;
  readonly machine: { readonly cpu: string; readonly cores: number; readonly node: string };
  /** Commit of the sources, `-dirty` where they differed from it; `null` outside a clone. */
  readonly commit: string | null;
}

/** A full run of one entry. */
export interface LabResult extends Circumstances {
  readonly athanorLab: typeof RESULT_FORMAT;
  readonly name: string;
  /** Hours of all units together, as if one worker had done them. */
  readonly hours: number;
  /** What the rules said at the end of the run. */
  readonly judgement: Judgement;
  readonly units: readonly Omit<Done, "entry" | "scale">[];
}

/** Binds the units of a full run. */
export function resultOf(entry: AnyEntry, done: readonly Done[], how: Circumstances): LabResult {
  return {
    athanorLab: RESULT_FORMAT,
    name: entry.name,
    ...how,
    hours: done.reduce((sum, unit) => sum + unit.seconds, 0) / 3600,
    judgement: judge(entry, rowsOf(done)),
    units: done.map(({ settings, seed, rows, seconds }) => ({ settings, seed, rows, seconds })),
  };
}

/** The units of a stored run. */
export function unitsIn(result: LabResult): Done[] {
  return result.units.map((unit) => ({ entry: result.name, scale: "full", ...unit }));
}

/** @throws FileError for what is no result, and for one of another version. */
export function parseResult(text: string, path: string): LabResult {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new FileError(
      `lab: ${path} must hold JSON, got other text. Take it out of the folder of results.`,
      { cause },
    );
  }
  const result = (value ?? {}) as Partial<LabResult>;
  if (result.athanorLab !== RESULT_FORMAT) {
    const got = result.athanorLab === undefined ? "none" : JSON.stringify(result.athanorLab);
    throw new FileError(
      `lab: ${path} must be a result of version ${RESULT_FORMAT} ("athanorLab"), got ${got}. Run the entry again with --full.`,
    );
  }
  const { name, date, command, hours, units, machine, judgement } = result;
  const whole =
    typeof name === "string" &&
    typeof date === "string" &&
    typeof command === "string" &&
    typeof hours === "number" &&
    typeof machine?.cpu === "string" &&
    Array.isArray(judgement?.findings) &&
    Array.isArray(units) &&
    units.every((unit) => typeof unit?.seed === "number" && Array.isArray(unit.rows));
  if (!whole) {
    throw new FileError(
      `lab: ${path} must hold name, date, command, machine, hours, judgement and units, got a file that lacks some. Run the entry again with --full.`,
    );
  }
  return result as LabResult;
}

/** What can be said of an entry today. */
export interface Standing {
  /** `null` where no full run stands behind it. */
  readonly verdict: Verdict | null;
  readonly judgement?: Judgement;
  readonly result?: LabResult;
  /** Why there is no verdict. */
  readonly why?: string;
}

/** The verdict of a stored run, if it is still one of this entry: the same settings, all seeds, and the same rules. */
export function standingOf(entry: AnyEntry, result: LabResult | undefined): Standing {
  if (result === undefined) return { verdict: null, why: "no full run is committed" };
  const done = unitsIn(result);
  const keys = new Set(done.map(unitKey));
  const missing = unitsOf(entry, "full").filter((unit) => !keys.has(unitKey(unit))).length;
  if (missing > 0) {
    return {
      verdict: null,
      result,
      why: `${missing} units of today's full settings are not in the committed run`,
    };
  }
  const judgement = judge(entry, rowsOf(done));
  if (JSON.stringify(judgement.findings) !== JSON.stringify(result.judgement.findings)) {
    return { verdict: null, result, why: "its rules are not those that the committed run was judged by" };
  }
  return { verdict: judgement.verdict, judgement, result };
}
