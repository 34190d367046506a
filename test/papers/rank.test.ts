import { readFile } from "node:fs/promises";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  cloud,
  createScorer,
  keywords,
  preference,
  rank,
  related,
  storeKeywords,
  storeRelated,
} from "../../src/papers/index.ts";
import { openStore } from "../../src/papers/node/index.ts";
import { nine, paper } from "./sample.ts";

const word = fc.constantFrom(..."alpha beta gamma delta epsilon zeta eta theta 学习 机器".split(" "));
const list = fc
  .array(fc.array(word, { minLength: 1, maxLength: 5 }), { maxLength: 12 })
  .map((titles) => titles.map((words, i) => paper({ id: `r:${i}`, title: words.join(" ") })));

describe("rank", () => {
  it("only permutes the list: matches first, the others in their order", () => {
    fc.assert(
      fc.property(list, fc.array(word, { maxLength: 4 }), (papers, wanted) => {
        const ranked = rank(papers, wanted);
        expect(ranked.map(({ id }) => id).toSorted()).toEqual(papers.map(({ id }) => id).toSorted());
        const matches = (p: (typeof papers)[number]) => wanted.some((w) => p.title.split(" ").includes(w));
        const first = ranked.findIndex((p) => !matches(p));
        const rest = first < 0 ? [] : ranked.slice(first);
        expect(rest).toEqual(papers.filter((p) => !matches(p)));
      }),
      { seed: 29 },
    );
  });
  it("keeps the order of the list where nothing is preferred", () => {
    expect(rank(nine, [])).toEqual(nine);
    expect(rank(nine, ["graph"])[0]?.id).toBe("ICLR.2025/7");
  });
});

describe("keywords", () => {
  const papers = [
    ...nine,
    ...Array.from({ length: 5 }, (_, i) =>
      paper({ id: `k:${i}`, title: `Common topic ${i} of the 2024 graphs`, abstract: `rare${i} rare${i}` }),
    ),
  ];
  const scorer = createScorer(papers);
  it("weighs counts by rarity, without function words and numbers, ties by code point", () => {
    const target = papers.at(-1);
    expect(target && keywords(target, scorer, 4)).toEqual(["rare4", "common", "topic", "graphs"]);
    const tied = paper({ id: "t", title: "zz yy xx", abstract: "" });
    const own = createScorer([tied, ...nine]);
    expect(keywords(tied, own)).toEqual(["xx", "yy", "zz"]);
  });
  it("relates papers by their keywords, itself left out, in memory and through a store alike", async () => {
    const store = await openStore(":memory:");
    await store.add(papers);
    for (const one of papers) {
      expect(await storeKeywords(store, one)).toEqual(keywords(one, scorer));
      const fromStore = (await storeRelated(store, one, 5)).map(({ id }) => id);
      expect(fromStore).not.toContain(one.id);
      expect(fromStore.toSorted()).toEqual(
        related(one, scorer, 5)
          .map(({ id }) => id)
          .toSorted(),
      );
    }
    await store.close();
  });
});

describe("cloud and preference", () => {
  it("pools keywords, each paper counting once", () => {
    expect(cloud([["b", "a", "a"], ["a"], ["c", "b"]])).toEqual([
      { word: "a", count: 2 },
      { word: "b", count: 2 },
      { word: "c", count: 1 },
    ]);
  });
  it("takes the twenty leading words where nothing is stated", () => {
    const words = Array.from({ length: 30 }, (_, i) => ({ word: `w${i}`, count: 30 - i }));
    expect(preference([" "], words)).toEqual(words.slice(0, 20).map((w) => w.word));
    expect(preference(["own "], words)).toEqual(["own"]);
  });
});

describe("what the page loads", () => {
  it("imports nothing of Node", async () => {
    const seen = new Set<string>();
    const visit = async (file: URL): Promise<void> => {
      if (seen.has(file.href)) return;
      seen.add(file.href);
      const source = await readFile(file, "utf8");
      for (const [, name = ""] of source.matchAll(/from "([^"]+)"/g)) {
        expect(name, file.href).not.toMatch(/^node:/);
        if (name.startsWith(".")) await visit(new URL(name, file));
      }
    };
    for (const name of ["rank", "scorer", "keywords", "marks", "identifier", "categories", "query"])
      await visit(new URL(`../../src/papers/${name}.ts`, import.meta.url));
    await visit(new URL("../../src/net/retry.ts", import.meta.url));
    expect(seen.size).toBeGreaterThan(10);
  });
});
