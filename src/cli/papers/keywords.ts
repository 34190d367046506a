// `athanor papers keywords`
import type { Command } from "commander";
import { UserError } from "../../errors.ts";
import { cloud, cloudWords, keywordCount, storeKeywords } from "../../papers/index.ts";
import { printJson, say } from "../command.ts";
import { count } from "../numbers.ts";
import { type StoreOptions, withStore, withStoreOptions } from "./store.ts";

const HELP = `
Examples:
  athanor papers keywords 1706.03762
  athanor papers keywords 1706.03762 1810.04805 2005.14165     and what the three have in common`;

export function define(command: Command): void {
  withStoreOptions(command)
    .argument("<ids...>", "identifiers or addresses of papers")
    .option("--limit <n>", "keywords of a paper", count, keywordCount)
    .addHelpText("after", HELP)
    .action(keywords);
}

function keywords(ids: string[], options: StoreOptions & { limit: number }): Promise<void> {
  return withStore(options.store, async (store) => {
    const found = await store.get(ids);
    if (found.length === 0)
      throw new UserError(`papers keywords: ids must be stored papers', got ${ids.join(", ")}.`);
    const lists = [];
    for (const paper of found)
      lists.push({ id: paper.id, keywords: await storeKeywords(store, paper, options.limit) });
    const words = cloud(lists.map((entry) => entry.keywords));
    if (options.json) return printJson({ papers: lists, cloud: words });
    for (const entry of lists) process.stdout.write(`${entry.id}  ${entry.keywords.join(", ")}\n`);
    if (lists.length > 1) {
      const common = words.filter((entry) => entry.count > 1).slice(0, cloudWords);
      say(`in common: ${common.map((entry) => `${entry.word} (${entry.count})`).join(", ") || "nothing"}`);
    }
    if (found.length < ids.length) say(`${ids.length - found.length} not in the store`);
  });
}
