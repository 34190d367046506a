// The public entry of the room.
export type { Filter, Hit, Mark, Marked, Page, Paper, Query, Sort } from "./paper.ts";
export type { Added, Listing, PaperStore, Tally } from "./store.ts";
export { openStore } from "./sqlite/store.ts";
