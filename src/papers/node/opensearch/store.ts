// The store beyond one machine: an OpenSearch index, through the official client.
import type { Client } from "@opensearch-project/opensearch";
import { BackendError, checkOptions, OptionError } from "../../../errors.ts";
import { retry, type RetryOptions } from "../../../net/retry.ts";
import { check, checkFilter, writeCursor } from "../../ask.ts";
import { normaliseId } from "../../identifier.ts";
import { mark } from "../../marks.ts";
import type { Hit, Page, Paper, Query } from "../../paper.ts";
import { isEmptyQuery, parseQuery } from "../../query.ts";
import { mergeAll, mergePapers, samePaper } from "../../record.ts";
import type { Added, Listing, PaperStore, Tally } from "../../store.ts";
import { textKey } from "../../tokens.ts";
import { aliasClauses, type Clause, filterClauses, searchClause, sortClause } from "./dsl.ts";
import { indexBody, keyOf, laterFields, laterSaid, toDocument } from "./mapping.ts";
import { bucketsOf, type Found, hasAt, hitsOf, type Json, numberAt, papersOf, textAt } from "./answers.ts";

/** How to reach an index. */
export interface SearchStoreOptions {
  /** Name of the index; default `papers`. It is created if it does not exist. */
  readonly index?: string;
  /** Into how many shards a new index is divided; default 1, which serves some ten million papers. */
  readonly shards?: number;
  /** How requests are retried; default four times, on network failures, 429 and 5xx. */
  readonly retry?: RetryOptions;
}

/** Documents of one bulk request. */
const bulkSize = 500;
/** Buckets of one aggregation: more than there are days or categories. */
const mostBuckets = 10_000;

/**
 * Opens an index of an OpenSearch server, `http://localhost:9200` say, with user and password in the address if
 * the server asks for them. Unlike the embedded store it adds paper by paper: an `add` that fails may have added
 * some; repeating it is safe. The words of removed and changed papers count in the statistics until the server has merged
 * them away, as Lucene does. A title's or abstract's single word (`title:graphs`) must stand as written.
 * @throws BackendError if the client package is missing or the server does not answer.
 */
