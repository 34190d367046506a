// What the parts of the paper page share: the reader's settings for it, the list, the chosen paper.
import { type Kept, keptState, objectOf, oneOf, textOf } from "../../shared/kept.svelte.ts";
import type { Shown } from "./api.ts";
import type { ListFilter } from "./filter.ts";
import { PaperList } from "./list.svelte.ts";
import type { Order } from "./order.ts";

/** How much of each paper is shown. */
export type Density = "full" | "short" | "titles";

/** What the column at the side shows. */
export type Pane = "related" | "filter" | "you";

/** Kept between visits, in this browser only. */
export interface PapersSettings {
  density: Density;
  order: Order;
  /** The reader's own keywords, one a line. */
  keywords: string;
  filter: ListFilter;
  pane: Pane;
}

/** A filter as it was kept. */
function readFilter(kept: Kept): ListFilter {
  return {
    include: textOf(kept["include"]),
    exclude: textOf(kept["exclude"]),
    all: kept["all"] === true,
    only: kept["only"] === true,
  };
}

/** The reader's settings for this page. */
export const own: PapersSettings = keptState("athanor.papers", (kept) => ({
  density: oneOf(kept["density"], ["short", "full", "titles"]),
  order: oneOf(kept["order"], ["list", "stars", "preference", "newest"]),
  keywords: textOf(kept["keywords"]),
  filter: readFilter(objectOf(kept["filter"])),
  pane: oneOf(kept["pane"], ["related", "filter", "you"]),
}));

/** The list on the page. */
export const list: PaperList = new PaperList();

/** What is open and chosen at the moment. */
class Now {
  /** Identifier of the chosen paper; empty for none. */
  chosen: string = $state("");
  /** Paper whose neighbours the side column shows. */
  near: Shown | undefined = $state.raw();
  /** Whether the side column, the days and categories, and the help are open. */
  side: boolean = $state(false);
  browse: boolean = $state(false);
  help: boolean = $state(false);
}

/** What is open and chosen at the moment. */
export const now: Now = new Now();

/** Papers whose full text of the abstract was unfolded or folded against the density. */
export const unfolded: { ids: ReadonlySet<string> } = $state({ ids: new Set<string>() });

/** Unfolds a paper, or folds it again. */
export function turnFold(id: string): void {
  const ids = new Set(unfolded.ids);
  if (!ids.delete(id)) ids.add(id);
  unfolded.ids = ids;
}

/** Opens the side column on one of its panes. */
export function openPane(pane: Pane): void {
  own.pane = pane;
  now.side = true;
}

/** Full, short, titles, and round again. */
export function turnDensity(): void {
  own.density = own.density === "full" ? "short" : own.density === "short" ? "titles" : "full";
}
