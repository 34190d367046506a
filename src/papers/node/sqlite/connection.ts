// An open file, as those who read and write it see it.
import type { SQLInputValue } from "node:sqlite";

/** One row, by column. */
export type Row = Record<string, string | number | Uint8Array | null | bigint>;

/** An open file with its prepared statements. */
export interface Database {
  /** All rows of a statement. */
  all(sql: string, ...values: SQLInputValue[]): Row[];
  /** First row, or undefined. */
  one(sql: string, ...values: SQLInputValue[]): Row | undefined;
  /** Rows as they are needed. */
  each(sql: string, ...values: SQLInputValue[]): IterableIterator<Row>;
  /** Runs a statement; returns the number of changed rows. */
  run(sql: string, ...values: SQLInputValue[]): number;
  /** Runs `body` so that the file shows all of it or nothing. */
  write<T>(body: () => T): T;
  /** Runs `body` on one state of the file, whatever other processes write meanwhile. */
  read<T>(body: () => T): T;
  close(): void;
}
