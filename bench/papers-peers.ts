// The same work by other search libraries, each with its documented defaults and our three fields. Installed
// apart, in bench/peers/papers. Run as a program, `papers-peers.ts NAME`, it prints one JSON document.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import type { Paper } from "../src/papers/index.ts";
import {
  arxiv,
  cranfield,
  type Latency,
  latency,
  ndcg,
  rounded,
  sample,
  threeWords,
  timed,
} from "./papers-data.ts";

/** What is measured of a library. */
export interface PeerResult {
  readonly version: string;
  readonly indexSeconds: number;
  readonly indexCpuSeconds: number;
  readonly threeWords: Latency;
  readonly queries: number;
  readonly titlesFirst: number;
  readonly ndcg10: number;
}

interface Peer {
  index(papers: readonly Paper[]): Promise<(words: string, limit: number) => Promise<readonly string[]>>;
  /** Queries to measure: slow libraries get fewer. */
  readonly queries: number;
}

const require = createRequire(new URL("peers/papers/package.json", import.meta.url));

async function load(name: string): Promise<Map<string, unknown>> {
  const module: unknown = await import(pathToFileURL(require.resolve(name)).href);
  return new Map<string, unknown>(Object.entries(Object(module)));
}

interface Mini {
  addAll(docs: readonly object[]): void;
  search(words: string): { id: string }[];
}
interface OramaModule {
  create(options: object): Promise<object>;
  insertMultiple(db: object, docs: object[], batch: number): Promise<unknown>;
  search(db: object, query: object): Promise<{ hits: { document: { id: string } }[] }>;
}

const text = ({ id, title, abstract, authors }: Paper) => ({
  id,
  title,
  abstract,
  authors: authors.join("; "),
});

const peers: Readonly<Record<string, Peer>> = {
  minisearch: {
    queries: 300,
    async index(papers) {
      const module = await load("minisearch");
      const MiniSearch = module.get("default") as new (options: object) => Mini; // oxlint-disable-line no-unsafe-type-assertion
      const mini = new MiniSearch({
        fields: ["title", "abstract", "authors"],
        searchOptions: { boost: { title: 2 } },
      });
      mini.addAll(papers.map(text));
      return async (words, limit) =>
        mini
          .search(words)
          .slice(0, limit)
          .map(({ id }) => id);
    },
  },
  "@orama/orama": {
    queries: 100,
    async index(papers) {
      const orama = Object.fromEntries(await load("@orama/orama")) as unknown as OramaModule; // oxlint-disable-line no-unsafe-type-assertion
      const db = await orama.create({
        schema: { id: "string", title: "string", abstract: "string", authors: "string" },
      });
      await orama.insertMultiple(db, papers.map(text), 500);
      return async (words, limit) => {
        const query = {
          term: words,
          limit,
          properties: ["title", "abstract", "authors"],
          boost: { title: 2 },
        };
        return (await orama.search(db, query)).hits.map(({ document }) => document.id);
      };
    },
  },
};

/** Names of the libraries. */
export const peerNames: readonly string[] = Object.keys(peers);

async function measure(name: string): Promise<PeerResult> {
  const peer = peers[name];
  if (!peer) throw new Error(`papers-peers: name must be one of ${peerNames.join(", ")}, got ${name}.`);
  const manifest: unknown = JSON.parse(
    readFileSync(new URL(`peers/papers/node_modules/${name}/package.json`, import.meta.url), "utf8"),
  );
  const papers = arxiv();
  const { value: search, seconds, cpuSeconds } = await timed(() => peer.index(papers));
  const queries = threeWords(papers, 300).slice(0, peer.queries);
  const times = await latency(queries, (words) => search(words, 20));
  const titles = sample(papers, peer.queries);
  let first = 0;
  for (const { id, title } of titles) if ((await search(title, 1))[0] === id) first++;
  const collection = cranfield();
  const small = await peer.index(collection.papers);
  return {
    version: String(new Map<string, unknown>(Object.entries(Object(manifest))).get("version")),
    indexSeconds: seconds,
    indexCpuSeconds: cpuSeconds,
    threeWords: times,
    queries: queries.length,
    titlesFirst: rounded(first / titles.length),
    ndcg10: rounded(await ndcg(collection, (words) => small(words, 10))),
  };
}

if (process.argv[1]?.endsWith("papers-peers.ts"))
  console.log(JSON.stringify(await measure(process.argv[2] ?? "")));
