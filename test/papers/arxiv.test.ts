// arXiv's two services, played by a local server that misbehaves.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { constant } from "../../src/net/index.ts";
import { type Batch, harvestOai, queryArxiv } from "../../src/papers/index.ts";
import { importPapers, openStore } from "../../src/papers/node/index.ts";

type Play = (request: IncomingMessage, response: ServerResponse, url: URL) => void;

let server: Server;
let base = "";
let plays: Play[] = [];
let requests: URL[] = [];
let times: number[] = [];

beforeEach(async () => {
  plays = [];
  requests = [];
  times = [];
  server = createServer((request, response) => {
    const url = new URL(request.url ?? "", "http://local");
    requests.push(url);
    times.push(Date.now());
    const play = plays.shift();
    if (play) play(request, response, url);
    else response.writeHead(404).end();
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api`; // oxlint-disable-line no-unsafe-type-assertion
});
afterEach(() => {
  server.closeAllConnections();
  return new Promise((done) => server.close(done));
});

const say =
  (body: string): Play =>
  (_, response) =>
    void response.end(body);
const status =
  (code: number, headers = {}): Play =>
  (_, response) =>
    void response.writeHead(code, headers).end("busy");
const truncated =
  (body: string): Play =>
  (_, response) => {
    response.writeHead(200, { "content-length": body.length });
    response.write(body.slice(0, body.length / 2), () => response.destroy());
  };
const never: Play = () => undefined;

const entry = (
  n: number,
) => `<entry><id>http://arxiv.org/abs/2401.${String(n).padStart(5, "0")}v2</id><published>2024-01-0${1 + (n % 9)}T12:00:00Z</published>
  <title>Title ${n}\n  of &lt;b&gt; Erd\\H{o}s &amp; Gr&#246;bner</title><summary> Abstract ${n} </summary><author><name>A. One</name></author><author><name>B. Two</name></author>
  <arxiv:primary_category term="cs.SY"/><category term="cs.LG"/><category term="eess.SY"/></entry>`;
const feed = (from: number, count: number, total: number) => `<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/">
<opensearch:totalResults>${total}</opensearch:totalResults>${Array.from({ length: count }, (_, i) => entry(from + i)).join("")}</feed>`;

const options = () => ({ base, interval: 0, timeout: 30_000, retry: { retries: 3, delay: constant(1) } });

async function all(batches: AsyncIterable<Batch>): Promise<Batch[]> {
  const list: Batch[] = [];
  for await (const batch of batches) list.push(batch);
  return list;
}
const idsOf = (batches: readonly Batch[]) =>
  batches.flatMap(({ items }) =>
    items.map((item) =>
      "paper" in item ? item.paper.id : "removed" in item ? `-${item.removed}` : item.problem.message,
    ),
  );

describe("queryArxiv", () => {
  it("reads pages until the total, and normalises", async () => {
    plays = [say(feed(1, 200, 250)), say(feed(201, 50, 250))];
    const batches = await all(queryArxiv("cat:cs.CL AND ti:x", 1000, "0", options()));
    expect(idsOf(batches)).toHaveLength(250);
    expect(
      requests.map((url) => [
        url.searchParams.get("search_query"),
        url.searchParams.get("start"),
        url.searchParams.get("max_results"),
      ]),
    ).toEqual([
      ["cat:cs.CL AND ti:x", "0", "200"],
      ["cat:cs.CL AND ti:x", "200", "200"],
    ]);
    expect(batches.map(({ next, total }) => [next, total])).toEqual([
      ["200", 250],
      [undefined, 250],
    ]);
    expect(batches[0]?.items[0]).toEqual({
      paper: {
        id: "2401.00001",
        title: "Title 1 of <b> Erdős & Gröbner",
        authors: ["A. One", "B. Two"],
        abstract: "Abstract 1",
        categories: ["eess.SY", "cs.LG"],
        venue: "arXiv",
        year: 2024,
        announced: "2024-01-02",
        url: "https://arxiv.org/abs/2401.00001",
        stars: 0,
      },
    });
  });
  it("asks for no more than wanted, from where it is told", async () => {
    plays = [say(feed(31, 10, 250))];
    expect(idsOf(await all(queryArxiv("x", 40, "30", options())))).toHaveLength(10);
    expect(requests[0]?.searchParams.get("max_results")).toBe("10");
  });
  it("asks again after a truncated, malformed, empty, slow, 429 or 503 answer", async () => {
    const good = feed(1, 2, 2);
    for (const bad of [
      truncated(good),
      say(good.slice(0, 900)),
      say("<html>oops"),
      say(feed(1, 0, 2)),
      never,
      status(429, { "retry-after": "0" }),
      status(503),
    ]) {
      plays = [bad, say(good)];
      requests = [];
      const patience = bad === never ? { timeout: 1500 } : {};
      expect(idsOf(await all(queryArxiv("x", 10, "0", { ...options(), ...patience })))).toEqual([
        "2401.00001",
        "2401.00002",
      ]);
      expect(requests).toHaveLength(2);
    }
  });
  it("gives up with the last error and the earlier ones, and does not repeat what is refused", async () => {
    plays = [status(503), status(500), status(502), status(503)];
    await expect(all(queryArxiv("x", 10, "0", options()))).rejects.toMatchObject({
      status: 503,
      earlier: [{ status: 503 }, { status: 500 }, { status: 502 }],
    });
    plays = [status(400)];
    requests = [];
    await expect(all(queryArxiv("x", 10, "0", options()))).rejects.toMatchObject({ status: 400 });
    plays = [
      say(
        `<feed><entry><id>http://arxiv.org/api/errors#bad</id><summary>incorrect query</summary></entry></feed>`,
      ),
    ];
    await expect(all(queryArxiv("x", 10, "0", options()))).rejects.toThrow(
      "arXiv query: the service refused the query: incorrect query",
    );
    expect(requests).toHaveLength(2);
  });
  it("keeps the interval between the end of one request and the next", async () => {
    plays = [say(feed(1, 200, 401)), status(503), say(feed(201, 200, 401)), say(feed(401, 1, 401))];
    await all(queryArxiv("x", 1000, "0", { ...options(), interval: 60 }));
    const gaps = times.slice(1).map((t, i) => t - (times[i] ?? 0));
    expect(gaps).toHaveLength(3);
    for (const gap of gaps) expect(gap).toBeGreaterThanOrEqual(58);
  });
  it("stops when aborted", async () => {
    const control = new AbortController();
    plays = [() => control.abort(new Error("enough"))];
    await expect(all(queryArxiv("x", 10, "0", { ...options(), signal: control.signal }))).rejects.toThrow(
      "enough",
    );
    expect(requests).toHaveLength(1);
  });
  it("lets an import that failed half way go on from the page it lacked", async () => {
    plays = [say(feed(1, 200, 250)), status(400), say(feed(201, 50, 250))];
    const store = await openStore(":memory:");
    const seen: (string | undefined)[] = [];
    const source = {
      name: "q",
      read: (from?: string) => (seen.push(from), queryArxiv("x", 1000, from, options())),
    };
    const progress = `${process.env["TMPDIR"] ?? "/tmp"}/papers-progress-${process.pid}.json`;
    await expect(importPapers(store, source, { progress })).rejects.toThrow("got 400");
    expect(await store.count()).toBe(200);
    expect(await importPapers(store, source, { progress })).toMatchObject({ added: 50, resumed: true });
    expect(seen).toEqual([undefined, "200"]);
    await store.close();
  });
});

