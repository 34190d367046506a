// `athanor papers related`
import type { Command } from "commander";
import { UserError } from "../../errors.ts";
import { storeKeywords, storeRelated } from "../../papers/index.ts";
import { printJson, say } from "../command.ts";
import { count } from "../numbers.ts";
import { showPaper } from "./show.ts";
import { type StoreOptions, withStore, withStoreOptions } from "./store.ts";

const HELP = `
Examples:
  athanor papers related 1706.03762
  athanor papers related https://arxiv.org/abs/1706.03762v1 --limit 5`;

export function define(command: Command): void {
  withStoreOptions(command)
    .argument("<id>", "identifier or address of a paper")
    .option("--limit <n>", "papers", count, 10)
    .addHelpText("after", HELP)
    .action(related);
}

function related(id: string, options: StoreOptions & { limit: number }): Promise<void> {
  return withStore(options.store, async (store) => {
    const [paper] = await store.get([id]);
    if (!paper) throw new UserError(`papers related: id must be a stored paper's, got ${id}.`);
    const words = await storeKeywords(store, paper);
    const hits = await storeRelated(store, paper, options.limit);
    if (options.json) return printJson({ id: paper.id, keywords: words, hits });
    say(`keywords: ${words.join(", ")}`);
    for (const hit of hits) showPaper(hit);
  });
}
