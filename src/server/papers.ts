// The server of the paper page: the page itself, JSON answers, Atom feeds. Addresses: see address.ts.
import type { Context, Hono } from "hono";
import { checkOptions } from "../errors.ts";
import type { PaperStore } from "../papers/store.ts";
import { type Address, formatAddress, parseAddress } from "./address.ts";
import { type Answer, answer, overview, type Relations, titleOf } from "./answers.ts";
import { createApp, listen, type Listening, type ListenOptions, refuse, sendAsset } from "./app.ts";
import { type Asset, etagOf, matchesEtag, readAssets } from "./assets.ts";
import { atomFeed } from "./atom.ts";
import { answerCache } from "./cache.ts";
import { createRelations, type OwnRelations } from "./relations.ts";
import { shell } from "./shell.ts";
import { studioFolder } from "./studio.ts";

/** How the server is set up. */
export interface PapersServerOptions {
  /** Folder of the built page; default: this package's own, built on the first start from a source checkout. */
  readonly assets?: string;
  /** Further names a `Host` header may hold, for a proxy on this machine. */
  readonly allowedHosts?: readonly string[];
  /** Keywords and related papers; default: computed from the store in memory. */
  readonly relations?: Relations;
  /** Receives lines for a person, such as that the page is being built. */
  readonly say?: (line: string) => void;
}

/** A paper server. */
export interface PapersServer {
  /** Starts on a port of this machine and returns the address. */
  listen(options?: ListenOptions): Promise<string>;
  /** Where it answers; `undefined` unless it listens. */
  readonly url: string | undefined;
  /** Resolves when keywords and related papers come from memory; nothing needs to wait for it but a measurement. */
  ready(): Promise<void>;
  /** Answers one request without a socket. */
  fetch(request: Request): Promise<Response>;
  /** Stops listening; the store stays open, for it is the caller's. */
  close(): Promise<void>;
}

/** A text ready to send. */
interface Written {
  readonly status: 200 | 404;
  readonly type: string;
  readonly body: string;
  readonly etag: string;
}

/** Pages that show only what the browser keeps; the server knows nothing of them. */
const browserOnly: readonly string[] = ["/starred", "/history"];

/** Characters of answers kept for repeated requests. */
const cacheBound = 32 * 1024 * 1024;

function written(status: 200 | 404, type: string, body: string): Written {
  return { status, type, body, etag: etagOf(body) };
}

/** Whether an address names papers of which none exists. */
function isMissing({ place }: Address, said: Answer): boolean {
  return said.total === 0 && place.kind === "papers";
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

/** What a request for JSON, a feed or a page gets. */
async function write(
  address: Address,
  origin: string,
  store: PaperStore,
  relations: Relations,
  html: string,
): Promise<Written> {
  const { place, form } = address;
  if (form !== "page") {
    const said = await answer(address, store, relations);
    if (isMissing(address, said))
      return written(
        404,
        "application/json; charset=utf-8",
        JSON.stringify({ error: "papers: none of these is in the collection." }),
      );
    return form === "feed"
      ? written(200, "application/atom+xml; charset=utf-8", feed(said, origin))
      : written(200, "application/json; charset=utf-8", JSON.stringify(said));
  }
  const found = place.kind === "papers" && place.ids.length === 1 ? await store.get(place.ids) : undefined;
  const paper = found?.[0];
  const { cursor: _, limit: __, ...rest } = address;
  const title = paper?.title ?? titleOf(place);
  const head = {
    title,
    feed: formatAddress({ ...rest, form: "feed" }),
    ...(paper !== undefined && { paper }),
  };
  return written(
    found !== undefined && paper === undefined ? 404 : 200,
    "text/html; charset=utf-8",
    shell(html, head),
  );
}

/** Sends a text, or 304 if the client has it. */
function send(context: Context, text: Written): Response {
  context.header("etag", text.etag);
  context.header("cache-control", "no-cache");
  if (matchesEtag(context.req.header("if-none-match"), text.etag)) return context.body(null, 304);
  context.header("content-type", text.type);
  return context.body(text.body, text.status);
}

/** The app without a socket. */
function papersApp(
  store: PaperStore,
  relations: Relations,
  assets: ReadonlyMap<string, Asset>,
  allowedHosts: readonly string[],
): Hono {
  const html = new TextDecoder().decode(assets.get("/index.html")?.body);
  const cache = answerCache<Written>(cacheBound);
  const app = createApp(allowedHosts);
  app.get("*", async (context) => {
    const url = new URL(context.req.url);
    const asset = url.pathname === "/index.html" ? undefined : assets.get(url.pathname);
    if (asset !== undefined) return sendAsset(context, asset);
    const version = await store.version();
    const key = `${version} ${relations.follow(version)} ${url.origin} ${url.pathname}${url.search}`;
    const kept = cache.get(key);
    if (kept !== undefined) return send(context, kept);
    const text = await writeAny(url);
    if (text === undefined) return refuse(context, 404, "server: no such page.");
    cache.set(key, text, text.body.length);
    return send(context, text);
  });
  return app;

  async function writeAny(url: URL): Promise<Written | undefined> {
    if (browserOnly.includes(url.pathname))
      return written(200, "text/html; charset=utf-8", shell(html, { title: "Papers" }));
    if (url.pathname === "/overview/json") {
      const said = await overview(
        store,
        url.searchParams.get("categories") ?? "",
        url.searchParams.get("date") ?? "",
      );
      return written(200, "application/json; charset=utf-8", JSON.stringify(said));
    }
    const address = parseAddress(url.pathname, url.searchParams);
    return address === undefined ? undefined : await write(address, url.origin, store, relations, html);
  }
}

/**
 * A server for one store: `listen` starts it, `close` stops it.
 *
 * ```ts
 * const server = createPapersServer(store);
 * console.log(await server.listen({ port: 8080 })); // http://127.0.0.1:8080
 * ```
 */
export function createPapersServer(store: PaperStore, options: PapersServerOptions = {}): PapersServer {
  checkOptions("createPapersServer", options, ["assets", "allowedHosts", "relations", "say"]);
  const { say = () => {}, allowedHosts = [] } = options;
  let app: Promise<Hono> | undefined;
  let running: Listening | undefined;
  let own: OwnRelations | undefined;
  const ready = (): Promise<Hono> => (app ??= prepare());
  return {
    async listen(where) {
      running = await listen(await ready(), where);
      return running.url;
    },
    get url() {
      return running?.url;
    },
    async ready() {
      await ready();
      await (options.relations ?? own)?.ready();
    },
    async fetch(request) {
      return await (await ready()).fetch(request);
    },
    async close() {
      const closing = running;
      running = undefined;
      await closing?.close();
      await own?.close();
      own = undefined;
      app = undefined;
    },
  };

  async function prepare(): Promise<Hono> {
    const assets = await readAssets(options.assets ?? (await studioFolder(say)));
    const relations = options.relations ?? (own = createRelations(store));
    relations.follow(await store.version());
    return papersApp(
      store,
      relations,
      assets,
      allowedHosts.map((name) => name.toLowerCase()),
    );
  }
}
