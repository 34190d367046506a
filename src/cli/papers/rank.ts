// `athanor papers rank`
import type { Command } from "commander";
import { rank } from "../../papers/index.ts";
import { printJson, say } from "../command.ts";
import { count } from "../numbers.ts";
import { type FilterOptions, filterOf, withFilterOptions } from "./filter.ts";
import { showPaper } from "./show.ts";
import { type StoreOptions, withStore, withStoreOptions } from "./store.ts";

interface RankOptions extends StoreOptions, FilterOptions {
  readonly limit: number;
}

const HELP = `
Without --from and --to the latest day of the collection is ranked.

Examples:
  athanor papers rank "sequence models" retrieval
  athanor papers rank graphs --from 2026-01-01 --category cs.LG`;

export function define(command: Command): void {
  withFilterOptions(withStoreOptions(command))
    .argument("<keywords...>", "what you prefer to read about")
    .option("--limit <n>", "papers to show", count, 20)
    .addHelpText("after", HELP)
    .action(show);
}

function show(keywords: string[], options: RankOptions): Promise<void> {
  return withStore(options.store, async (store) => {
    const asked = filterOf(options);
    const [latest] = (asked.from ?? asked.to) ? [] : await store.days(asked.categories);
    const filter = latest ? { ...asked, from: latest.value, to: latest.value } : asked;
    const { hits, total } = await store.list({ filter, limit: 1000 });
    const ranked = rank(hits, keywords).slice(0, options.limit);
    if (options.json) return printJson({ hits: ranked, total });
    for (const paper of ranked) showPaper(paper);
    say(`${total} papers${latest ? ` of ${latest.value}` : ""}`);
  });
}
