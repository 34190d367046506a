// `athanor papers …`: collect, search, relate, rank, export, serve.
import { existsSync } from "node:fs";
import { type Command, InvalidArgumentError } from "commander";
import { OptionError, UserError } from "../errors.ts";
import { writeFileAtomic } from "../files/node/atomic.ts";
import {
  cloud,
  cloudWords,
  type Filter,
  harvestOai,
  keywordCount,
  type PaperStore,
  queryArxiv,
  rank,
  storeKeywords,
  storeRelated,
  toBibtex,
} from "../papers/index.ts";
import {
  fileSource,
  importPapers,
  type Imported,
  openSearchStore,
  openStore,
  type Source,
} from "../papers/node/index.ts";
import { type AddCommand, guard, printJson, progress, say } from "./command.ts";

/** `athanor papers`. */
export const addPapers: AddCommand = (program) => {
  const papers = program.command("papers").description("Collect, search, relate, rank and read papers.");
  addAdd(papers);
  addSearch(papers);
  addRelated(papers);
  addKeywords(papers);
  addRank(papers);
  addRemove(papers);
  addExport(papers);
  addServe(papers);
};

interface StoreOptions {
  readonly store: string;
  readonly json?: boolean;
}

function verb(papers: Command, name: string, description: string): Command {
  return papers
    .command(name)
    .description(description)
    .option(
      "--store <file>",
      "a file, or an OpenSearch index: http://localhost:9200/papers",
      process.env["ATHANOR_PAPERS"] ?? "papers.db",
    )
    .option("--json", "print one JSON document on stdout");
}

function filtered(command: Command): Command {
  return command
    .option("--category <expression>", "such as cs.AI+cs.LG-cs.CY")
    .option("--from <day>", "first day, YYYY-MM-DD")
    .option("--to <day>", "last day, YYYY-MM-DD")
    .option("--venue <name>", "conference or journal");
}

interface FilterOptions {
  readonly category?: string;
  readonly from?: string;
  readonly to?: string;
  readonly venue?: string;
}

function filterOf({ category, from, to, venue }: FilterOptions): Filter {
  return {
    ...(category !== undefined && { categories: category }),
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
    ...(venue !== undefined && { venue }),
  };
}

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new InvalidArgumentError("It must be a whole number from 1.");
  return value;
}

function portNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0 || value > 65_535)
    throw new InvalidArgumentError("It must be a whole number from 0 to 65535.");
  return value;
}

function isAddress(store: string): boolean {
  return /^https?:\/\//i.test(store);
}

/** The store in a file, or in an index of an OpenSearch server: `http://localhost:9200/papers`. */
async function openAny(store: string): Promise<PaperStore> {
  if (!isAddress(store)) return openStore(store);
  const { pathname, href } = new URL(store);
  const index = pathname.replaceAll("/", "");
  return openSearchStore(new URL("/", href).href, index === "" ? {} : { index });
}

/** Opens a store that must exist. */
async function openExisting(store: string): Promise<PaperStore> {
  if (!isAddress(store) && !existsSync(store))
    throw new UserError(
      `papers: store must exist, got none at ${store}. Make one with "athanor papers add".`,
    );
  return openAny(store);
}

/** Runs `body` on a store that must exist, and closes it. */
async function withStore(path: string, body: (store: PaperStore) => Promise<void>): Promise<void> {
  await guard(async () => {
    const store = await openExisting(path);
    try {
      await body(store);
    } finally {
      await store.close();
    }
  });
}

interface AddOptions extends StoreOptions {
  readonly arxiv?: string;
  readonly oai?: true;
  readonly set?: string;
  readonly from?: string;
  readonly until?: string;
  readonly max: number;
  readonly base?: string;
}

