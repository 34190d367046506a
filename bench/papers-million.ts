// Many synthetic papers, perturbed from the real ones: written as JSONL by one process, imported and searched by
// another, so that its memory is its own. `--count N` makes fewer. Takes minutes and 5 GB in the temporary folder;
// Ctrl-C ends the import early, and what is there is measured.
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, statSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { options } from "./support.ts";
import { type Paper, type PaperStore } from "../src/papers/index.ts";
import { fileSource, importPapers, openStore } from "../src/papers/node/index.ts";
import {
  arxiv,
  arxivCompact,
  generator,
  type Latency,
  latency,
  program,
  rounded,
  threeWords,
  timed,
} from "./papers-data.ts";

/** What is measured of a large store. */
export interface MillionResult {
  readonly papers: number;
  readonly buildSeconds: number;
  readonly buildCpuSeconds: number;
  /** Processor milliseconds a paper, for each hundred thousand: reading, analysing, writing, merging. */
  readonly cpuMsPerPaper: readonly number[];
  readonly fileBytes: number;
  /** Largest resident memory of the process during the import. */
  readonly peakMegabytes: number;
  readonly threeWords: Latency;
  readonly threeWordsAgain: Latency;
  readonly phrase: Latency;
}

/** A paper with a tenth of its abstract's and a fifth of its title's words taken from another. */
function perturbed(base: Paper, other: Paper, number: number, random: () => number): Paper {
  const mix = (text: string, from: string, share: number) => {
    const words = from.split(" ");
    const mixed = text
      .split(" ")
      .map((word) => (random() < share ? (words[Math.floor(random() * words.length)] ?? word) : word));
    return mixed.join(" ");
  };
  return {
    ...base,
    id: `synthetic:${number}`,
    title: mix(base.title, other.title, 0.2),
    abstract: mix(base.abstract, other.abstract, 0.1),
    announced: other.announced,
  };
}

/** Writes `count` synthetic papers, one JSON object a line. */
async function write(count: number, path: string): Promise<void> {
  const real = arxivCompact();
  const random = generator(3);
  const file = createWriteStream(path);
  for (let number = 0; number < count; number++) {
    const other = real.paper(Math.floor(random() * real.count));
    const paper = perturbed(real.paper(number % real.count), other, number, random);
    if (!file.write(`${JSON.stringify(paper)}\n`)) await once(file, "drain");
  }
  file.end();
  await finished(file);
}

async function measure(count: number, folder: string): Promise<MillionResult> {
  const jsonl = join(folder, "million.jsonl");
  const self = fileURLToPath(import.meta.url);
  const { status } = spawnSync(
    process.execPath,
    ["--conditions=source", self, "write", String(count), jsonl],
    { stdio: ["ignore", "inherit", "inherit"] },
  );
  if (status !== 0)
    throw new Error(`papers-million: writing ${jsonl} must end well, got exit code ${status}.`);
  const path = join(folder, "million.db");
  const store = await openStore(path);
  const stop = new AbortController();
  process.once("SIGINT", () => stop.abort());
  const { seconds, cpuSeconds, cpuMsPerPaper } = await build(store, jsonl, stop.signal);
  const peakMegabytes = Math.round(process.resourceUsage().maxRSS / 1024);
  const queries = threeWords(arxiv(), 100);
  const search = (words: string) => store.search({ text: words });
  const first = await latency(queries, search);
  const again = await latency(queries, search);
  const phrase = await latency(queries.slice(0, 30), (words) =>
    store.search({ text: `"${words.split(" ").slice(0, 2).join(" ")}" ${words.split(" ")[2]}` }),
  );
  const reached = await store.count();
  await store.close();
  return {
    papers: reached,
    buildSeconds: seconds,
    buildCpuSeconds: cpuSeconds,
    cpuMsPerPaper,
    fileBytes: statSync(path).size,
    peakMegabytes,
    threeWords: first,
    threeWordsAgain: again,
    phrase,
  };
}

/** Imports a file, telling how it goes on. */
async function build(store: PaperStore, jsonl: string, signal: AbortSignal) {
  const cpuMsPerPaper: number[] = [];
  let since = process.cpuUsage();
  let reported = 0;
  const { seconds, cpuSeconds } = await timed(async () => {
    const imported = importPapers(store, await fileSource(jsonl), {
      signal,
      onBatch({ added }) {
        if (added - reported < 100_000) return;
        const { user, system } = process.cpuUsage(since);
        const each = rounded((user + system) / 1000 / (added - reported));
        cpuMsPerPaper.push(each);
        const peak = Math.round(process.resourceUsage().maxRSS / 1024);
        console.error(`papers-million: ${added}, ${each} ms a paper, ${peak} MB`);
        since = process.cpuUsage();
        reported = added;
      },
    });
    await imported.catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  });
  return { seconds, cpuSeconds, cpuMsPerPaper };
}

/** Runs the benchmark; the answer is one JSON document. */
export async function run(args: string[]): Promise<unknown> {
  const { count } = options(args, { count: 1_000_000 });
  const before = rounded(loadavg()[0] ?? 0);
  const folder = await mkdtemp(join(tmpdir(), "athanor-bench-"));
  try {
    const measured = Object(await program("papers-million.ts", String(count), folder));
    return { load: { before, after: rounded(loadavg()[0] ?? 0) }, ...measured };
  } finally {
    await rm(folder, { recursive: true });
  }
}

if (process.argv[1]?.endsWith("papers-million.ts")) {
  const [, , first, second, third = "."] = process.argv;
  if (first === "write") await write(Number(second), third);
  else console.log(JSON.stringify(await measure(Number(first), second ?? ".")));
}
