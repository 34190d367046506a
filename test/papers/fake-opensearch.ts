// A local server that plays the part of OpenSearch for the requests our store makes, written from its public
// reference, not recorded from a real server. Whatever it does not know it refuses with 400, so that the store
// cannot come to lean on something invented here.
/* oxlint-disable typescript/no-explicit-any, typescript/no-unsafe-type-assertion, typescript/no-unnecessary-type-assertion --
   every body is JSON from the client; a field that is not there is a test that fails */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

type Json = Record<string, any>;

/** An answer that replaces the server's own for one request. */
export interface Fault {
  readonly status: number;
  readonly body?: Json;
  readonly headers?: Record<string, string>;
}

/** A running fake. */
export interface FakeServer {
  readonly url: string;
  /** Requests as `METHOD /path`. */
  readonly log: string[];
  /** Bodies of the requests, parsed; lists for bulk requests. */
  readonly bodies: unknown[];
  /** Answers for the next requests, before the server's own. */
  readonly faults: (Fault | undefined)[];
  close(): Promise<void>;
}

interface Index {
  readonly properties: Json;
  /** `k1` and `b` by name. */
  readonly similarities: Json;
  readonly docs: Map<string, Json>;
  writes: number;
  deletes: number;
}

class Refused extends Error {}

/** Starts a fake on a free port of this machine. */
export async function fakeOpenSearch(): Promise<FakeServer> {
  const indices = new Map<string, Index>();
  const log: string[] = [];
  const bodies: unknown[] = [];
  const faults: (Fault | undefined)[] = [];
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const path = new URL(request.url ?? "", "http://x").pathname;
      const text = Buffer.concat(chunks).toString();
      log.push(`${request.method} ${path}`);
      let answer: Fault;
      try {
        const body: unknown = path.endsWith("_bulk")
          ? text
              .trim()
              .split("\n")
              .map((line): unknown => JSON.parse(line))
          : text === ""
            ? {}
            : JSON.parse(text);
        bodies.push(body);
        answer = faults.shift() ?? {
          status: 200,
          body: route(indices, request.method ?? "", path, body as Json),
        };
      } catch (error) {
        const missing = error instanceof Refused && error.message === "index_not_found_exception";
        answer = {
          status: missing ? 404 : 400,
          body: { error: { type: "parsing_exception", reason: String(error) } },
        };
      }
      response.writeHead(answer.status, { "content-type": "application/json", ...answer.headers });
      response.end(request.method === "HEAD" ? "" : JSON.stringify(answer.body ?? {}));
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    log,
    bodies,
    faults,
    close: () => {
      server.closeAllConnections();
      return new Promise((done) => server.close(() => done()));
    },
  };
}

function route(indices: Map<string, Index>, method: string, path: string, body: any): Json {
  if (path === "/_bulk" && method === "POST") return bulk(indices, body);
  const [, name = "", action = "", detail] = path.split("/");
  const index = indices.get(name);
  if (method === "PUT" && action === "") return create(indices, name, body);
  if (!index) throw new Refused("index_not_found_exception");
  if (method === "HEAD" && action === "") return {};
  if (action === "_mapping" && method === "GET")
    return { [name]: { mappings: { properties: index.properties } } };
  if (action === "_mapping" && method === "POST") {
    Object.assign(index.properties, body["properties"]);
    return { acknowledged: true };
  }
  if (action === "_mget") return mget(index, body);
  if (action === "_search" && method === "POST") return search(index, body);
  if (action === "_stats" && detail === "indexing")
    return { _all: { primaries: { indexing: { index_total: index.writes, delete_total: index.deletes } } } };
  throw new Refused(`no handler for ${method} ${path}`);
}

function create(indices: Map<string, Index>, name: string, body: Json): Json {
  if (indices.has(name)) throw new Refused("resource_already_exists_exception");
  const { similarity, analysis } = body["settings"].index;
  for (const { type } of Object.values<Json>(similarity))
    if (type !== "BM25") throw new Refused(`unknown similarity ${type}`);
  if (body["mappings"].dynamic !== "strict") throw new Refused("the fake knows strict mappings only");
  const properties: Json = body["mappings"].properties;
  for (const property of Object.values<Json>(properties)) {
    if (!["text", "keyword", "long", "object"].includes(property["type"]))
      throw new Refused(`no handler for type ${property["type"]}`);
    if (
      property["type"] === "text" &&
      (!(property["similarity"] in similarity) ||
        analysis.analyzer[property["analyzer"]]?.tokenizer !== "whitespace")
    )
      throw new Refused("the fake knows whitespace terms under the index's similarity only");
  }
  indices.set(name, { properties, similarities: similarity, docs: new Map(), writes: 0, deletes: 0 });
  return { acknowledged: true, index: name };
}

