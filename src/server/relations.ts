import type { PaperStore } from "../papers/store.ts";
import type { Relations } from "./answers.ts";
export function createRelations(store: PaperStore): Relations {
  return { keywords: (p) => p.title.toLowerCase().split(/\W+/).filter((w) => w.length > 5), related: async (p, limit) => (await store.search({ text: p.title, limit })).hits };
}
