import * as fc from "fast-check";
import { XMLParser, XMLValidator } from "fast-xml-parser";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type PaperStore } from "../../src/papers/index.ts";
import { openStore } from "../../src/papers/node/index.ts";
import { createPapersServer, type PapersServer } from "../../src/server/papers.ts";
import { fixtureAssets, fixturePapers, paper } from "./fixture.ts";
import { portOf, rawRequest } from "./http.ts";

let store: PaperStore;
let server: PapersServer;
let url: string;
let assets: Awaited<ReturnType<typeof fixtureAssets>>;

beforeAll(async () => {
  store = await openStore(":memory:");
  await store.add(fixturePapers);
  assets = await fixtureAssets();
  server = createPapersServer(store, { assets: assets.folder, allowedHosts: ["Papers.Example"] });
  url = await server.listen();
  await server.ready();
});

afterAll(async () => {
  await server.close();
  await store.close();
  await assets.remove();
});

/** Parsed JSON of a path; what the tests read of it. */
interface Said {
  kind: string;
  total: number;
  from?: string;
  to?: string;
  error?: string;
  papers: {
    id: string;
    title: string;
    announced: string;
    categories: string[];
    keywords: string[];
    score?: number;
  }[];
  links: { page: string; json: string; feed: string; next?: string };
}

/** A feed as the XML parser gives it. */
interface Feed {
  readonly updated: string;
  readonly link: Record<string, string>[];
  readonly entry?: { id: string; updated: string; author: unknown; link: Record<string, string>[] }[];
}

async function ask(path: string): Promise<Said> {
  const answer = await fetch(url + path);
  expect(answer.headers.get("content-type")).toBe("application/json; charset=utf-8");
  const said: Said = await answer.json();
  return said;
}

const ids = (said: Said): string[] => said.papers.map(({ id }) => id);