function addAdd(papers: Command): void {
  verb(papers, "add", "Add papers from files or from arXiv.")
    .argument("[files...]", "JSONL (.jsonl) or BibTeX (.bib) files, plain or compressed (.gz)")
    .option("--arxiv <query>", "papers that a query of arXiv's language finds, such as cat:cs.CL")
    .option("--oai", "papers listed by arXiv's OAI-PMH service; see --set, --from and --until")
    .option("--set <name>", "OAI-PMH set, such as cs")
    .option("--from <day>", "OAI-PMH: changed on or after this day")
    .option("--until <day>", "OAI-PMH: changed on or before this day")
    .option("--max <n>", "most papers from --arxiv", positive, 1000)
    .option("--base <url>", "address of the service, for a mirror")
    .action((files: string[], options: AddOptions) => guard(() => add(files, options)));
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

interface SearchOptions extends StoreOptions, FilterOptions {
  readonly limit: number;
  readonly sort?: "relevance" | "newest" | "stars" | "announced";
  readonly cursor?: string;
}

function addSearch(papers: Command): void {
  filtered(verb(papers, "search", "Search titles, abstracts and authors."))
    .argument("<query...>", 'words, "phrases", -word, title:word, author:name, cat:cs.AI, from:2026-01-01')
    .option("--limit <n>", "hits on a page", positive, 20)
    .option("--sort <order>", "relevance, newest, announced or stars", "relevance")
    .option("--cursor <text>", "`next` of the page before")
    .addHelpText("after", "\nQuote what the shell would read: 'graph \"message passing\" -survey'.")
    .action((words: string[], options: SearchOptions) =>
      withStore(options.store, async (store) => {
        const { limit, sort, cursor } = options;
        const filter = filterOf(options);
        const page = await store.search({
          text: words.join(" "),
          limit,
          filter,
          ...(sort && { sort }),
          ...(cursor && { cursor }),
        });
        if (options.json) return printJson(page);
        for (const hit of page.hits) printPaper(hit);
        say(`${page.total} found${page.next ? `; next page: --cursor ${page.next}` : ""}`);
      }),
    );
}

function printPaper({ id, title, authors, categories, announced }: Parameters<typeof toBibtex>[0]): void {
  const names =
    authors.length > 4
      ? `${authors.slice(0, 3).join(", ")} and ${authors.length - 3} more`
      : authors.join(", ");
  process.stdout.write(
    `${id}  ${title}\n    ${[names, categories.join(" "), announced].filter(Boolean).join(" · ")}\n`,
  );
}

function addRelated(papers: Command): void {
  verb(papers, "related", "Papers like one paper: a search with its keywords.")
    .argument("<id>", "identifier or address of a paper")
    .option("--limit <n>", "papers", positive, 10)
    .action((id: string, options: StoreOptions & { limit: number }) =>
      withStore(options.store, async (store) => {
        const [paper] = await store.get([id]);
        if (!paper) throw new UserError(`papers related: id must be a stored paper's, got ${id}.`);
        const words = await storeKeywords(store, paper);
        const hits = await storeRelated(store, paper, options.limit);
        if (options.json) return printJson({ id: paper.id, keywords: words, hits });
        say(`keywords: ${words.join(", ")}`);
        for (const hit of hits) printPaper(hit);
      }),
    );
}

function addKeywords(papers: Command): void {
  verb(papers, "keywords", "Keywords of papers, and the cloud of several: what they have in common.")
    .argument("<ids...>", "identifiers or addresses of papers")
    .option("--limit <n>", "keywords of a paper", positive, keywordCount)
    .action((ids: string[], options: StoreOptions & { limit: number }) =>
      withStore(options.store, async (store) => {
        const found = await store.get(ids);
        if (found.length === 0)
          throw new UserError(`papers keywords: ids must be stored papers', got ${ids.join(", ")}.`);
        const lists = [];
        for (const paper of found)
          lists.push({ id: paper.id, keywords: await storeKeywords(store, paper, options.limit) });
        const words = cloud(lists.map(({ keywords }) => keywords));
        if (options.json) return printJson({ papers: lists, cloud: words });
        for (const { id, keywords } of lists) process.stdout.write(`${id}  ${keywords.join(", ")}\n`);
        if (lists.length > 1) {
          const common = words.filter(({ count }) => count > 1).slice(0, cloudWords);
          say(`in common: ${common.map(({ word, count }) => `${word} (${count})`).join(", ") || "nothing"}`);
        }
        if (found.length < ids.length) say(`${ids.length - found.length} not in the store`);
      }),
    );
}

function addRank(papers: Command): void {
  filtered(verb(papers, "rank", "A list in order of your preference."))
    .argument("<keywords...>", "what you prefer to read about")
    .option("--limit <n>", "papers to show", positive, 20)
    .action((keywords: string[], options: SearchOptions) =>
      withStore(options.store, async (store) => {
        const asked = filterOf(options);
        const [latest] = (asked.from ?? asked.to) ? [] : await store.days(asked.categories);
        const filter = latest ? { ...asked, from: latest.value, to: latest.value } : asked;
        const { hits, total } = await store.list({ filter, limit: 1000 });
        const ranked = rank(hits, keywords).slice(0, options.limit);
        if (options.json) return printJson({ hits: ranked, total });
        for (const paper of ranked) printPaper(paper);
        say(`${total} papers${latest ? ` of ${latest.value}` : ""}`);
      }),
    );
}

function addRemove(papers: Command): void {
  verb(papers, "remove", "Remove papers from a collection.")
    .argument("<ids...>", "identifiers")
    .action((ids: string[], options: StoreOptions) =>
      withStore(options.store, async (store) => {
        const removed = await store.remove(ids);
        if (options.json) printJson({ removed, papers: await store.count() });
        else say(`${removed} removed`);
      }),
    );
}

interface ExportOptions extends StoreOptions, FilterOptions {
  readonly format: string;
  readonly out?: string;
  readonly ids?: string;
}

function addExport(papers: Command): void {
  filtered(verb(papers, "export", "Write papers as JSONL or BibTeX."))
    .option("--format <name>", "jsonl or bibtex", "jsonl")
    .option("--ids <list>", "only these, separated by commas")
    .option("--out <file>", "default: standard output")
    .action((options: ExportOptions) =>
      withStore(options.store, async (store) => {
        const { format, out, ids } = options;
        if (format !== "jsonl" && format !== "bibtex")
          throw new OptionError(`papers export: format must be jsonl or bibtex, got "${format}".`);
        const filter = { ...filterOf(options), ...(ids !== undefined && { ids: ids.split(",") }) };
        const chunks = exported(store, filter, format);
        if (out !== undefined) return writeFileAtomic(out, chunks);
        for await (const chunk of chunks)
          if (!process.stdout.write(chunk)) await new Promise((done) => process.stdout.once("drain", done));
      }),
    );
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

function addServe(papers: Command): void {
  verb(papers, "serve", "Read the collection in a browser on this machine.")
    .option("--port <n>", "port of 127.0.0.1; 0 for a free one", portNumber, 8377)
    .action((options: StoreOptions & { port: number }) =>
      guard(async () => {
        // Loaded here, because no other verb needs a server.
        const { createPapersServer } = await import("../server/papers.ts");
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
      }),
    );
}
