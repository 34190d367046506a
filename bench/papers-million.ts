// Many synthetic papers, perturbed from the real ones, through the importer's road into one store. Run as a
// program, `papers-million.ts COUNT FOLDER`, it prints one JSON document; a process of its own, so that its
// memory is its own.
import { statSync } from "node:fs";
import { join } from "node:path";
import { openStore, type Paper } from "../src/papers/index.ts";
import {
  arxiv,
  arxivCompact,
  generator,
  type Latency,
  latency,
  rounded,
  threeWords,
  timed,
} from "./papers-data.ts";

/** What is measured of a large store. */
export interface MillionResult {
  readonly papers: number;
  readonly buildSeconds: number;
  readonly buildCpuSeconds: number;
  /** Processor milliseconds a paper, for each hundred thousand: making the paper, adding it, merging. */
  readonly cpuMsPerPaper: readonly number[];
  readonly fileBytes: number;
  /** Largest resident memory of the process during the build, 47 MB of real papers included. */
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

async function measure(count: number, folder: string): Promise<MillionResult> {
  const real = arxivCompact();
  const path = join(folder, "million.db");
  const store = await openStore(path);
  const random = generator(3);
  const batch = 10_000; // the importer's
  const synthetic = (number: number) => {
    const other = real.paper(Math.floor(random() * real.count));
    return perturbed(real.paper(number % real.count), other, number, random);
  };
  // Ctrl-C ends the building early; what is there is measured.
  const stop = new AbortController();
  process.once("SIGINT", () => stop.abort());
  const cpuMsPerPaper: number[] = [];
  let since = process.cpuUsage();
  const { seconds, cpuSeconds } = await timed(async () => {
    for (let from = 0; from < count && !stop.signal.aborted; from += batch) {
      const size = Math.min(batch, count - from);
      await store.add(Array.from({ length: size }, (_, i) => synthetic(from + i)));
      await new Promise(setImmediate); // lets a signal in
      if ((from / batch) % 10 !== 9) continue;
      const { user, system } = process.cpuUsage(since);
      since = process.cpuUsage();
      cpuMsPerPaper.push(rounded((user + system) / 1000 / (10 * batch)));
      console.error(
        `papers-million: ${from + size} of ${count}, ${cpuMsPerPaper.at(-1)} ms a paper, ${Math.round(process.resourceUsage().maxRSS / 1024)} MB`,
      );
    }
  });
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
    buildSeconds: rounded(seconds),
    buildCpuSeconds: rounded(cpuSeconds),
    cpuMsPerPaper,
    fileBytes: statSync(path).size,
    peakMegabytes,
    threeWords: first,
    threeWordsAgain: again,
    phrase,
  };
}

if (process.argv[1]?.endsWith("papers-million.ts"))
  console.log(JSON.stringify(await measure(Number(process.argv[2]), process.argv[3] ?? ".")));