export async function openSearchStore(node: string, options: SearchStoreOptions = {}): Promise<PaperStore> {
  checkOptions("openSearchStore", options, ["index", "shards", "retry"]);
  const { index = "papers", shards = 1 } = options;
  if (!Number.isInteger(shards) || shards < 1 || shards > 1024)
    throw new OptionError(`openSearchStore: shards must be an integer from 1 to 1024, got ${shards}.`);
  const client = await connect(node);
  const call = <T>(what: string, body: () => Promise<T>): Promise<T> =>
    retry(body, { shouldRetry: isTransientAnswer, ...options.retry }).catch((cause: unknown) => {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new BackendError(`openSearchStore: ${new URL(node).host} must ${what}, got ${why}.`, { cause });
    });
  await call("create or know the index", async () => {
    const { body: exists } = await client.indices.exists({ index });
    if (!exists) await client.indices.create({ index, body: indexBody(shards) });
    else {
      const { body: known } = await client.indices.getMapping({ index });
      const hasSaid = hasAt(known, index, "mappings", "properties", "said");
      const properties = { ...laterFields, ...(!hasSaid && { said: laterSaid }) };
      await client.indices.putMapping({ index, body: { properties } });
    }
  });
  const request = async (query: Json): Promise<Found> => {
    // Statistics of all shards together: a paper's score must not depend on which papers lie beside it.
    const { body } = await call("answer a search", () =>
      client.search({ index, search_type: "dfs_query_then_fetch", body: query }),
    );
    return body;
  };
  const bulk = (lines: readonly Json[]) =>
    call("take a bulk request", async () => {
      const { body } = await client.bulk({ body: [...lines], refresh: true });
      checkBulk(body);
    });
  /** Papers by identifier in stored form. */
  const getExactly = async (ids: readonly string[]): Promise<Map<string, Paper>> => {
    if (ids.length === 0) return new Map();
    const { body } = await call("answer a get", () =>
      client.mget({ index, body: { ids: [...new Set(ids)] }, _source_includes: ["paper"] }),
    );
    return new Map(papersOf(body).map((paper) => [paper.id, paper]));
  };
  /** Papers by identifier in any form, or else by a DOI that they also have, or else by address. */
  const get = async (ids: readonly string[]): Promise<Paper[]> => {
    const exact = await getExactly(
      ids.flatMap((id) => [normaliseId(id), id.trim()]).filter((id) => id !== ""),
    );
    const papers: Paper[] = [];
    for (const id of ids) {
      const named = exact.get(normaliseId(id)) ?? exact.get(id.trim());
      const should = named ? [] : aliasClauses(id);
      const query = { bool: { should, minimum_should_match: 1 } };
      if (named) papers.push(named);
      else if (should.length > 0)
        papers.push(
          ...hitsOf(await request({ query, size: 100, sort: [{ id: "asc" }], _source: ["paper"] })).hits.map(
            ({ paper }) => paper,
          ),
        );
    }
    return papers;
  };

  return {
    get,
    add: async (papers) => {
      let done: Added = { added: 0, updated: 0, unchanged: 0 };
      const all = mergeAll(papers);
      for (let i = 0; i < all.length; i += bulkSize)
        done = await addSome(all.slice(i, i + bulkSize), done, getExactly, bulk, index);
      return done;
    },
    remove: async (ids) => {
      const present = await get([...new Set(ids.map(normaliseId))]);
      for (let i = 0; i < present.length; i += bulkSize)
        await bulk(present.slice(i, i + bulkSize).map(({ id }) => ({ delete: { _index: index, _id: id } })));
      return present.length;
    },
    titled: async (title) => {
      const key = keyOf(textKey(title));
      if (key === "") return [];
      const query = { bool: { filter: [{ term: { title_key: { value: key } } }] } };
      return hitsOf(await request({ query, size: 100, _source: ["paper"] })).hits.map(({ paper }) => paper);
    },
    search: async ({ text, ...rest }: Query): Promise<Page<Hit>> => {
      const { filter, sort, limit, after } = check("search", rest, "relevance");
      const query = parseQuery(text);
      if (isEmptyQuery(query)) return { hits: [], total: 0 };
      const plain = query.words.length === 0 && sort === "relevance";
      const found = await request({
        query: searchClause(text, query, filter),
        // A query of conditions only has no relevance: latest first, under a constant score.
        sort: plain ? [{ _score: "desc" }, ...sortClause("newest")] : sortClause(sort),
        size: limit + 1,
        track_total_hits: true,
        track_scores: true,
        _source: ["paper"],
        ...(after && { search_after: plain ? [0, ...String(after[1]).split("\n")] : after }),
      });
      const { hits, total } = hitsOf(found);
      const shown = hits.slice(0, limit);
      const last = shown.at(-1);
      const place = last && (plain ? [0, last.sort.slice(1).join("\n")] : last.sort);
      const next = place && hits.length > limit ? writeCursor(sort, place) : undefined;
      return {
        hits: shown.map(({ paper, score }) => mark(paper, query, score)),
        total,
        ...(next !== undefined && { next }),
      };
    },
    list: async (listing: Listing = {}): Promise<Page<Paper>> => {
      const listed = listing.sort === "relevance" ? { ...listing, sort: "announced" as const } : listing;
      const { filter, sort, limit, after } = check("list", listed, "announced");
      const found = await request({
        query: { bool: { filter: filterClauses(filter) } },
        sort: sortClause(sort),
        size: limit + 1,
        track_total_hits: true,
        _source: ["paper"],
        ...(after && { search_after: after }),
      });
      const { hits, total } = hitsOf(found);
      const shown = hits.slice(0, limit);
      const last = shown.at(-1);
      const next = last && hits.length > limit ? writeCursor(sort, last.sort) : undefined;
      return { hits: shown.map(({ paper }) => paper), total, ...(next !== undefined && { next }) };
    },
    days: async (categories) => {
      const filter = checkFilter("days", categories === undefined ? {} : { categories });
      const days = await tally(request, "announced", filterClauses(filter), { _key: "desc" });
      return days.filter(({ value }) => value !== "");
    },
    categories: (within) => {
      if (within === undefined) return tally(request, "own_categories", []);
      if (typeof within === "string")
        return tally(request, "own_categories", [{ term: { announced: { value: within } } }]);
      const query = parseQuery(within.text);
      if (isEmptyQuery(query)) return Promise.resolve([]);
      const { filter } = check("categories", { ...(within.filter && { filter: within.filter }) }, "newest");
      return tally(request, "own_categories", [searchClause(within.text, query, filter)]);
    },
    venues: async () => (await tally(request, "venue", [])).filter(({ value }) => value !== ""),
    count: async () => hitsOf(await request({ size: 0, track_total_hits: true })).total,
    documents: async (terms) => {
      if (terms.length === 0) return [];
      const filters = terms.map((term) => ({ term: { forms: { value: term } } }));
      const found = await request({ size: 0, aggs: { terms: { filters: { filters } } } });
      return bucketsOf(found, "terms").map(({ count }) => count);
    },
    async *all() {
      for (let after: readonly (string | number)[] | undefined; ; ) {
        const found = await request({
          size: bulkSize,
          sort: [{ id: "asc" }],
          _source: ["paper"],
          ...(after && { search_after: after }),
        });
        const { hits } = hitsOf(found);
        for (const { paper } of hits) yield paper;
        after = hits.at(-1)?.sort;
        if (!after) return;
      }
    },
    version: async () => {
      const { body } = await call("tell its statistics", () =>
        client.indices.stats({ index, metric: ["indexing"] }),
      );
      const path = ["_all", "primaries", "indexing"] as const;
      return `${numberAt(body, ...path, "index_total")}-${numberAt(body, ...path, "delete_total")}`;
    },
    close: () => client.close(),
  };
}

