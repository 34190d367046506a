// Papers for tests, and where the shared data lies.
import * as fc from "fast-check";
import { existsSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { readLine } from "../../src/papers/node/jsonl.ts";
import { normalisePaper, type Paper } from "../../src/papers/index.ts";

/** A paper with defaults for what a test does not care about. */
export function paper(fields: Partial<Record<keyof Paper, unknown>> & { id: string }): Paper {
  return normalisePaper({
    title: `Paper ${fields.id}`,
    authors: [],
    abstract: "",
    categories: [],
    venue: "arXiv",
    announced: "2026-01-01",
    ...fields,
  });
}

/** Nine papers that differ in every way the contract asks about. */
export const nine: readonly Paper[] = [
  paper({
    id: "2401.00001",
    title: "Attention Is All You Need",
    authors: ["Ashish Vaswani", "Noam Shazeer"],
    abstract:
      "The dominant sequence models use recurrence; we propose the Transformer, based on attention alone.",
    categories: ["cs.CL", "cs.LG"],
    announced: "2026-01-01",
    stars: 90,
  }),
  paper({
    id: "2401.00002",
    title: "A Survey of Attention Networks",
    authors: ["Marie Curie"],
    abstract: "We survey networks with attention and the universities that study them.",
    categories: ["cs.LG"],
    announced: "2026-01-02",
    stars: 5,
  }),
  paper({
    id: "2401.00003",
    title: "The Universe in Numbers",
    authors: ["Albert Einstein", "Bob Need"],
    abstract: "Networks of galaxies span the universe.",
    categories: ["astro-ph.CO"],
    announced: "2026-01-02",
  }),
  paper({
    id: "2401.00004",
    title: "大语言模型的机器学习方法",
    authors: ["王小明"],
    abstract: "本文研究大语言模型的训练方法。",
    categories: ["cs.CL"],
    announced: "2026-01-03",
  }),
  paper({
    id: "2401.00005",
    title: "学习的理论",
    authors: ["李华"],
    abstract: "关于机器与学习。 A note on learning theory.",
    categories: ["stat.ML"],
    announced: "2026-01-03",
  }),
  paper({
    id: "hep-th/9901001",
    title: "Strings and Branes",
    authors: ["Edward Witten"],
    abstract: "We study strings on branes.",
    categories: ["hep-th"],
    announced: "2026-01-01",
    stars: 7,
  }),
  paper({
    id: "ICLR.2025/7",
    title: "Graph Transformers",
    abstract: "Attention on graphs.",
    venue: "ICLR",
    categories: ["cs.LG"],
    announced: "2026-01-04",
  }),
  paper({
    id: "bib:knuth",
    title: "The Art of Computer Programming",
    authors: ["Donald Knuth"],
    venue: "Addison",
    announced: "",
  }),
  paper({
    id: "2401.00009",
    title: "Neural-Network State-of-the-Art",
    abstract: "C++ and C# for neural networks.",
    categories: ["cs.NE", "cs.CY"],
    announced: "2026-01-04",
  }),
];

const root = process.env["ATHANOR_DATA"] ?? new URL("../../../shared/data", import.meta.url).pathname;
const arxivFile = `${root}/papers/arxiv-cs-25k.jsonl.gz`;
const cranfield = `${root}/papers/cranfield`;

/** Why the shared data cannot be used; undefined if it can. */
export const dataMissing: string | undefined = existsSync(arxivFile)
  ? undefined
  : `no shared data at ${root} (set ATHANOR_DATA)`;

function records(path: string, most = Infinity): unknown[] {
  const text = gunzipSync(readFileSync(path)).toString();
  return text
    .trim()
    .split("\n", most === Infinity ? undefined : most)
    .map((line): unknown => JSON.parse(line));
}

/** The first `most` of the 24,999 shared arXiv papers. */
export function arxivPapers(most: number): Paper[] {
  return records(arxivFile, most).map(normalisePaper);
}

/** Texts of any code points, lone surrogates included; far faster to draw than fast-check's own. */
export const anyText: fc.Arbitrary<string> = fc
  .array(fc.oneof(fc.integer({ min: 0, max: 0x10ffff }), fc.integer({ min: 0, max: 0x7f })), {
    maxLength: 40,
  })
  .map((points) => points.map((point) => String.fromCodePoint(point)).join(""));

/** Cranfield: papers, queries and graded judgements. Evaluation only. */
export function readCranfield(): {
  papers: Paper[];
  queries: { id: string; text: string }[];
  gains: Map<string, Map<string, number>>;
} {
  // One record of the collection is empty: nothing to find.
  const papers = records(`${cranfield}/docs.jsonl.gz`).flatMap((record, i) => {
    const item = readLine(JSON.stringify(record), i + 1);
    return item && "paper" in item ? [item.paper] : [];
  });
  const queries = records(`${cranfield}/queries.jsonl.gz`).map((record) => {
    const fields = new Map<string, unknown>(Object.entries(record ?? {}));
    return { id: String(fields.get("id")), text: String(fields.get("text")) };
  });
  const gains = new Map<string, Map<string, number>>();
  for (const line of readFileSync(`${cranfield}/qrels.tsv`, "utf8").trim().split("\n").slice(1)) {
    const [query = "", doc = "", gain = "0"] = line.split("\t");
    const own = gains.get(query) ?? new Map<string, number>();
    gains.set(query, own.set(doc, Number(gain)));
  }
  return { papers, queries, gains };
}
