// arXiv's query service: an Atom feed a page. https://info.arxiv.org/help/api/user-manual.html
// Rule of the service: one request at a time, and three seconds between two.
// https://info.arxiv.org/help/api/tou.html
import { createPace, download, downloadRetries, RefusedError } from "../../net/http.ts";
import { attempts, type RetryOptions } from "../../net/retry.ts";
import { normalisePaper } from "../normalise.ts";
import type { Batch, Item } from "./item.ts";
import { child, type Element, textOf, type XmlReader, xmlReader } from "./xml.ts";

/** Where and how to fetch. */
export interface FetchOptions {
  /** Address of the service; a mirror's or a test server's. */
  readonly base?: string;
  /** Milliseconds between two requests; default 3000, the service's rule. */
  readonly interval?: number;
  /** Default `{ shouldRetry: isTransientHttp }`. */
  readonly retry?: RetryOptions;
  /** Milliseconds for one answer; default 60,000. */
  readonly timeout?: number;
  readonly signal?: AbortSignal;
}

/** Entries a request; the service allows 2000, and asks for small ones. */
const pageSize = 200;

/**
 * Papers that a query of arXiv's language finds (`cat:cs.CL AND ti:attention`), latest first, at most `most`;
 * `from` continues at that position.
 * @throws HttpError or Error once the retries are used up; UserError without the package fast-xml-parser.
 */
export async function* queryArxiv(
  query: string,
  most = 1000,
  from = "0",
  options: FetchOptions = {},
): AsyncGenerator<Batch> {
  const { base = "https://export.arxiv.org/api/query" } = options;
  const get = createFetcher(options);
  const parse = await xmlReader("queryArxiv");
  for (let start = Number(from), total = most; start < Math.min(most, total); ) {
    const size = Math.min(pageSize, most - start);
    const address = new URL(base);
    address.searchParams.set("search_query", query);
    address.searchParams.set("start", String(start));
    address.searchParams.set("max_results", String(size));
    address.searchParams.set("sortBy", "submittedDate");
    address.searchParams.set("sortOrder", "descending");
    const page = await get(address.href, (text) => readFeed(parse, text, start));
    total = page.total;
    start += page.items.length;
    const last = start >= Math.min(most, total) || page.items.length === 0;
    yield { items: page.items, total: Math.min(most, total), ...(!last && { next: String(start) }) };
    if (page.items.length === 0) return;
  }
}

/** A paced, retried download whose reading counts as part of the attempt: a truncated answer is asked for again. */
export function createFetcher(
  options: FetchOptions,
): <T>(url: string, read: (text: string) => T) => Promise<T> {
  const { interval = 3000, retry = {}, timeout, signal } = options;
  const pace = createPace(interval);
  const bounds = { ...(signal && { signal }), ...(timeout !== undefined && { timeout }) };
  return async (url, read) => {
    const results: { value: ReturnType<typeof read> }[] = [];
    for await (const attempt of attempts({ ...downloadRetries, ...retry, ...(signal && { signal }) }))
      await attempt.run(async () => {
        const text = await pace(() => download(url, bounds), signal);
        results.push({ value: read(text) });
      });
    const [result] = results;
    if (!result) throw new Error(`fetch: ${url} gave no result`);
    return result.value;
  };
}

/** Entries of a feed. @throws Error for XML that is broken, an error entry, or an empty page before the end. */
export function readFeed(parse: XmlReader, text: string, start = 0): { items: Item[]; total: number } {
  const feed = child(parse(text, "arXiv query"), "feed");
  if (!feed) throw new Error("arXiv query: answer must be an Atom feed, got other XML.");
  const entries = feed.children["entry"] ?? [];
  const failure = entries.find((entry) => textOf(entry, "id").includes("/api/errors"));
  if (failure)
    throw new RefusedError(`arXiv query: the service refused the query: ${textOf(failure, "summary")}`);
  const total = Number(textOf(feed, "totalResults")) || start + entries.length;
  // A known fault of the service: a page in the middle comes without entries. It comes right when asked again.
  if (entries.length === 0 && start < total)
    throw new Error(`arXiv query: answer at ${start} of ${total} must have entries, got none.`);
  return { items: entries.map(readEntry), total };
}

function readEntry(entry: Element): Item {
  try {
    const published = textOf(entry, "published").slice(0, 10);
    const primary = child(entry, "primary_category")?.attributes["term"];
    const others = (entry.children["category"] ?? []).map(({ attributes }) => attributes["term"]);
    return {
      paper: normalisePaper({
        id: textOf(entry, "id"),
        title: textOf(entry, "title"),
        authors: (entry.children["author"] ?? []).map((author) => textOf(author, "name")),
        abstract: textOf(entry, "summary"),
        categories: [primary, ...others].filter((term) => term !== undefined),
        venue: "arXiv",
        year: published.slice(0, 4),
        announced: published,
      }),
    };
  } catch (error) {
    return { problem: { line: 0, message: error instanceof Error ? error.message : String(error) } };
  }
}
