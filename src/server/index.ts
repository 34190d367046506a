// The public entry of the room.
export type { ListenOptions } from "./listen.ts";
export { type Address, daysOf, formatAddress, type Form, parseAddress, type Place } from "./address.ts";
export type { Answer, Links, ListAnswer, Listed, Overview, Relations, SearchAnswer } from "./answers.ts";
export { atomFeed, type FeedHead } from "./atom.ts";
export { createPapersServer, type PapersServer, type PapersServerOptions } from "./papers.ts";