const record = (
  n: number,
) => `<record><header><identifier>oai:arXiv.org:2401.${String(n).padStart(5, "0")}</identifier><datestamp>2026-01-01</datestamp></header>
  <metadata><arXiv xmlns="http://arxiv.org/OAI/arXiv/"><id>2401.${String(n).padStart(5, "0")}</id><created>2024-01-05</created><authors><author><keyname>L\\'evy</keyname><forenames>Paul</forenames><suffix>Jr</suffix></author></authors>
  <title>Record ${n}</title><categories>cs.IT math.IT</categories><abstract>  Text. </abstract></arXiv></metadata></record>`;
const deleted = `<record><header status="deleted"><identifier>oai:arXiv.org:2401.00002</identifier></header></record>`;
const list = (records: string, token?: string) =>
  `<?xml version="1.0"?><OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><ListRecords>${records}${token === undefined ? "" : `<resumptionToken cursor="0" completeListSize="3">${token}</resumptionToken>`}</ListRecords></OAI-PMH>`;
const failure = (code: string) => `<OAI-PMH><error code="${code}">no</error></OAI-PMH>`;

describe("harvestOai", () => {
  it("follows resumption tokens, and hears of deletions", async () => {
    plays = [say(list(record(1) + record(2), "a b|2")), say(list(record(3) + deleted, ""))];
    const batches = await all(harvestOai({ set: "cs", from: "2026-01-01" }, "", options()));
    expect(idsOf(batches)).toEqual(["2401.00001", "2401.00002", "2401.00003", "-2401.00002"]);
    expect(requests.map((url) => Object.fromEntries(url.searchParams))).toEqual([
      { verb: "ListRecords", metadataPrefix: "arXiv", set: "cs", from: "2026-01-01" },
      { verb: "ListRecords", resumptionToken: "a b|2" },
    ]);
    expect(batches[0]).toMatchObject({ next: "a b|2", total: 3 });
    expect(batches[0]?.items[0]).toMatchObject({
      paper: { authors: ["Paul Lévy Jr"], categories: ["cs.IT"], announced: "2024-01-05", abstract: "Text." },
    });
    const store = await openStore(":memory:");
    plays = [say(list(record(1) + record(2), "t")), say(list(deleted))];
    expect(
      await importPapers(store, { name: "oai", read: (from) => harvestOai({}, from, options()) }),
    ).toMatchObject({ added: 2, removed: 1 });
    await store.close();
  });
  it("obeys 503 with Retry-After, goes on from a token, and starts again when it has expired", async () => {
    plays = [status(503, { "retry-after": "1" }), say(list(record(3)))];
    const start = Date.now();
    expect(idsOf(await all(harvestOai({}, "old", options())))).toEqual(["2401.00003"]);
    expect(Date.now() - start).toBeGreaterThanOrEqual(990);
    plays = [say(failure("badResumptionToken")), say(list(record(1), "new")), say(list(record(2)))];
    requests = [];
    expect(idsOf(await all(harvestOai({ set: "cs" }, "old", options())))).toEqual([
      "2401.00001",
      "2401.00002",
    ]);
    expect(requests.map((url) => url.searchParams.get("resumptionToken"))).toEqual(["old", null, "new"]);
  });
  it("knows an empty list from an error", async () => {
    plays = [say(failure("noRecordsMatch"))];
    expect(idsOf(await all(harvestOai({}, "", options())))).toEqual([]);
    plays = [say(failure("badArgument"))];
    await expect(all(harvestOai({}, "", options()))).rejects.toThrow(
      "OAI-PMH: the repository answered badArgument: no",
    );
  });
});
