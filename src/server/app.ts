// The ground every server of this project stands on: Hono, this machine only, safe headers, plain errors.
import type { Context, Hono } from "hono";
import { BackendError, UserError } from "../errors.ts";
import { optional } from "../optional.ts";
import type { Listening, ListenOptions } from "./listen.ts";
import { type Asset, matchesEtag } from "./assets.ts";
import { checkLoopback, isOwnHost, securityHeaders } from "./security.ts";

/** Longest request line and headers, in bytes: room for a query of a megabyte, percent-encoded. */
const maxHeaderSize = 4 * 1024 * 1024;

/** An answer that says what is wrong in one sentence. */
export function refuse(context: Context, status: 400 | 403 | 404 | 405 | 500, error: string): Response {
  return context.json({ error }, status);
}

/**
 * An app that refuses foreign hosts and every method but GET and HEAD, and adds the headers of `security.ts`.
 * @throws UserError without the package hono.
 */
export async function createApp(allowedHosts: readonly string[] = []): Promise<Hono> {
  const { Hono } = await optional("server", "hono", () => import("hono"));
  const app = new Hono();
  app.use(async (context, next) => {
    for (const [name, value] of Object.entries(securityHeaders)) context.header(name, value);
    if (!isOwnHost(context.req.header("host"), allowedHosts)) {
      return refuse(
        context,
        403,
        "server: Host must name this machine. Use http://localhost or http://127.0.0.1.",
      );
    }
    if (context.req.method !== "GET" && context.req.method !== "HEAD") {
      context.header("allow", "GET, HEAD");
      return refuse(context, 405, `server: method must be GET or HEAD, got ${context.req.method}.`);
    }
    await next();
    return undefined;
  });
  app.notFound((context) => refuse(context, 404, "server: no such page."));
  app.onError((error, context) => {
    if (error instanceof UserError) return refuse(context, 400, error.message);
    console.error(error);
    return refuse(context, 500, "server: failed to answer; the reason is in the server's own output.");
  });
  return app;
}

/** Sends a file of a built page, compressed if the client can, 304 if it has it. */
export function sendAsset(context: Context, asset: Asset): Response {
  context.header("etag", asset.etag);
  context.header("cache-control", asset.immutable ? "public, max-age=31536000, immutable" : "no-cache");
  context.header("vary", "accept-encoding");
  if (matchesEtag(context.req.header("if-none-match"), asset.etag)) return context.body(null, 304);
  context.header("content-type", asset.type);
  if (asset.gzip !== undefined && /\bgzip\b/.test(context.req.header("accept-encoding") ?? "")) {
    context.header("content-encoding", "gzip");
    return context.body(asset.gzip);
  }
  return context.body(asset.body);
}

/**
 * Starts an app on this machine.
 * @throws OptionError for a foreign address, BackendError for a port in use, UserError without the package
 * @hono/node-server.
 */
export async function listen(app: Hono, options: ListenOptions = {}): Promise<Listening> {
  const { port = 0, host = "127.0.0.1" } = options;
  checkLoopback("listen", host);
  const { createAdaptorServer } = await optional(
    "listen",
    "@hono/node-server",
    () => import("@hono/node-server"),
  );
  const server = createAdaptorServer({ fetch: app.fetch, serverOptions: { maxHeaderSize } });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen(port, host, resolve);
  try {
    await promise;
  } catch (cause) {
    throw new BackendError(`listen: ${host}:${port} must be free. Choose another --port, or 0 for any.`, {
      cause,
    });
  }
  const address = server.address();
  const bound = typeof address === "object" && address !== null ? address.port : port;
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${bound}`,
    async close() {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      if ("closeAllConnections" in server) server.closeAllConnections();
      await closed.promise;
    },
  };
}
