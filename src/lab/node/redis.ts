// The Redis server that a queue lives on: its address, and whether it answers.
import { createHash } from "node:crypto";
import { OptionError, UserError } from "../../errors.ts";
import { optional } from "../../optional.ts";
import { RESULT_FORMAT } from "../result.ts";
import { type Done, type Unit, unitKey } from "../unit.ts";

/** Name of the queue, under which BullMQ keeps its keys. */
export const QUEUE = "athanor-lab";

/** What stands in a job. */
export interface Task {
  readonly unit: Unit;
  /** Version of what units and rows mean; a worker of another leaves the job alone. */
  readonly version: number;
}

/** What a worker tells of a unit while it runs. */
export interface Progress {
  readonly worker: string;
  readonly line: string;
}

/** What comes back. */
export interface Answer {
  readonly worker: string;
  readonly done: Done;
}

export interface RedisAddress {
  readonly host: string;
  readonly port: number;
  readonly username?: string;
  readonly password?: string;
  readonly db?: number;
  /** `rediss:`. */
  readonly tls?: object;
}

/** @throws OptionError for what is no `redis://HOST[:PORT][/DB]`. */
export function redisAddress(text: string): RedisAddress {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const db = url?.pathname.slice(1) ?? "";
  if (url === undefined || !/^rediss?:$/.test(url.protocol) || url.hostname === "" || !/^\d*$/.test(db)) {
    throw new OptionError(
      `lab: --queue must be an address such as redis://127.0.0.1:6379, got "${text}". A server starts with redis-server.`,
    );
  }
  return {
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port === "" ? 6379 : Number(url.port),
    ...(url.username !== "" && { username: decodeURIComponent(url.username) }),
    ...(url.password !== "" && { password: decodeURIComponent(url.password) }),
    ...(db !== "" && { db: Number(db) }),
    ...(url.protocol === "rediss:" && { tls: {} }),
  };
}

/** How BullMQ is to hold on to a server that may go away: for ever, asking every second. */
export function connectionTo(text: string): RedisAddress & {
  maxRetriesPerRequest: null;
  retryStrategy: (times: number) => number;
} {
  return {
    ...redisAddress(text),
    maxRetriesPerRequest: null,
    retryStrategy: (times) => Math.min(1000, 50 * times),
  };
}

/** Milliseconds in which a server must answer at the beginning. */
const PATIENCE = 5000;

/** @throws UserError when nothing answers there: a queue that was never there is not one that will come back. */
export async function checkRedis(text: string): Promise<void> {
  const address = redisAddress(text);
  const { Redis } = await optional("lab", "ioredis", () => import("ioredis"));
  const client = new Redis({
    ...address,
    lazyConnect: true,
    retryStrategy: () => null,
    connectTimeout: PATIENCE,
  });
  try {
    await new Promise<void>((resolve, reject) => {
      // Says why (ECONNREFUSED); the promises only say that the connection is closed.
      client.on("error", reject);
      client.connect().then(async () => {
        await client.ping();
        resolve();
      }, reject);
    });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new UserError(
      `lab: a Redis server must answer at ${address.host}:${address.port}, got ${why}. Start one with redis-server.`,
      { cause },
    );
  } finally {
    client.disconnect();
  }
}

/** One name for one unit, the same on every machine. */
export function jobId(unit: Unit): string {
  return createHash("sha256")
    .update(`${RESULT_FORMAT} ${unitKey(unit)}`)
    .digest("hex")
    .slice(0, 40);
}
