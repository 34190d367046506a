import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadSearch } from "../../bench/papers-load.ts";
import { type PaperStore } from "../../src/papers/index.ts";
import { looksLikeArxivId } from "../../src/papers/identifier.ts";
import { openStore } from "../../src/papers/node/index.ts";
import { type Address, daysOf, formatAddress, parseAddress } from "../../src/server/address.ts";
import { answerCache } from "../../src/server/cache.ts";
import { createPapersServer, type PapersServer } from "../../src/server/papers.ts";
import { createRelations } from "../../src/server/relations.ts";
import { isOwnHost } from "../../src/server/security.ts";
import { headMarker, shell } from "../../src/server/shell.ts";
import { fixtureAssets, fixturePapers, hardPapers } from "./fixture.ts";

/** Parses an address as a browser hands it over. */
function parse(address: string): Address | undefined {
  const url = new URL(address, "http://localhost");
  return parseAddress(url.pathname, url.searchParams);
}

describe("addresses", () => {
  const name = fc
    .stringMatching(/^[a-z]{1,6}(\.[A-Z]{2})?$/)
    .filter((text) => !["json", "feed", "search", "related"].includes(text));
  const place = fc.oneof(
    fc.record({
      kind: fc.constant("list" as const),
      categories: fc.oneof(
        fc.constant(""),
        name,
        fc.tuple(name, name).map((n) => n.join("+")),
      ),
      date: fc.constantFrom("", "all", "2026-06-30"),
    }),
    fc.record({
      kind: fc.constant("search" as const),
      query: fc.string({ unit: "grapheme" }),
      categories: fc.constantFrom("", "cs.AI-cs.LG"),
      date: fc.constantFrom("", "2026-01-01..2026-02-01"),
    }),
    fc.record({
      kind: fc.constant("venue" as const),
      venue: fc.string({ unit: "grapheme", minLength: 1 }).filter((v) => !/^\.{1,2}$/.test(v)),
    }),
    fc.record({
      kind: fc.constant("papers" as const),
      ids: fc.array(fc.constantFrom("2401.06769", "hep-th/9901001", "math.GT/0309136"), {
        minLength: 1,
        maxLength: 3,
      }),
    }),
    fc.record({
      kind: fc.constant("papers" as const),
      ids: fc.array(
        fc
          .string({ unit: "grapheme", minLength: 1 })
          .filter((v) => !looksLikeArxivId(v) && !/^\.{1,2}$/.test(v)),
        { minLength: 1, maxLength: 3 },
      ),
    }),
    fc.record({
      kind: fc.constant("related" as const),
      id: fc.constantFrom("2401.06769", "hep-th/9901001", "a/b?c#d, e+f"),
    }),
  );
  const address = fc.record({
    form: fc.constantFrom("page" as const, "json" as const, "feed" as const),
    place,
    limit: fc.integer({ min: 1, max: 1000 }),
    sort: fc.constantFrom("newest" as const, "stars" as const),
  });

  it("are read back as they were written", () => {
    fc.assert(
      fc.property(address, (written) => {
        expect(parse(formatAddress(written))).toEqual(written);
      }),
      { numRuns: 500, seed: 5 },
    );
  });

  it("the forms of the original service", () => {
    expect(parse("/arxiv/cs.AI+cs.LG-cs.CY?date=2026-06-30&sort=1")).toEqual({
      form: "page",
      place: { kind: "list", categories: "cs.AI+cs.LG-cs.CY", date: "2026-06-30" },
      sort: "stars",
    });
    expect(parse("/arxiv/1406.2661,2401.06769v2")).toEqual({
      form: "page",
      place: { kind: "papers", ids: ["1406.2661", "2401.06769v2"] },
    });
    expect(parse("/arxiv/search?highlight=1&query=a+b")).toEqual({
      form: "page",
      place: { kind: "search", query: "a b", categories: "", date: "" },
    });
    expect(parse("/venue/latest/feed")).toEqual({ form: "feed", place: { kind: "venue", venue: "latest" } });
    expect(parse("/arxiv/search/feed?query=x")?.form).toBe("feed");
    expect(parse("/elsewhere")).toBeUndefined();
  });

  it("days", () => {
    expect(daysOf("2026-06-30")).toEqual({ from: "2026-06-30", to: "2026-06-30" });
    expect(daysOf("2026-06-01..2026-06-30")).toEqual({ from: "2026-06-01", to: "2026-06-30" });
    expect([daysOf("all"), daysOf(""), daysOf("yesterday")]).toEqual([{}, {}, {}]);
  });
});

