// The order of a list as its reader wants it. All of it happens in the page.
import type { Paper } from "../../../../src/papers/paper.ts";

/** Orders a reader can choose. */
export type Order = "list" | "stars" | "preference" | "newest";

/** Every order, as the keys 1 to 4 choose them. */
export const orders: readonly Order[] = ["list", "stars", "preference", "newest"];

/** What the orders look at besides the papers. */
export interface Reader<P> {
  /** When the reader starred a paper, in milliseconds; nothing if not starred. */
  starredAt(id: string): number | undefined;
  /** Sorts papers by a reader's keywords. */
  rank(papers: readonly P[]): readonly P[];
}

/** Latest day first, then latest identifier. */
function byNewest(a: Paper, b: Paper): number {
  if (a.announced !== b.announced) return a.announced > b.announced ? -1 : 1;
  return a.id === b.id ? 0 : a.id > b.id ? -1 : 1;
}

/** The reader's own star counts before the stars a collection brings. */
function byStars<P extends Paper>(papers: readonly P[], reader: Reader<P>): readonly P[] {
  const own = (paper: Paper): number => (reader.starredAt(paper.id) === undefined ? 0 : 1);
  return [...papers].sort((a, b) => own(b) - own(a) || b.stars - a.stars);
}

/** The papers in an order; papers that are equal to it stay as the list has them. */
export function inOrder<P extends Paper>(
  papers: readonly P[],
  order: Order,
  reader: Reader<P>,
): readonly P[] {
  switch (order) {
    case "newest":
      return [...papers].sort(byNewest);
    case "preference":
      return reader.rank(papers);
    case "stars":
      return byStars(papers, reader);
    default:
      return papers;
  }
}
