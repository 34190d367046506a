// `athanor papers serve`
import type { Command } from "commander";
import { createPapersServer } from "../../server/papers.ts";
import { printJson, say } from "../command.ts";
import { between } from "../numbers.ts";
import { isAddress, openExisting, type StoreOptions, withStoreOptions } from "./store.ts";

const HELP = `
Examples:
  athanor papers serve
  athanor papers serve --store http://localhost:9200/papers --port 0`;

export function define(command: Command): void {
  withStoreOptions(command)
    .option("--port <n>", "port of 127.0.0.1; 0 for a free one", between(0, 65_535), 8377)
    .addHelpText("after", HELP)
    .action(serve);
}

async function serve(options: StoreOptions & { port: number }): Promise<void> {
  const store = await openExisting(options.store);
  const file = isAddress(options.store) ? {} : { file: options.store };
  const server = createPapersServer(store, { say, ...file });
  try {
    const url = await server.listen({ port: options.port });
    if (options.json) printJson({ url });
    say(`papers: ${url}  (Ctrl-C ends it)`);
    await new Promise<void>((resolve) => {
      process.once("SIGINT", resolve);
      process.once("SIGTERM", resolve);
    });
  } finally {
    await server.close();
    await store.close();
  }
}
