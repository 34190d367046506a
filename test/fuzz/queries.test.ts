// Random queries against the paper search. `npm run fuzz -- queries` asks many more.
import { afterAll, beforeAll, expect, test } from "vitest";
import type { PaperStore } from "../../src/papers/index.ts";
import { randomOf } from "./programs/random.ts";
import { collection, findQuery, queryText } from "./queries/find.ts";

let store: PaperStore;
beforeAll(async () => {
  store = await collection();
});
afterAll(() => store.close());

test("1,000 queries have one answer each, and none throws", async () => {
  const failures: string[] = [];
  for (let seed = 0; seed < 1000; seed++) {
    const failure = await findQuery(store, seed);
    if (failure !== undefined) failures.push(failure);
  }
  expect(failures).toEqual([]);
});

test("queries find something, and differ", async () => {
  const texts = Array.from({ length: 100 }, (_, seed) => queryText(randomOf(seed)));
  expect(new Set(texts).size).toBeGreaterThan(95);
  const found = await Promise.all(texts.map((text) => store.search({ text })));
  expect(found.filter((page) => page.hits.length > 0).length).toBeGreaterThan(30);
});
