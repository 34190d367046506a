// The papers room measured: indexing, search, related papers, quality, the server, and other libraries on the
// same queries. `--no-peers` and `--no-server` leave parts out. A million papers: papers-million.ts.
import { mkdtemp, rm, stat } from "node:fs/promises";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createScorer, keywords, type Paper, type PaperStore, related } from "../src/papers/index.ts";
import { openStore } from "../src/papers/node/index.ts";
import { createPapersServer } from "../src/server/papers.ts";
import { loadSearch } from "./papers-load.ts";
import {
  arxiv,
  cranfield,
  latency,
  ndcg,
  program,
  rounded,
  sample,
  threeWords,
  timed,
} from "./papers-data.ts";
import { peerNames } from "./papers-peers.ts";
import { measureChecks } from "./papers-quality.ts";

/** Runs the benchmark; the answer is one JSON document. */
export async function run(args: string[]): Promise<unknown> {
  const { values } = parseArgs({
    args,
    options: {
      peers: { type: "boolean", default: true },
      server: { type: "boolean", default: true },
      json: { type: "boolean" },
    },
    allowNegative: true,
  });
  const folder = await mkdtemp(join(tmpdir(), "athanor-bench-"));
  try {
    const papers = arxiv();
    const own = await measureStore(papers, folder, values.server);
    const peers: Record<string, unknown> = {};
    if (values.peers) for (const name of peerNames) peers[name] = await program("papers-peers.ts", name);
    return {
      command: `npm run bench -- papers ${args.join(" ")}`.trim(),
      date: new Date().toISOString().slice(0, 10),
      node: process.version,
      load: rounded(loadavg()[0] ?? 0),
      cpu: `${cpus()[0]?.model ?? "unknown"}, ${cpus().length} cores`,
      papers: papers.length,
      ...own,
      ...(values.peers && { peers }),
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function measureStore(papers: readonly Paper[], folder: string, withServer: boolean): Promise<object> {
  const path = join(folder, "papers.db");
  const store = await openStore(path);
  const index = await timed(() => store.add(papers));
  const queries = threeWords(papers, 300);
  const search = (text: string) => store.search({ text });
  const result = {
    index: { seconds: index.seconds, cpuSeconds: index.cpuSeconds, bytes: (await stat(path)).size },
    search: {
      threeWords: await latency(queries, search),
      threeWordsAgain: await latency(queries, search),
      phrase: await latency(queries, (text) => search(`"${text.split(" ").slice(0, 2).join(" ")}"`)),
      inCategory: await latency(queries, (text) => search(`${text} cat:cs.CL+cs.AI-cs.CV`)),
      titles: await latency(
        sample(papers, 100).map(({ title }) => title),
        search,
      ),
    },
    related: await measureRelated(papers),
    quality: await measureQuality(papers, store),
    ...(withServer && { server: await measureServer(store, path, threeWords(papers, 1000, 5)) }),
  };
  await store.close();
  return result;
}

async function measureRelated(papers: readonly Paper[]): Promise<object> {
  const { value: scorer, seconds, cpuSeconds } = await timed(() => createScorer(papers));
  const chosen = sample(papers, 500);
  const own = chosen.filter((paper) => scorer.score(keywords(paper, scorer), 1)[0]?.id === paper.id).length;
  return {
    build: { seconds, cpuSeconds },
    latency: await latency(chosen, (paper) => related(paper, scorer)),
    ownKeywordsFirst: rounded(own / chosen.length),
  };
}

async function measureQuality(papers: readonly Paper[], store: PaperStore): Promise<object> {
  const titled = sample(papers, 400);
  let first = 0;
  for (const { id, title } of titled)
    if ((await store.search({ text: title, limit: 1 })).hits[0]?.id === id) first++;
  const collection = cranfield();
  const small = await openStore(":memory:");
  await small.add(collection.papers);
  const ndcg10 = await ndcg(collection, async (words) =>
    (await small.search({ text: words, limit: 10 })).hits.map(({ id }) => id),
  );
  await small.close();
  return {
    titlesFirst: rounded(first / titled.length),
    ndcg10: rounded(ndcg10),
    ...(await measureChecks(store, papers)),
  };
}

async function measureServer(store: PaperStore, file: string, queries: readonly string[]): Promise<unknown> {
  const server = createPapersServer(store, { file });
  const url = await server.listen();
  try {
    await server.ready();
    // Warm-up: the first seconds compile the code.
    await loadSearch(url, { seconds: 2, connections: 8, queries: queries.slice(0, 200) });
    return await loadSearch(url, { seconds: 8, connections: 8, queries });
  } finally {
    await server.close();
  }
}
