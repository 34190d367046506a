// What every reader of records yields, so that one importer serves all of them.
import type { Paper } from "../paper.ts";

/** A paper, a paper to remove, or a record that could not be read. */
export type Item = { readonly paper: Paper } | { readonly removed: string } | { readonly problem: Problem };

/** What is wrong with one record. */
export interface Problem {
  /** Line of the file, from 1; 0 where lines mean nothing. */
  readonly line: number;
  readonly message: string;
}

/** Items read in one go, and from where reading goes on if it is interrupted after them. */
export interface Batch {
  readonly items: readonly Item[];
  /** A line number or a resumption token; absent when this was the last batch. */
  readonly next?: string;
  /** How many records there are in all, if the source says so. */
  readonly total?: number;
}