function bulk(indices: Map<string, Index>, lines: Json[]): Json {
  const items: Json[] = [];
  for (let i = 0; i < lines.length; i++) {
    const [[action, { _index, _id }]] = Object.entries<Json>(lines[i] ?? {}) as [[string, Json]];
    const index = indices.get(_index);
    if (!index) throw new Refused("index_not_found_exception");
    if (action === "index") {
      const doc = lines[++i] ?? {};
      const unknown = Object.keys(doc).find((field) => !(field in index.properties));
      if (unknown !== undefined) {
        items.push({
          index: { _id, status: 400, error: { type: "strict_dynamic_mapping_exception", reason: unknown } },
        });
        continue;
      }
      index.docs.set(_id, doc);
      index.writes++;
      items.push({ index: { _id, status: 201 } });
    } else if (action === "delete") {
      index.deletes++;
      items.push({ delete: { _id, status: index.docs.delete(_id) ? 200 : 404 } });
    } else throw new Refused(`no handler for ${action}`);
  }
  return { errors: items.some((item) => Object.values<Json>(item)[0]?.["status"] >= 400), items };
}

function mget(index: Index, { ids }: Json): Json {
  return {
    docs: (ids as string[]).map((id) => ({
      _id: id,
      found: index.docs.has(id),
      _source: index.docs.get(id),
    })),
  };
}

/** `undefined` is no match; a number is a match with that score. */
type Scorer = (id: string) => number | undefined;

function termsOf(doc: Json, field: string): string[] {
  const value: unknown = doc[field];
  const texts = Array.isArray(value) ? value : [value];
  return texts.flatMap((text) =>
    String(text)
      .split(/\s+/)
      .filter((t) => t !== ""),
  );
}

function compile(index: Index, clause: Json): Scorer {
  const [kind, ...others] = Object.keys(clause);
  if (kind === undefined || others.length > 0)
    throw new Refused(`a clause must have one key, got ${JSON.stringify(clause)}`);
  const body: Json = clause[kind];
  const docOf = (id: string): Json => index.docs.get(id) ?? {};
  const field = Object.keys(body)[0] ?? "";
  const type: string | undefined = index.properties[field]?.type;
  switch (kind) {
    case "bool":
      return compileBool(index, body);
    case "constant_score": {
      const inner = compile(index, body["filter"]);
      return (id) => (inner(id) === undefined ? undefined : (body["boost"] ?? 1));
    }
    case "term": {
      const { value, boost = 1 } = body[field];
      if (type === "text") return bm25(index, field, (term) => term === value, boost);
      return (id) => ([docOf(id)[field]].flat().includes(value) ? boost : undefined);
    }
    case "terms": {
      const wanted = new Set<unknown>(body[field]);
      if (type === "text")
        return (id) => (termsOf(docOf(id), field).some((v) => wanted.has(v)) ? 1 : undefined);
      return (id) => ([docOf(id)[field]].flat().some((v) => wanted.has(v)) ? 1 : undefined);
    }
    case "prefix": {
      const { value, boost = 1 } = body[field];
      const own = (id: string): string[] =>
        type === "keyword" ? ([docOf(id)[field]].flat() as string[]) : termsOf(docOf(id), field);
      return (id) => (own(id).some((term) => term.startsWith(value)) ? boost : undefined);
    }
    case "range": {
      const { gte = "", lte = "\uffff", gt } = body[field];
      return (id) => {
        const v = String(docOf(id)[field]);
        return v >= gte && v <= lte && (gt === undefined || v > gt) ? 1 : undefined;
      };
    }
    case "match_phrase":
    case "match_phrase_prefix": {
      const words = String(body[field].query).split(" ");
      const texts = (doc: Json) => [doc[field]].flat().map((text) => String(text).split(" "));
      const fits = (own: string[], at: number) =>
        words.every((word, i) =>
          kind === "match_phrase_prefix" && i === words.length - 1
            ? own[at + i]?.startsWith(word)
            : own[at + i] === word,
        );
      return (id) => (texts(docOf(id)).some((own) => own.some((_, at) => fits(own, at))) ? 1 : undefined);
    }
    default:
      throw new Refused(`no handler for [${kind}]`);
  }
}