describe("hosts and paths", () => {
  it.each(["127.0.0.1", "localhost", "LOCALHOST:1", "[::1]:8080", "papers.example"])(
    "answers Host %s",
    async (host) => {
      expect((await rawRequest(portOf(url), "/arxiv/json", [`Host: ${host}`])).status).toBe(200);
    },
  );

  it.each([
    "evil.example",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "127.0.0.2",
    "evil.example:80",
  ])("refuses Host %s", async (host) => {
    const answer = await rawRequest(portOf(url), "/arxiv/json", [`Host: ${host}`]);
    expect(answer.status).toBe(403);
    expect(answer.body).toContain("Host must name this machine");
  });

  it.each(["", " ", "localhost evil", "localhost/evil", "user@localhost", "\xff"])(
    "gives nothing to Host %j",
    async (host) => {
      expect([400, 403]).toContain((await rawRequest(portOf(url), "/arxiv/json", [`Host: ${host}`])).status);
    },
  );

  it.each([
    "/../secret.txt",
    "/assets/../../secret.txt",
    "/assets/..%2f..%2fsecret.txt",
    "/%2e%2e/secret.txt",
    "/..%5csecret.txt",
    "/.hidden",
    "/assets/%00",
    "//etc/passwd",
    "/etc/passwd",
    "/%ff%fe",
    "/assets/main-abc123.js/..%2f..%2f..%2fsecret.txt",
  ])("serves nothing outside its folder: %s", async (path) => {
    const answer = await rawRequest(portOf(url), path, ["Host: localhost"]);
    expect(answer.body).not.toContain("secret");
    expect(answer.body).not.toContain("root:");
    expect([400, 404]).toContain(answer.status);
  });

  it("refuses to listen on a foreign address", async () => {
    const other = createPapersServer(store, { assets: assets.folder });
    await expect(other.listen({ host: "0.0.0.0" })).rejects.toThrow(
      "listen: host must be one of 127.0.0.1, ::1, localhost, got 0.0.0.0. Use a tunnel (ssh -L) to read from another machine.",
    );
    await expect(other.listen({ port: portOf(url) })).rejects.toThrow(/must be free/);
    await other.close();
  });

  it("refuses other methods and unknown options", async () => {
    const answer = await fetch(`${url}/arxiv/json`, { method: "POST", body: "{}" });
    expect([answer.status, answer.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
    expect(() => createPapersServer(store, { asets: "x" } as object)).toThrow(
      'option "asets" is unknown. Did you mean assets?',
    );
  });
});

describe("headers", () => {
  it.each(["/", "/arxiv/json", "/arxiv/feed", "/assets/main-abc123.js", "/nowhere", "/overview/json"])(
    "are safe on %s",
    async (path) => {
      const answer = await fetch(url + path);
      const policy = answer.headers.get("content-security-policy") ?? "";
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("script-src 'self';");
      expect(policy).not.toMatch(/unsafe|https?:|\*/);
      expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
      expect(answer.headers.get("access-control-allow-origin")).toBeNull();
      expect(answer.headers.get("set-cookie")).toBeNull();
    },
  );

  it.each(["/", "/arxiv/json", "/arxiv/feed", "/assets/main-abc123.js"])(
    "%s is sent once and then confirmed",
    async (path) => {
      const first = await fetch(url + path);
      const etag = first.headers.get("etag") ?? "";
      expect(etag).toMatch(/^".+"$/);
      await first.arrayBuffer();
      const second = await fetch(url + path, { headers: { "if-none-match": `"other", W/${etag}` } });
      expect([second.status, await second.text()]).toEqual([304, ""]);
      const third = await fetch(url + path, { headers: { "if-none-match": '"other"' } });
      expect(third.status).toBe(200);
      await third.arrayBuffer();
    },
  );

  it("hashed files are kept for ever and compressed, the page is not kept", async () => {
    const asset = await rawRequest(portOf(url), "/assets/main-abc123.js", [
      "Host: localhost",
      "Accept-Encoding: gzip",
    ]);
    expect(asset.head).toMatch(/cache-control: public, max-age=31536000, immutable/i);
    expect(asset.head).toMatch(/content-encoding: gzip/i);
    expect(asset.body.length).toBeLessThan(1000);
    const plain = await rawRequest(portOf(url), "/assets/main-abc123.js", ["Host: localhost"]);
    expect(plain.head).not.toMatch(/content-encoding/i);
    expect((await fetch(url)).headers.get("cache-control")).toBe("no-cache");
  });

  it("HEAD gives headers only", async () => {
    const answer = await fetch(`${url}/arxiv/feed`, { method: "HEAD" });
    expect([answer.status, await answer.text()]).toEqual([200, ""]);
  });
});

describe("JSON", () => {
  it("the latest day by default, other days by name", async () => {
    const latest = await ask("/arxiv/json");
    expect([latest.kind, latest.from, latest.to, latest.total]).toEqual([
      "list",
      "2026-06-30",
      "2026-06-30",
      19,
    ]);
    expect(new Set(latest.papers.map(({ announced }) => announced))).toEqual(new Set(["2026-06-30"]));
    expect((await ask("/arxiv/json?date=2026-06-28")).total).toBe(15);
    expect((await ask("/arxiv/json?date=2026-06-28..2026-06-29")).total).toBe(31);
    expect((await ask("/arxiv/json?date=all")).total).toBe(fixturePapers.length);
    expect((await ask("/arxiv/json?date=1999-01-01")).total).toBe(0);
  });

  it("category expressions", async () => {
    const said = await ask("/arxiv/cs.CL+cs.CV/json");
    expect(
      said.papers.every(({ categories }) => categories.includes("cs.CL") || categories.includes("cs.CV")),
    ).toBe(true);
    expect(said.total).toBe(7);
    expect((await ask("/arxiv/cs.CL%2Bcs.CV/json")).total).toBe(7);
    expect((await ask("/arxiv/cs.CL,cs.CV/json")).total).toBe(7);
    expect((await ask("/arxiv/cs-cs.LG/json")).total).toBe(3);
  });

  it("papers by identifier in every form, in the order asked for", async () => {
    expect(ids(await ask("/arxiv/2606.10001v3,2606.10000/json"))).toEqual(["2606.10001", "2606.10000"]);
    expect(ids(await ask(`/papers/${encodeURIComponent("venue/2025?x=1&y=2")}/json`))).toEqual([
      "venue/2025?x=1&y=2",
    ]);
    const missing = await fetch(`${url}/arxiv/1234.56789/json`);
    expect([missing.status, await missing.json()]).toEqual([
      404,
      { error: "papers: none of these is in the collection." },
    ]);
  });

  it("searches, pages without gaps, and limits", async () => {
    const all = await ask("/arxiv/search/json?query=robot+grasping&limit=100");
    expect(all.total).toBe(9);
    const first = await ask("/arxiv/search/json?query=robot+grasping&limit=4");
    const second = await ask(first.links.next ?? "");
    const third = await ask(second.links.next ?? "");
    expect([...ids(first), ...ids(second), ...ids(third)]).toEqual(ids(all));
    expect(third.links.next).toBeUndefined();
    expect((await ask("/arxiv/search/json?query=robot&categories=cs.CL")).total).toBe(0);
    expect((await ask("/arxiv/search/json?query=robot&date=2026-06-28")).total).toBe(3);
    expect(ids(await ask("/arxiv/search/json?query=robot+grasping&sort=newest&limit=1"))).toEqual([
      "2606.12402",
    ]);
  });

  it("related papers are near and not the paper itself", async () => {
    const said = await ask("/arxiv/2606.10000/related/json?limit=8");
    expect(said.papers).toHaveLength(8);
    expect(ids(said)).not.toContain("2606.10000");
    expect(said.papers.every(({ title }) => title.startsWith("Rotary"))).toBe(true);
  });

  it("papers carry keywords once they are known", async () => {
    const said = await ask("/arxiv/2606.10400/json");
    expect(said.papers[0]?.keywords).toEqual(expect.arrayContaining(["grasping", "robot", "tactile"]));
  });

  it("venues and the overview", async () => {
    expect(ids(await ask("/venue/testconf%202025/json"))).toEqual(["venue/2025?x=1&y=2"]);
    expect((await ask("/venue/latest/json")).total).toBe(fixturePapers.length);
    const answer = await fetch(`${url}/overview/json?categories=cs.RO`);
    const overview: { papers: number; days: { value: string; count: number }[] } = await answer.json();
    expect(overview.papers).toBe(fixturePapers.length);
    expect(overview.days).toEqual(
      ["2026-06-30", "2026-06-29", "2026-06-28"].map((value) => ({ value, count: 3 })),
    );
  });

  it("a store that changes is shown changed", async () => {
    const before = (await ask("/arxiv/search/json?query=xylophone")).total;
    await store.add([paper({ id: "2606.77777", title: "Xylophone" })]);
    expect([before, (await ask("/arxiv/search/json?query=xylophone")).total]).toEqual([0, 1]);
    await store.remove(["2606.77777"]);
    expect((await ask("/arxiv/search/json?query=xylophone")).total).toBe(0);
  });
});

describe("feeds", () => {
  const parser = new XMLParser({
    ignoreAttributes: false,
    isArray: (name) => ["entry", "author", "link", "category"].includes(name),
  });

  it.each([
    "/arxiv/feed",
    "/arxiv/cs.CL+cs.CR/feed",
    "/arxiv/search/feed?query=%3Cscript%3E+%26+%00+harmless",
    "/venue/latest/feed",
    "/arxiv/2606.90001/feed",
    "/arxiv/2606.10000/related/feed",
    "/arxiv/search/feed?query=nothingatall",
  ])("%s is Atom", async (path) => {
    const answer = await fetch(url + path);
    expect(answer.headers.get("content-type")).toBe("application/atom+xml; charset=utf-8");
    const text = await answer.text();
    expect(XMLValidator.validate(text)).toBe(true);
    const { feed }: { feed: Feed } = parser.parse(text);
    const date = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;
    expect(feed).toMatchObject({
      "@_xmlns": "http://www.w3.org/2005/Atom",
      title: expect.anything(),
      id: expect.stringMatching(/^tag:/),
    });
    expect(feed.updated).toMatch(date);
    expect(feed.link.map((link) => link["@_rel"])).toEqual(["self", "alternate"]);
    const entries = feed.entry ?? [];
    expect(new Set(entries.map(({ id }) => id)).size).toBe(entries.length);
    for (const entry of entries) {
      expect(entry.updated).toMatch(date);
      expect(entry.author).toBeDefined();
      expect(entry.link[0]?.["@_href"]).toMatch(/^https?:\/\//);
    }
  });

  it.each([
    "/arxiv",
    "/arxiv/cs.RO",
    "/arxiv/cs.RO?date=2026-06-29",
    "/arxiv/cs.RO-cs.CL?date=all",
    "/arxiv/2606.10000",
    "/arxiv/2606.10000,2606.90001",
    "/papers/2606.10000",
    "/arxiv/2606.10000/related",
    "/arxiv/search?query=robot",
    "/arxiv/search?query=robot&categories=cs.RO&date=2026-06-28",
    "/venue/latest",
  ])("the list at %j is a page, JSON and Atom", async (address) => {
    const [path = "", query] = address.split("?");
    const get = (form: string) => fetch(`${url}${path}${form}${query === undefined ? "" : `?${query}`}`);
    const page = await get("");
    expect(page.headers.get("content-type")).toMatch(/^text\/html/);
    const json = await get("/json");
    expect(json.headers.get("content-type")).toMatch(/^application\/json/);
    const said = (await json.json()) as Said;
    expect(said.papers.length).toBeGreaterThan(0);
    const feed = await get("/feed");
    expect(feed.headers.get("content-type")).toMatch(/^application\/atom\+xml/);
    const atom = await feed.text();
    // A feed without a date is of all days; it holds at least what the list shows first.
    for (const { id } of said.papers.slice(0, 3)) expect(atom).toContain(id);
    expect(await page.text()).toContain('type="application/atom+xml"');
  });

  it("the first page is that of all categories, and names its feed", async () => {
    const page = await (await fetch(`${url}/`)).text();
    expect(page).toMatch(/<link[^>]+application\/atom\+xml[^>]+href="[^"]*\/arxiv\/feed"/);
  });

  it("fields are text, never markup", async () => {
    const text = await (await fetch(`${url}/arxiv/2606.90001/feed`)).text();
    expect(text).toContain("&lt;script&gt;");
    expect(text).not.toMatch(/<script|<img|href="javascript/);
  });

  it("a list without a date feeds the newest papers of all days", async () => {
    const text = await (await fetch(`${url}/arxiv/cs.RO/feed`)).text();
    expect(text.match(/<entry>/g)).toHaveLength(9);
  });
});

describe("the page", () => {
  it("names its feed and, for one paper, what reference managers read", async () => {
    const list = await (await fetch(`${url}/arxiv/cs.CL?date=2026-06-30`)).text();
    expect(list).toContain("<title>cs.CL, 2026-06-30 · Athanor</title>");
    expect(list).toContain(
      'type="application/atom+xml" title="cs.CL, 2026-06-30" href="/arxiv/cs.CL/feed?date=2026-06-30"',
    );
    const single = await (await fetch(`${url}/arxiv/2606.90001`)).text();
    expect(single).toContain('<meta name="citation_author" content="Mallory O&#39;Neil">');
    expect(single).not.toMatch(/<script|<img|content="javascript/);
    expect((await fetch(`${url}/arxiv/1234.56789`)).status).toBe(404);
    expect((await fetch(`${url}/starred`)).status).toBe(200);
    expect((await fetch(`${url}/no/such/page`)).status).toBe(404);
  });
});

describe("any bytes", () => {
  it("a query of a megabyte, plain and escaped", async () => {
    for (const query of ["word ".repeat(200_000), "%22".repeat(300_000), "%E4%B8%AD".repeat(100_000)]) {
      const answer = await rawRequest(portOf(url), `/arxiv/search/json?query=${query.replaceAll(" ", "+")}`, [
        "Host: localhost",
      ]);
      expect(answer.status).toBe(200);
    }
  });

  it("any text is a query, any path is answered", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "binary", maxLength: 60 }), async (text) => {
        const query = encodeURIComponent(text.toWellFormed());
        for (const form of ["json", "feed"]) {
          const answer = await server.fetch(
            new Request(`http://localhost/arxiv/search/${form}?query=${query}`, {
              headers: { host: "localhost" },
            }),
          );
          expect(answer.status).toBe(200);
        }
        for (const place of [
          `/arxiv/${query}/json`,
          `/papers/${query}/feed`,
          `/venue/${query}/json`,
          `/arxiv/json?date=${query}&cursor=${query}&limit=${query}&sort=${query}`,
        ]) {
          const answer = await server.fetch(
            new Request(`http://localhost${place}`, { headers: { host: "localhost" } }),
          );
          expect([200, 400, 404]).toContain(answer.status);
        }
      }),
      { numRuns: 60, seed: 11 },
    );
  });

  it("bytes that are no HTTP are refused, and the server goes on", async () => {
    const answer = await rawRequest(portOf(url), "/arxiv/search/json?query=\xff\xfe", ["Host: localhost"]);
    expect([200, 400]).toContain(answer.status);
    expect((await ask("/arxiv/search/json?query=robot")).total).toBe(9);
  });

  it.each(["%", "%FF%00%80", "%E0%A4%A", "+&query=x&&=", "query=%u0041"])(
    "a query written %j",
    async (text) => {
      expect(
        (await rawRequest(portOf(url), `/arxiv/search/json?query=${text}`, ["Host: localhost"])).status,
      ).toBe(200);
    },
  );
});
