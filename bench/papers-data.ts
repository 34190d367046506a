// What the parts of the papers benchmark share: the data, the queries, the measures.
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { OptionError } from "../src/errors.ts";
import { readLine } from "../src/papers/node/jsonl.ts";
import { normalisePaper, type Paper, parseQuery } from "../src/papers/index.ts";

const root = process.env["ATHANOR_DATA"] ?? fileURLToPath(new URL("../../shared/data", import.meta.url));

function lines(path: string): string[] {
  const full = `${root}/papers/${path}`;
  if (!existsSync(full))
    throw new OptionError(
      `bench papers: data must exist, got none at ${full}. Set ATHANOR_DATA to the data folder.`,
    );
  const bytes = readFileSync(full);
  return (path.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString().trim().split("\n");
}

const arxivFile = "arxiv-cs-25k.jsonl.gz";

/** The 24,999 shared arXiv papers. */
export function arxiv(): Paper[] {
  return lines(arxivFile).map((line) => normalisePaper(JSON.parse(line)));
}

/** The shared arXiv papers one at a time, held as bytes: 47 MB instead of 150. */
export function arxivCompact(): { readonly count: number; paper(index: number): Paper } {
  const bytes = gunzipSync(readFileSync(`${root}/papers/${arxivFile}`));
  const starts = [0];
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) starts.push(at + 1);
  const count = starts.length - 1;
  const line = (index: number) => bytes.toString("utf8", starts[index], (starts[index + 1] ?? 0) - 1);
  return { count, paper: (index) => normalisePaper(JSON.parse(line(index))) };
}

/** The Cranfield collection: 1,400 papers, 225 queries, graded judgements. */
export interface Cranfield {
  readonly papers: readonly Paper[];
  /** With the words of each query, function words removed: the same for every engine. */
  readonly queries: readonly { readonly id: string; readonly words: string }[];
  /** Gain by paper, by query. */
  readonly gains: ReadonlyMap<string, ReadonlyMap<string, number>>;
}

/** Reads Cranfield. */
export function cranfield(): Cranfield {
  const gains = new Map<string, Map<string, number>>();
  for (const line of lines("cranfield/qrels.tsv").slice(1)) {
    const [query = "", doc = "", gain = "0"] = line.split("\t");
    gains.set(query, (gains.get(query) ?? new Map<string, number>()).set(doc, Number(gain)));
  }
  return {
    // One record of the collection is empty: nothing to find.
    papers: lines("cranfield/docs.jsonl.gz").flatMap((line, i) => {
      const item = readLine(line, i + 1);
      return item && "paper" in item ? [item.paper] : [];
    }),
    queries: lines("cranfield/queries.jsonl.gz").map((line) => {
      const fields = new Map<string, unknown>(Object.entries(Object(JSON.parse(line))));
      return { id: String(fields.get("id")), words: parseQuery(String(fields.get("text"))).words.join(" ") };
    }),
    gains,
  };
}

function discounted(list: readonly number[]): number {
  return list.slice(0, 10).reduce((sum, gain, i) => sum + gain / Math.log2(i + 2), 0);
}

/** Mean nDCG@10 with gains as judged (4 to 1), by the order that `search` gives for a query's words. */
export async function ndcg(
  { queries, gains }: Cranfield,
  search: (words: string) => Promise<readonly string[]> | readonly string[],
): Promise<number> {
  let sum = 0;
  for (const { id, words } of queries) {
    const own = gains.get(id) ?? new Map<string, number>();
    const ideal = discounted([...own.values()].sort((x, y) => y - x));
    const got = discounted((await search(words)).map((doc) => own.get(doc) ?? 0));
    sum += ideal > 0 ? got / ideal : 0;
  }
  return sum / queries.length;
}

/** Numbers in [0, 1) that are the same in every run (Lehmer's generator, modulus 2³¹ − 1, factor 48271). */
export function generator(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}

/** `count` queries of three different words of one title each, function words aside. */
export function threeWords(papers: readonly Paper[], count: number, seed = 1): string[] {
  const random = generator(seed);
  const queries: string[] = [];
  while (queries.length < count) {
    const paper = papers[Math.floor(random() * papers.length)];
    const words = [...new Set(parseQuery(paper?.title ?? "").words)].filter((word) => word.length > 2);
    if (words.length < 3) continue;
    const chosen = new Set<string>();
    while (chosen.size < 3) chosen.add(words[Math.floor(random() * words.length)] ?? "");
    queries.push([...chosen].join(" "));
  }
  return queries;
}

/** `count` papers, the same in every run. */
export function sample<T>(papers: readonly T[], count: number, seed = 2): T[] {
  const random = generator(seed);
  return Array.from({ length: count }, () => papers[Math.floor(random() * papers.length)]).filter(
    (p) => p !== undefined,
  );
}

/** Quantiles of a latency, in milliseconds. */
export interface Latency {
  /** Mean processor time: on a busy machine nearer to the truth than the clock. */
  readonly cpuMean: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly mean: number;
}

/** Calls `body` with each value, one after the other, and measures each call. */
export async function latency<T>(values: readonly T[], body: (value: T) => unknown): Promise<Latency> {
  const times: number[] = [];
  const cpu = process.cpuUsage();
  for (const value of values) {
    const start = performance.now();
    await body(value);
    times.push(performance.now() - start);
  }
  const { user, system } = process.cpuUsage(cpu);
  times.sort((x, y) => x - y);
  const at = (share: number) =>
    rounded(times[Math.min(times.length - 1, Math.floor(share * times.length))] ?? 0);
  return {
    cpuMean: rounded((user + system) / 1000 / times.length),
    p50: at(0.5),
    p95: at(0.95),
    p99: at(0.99),
    mean: rounded(times.reduce((a, c) => a + c, 0) / times.length),
  };
}

/** A number to three decimals. */
export function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}

/** Seconds of wall clock and of processor that `body` took. */
export async function timed<T>(
  body: () => T | Promise<T>,
): Promise<{ value: T; seconds: number; cpuSeconds: number }> {
  const [start, cpu] = [performance.now(), process.cpuUsage()];
  const value = await body();
  const { user, system } = process.cpuUsage(cpu);
  return {
    value,
    seconds: rounded((performance.now() - start) / 1000),
    cpuSeconds: rounded((user + system) / 1e6),
  };
}

/** Runs a part in a process of its own and returns its JSON document. */
export async function program(file: string, ...args: string[]): Promise<unknown> {
  const path = fileURLToPath(new URL(file, import.meta.url));
  const child = spawn(process.execPath, ["--conditions=source", path, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  if (code !== 0) throw new Error(`bench papers: ${file} ${args[0]} must end well, got exit code ${code}.`);
  return JSON.parse(Buffer.concat(chunks).toString());
}