function compileBool(index: Index, body: Json): Scorer {
  for (const key of Object.keys(body))
    if (!["filter", "must_not", "should", "minimum_should_match"].includes(key))
      throw new Refused(`bool does not support ${key}`);
  const all = (name: string) => ((body[name] ?? []) as Json[]).map((clause) => compile(index, clause));
  const [filters, excluded, optional] = [all("filter"), all("must_not"), all("should")];
  const least: number = body["minimum_should_match"] ?? (filters.length === 0 && optional.length > 0 ? 1 : 0);
  return (id) => {
    if (filters.some((f) => f(id) === undefined) || excluded.some((f) => f(id) !== undefined))
      return undefined;
    const scores = optional.map((f) => f(id)).filter((s) => s !== undefined);
    return scores.length < least ? undefined : scores.reduce((a, c) => a + c, 0);
  };
}

function bm25(
  { docs, properties, similarities }: Index,
  field: string,
  wanted: (term: string) => boolean,
  boost: number,
): Scorer {
  const { k1, b } = similarities[properties[field]["similarity"]];
  const lengths = new Map([...docs].map(([id, doc]) => [id, termsOf(doc, field).length]));
  const counts = new Map([...docs].map(([id, doc]) => [id, termsOf(doc, field).filter(wanted).length]));
  const df = [...counts.values()].filter((n) => n > 0).length;
  const average = [...lengths.values()].reduce((a, c) => a + c, 0) / Math.max(1, docs.size);
  const idf = Math.log(1 + (docs.size - df + 0.5) / (df + 0.5));
  return (id) => {
    const f = counts.get(id) ?? 0;
    return f === 0
      ? undefined
      : (boost * idf * f * (k1 + 1)) / (f + k1 * (1 - b + (b * (lengths.get(id) ?? 0)) / average));
  };
}

const compare = (x: unknown, y: unknown) => (x === y ? 0 : (x as string) < (y as string) ? -1 : 1);

function search(index: Index, body: Json): Json {
  const known = [
    "query",
    "sort",
    "size",
    "track_total_hits",
    "track_scores",
    "_source",
    "search_after",
    "aggs",
  ];
  for (const key of Object.keys(body)) if (!known.includes(key)) throw new Refused(`unknown key ${key}`);
  const scorer: Scorer = body["query"] ? compile(index, body["query"]) : () => 1;
  const orders = ((body["sort"] ?? [{ _score: "desc" }]) as Json[]).map(
    (order) => Object.entries<string>(order)[0] ?? ["_score", "desc"],
  );
  const after: unknown[] | undefined = body["search_after"];
  if (after && after.length !== orders.length)
    throw new Refused("search_after must have as many values as sort");
  const before = (x: readonly unknown[], y: readonly unknown[]) => {
    for (const [i, [, direction]] of orders.entries()) {
      const c = compare(x[i], y[i]);
      if (c !== 0) return direction === "desc" ? -c : c;
    }
    return 0;
  };
  const matched = [...index.docs].flatMap(([id, doc]) => {
    const score = scorer(id);
    if (score === undefined) return [];
    return [
      {
        _id: id,
        _score: score,
        _source: doc,
        sort: orders.map(([field = ""]) => (field === "_score" ? score : (doc[field] as unknown))),
      },
    ];
  });
  matched.sort((x, y) => before(x.sort, y.sort));
  const start = after ? matched.filter(({ sort }) => before(sort, after) > 0) : matched;
  return {
    hits: { total: { value: matched.length, relation: "eq" }, hits: start.slice(0, body["size"] ?? 10) },
    aggregations: Object.fromEntries(
      Object.entries<Json>(body["aggs"] ?? {}).map(([name, agg]) => [
        name,
        aggregate(
          index,
          matched.map(({ _source }) => _source),
          agg,
        ),
      ]),
    ),
  };
}

function aggregate(index: Index, docs: readonly Json[], agg: Json): Json {
  if (agg["filters"]) {
    const buckets = (agg["filters"].filters as Json[]).map((clause) => {
      const fits = compile(index, clause);
      return { doc_count: docs.filter((doc) => fits(doc["id"]) !== undefined).length };
    });
    return { buckets };
  }
  if (!agg["terms"]) throw new Refused(`no handler for ${JSON.stringify(agg)}`);
  const { field, size, order } = agg["terms"];
  if (index.properties[field]?.type !== "keyword")
    throw new Refused(`terms aggregation needs a keyword, got ${field}`);
  const counts = new Map<string, number>();
  for (const doc of docs)
    for (const value of new Set<string>([doc[field]].flat())) counts.set(value, (counts.get(value) ?? 0) + 1);
  const byKey = order?.["_key"] === "desc";
  const buckets = [...counts].sort(([k, n], [l, m]) => (byKey ? compare(l, k) : m - n || compare(k, l)));
  return { buckets: buckets.slice(0, size).map(([key, doc_count]) => ({ key, doc_count })) };
}
