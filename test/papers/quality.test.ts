// Quality on the shared data, with bounds below what is measured (docs/papers.md) and above what is promised.
import { describe, expect, it } from "vitest";
import { createScorer, keywords, related } from "../../src/papers/index.ts";
import { openStore } from "../../src/papers/node/index.ts";
import { arxivPapers, dataMissing, readCranfield } from "./sample.ts";

function discounted(list: readonly number[]): number {
  return list.slice(0, 10).reduce((total, gain, i) => total + gain / Math.log2(i + 2), 0);
}

function ndcg10(found: readonly string[], gains: ReadonlyMap<string, number>): number {
  const ideal = discounted([...gains.values()].sort((x, y) => y - x));
  return ideal === 0 ? 0 : discounted(found.map((id) => gains.get(id) ?? 0)) / ideal;
}

describe.skipIf(dataMissing)(`quality${dataMissing ? `: ${dataMissing}` : ""}`, { timeout: 240_000 }, () => {
  it("ranks Cranfield at nDCG@10 of at least 0.36", async () => {
    const { papers, queries, gains } = readCranfield();
    const store = await openStore(":memory:");
    await store.add(papers);
    let sum = 0;
    for (const { id, text } of queries) {
      const { hits } = await store.search({ text, limit: 10 });
      sum += ndcg10(
        hits.map((hit) => hit.id),
        gains.get(id) ?? new Map(),
      );
    }
    expect(sum / queries.length).toBeGreaterThanOrEqual(0.36);
    await store.close();
  });
  it("finds papers by title and by their own keywords, and others related to them", async () => {
    const papers = arxivPapers(2500);
    const store = await openStore(":memory:");
    await store.add(papers);
    const chosen = papers.filter((_, i) => i % 6 === 0);
    const scorer = createScorer(papers);
    const misses = { title: 0, keywords: 0 };
    for (const paper of chosen) {
      if ((await store.search({ text: paper.title, limit: 1 })).hits[0]?.id !== paper.id) misses.title++;
      if (scorer.score(keywords(paper, scorer), 1)[0]?.id !== paper.id) misses.keywords++;
      expect(related(paper, scorer, 5).map(({ id }) => id)).not.toContain(paper.id);
    }
    expect(misses.title / chosen.length).toBeLessThanOrEqual(0.005);
    expect(misses.keywords / chosen.length).toBeLessThanOrEqual(0.01);
    await store.close();
  });
});
