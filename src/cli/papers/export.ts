// `athanor papers export`
import type { Command } from "commander";
import { OptionError, UserError } from "../../errors.ts";
import { writeFileAtomic } from "../../files/node/atomic.ts";
import { type Filter, type PaperStore, toBibtex } from "../../papers/index.ts";
import { say } from "../command.ts";
import { type FilterOptions, filterOf, withFilterOptions } from "./filter.ts";
import { type StoreOptions, withStore, withStoreOptions } from "./store.ts";

interface ExportOptions extends StoreOptions, FilterOptions {
  readonly format: string;
  readonly out?: string;
  readonly ids?: string;
}

const HELP = `
Examples:
  athanor papers export --out papers.jsonl
  athanor papers export --format bibtex --ids 1706.03762,1810.04805 > references.bib`;

export function define(command: Command): void {
  withFilterOptions(withStoreOptions(command))
    .option("--format <name>", "jsonl or bibtex", "jsonl")
    .option("--ids <list>", "only these, separated by commas")
    .option("--out <file>", "default: standard output")
    .addHelpText("after", HELP)
    .action(write);
}

function write(options: ExportOptions): Promise<void> {
  return withStore(options.store, async (store) => {
    const { format, out, ids } = options;
    if (format !== "jsonl" && format !== "bibtex")
      throw new OptionError(`papers export: format must be jsonl or bibtex, got "${format}".`);
    const named = ids === undefined ? undefined : await known(store, ids.split(","));
    const filter = { ...filterOf(options), ...(named && { ids: named }) };
    const chunks = exported(store, filter, format);
    if (out !== undefined) return writeFileAtomic(out, chunks);
    for await (const chunk of chunks)
      if (!process.stdout.write(chunk)) await new Promise((done) => process.stdout.once("drain", done));
  });
}

/** Identifiers of the papers that some in any form name. @throws UserError if none is in the collection. */
async function known(store: PaperStore, ids: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const id of ids) {
    const [paper] = await store.get([id]);
    if (paper) found.push(paper.id);
    else say(`papers export: ${id.trim()} is not in the collection`);
  }
  if (found.length === 0)
    throw new UserError(`papers export: ids must name papers of the collection, got ${ids.join(",")}.`);
  return found;
}

async function* exported(
  store: PaperStore,
  filter: Filter,
  format: "jsonl" | "bibtex",
): AsyncGenerator<string> {
  for (let cursor: string | undefined, first = true; first || cursor !== undefined; first = false) {
    const page = await store.list({ filter, limit: 500, ...(cursor !== undefined && { cursor }) });
    for (const paper of page.hits)
      yield format === "jsonl" ? `${JSON.stringify(paper)}\n` : `${toBibtex(paper)}\n`;
    cursor = page.next;
  }
}
