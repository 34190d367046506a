// `athanor papers search`
import type { Command } from "commander";
import { identifierIn } from "../../papers/index.ts";
import { printJson, say } from "../command.ts";
import { count } from "../numbers.ts";
import { type FilterOptions, filterOf, withFilterOptions } from "./filter.ts";
import { showPaper } from "./show.ts";
import { type StoreOptions, withStore, withStoreOptions } from "./store.ts";

interface SearchOptions extends StoreOptions, FilterOptions {
  readonly limit: number;
  readonly sort?: "relevance" | "newest" | "stars" | "announced";
  readonly cursor?: string;
}

const HELP = `
Quote what the shell would read.

Examples:
  athanor papers search attention networks
  athanor papers search 'graph "message passing" -survey' --category cs.LG --sort newest
  athanor papers search author:bengio from:2026-01-01 --json`;

export function define(command: Command): void {
  withFilterOptions(withStoreOptions(command))
    .argument("<query...>", 'words, "phrases", -word, title:word, author:name, cat:cs.AI, from:2026-01-01')
    .option("--limit <n>", "hits on a page", count, 20)
    .option("--sort <order>", "relevance, newest, announced or stars", "relevance")
    .option("--cursor <text>", "`next` of the page before")
    .addHelpText("after", HELP)
    .action(search);
}

function search(words: string[], options: SearchOptions): Promise<void> {
  return withStore(options.store, async (store) => {
    const { limit, sort, cursor } = options;
    const page = await store.search({
      text: words.join(" "),
      limit,
      filter: filterOf(options),
      ...(sort && { sort }),
      ...(cursor && { cursor }),
    });
    if (options.json) return printJson(page);
    for (const hit of page.hits) showPaper(hit);
    if (page.suggestion !== undefined) say(`did you mean: ${page.suggestion}`);
    const id = identifierIn(words.join(" "));
    if (page.total === 0 && id !== undefined) return say(`${id} is not in the collection`);
    say(`${page.total} found${page.next ? `; next page: --cursor ${page.next}` : ""}`);
  });
}
