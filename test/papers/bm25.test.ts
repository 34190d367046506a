import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { analyse } from "../../src/papers/analyse.ts";
import { createScorer, type Paper } from "../../src/papers/index.ts";
import { openStore } from "../../src/papers/node/index.ts";
import { compounds, queryTerms, stem } from "../../src/papers/tokens.ts";
import { authorGap } from "../../src/papers/analyse.ts";
import { bm25 } from "../reference/bm25.ts";
import { arxivPapers, dataMissing, paper } from "./sample.ts";

const word = fc.constantFrom(
  ..."sub-network subnetwork learn-ing network networks networking learn learning learned universe university 学习 机器 graph graphs of the".split(
    " ",
  ),
);
const text = fc.array(word, { minLength: 1, maxLength: 12 }).map((words) => words.join(" "));

function reference(
  papers: readonly Paper[],
  query: string,
  joined: readonly string[] = [],
): Map<string, number> {
  const texts = papers.map((p) => {
    const { authors, ...rest } = analyse(p);
    return { ...rest, authors: authors.filter((t) => t !== authorGap) };
  });
  const scores = bm25(texts, queryTerms(query), stem, joined);
  return new Map(papers.flatMap(({ id }, i) => ((scores[i] ?? 0) > 0 ? [[id, scores[i] ?? 0]] : [])));
}

function expectClose(
  got: readonly { id: string; score: number }[],
  wanted: ReadonlyMap<string, number>,
): void {
  expect(got.map(({ id }) => id).toSorted()).toEqual([...wanted.keys()].toSorted());
  for (const { id, score } of got) expect(Math.abs(score - (wanted.get(id) ?? 0)), id).toBeLessThan(1e-4);
}

describe("BM25", () => {
  it("is the brute force's, in the scorer and in the store, over segments and removals", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(text, text, text), { minLength: 1, maxLength: 14 }),
        text,
        async (rows, query) => {
          const papers = rows.map(([title, abstract, author], i) =>
            paper({ id: `p:${i}`, title, abstract, authors: [author] }),
          );
          const wanted = reference(papers, query);
          expectClose(createScorer(papers).score(queryTerms(query), 100), wanted);
          const store = await openStore(":memory:");
          for (const one of papers) await store.add([one, paper({ id: `gone:${one.id}`, title: query })]);
          await store.remove(papers.map(({ id }) => `gone:${id}`));
          // The text of a query drops function words and adds for titles; a `+` keeps each word as it is.
          const { hits } = await store.search({ text: query, limit: 100 });
          const plain = hits.map(({ id, score }) => ({ id, score: score % 1000 }));
          const telling = queryTerms(query).filter((t) => t !== "of" && t !== "the");
          expectClose(
            plain,
            telling.length === 0 ? wanted : reference(papers, telling.join(" "), compounds(query)),
          );
          await store.close();
        },
      ),
      { numRuns: 60, seed: 19 },
    );
  });
});

describe.skipIf(dataMissing)(`BM25 on shared papers${dataMissing ? `: ${dataMissing}` : ""}`, () => {
  it("agrees between brute force, scorer and store", async () => {
    const papers = arxivPapers(150);
    const scorer = createScorer(papers);
    const store = await openStore(":memory:");
    for (let i = 0; i < papers.length; i += 17) await store.add(papers.slice(i, i + 17));
    for (const query of [
      "graph neural networks",
      "large language models reasoning",
      "diffusion",
      "semantic segmentation images",
    ]) {
      const wanted = reference(papers, query);
      expectClose(scorer.score(queryTerms(query), 1000), wanted);
      const { hits, total } = await store.search({ text: query, limit: 1000 });
      expect(total).toBe(wanted.size);
      expectClose(
        hits.map(({ id, score }) => ({ id, score: score % 1000 })),
        wanted,
      );
    }
    await store.close();
  });
});