async function connect(node: string): Promise<Client> {
  try {
    const { Client: Connection } = await import("@opensearch-project/opensearch");
    // Retries are ours: the client's have no jitter.
    return new Connection({ node, maxRetries: 0, requestTimeout: 30_000 });
  } catch (cause) {
    throw new BackendError(
      "openSearchStore: the package @opensearch-project/opensearch must be installed, got none. Run npm install @opensearch-project/opensearch.",
      { cause },
    );
  }
}

/** The client's errors carry a status; those without one are about the network. */
function isTransientAnswer(error: unknown): boolean {
  const status = numberAt(error, "statusCode") || numberAt(error, "meta", "statusCode");
  return status === 0 || status === 429 || status >= 500;
}

/** A bulk answer says 200 and lists what failed: one failure that may pass makes the request worth repeating. */
function checkBulk(body: Json): void {
  if (body["errors"] !== true) return;
  const items = Array.isArray(body["items"]) ? body["items"] : [];
  for (const item of items)
    for (const action of ["index", "delete"]) {
      const status = numberAt(item, action, "status");
      if (status < 400 || (action === "delete" && status === 404)) continue;
      const reason = textAt(item, action, "error", "reason");
      throw Object.assign(new Error(`status ${status} for ${textAt(item, action, "_id")}: ${reason}`), {
        statusCode: status,
      });
    }
}

async function addSome(
  papers: readonly Paper[],
  done: Added,
  get: (ids: readonly string[]) => Promise<ReadonlyMap<string, Paper>>,
  bulk: (lines: readonly Json[]) => Promise<void>,
  index: string,
): Promise<Added> {
  const known = await get(papers.map(({ id }) => id));
  const lines: Json[] = [];
  let { added, updated, unchanged } = done;
  for (const paper of papers) {
    const before = known.get(paper.id);
    const after = before ? mergePapers(before, paper) : paper;
    if (before && samePaper(before, after)) unchanged++;
    else {
      if (before) updated++;
      else added++;
      lines.push({ index: { _index: index, _id: after.id } }, { ...toDocument(after) });
    }
  }
  if (lines.length > 0) await bulk(lines);
  return { added, updated, unchanged };
}

async function tally(
  request: (query: Json) => Promise<Found>,
  field: string,
  filter: readonly Clause[],
  order?: Json,
): Promise<Tally[]> {
  const terms = { field, size: mostBuckets, ...(order && { order }) };
  const found = await request({ size: 0, query: { bool: { filter } }, aggs: { values: { terms } } });
  return bucketsOf(found, "values").map(({ key, count }) => ({ value: key, count }));
}
