// Units of work: one setting of an entry with one seed. What a queue hands out, and what is kept of a broken run.
import type { AnyEntry, LabContext, Scale, Seeded } from "./entry.ts";

export interface Unit {
  readonly entry: string;
  readonly scale: Scale;
  readonly settings: object;
  readonly seed: number;
}

/** A unit that was run. */
export interface Done extends Unit {
  readonly rows: readonly object[];
  /** Seconds that it took. */
  readonly seconds: number;
}

/** What a run at `scale` consists of, seed by seed. @param seeds Default: the entry's own, for scales below full the first. */
export function unitsOf(entry: AnyEntry, scale: Scale, seeds?: readonly number[]): Unit[] {
  const own = scale === "full" ? entry.seeds : entry.seeds.slice(0, 1);
  // Where chance plays no part other seeds would only repeat the first.
  const drawn = seeds === undefined || entry.seeds.length === 1 ? own : seeds;
  return drawn.flatMap((seed) =>
    entry.settings[scale].map((settings) => ({ entry: entry.name, scale, settings, seed })),
  );
}

/** A text that two units share only if they are the same work. */
export function unitKey({ entry, scale, settings, seed }: Unit): string {
  return `${entry} ${scale} ${seed} ${JSON.stringify(settings)}`;
}

/** Runs a unit. @throws Error when its rows are not plain finite JSON, which would come back from a file as others. */
export async function runUnit(entry: AnyEntry, unit: Unit, context: LabContext): Promise<Done> {
  const from = performance.now();
  const rows = await entry.run(unit.settings, unit.seed, context);
  const seconds = (performance.now() - from) / 1000;
  for (const row of rows) {
    const [key] = Object.entries(row).find(([, value]) => !isPlain(value)) ?? [];
    if (key !== undefined) throw new Error(`lab: "${key}" of a row of ${entry.name} must be plain JSON.`);
  }
  return { ...unit, rows, seconds };
}

/** True for what JSON writes and reads back unchanged. */
function isPlain(value: unknown): boolean {
  if (typeof value === "number") return Number.isFinite(value);
  if (value === null || typeof value === "string" || typeof value === "boolean") return true;
  if (Array.isArray(value)) return value.every(isPlain);
  return typeof value === "object" && Object.values(value).every(isPlain);
}

/** Rows of units with their seeds, as rules and pictures read them. */
export function rowsOf(done: readonly Done[]): Seeded<object>[] {
  return done.flatMap(({ rows, seed }) => rows.map((row) => ({ ...row, seed })));
}
