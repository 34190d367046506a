// What verbs on a collection share: which store, opened and closed.
import { existsSync } from "node:fs";
import type { Command } from "commander";
import { UserError } from "../../errors.ts";
import type { PaperStore } from "../../papers/index.ts";
import { openSearchStore, openStore } from "../../papers/node/index.ts";

export interface StoreOptions {
  readonly store: string;
  readonly json?: boolean;
}

/** Adds `--store` and `--json`. */
export function withStoreOptions(command: Command): Command {
  return command
    .option(
      "--store <file>",
      "a file, or an OpenSearch index: http://localhost:9200/papers; also from ATHANOR_PAPERS",
      process.env["ATHANOR_PAPERS"] ?? "papers.db",
    )
    .option("--json", "print one JSON document on stdout");
}

/** Whether a store is an index of a server, not a file. */
export function isAddress(store: string): boolean {
  return /^https?:\/\//i.test(store);
}

/** The store in a file, or in an index of an OpenSearch server: `http://localhost:9200/papers`. */
export async function openAny(store: string): Promise<PaperStore> {
  if (!isAddress(store)) return openStore(store);
  const { pathname, href } = new URL(store);
  const index = pathname.replaceAll("/", "");
  return openSearchStore(new URL("/", href).href, index === "" ? {} : { index });
}

/** Opens a store that must exist. */
export async function openExisting(store: string): Promise<PaperStore> {
  if (!isAddress(store) && !existsSync(store))
    throw new UserError(
      `papers: store must exist, got none at ${store}. Make one with "athanor papers add".`,
    );
  return openAny(store);
}

/** Runs `body` on a store that must exist, and closes it. */
export async function withStore(path: string, body: (store: PaperStore) => Promise<void>): Promise<void> {
  const store = await openExisting(path);
  try {
    await body(store);
  } finally {
    await store.close();
  }
}
