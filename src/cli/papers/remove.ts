// `athanor papers remove`
import type { Command } from "commander";
import { printJson, say } from "../command.ts";
import { type StoreOptions, withStore, withStoreOptions } from "./store.ts";

const HELP = `
Example:
  athanor papers remove 2401.00001 bib:knuth84`;

export function define(command: Command): void {
  withStoreOptions(command)
    .argument("<ids...>", "identifiers")
    .addHelpText("after", HELP)
    .action((ids: string[], options: StoreOptions) =>
      withStore(options.store, async (store) => {
        const removed = await store.remove(ids);
        if (options.json) printJson({ removed, papers: await store.count() });
        else say(`${removed} removed`);
      }),
    );
}
