// The OpenSearch store: the contract against a real server if OPENSEARCH_URL is set, and otherwise against a
// server that plays its part (see fake-opensearch.ts); faults always against that one.
import { randomBytes } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { constant } from "../../src/net/index.ts";
import { openSearchStore } from "../../src/papers/node/index.ts";
import { storeContract } from "./contract.ts";
import { type FakeServer, fakeOpenSearch } from "./fake-opensearch.ts";
import { nine, paper } from "./sample.ts";

const real = process.env["OPENSEARCH_URL"];
let shared: FakeServer | undefined;
beforeAll(async () => void (shared = real === undefined ? await fakeOpenSearch() : undefined));
afterAll(() => shared?.close());

storeContract(
  real === undefined ? "OpenSearch (played by a local server)" : "OpenSearch",
  () => openSearchStore(real ?? shared?.url ?? "", { index: `papers-${randomBytes(6).toString("hex")}` }),
  { runs: 40 },
);

describe("OpenSearch: requests and faults", () => {
  let fake: FakeServer;
  const retry = { retries: 2, delay: constant(1) };
  beforeEach(async () => void (fake = await fakeOpenSearch()));
  afterEach(() => fake.close());

  it("creates its index once, with our BM25 and no analysis of the server's", async () => {
    await (await openSearchStore(fake.url)).close();
    await (await openSearchStore(fake.url)).close();
    expect(fake.log).toEqual([
      "HEAD /papers",
      "PUT /papers",
      "HEAD /papers",
      "GET /papers/_mapping",
      "POST /papers/_mapping",
    ]);
    expect(fake.bodies[1]).toMatchObject({
      settings: { index: { similarity: { papers: { type: "BM25", k1: 1.2, b: 0.75 } } } },
      mappings: {
        dynamic: "strict",
        properties: { stems: { type: "text", analyzer: "terms", similarity: "papers" } },
      },
    });
  });
  it("indexes in bulk, asking first for what it would replace", async () => {
    const store = await openSearchStore(fake.url);
    const many = Array.from({ length: 1200 }, (_, i) => paper({ id: `m:${i}` }));
    expect(await store.add(many)).toEqual({ added: 1200, updated: 0, unchanged: 0 });
    expect(fake.log.slice(2)).toEqual(
      Array.from({ length: 3 }, () => ["POST /papers/_mget", "POST /_bulk"]).flat(),
    );
    const lines = fake.bodies[3];
    expect(Array.isArray(lines) && lines.length).toBe(1000);
    expect(Array.isArray(lines) && lines.slice(0, 2)).toMatchObject([
      { index: { _index: "papers", _id: "m:0" } },
      { stems: "paper m 0 paper m 0 paper m 0 paper m 0 paper m 0" },
    ]);
    await store.close();
  });
  it("asks again when the server is busy, as a whole or for single papers", async () => {
    const store = await openSearchStore(fake.url, { retry });
    const busy = {
      errors: true,
      items: [{ index: { _id: "2401.00001", status: 429, error: { reason: "queue full" } } }],
    };
    fake.faults.push(undefined, { status: 429 }, { status: 200, body: busy });
    expect(await store.add(nine)).toEqual({ added: 9, updated: 0, unchanged: 0 });
    expect(fake.log.filter((line) => line === "POST /_bulk")).toHaveLength(3);
    fake.faults.push({ status: 503 });
    expect((await store.search({ text: "attention" })).total).toBe(3);
    await store.close();
  });
  it("says what the server refuses, once", async () => {
    const store = await openSearchStore(fake.url, { retry });
    const items = [{ index: { _id: "x", status: 400, error: { reason: "no such field" } } }];
    fake.faults.push(undefined, { status: 200, body: { errors: true, items } });
    await expect(store.add(nine)).rejects.toThrow(
      /must take a bulk request, got status 400 for x: no such field\.$/,
    );
    expect(fake.log.filter((line) => line === "POST /_bulk")).toHaveLength(1);
    await store.close();
  });
  it("says when no server answers", async () => {
    const gone = await fakeOpenSearch();
    await gone.close();
    await expect(openSearchStore(gone.url, { retry })).rejects.toThrow(
      /^openSearchStore: 127\.0\.0\.1:\d+ must create or know the index, got .*ECONNREFUSED/,
    );
  });
});
