// Answers as bytes: JSON, a feed, or the page's HTML.
import type { PaperStore } from "../papers/store.ts";
import { type Address, formatAddress } from "./address.ts";
import { type Answer, answer, overview, type Relations, titleOf } from "./answers.ts";
import { etagOf } from "./assets.ts";
import { atomFeed } from "./atom.ts";
import type { SearchPool } from "./search-pool.ts";
import { shell } from "./shell.ts";

/** An answer ready to send. */
export interface Written {
  readonly status: 200 | 404;
  readonly type: string;
  readonly body: Uint8Array<ArrayBuffer>;
  readonly etag: string;
}

/** What answers are made from. */
export interface Sources {
  readonly store: PaperStore;
  readonly relations: Relations;
  /** Threads for searches; without, the server itself searches. */
  readonly pool: SearchPool | undefined;
  /** The built page. */
  readonly html: string;
}

/** Pages that show only what the browser keeps; the server knows nothing of them. */
const browserOnly: readonly string[] = ["/starred", "/history"];

const json = "application/json; charset=utf-8";
const page = "text/html; charset=utf-8";
const atom = "application/atom+xml; charset=utf-8";

/** Content and what goes with it. */
function written(type: string, content: string | Uint8Array<ArrayBuffer>, status: 200 | 404 = 200): Written {
  const body = typeof content === "string" ? new TextEncoder().encode(content) : content;
  return { status, type, body, etag: etagOf(body) };
}

/** An answer as a feed; `origin` is how the reader reached this server. */
function feed(said: Answer, origin: string): string {
  const head = {
    title: said.title,
    id: `tag:localhost,2026:${said.links.feed}`,
    self: `${origin}${said.links.feed}`,
    page: `${origin}${said.links.page}`,
  };
  return atomFeed(head, said.papers);
}

/** The page's HTML for an address; 404 for a single paper that does not exist. */
async function writePage(address: Address, { store, html }: Sources): Promise<Written> {
  const { place } = address;
  const { cursor: _, limit: __, ...rest } = address;
  const single = place.kind === "papers" && place.ids.length === 1;
  const [paper] = single ? await store.get(place.ids) : [];
  const head = {
    title: paper?.title ?? titleOf(place),
    feed: formatAddress({ ...rest, form: "feed" }),
    ...(paper !== undefined && { paper }),
  };
  return written(page, shell(html, head), single && paper === undefined ? 404 : 200);
}

/** JSON or a feed. */
async function writeData(address: Address, origin: string, sources: Sources): Promise<Written> {
  const { store, relations, pool } = sources;
  if (address.place.kind === "search" && address.form === "json") {
    const body = await pool?.search(address);
    if (body !== undefined) return written(json, body);
  }
  const said = await answer(address, store, relations);
  if (said.total === 0 && address.place.kind === "papers") {
    return written(json, JSON.stringify({ error: "papers: none of these is in the collection." }), 404);
  }
  return address.form === "feed" ? written(atom, feed(said, origin)) : written(json, JSON.stringify(said));
}

/**
 * What an address of `url` gets; `undefined` if it has no meaning here.
 * @throws UserError for a category expression, day or cursor that cannot be read.
 */
export async function write(
  url: URL,
  address: Address | undefined,
  sources: Sources,
): Promise<Written | undefined> {
  const { pathname, searchParams } = url;
  if (browserOnly.includes(pathname)) return written(page, shell(sources.html, { title: "Papers" }));
  if (pathname === "/overview/json") {
    const query = searchParams.get("query");
    const said = await overview(
      sources.store,
      searchParams.get("categories") ?? "",
      searchParams.get("date") ?? "",
      query === null ? undefined : { query, date: searchParams.get("within") ?? "" },
    );
    return written(json, JSON.stringify(said));
  }
  if (address === undefined) return undefined;
  return address.form === "page"
    ? await writePage(address, sources)
    : await writeData(address, url.origin, sources);
}

/** The page for an address that has no meaning here: it says so, in the reader's language. */
export function writeNowhere({ html }: Pick<Sources, "html">): Written {
  return written(page, shell(html, { title: "No such page" }), 404);
}
