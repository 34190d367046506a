// `athanor papers add`
import type { Command } from "commander";
import { OptionError, UserError } from "../../errors.ts";
import { harvestOai, queryArxiv } from "../../papers/index.ts";
import { fileSource, importPapers, type Imported, type Source } from "../../papers/node/index.ts";
import { printJson, progress, say } from "../command.ts";
import { count } from "../numbers.ts";
import { isAddress, openAny, type StoreOptions, withStoreOptions } from "./store.ts";

interface AddOptions extends StoreOptions {
  readonly arxiv?: string;
  readonly oai?: true;
  readonly set?: string;
  readonly from?: string;
  readonly until?: string;
  readonly max: number;
  readonly base?: string;
}

const HELP = `
An import that was stopped goes on where it was when the same command is given again.

Examples:
  athanor papers add library.bib notes.jsonl.gz
  athanor papers add --arxiv "cat:cs.CL AND abs:tokenizer" --max 200
  athanor papers add --oai --set cs --from 2026-11-01`;

export function define(command: Command): void {
  withStoreOptions(command)
    .argument("[files...]", "JSONL (.jsonl) or BibTeX (.bib) files, plain or compressed (.gz)")
    .option("--arxiv <query>", "papers that a query of arXiv's language finds, such as cat:cs.CL")
    .option("--oai", "papers listed by arXiv's OAI-PMH service; see --set, --from and --until")
    .option("--set <name>", "OAI-PMH set, such as cs")
    .option("--from <day>", "OAI-PMH: changed on or after this day")
    .option("--until <day>", "OAI-PMH: changed on or before this day")
    .option("--max <n>", "most papers from --arxiv", count, 1000)
    .option("--base <url>", "address of the service, for a mirror")
    .addHelpText("after", HELP)
    .action(add);
}

async function add(files: string[], options: AddOptions): Promise<void> {
  const sources = await sourcesOf(files, options);
  if (sources.length === 0)
    throw new OptionError("papers add: source must be given, got none. Name files, --arxiv QUERY or --oai.");
  const interrupt = new AbortController();
  const stop = () => interrupt.abort(new UserError("papers add: stopped; run the same command to go on."));
  process.once("SIGINT", stop);
  const store = await openAny(options.store);
  const line = progress();
  try {
    const results: Imported[] = [];
    for (const [i, source] of sources.entries()) {
      const label = files[i] ?? "arXiv";
      const onBatch = ({ added, updated, unchanged }: Imported, total: number | undefined) =>
        line.update(`${label}: ${added + updated + unchanged}${total ? ` of ${total}` : ""} papers`);
      const result = await importPapers(store, source, {
        ...(!isAddress(options.store) && { progress: `${options.store}.progress.json` }),
        signal: interrupt.signal,
        onBatch,
      });
      line.end();
      report(label, result);
      results.push(result);
    }
    if (options.json) printJson({ ...sum(results), papers: await store.count() });
  } finally {
    line.end();
    process.off("SIGINT", stop);
    await store.close();
  }
}

async function sourcesOf(files: string[], options: AddOptions): Promise<Source[]> {
  const { arxiv, oai, set, from, until, max, base } = options;
  const fetchOptions = base === undefined ? {} : { base };
  const sources = await Promise.all(files.map((file) => fileSource(file)));
  if (arxiv !== undefined)
    sources.push({
      name: `arxiv ${base ?? ""} ${arxiv} ${max}`,
      read: (at) => queryArxiv(arxiv, max, at, fetchOptions),
    });
  if (oai) {
    const harvest = { ...(set && { set }), ...(from && { from }), ...(until && { until }) };
    sources.push({
      name: `oai ${base ?? ""} ${JSON.stringify(harvest)}`,
      read: (at) => harvestOai(harvest, at, fetchOptions),
    });
  }
  return sources;
}

function report(
  label: string,
  { added, updated, unchanged, removed, failed, problems, resumed }: Imported,
): void {
  for (const { line, message } of problems.slice(0, 10))
    say(`${label}:${line > 0 ? `${line}:` : ""} ${message}`);
  if (failed > 10) say(`${label}: … and ${failed - 10} more`);
  const parts = [
    `${added} added`,
    updated > 0 && `${updated} updated`,
    unchanged > 0 && `${unchanged} unchanged`,
    removed > 0 && `${removed} removed`,
    failed > 0 && `${failed} not readable`,
    resumed && "went on from an interrupted import",
  ];
  say(`${label}: ${parts.filter(Boolean).join(", ")}`);
  if (added + updated + unchanged + removed + failed === 0)
    say(`${label}: no record found. Files ending in .bib are read as BibTeX, all others as JSONL.`);
}

function sum(results: readonly Imported[]): Imported {
  const total = (field: "added" | "updated" | "unchanged" | "removed" | "failed") =>
    results.reduce((n, result) => n + result[field], 0);
  return {
    added: total("added"),
    updated: total("updated"),
    unchanged: total("unchanged"),
    removed: total("removed"),
    failed: total("failed"),
    problems: results.flatMap(({ problems }) => problems),
    resumed: results.some(({ resumed }) => resumed),
  };
}
