// The server of the paper page: the page itself, JSON answers, Atom feeds. Addresses: see address.ts.
import type { Context, Hono } from "hono";
import { checkOptions, unreachable } from "../errors.ts";
import type { PaperStore } from "../papers/store.ts";
import { parseAddress } from "./address.ts";
import type { Relations } from "./answers.ts";
import { createApp, listen, refuse, sendAsset } from "./app.ts";
import type { Listening, ListenOptions } from "./listen.ts";
import { type Asset, matchesEtag, readAssets } from "./assets.ts";
import { answerCache } from "./cache.ts";
import { createRelations, type OwnRelations } from "./relations.ts";
import { createSearchPool, type SearchPool } from "./search-pool.ts";
import { studioFolder } from "./studio.ts";
import { type Sources, write, writeNowhere, type Written } from "./write.ts";

/** How the server is set up. */
export interface PapersServerOptions {
  /**
   * The store's file: searches then run in threads with their own connections to it. Without it the server
   * itself searches, through `store`.
   */
  readonly file?: string;
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
  /** Resolves when keywords and related papers come from memory; only a measurement needs to wait for it. */
  ready(): Promise<void>;
  /** Answers one request without a socket. */
  fetch(request: Request): Promise<Response>;
  /** Stops listening and ends its threads; the store stays open, for it is the caller's. */
  close(): Promise<void>;
}

/** Bytes of answers kept for repeated requests. */
const cacheBound = 32 * 1024 * 1024;

/** Sends an answer, or 304 if the client has it. */
function send(context: Context, { etag, type, body, status }: Written): Response {
  context.header("etag", etag);
  context.header("cache-control", "no-cache");
  if (matchesEtag(context.req.header("if-none-match"), etag)) return context.body(null, 304);
  context.header("content-type", type);
  return context.body(body, status);
}

/** The app without a socket. */
async function papersApp(
  sources: Sources,
  assets: ReadonlyMap<string, Asset>,
  allowedHosts: readonly string[],
): Promise<Hono> {
  const { store, relations } = sources;
  const cache = answerCache<Written>(cacheBound);
  const app = await createApp(allowedHosts);
  app.get("*", async (context) => {
    const url = new URL(context.req.url);
    const asset = url.pathname === "/index.html" ? undefined : assets.get(url.pathname);
    if (asset !== undefined) return sendAsset(context, asset);
    const version = await store.version();
    const key = `${version} ${relations.follow(version)} ${url.origin} ${url.pathname}${url.search}`;
    const kept = cache.get(key);
    if (kept !== undefined) return send(context, kept);
    const text = await write(url, parseAddress(url.pathname, url.searchParams), sources);
    if (text === undefined) {
      // A person gets a page; a program the sentence.
      const person = /\btext\/html\b/.test(context.req.header("accept") ?? "");
      return person ? send(context, writeNowhere(sources)) : refuse(context, 404, "server: no such page.");
    }
    cache.set(key, text, text.body.length);
    return send(context, text);
  });
  return app;
}

/** What a server holds while it is in use. */
interface Prepared {
  readonly app: Hono;
  readonly relations: Relations;
  close(): Promise<void>;
}

async function prepare(store: PaperStore, options: PapersServerOptions): Promise<Prepared> {
  const { say = () => {}, allowedHosts = [], file } = options;
  const assets = await readAssets(options.assets ?? (await studioFolder(say)));
  const pool: SearchPool | undefined = file === undefined ? undefined : createSearchPool(file);
  const own: OwnRelations | undefined =
    options.relations === undefined ? createRelations(store, (words) => pool?.learn(words)) : undefined;
  const relations = options.relations ?? own ?? unreachable("no relations");
  relations.follow(await store.version());
  const html = new TextDecoder().decode(assets.get("/index.html")?.body);
  const hosts = allowedHosts.map((name) => name.toLowerCase());
  return {
    app: await papersApp({ store, relations, pool, html }, assets, hosts),
    relations,
    close: async () => void (await Promise.all([pool?.close(), own?.close()])),
  };
}

/**
 * A server for one store: `listen` starts it, `close` stops it.
 *
 * ```ts
 * const server = createPapersServer(store, { file: "papers.db" });
 * console.log(await server.listen({ port: 8080 })); // http://127.0.0.1:8080
 * ```
 */
export function createPapersServer(store: PaperStore, options: PapersServerOptions = {}): PapersServer {
  checkOptions("createPapersServer", options, ["file", "assets", "allowedHosts", "relations", "say"]);
  let prepared: Promise<Prepared> | undefined;
  let running: Listening | undefined;
  const ready = (): Promise<Prepared> => (prepared ??= prepare(store, options));
  return {
    async listen(where) {
      running = await listen((await ready()).app, where);
      return running.url;
    },
    get url() {
      return running?.url;
    },
    async ready() {
      await (await ready()).relations.ready();
    },
    async fetch(request) {
      return await (await ready()).app.fetch(request);
    },
    async close() {
      const [closing, ending] = [running, prepared];
      running = undefined;
      prepared = undefined;
      await closing?.close();
      await (await ending?.catch(() => undefined))?.close();
    },
  };
}