describe("the answer cache", () => {
  it("keeps what was used last, within its bound", () => {
    const cache = answerCache<number>(800);
    for (let i = 0; i < 20; i++) cache.set(`k${i}`, i, 97);
    expect(cache.get("k0")).toBeUndefined();
    expect(cache.get("k19")).toBe(19);
    expect(cache.get("k13")).toBe(13);
    cache.set("new", 1, 97);
    expect([cache.get("k13"), cache.get("k12")]).toEqual([13, undefined]);
    cache.set("huge", 1, 500);
    expect(cache.get("huge")).toBeUndefined();
    cache.clear();
    expect(cache.get("new")).toBeUndefined();
  });
});

describe("the shell", () => {
  it("puts any text in as text", () => {
    const html = shell(`<title>x</title>${headMarker}`, {
      title: "$& </title><script>",
      feed: '/a"b',
      ...(hardPapers[0] && { paper: hardPapers[0] }),
    });
    expect(html).toContain("<title>$&amp; &lt;/title&gt;&lt;script&gt; · Athanor</title>");
    expect(html).toContain('href="/a&quot;b"');
    expect(html).not.toContain("<script");
  });

  it("hosts", () => {
    expect([isOwnHost(undefined), isOwnHost("localhost"), isOwnHost("a.b", ["a.b"])]).toEqual([
      false,
      true,
      true,
    ]);
  });
});

describe("keywords and related papers", () => {
  it("come from the store until the thread is ready, and again after it ended", async () => {
    const store = await openStore(":memory:");
    await store.add(fixturePapers);
    const relations = createRelations(store);
    const [first] = await store.get(["2606.10400"]);
    if (first === undefined) throw new Error("no paper");
    const near = async (): Promise<string[]> =>
      (await relations.related(first, 5)).map(({ title }) => title.slice(0, 5));
    const robots = ["Robot", "Robot", "Robot", "Robot", "Robot"];
    expect([await near(), relations.keywords(first)]).toEqual([robots, []]);
    const before = relations.follow(await store.version());
    await relations.ready();
    expect(relations.follow(await store.version())).toBe(before + 1);
    expect([await near(), relations.keywords(first).length]).toEqual([robots, 10]);
    await relations.close();
    expect(await near()).toEqual(robots);
    await store.close();
  });
});

describe("searches in threads", () => {
  let folder: string;
  let store: PaperStore;
  let threaded: PapersServer;
  let plain: PapersServer;
  let assets: Awaited<ReturnType<typeof fixtureAssets>>;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "athanor-threads-"));
    const file = join(folder, "papers.db");
    store = await openStore(file);
    await store.add(fixturePapers);
    assets = await fixtureAssets();
    threaded = createPapersServer(store, { assets: assets.folder, file });
    plain = createPapersServer(store, { assets: assets.folder });
    await Promise.all([threaded.ready(), plain.ready()]);
  });

  afterAll(async () => {
    await Promise.all([threaded.close(), plain.close()]);
    await store.close();
    await assets.remove();
    await rm(folder, { recursive: true, force: true });
  });

  it.each([
    "query=robot",
    "query=%E6%89%A9%E6%95%A3",
    "query=",
    "query=cat%3Acs.CL&limit=3",
    "query=x&categories=%2B%2B%2B",
    "query=x&cursor=nonsense",
  ])("give what the server itself gives: %s", async (query) => {
    const ask = async (server: PapersServer): Promise<[number, string]> => {
      const answer = await server.fetch(
        new Request(`http://localhost/arxiv/search/json?${query}`, { headers: { host: "localhost" } }),
      );
      return [answer.status, await answer.text()];
    };
    expect(await ask(threaded)).toEqual(await ask(plain));
  });

  it("carry a load, and the load generator its bounds", async () => {
    const url = await threaded.listen();
    const result = await loadSearch(url, {
      seconds: 0.2,
      connections: 4,
      queries: ["robot", "codes", "diffusion"],
    });
    expect(result.requests).toBeGreaterThan(0);
    expect(result.p50).toBeLessThanOrEqual(result.p99);
    await expect(
      loadSearch("http://example.org", { seconds: 1, connections: 1, queries: ["x"] }),
    ).rejects.toThrow("loadSearch: url must name this machine, got example.org.");
    await expect(loadSearch(url, { seconds: 1000, connections: 1, queries: ["x"] })).rejects.toThrow(
      "seconds must be from 0.1 to 60, got 1000.",
    );
    await expect(loadSearch(url, { seconds: 0.1, connections: 1, queries: [] })).rejects.toThrow(
      "queries.length must be from 1",
    );
  });
});
