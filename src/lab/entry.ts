// The contract of the room: a published claim, executed. An entry is one file in entries/ and one line in entries/all.ts.
import type { Need } from "./needs.ts";
import type { TableRow } from "./table.ts";

/** The same words in English and Chinese. */
export interface Words {
  readonly en: string;
  readonly zh: string;
}

/** Sizes an entry runs at: `smallest` in seconds for tests, `quick` in about a minute, `full` for a verdict. */
export const SCALES = ["smallest", "quick", "full"] as const;
export type Scale = (typeof SCALES)[number];

/** Where a claim was published. */
export interface Source {
  /** Authors, year, title or section. */
  readonly says: string;
  /** Addresses of articles and papers. */
  readonly links: readonly string[];
}

/** A row with the seed it came from. */
export type Seeded<R> = R & { readonly seed: number };

/** One sentence that decides, written before the run. */
export interface Rule<R> {
  readonly says: Words;
  /**
   * A premise tells whether the experiment can speak at all (the model has learnt its task, sizes are equal). Where one
   * fails, the verdict is that the claim cannot be had at this size. Default false: a part of the claim.
   */
  readonly premise?: boolean;
  /** Whether it holds in these rows; `null` where they do not hold what it asks about. */
  holds(rows: readonly Seeded<R>[]): boolean | null;
  /** The same for a quick run, where only the sign of a difference can be asked for; default `holds`. */
  direction?(rows: readonly Seeded<R>[]): boolean | null;
  /** The numbers that it looked at, short and in no language: `MLA 1.93 ± 0.01, GQA 1.95 ± 0.02`. */
  shows?(rows: readonly Seeded<R>[]): string;
}

/** What a run is handed beside settings and seed. */
export interface LabContext {
  /** The bytes of something that the entry needs, unpacked where the file ends in `.gz`. */
  readonly bytes: (need: Need) => Promise<Uint8Array>;
  /** Where it lies: a path, for readers that take one. */
  readonly path: (need: Need) => string;
  /** Tells a line of progress. */
  readonly report: (line: string) => void;
}

/**
 * One claim. `S` are settings and `R` rows, both plain JSON. A *unit of work* is one setting with one seed: it is what a
 * queue hands out, what is kept when a run is broken off, and what must give the same rows wherever it runs.
 */
export interface Entry<S, R> {
  /** Kebab-case, the file's name. */
  readonly name: string;
  /** The row of the table that it belongs to. */
  readonly row: TableRow;
  /** One sentence. */
  readonly claim: Words;
  readonly source: Source;
  /** Data and packages that a run reads; where one is absent the entry is skipped and says so. */
  readonly needs: readonly Need[];
  /** Estimates on two cores, all seeds together. */
  readonly minutes: { readonly quick: number; readonly full: number };
  /** Seeds of a full run: three or more where chance plays a part, one (`[0]`) where it plays none. Others use the first. */
  readonly seeds: readonly number[];
  /** Parts of a run at each scale. `smallest`: all entries' together take seconds, so mostly one part. */
  readonly settings: Readonly<Record<Scale, readonly S[]>>;
  readonly rules: readonly Rule<R>[];
  /** Published figures that cannot be had at this size, and why; nothing stands in for them. */
  readonly beyond?: readonly Words[];
  /** Rows of one unit, a pure function of settings, seed and data (times aside). */
  run(settings: S, seed: number, context: LabContext): Promise<readonly R[]>;
  /** Pictures by file name, as SVG, of rows that may be incomplete. */
  figures(rows: readonly Seeded<R>[]): Readonly<Record<string, string>>;
}

/** An entry whose kinds of settings and rows do not matter. */
export type AnyEntry = Entry<object, object>;
