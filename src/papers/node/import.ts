// From a source into a store: whole batches, each in one transaction; where an import got to is kept beside the
// store, so that an interrupted one goes on from there.
import { readFile, rm, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { writeFileAtomic } from "../../files/node/atomic.ts";
import { identify, isKeyed } from "../identity.ts";
import type { PaperStore } from "../store.ts";
import { readBibtexFile } from "./bibtex-file.ts";
import { unreadable } from "./file.ts";
import type { Batch, Problem } from "../collect/item.ts";
import { readJsonl } from "./jsonl.ts";

/** A source that can be read from a given place on. */
export interface Source {
  /** Tells this source from others, and a changed file from its former state. */
  readonly name: string;
  /** Batches from the beginning, or from where `next` of a batch said. */
  read(from?: string): AsyncIterable<Batch>;
}

/** What an import did. */
export interface Imported {
  readonly added: number;
  readonly updated: number;
  readonly unchanged: number;
  readonly removed: number;
  /** Records that could not be read: how many, and the first hundred. */
  readonly failed: number;
  readonly problems: readonly Problem[];
  /** Whether it went on from where an earlier import had stopped. */
  readonly resumed: boolean;
}

/** What `importPapers` may be told. */
export interface ImportOptions {
  /** File that remembers how far an import got; none if absent. */
  readonly progress?: string;
  readonly signal?: AbortSignal;
  /** Called after every batch. */
  readonly onBatch?: (done: Imported, total: number | undefined) => void;
}

/** Imports a source. After an abort or an error everything up to the last whole batch is in the store. */
export async function importPapers(
  store: PaperStore,
  source: Source,
  options: ImportOptions = {},
): Promise<Imported> {
  const { progress, signal, onBatch } = options;
  const from = progress === undefined ? undefined : (await readProgress(progress)).get(source.name);
  let done: Imported = {
    added: 0,
    updated: 0,
    unchanged: 0,
    removed: 0,
    failed: 0,
    problems: [],
    resumed: from !== undefined,
  };
  for await (const batch of source.read(from)) {
    signal?.throwIfAborted();
    done = await addBatch(store, batch, done);
    if (progress !== undefined) await saveProgress(progress, source.name, batch.next);
    onBatch?.(done, batch.total);
  }
  return done;
}

const mostProblems = 100;

async function addBatch(store: PaperStore, { items }: Batch, done: Imported): Promise<Imported> {
  const papers = items.flatMap((item) => ("paper" in item ? [item.paper] : []));
  const gone = items.flatMap((item) => ("removed" in item ? [item.removed] : []));
  const problems = items.flatMap((item) => ("problem" in item ? [item.problem] : []));
  const { added, updated, unchanged } = await store.add(
    papers.some(isKeyed) ? await identify(papers, store) : papers,
  );
  const removed = gone.length > 0 ? await store.remove(gone) : 0;
  return {
    added: done.added + added,
    updated: done.updated + updated,
    unchanged: done.unchanged + unchanged,
    removed: done.removed + removed,
    failed: done.failed + problems.length,
    problems: [...done.problems, ...problems].slice(0, mostProblems),
    resumed: done.resumed,
  };
}

async function readProgress(path: string): Promise<Map<string, string>> {
  try {
    const value: unknown = JSON.parse(await readFile(path, "utf8"));
    return new Map(Object.entries(value ?? {}).map(([name, at]) => [name, String(at)]));
  } catch {
    return new Map(); // none yet, or unreadable: then the import starts again, which the store takes lightly
  }
}

async function saveProgress(path: string, name: string, next: string | undefined): Promise<void> {
  const all = await readProgress(path);
  if (next === undefined) all.delete(name);
  else all.set(name, next);
  if (all.size === 0) await rm(path, { force: true });
  else await writeFileAtomic(path, `${JSON.stringify(Object.fromEntries(all))}\n`);
}

/** The source in a file: BibTeX by its name (`.bib`, `.bib.gz`), JSONL otherwise, plain or gzip. @throws FileError */
export async function fileSource(path: string, batch = 2_500): Promise<Source> {
  let state: Awaited<ReturnType<typeof stat>>;
  try {
    state = await stat(path);
  } catch (error) {
    throw unreadable(path, error);
  }
  const read = /\.bib(tex)?(\.gz)?$/i.test(path) ? readBibtexFile : readJsonl;
  return {
    name: `${resolve(path)} ${state.size} ${state.mtimeMs}`,
    read: (from) => read(path, batch, from),
  };
}
