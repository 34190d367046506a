// The pages of the studio. A new page is a folder beside this file and a line here.
import type { Component } from "svelte";

/** One page: which addresses it shows, and how to load it. */
export interface Page {
  readonly name: string;
  matches(path: string): boolean;
  load(): Promise<Component>;
}

export const pages: readonly Page[] = [
  {
    name: "papers",
    matches: (path) => path === "/" || /^\/(?:arxiv|venue|papers|starred|history)(?:\/|$)/.test(path),
    load: async () => (await import("./papers/PapersPage.svelte")).default,
  },
];
