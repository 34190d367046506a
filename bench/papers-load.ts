// Load on the search endpoint of the paper server: keep-alive connections of this machine that ask one question
// after the other. Bounded in time and in number, and refuses any other machine.
import { Agent, get } from "node:http";
import { OptionError } from "../src/errors.ts";

/** How hard to ask. */
export interface LoadOptions {
  /** 0.1 to 60. */
  readonly seconds: number;
  /** Requests under way at a time, 1 to 256. */
  readonly connections: number;
  /** Asked in turn, round and round. */
  readonly queries: readonly string[];
}

/** What came of it; times in milliseconds. */
export interface LoadResult {
  readonly requestsPerSecond: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly requests: number;
}

/** Requests after which the load ends, however much time is left. */
const mostRequests = 2_000_000;

/** The value below which a share of sorted numbers lies. */
function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

function checkRange(name: string, value: number, least: number, most: number): void {
  if (value >= least && value <= most) return;
  throw new OptionError(`loadSearch: ${name} must be from ${least} to ${most}, got ${value}.`);
}

/** One request; resolves when the whole answer was read. */
async function ask(agent: Agent, address: URL): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  get(address, { agent }, (answer) => {
    answer.resume();
    answer.once("error", reject);
    answer.once("end", () => {
      if (answer.statusCode === 200) resolve();
      else
        reject(
          new Error(
            `loadSearch: the server must answer 200, got ${answer.statusCode}. Query: ${address.search}`,
          ),
        );
    });
  }).once("error", reject);
  await promise;
}

/**
 * Asks the search endpoint (`/arxiv/search/json`) of a server on this machine and measures each answer whole.
 * @throws OptionError for another machine or options out of bounds; Error when an answer is not 200.
 */
export async function loadSearch(url: string, options: LoadOptions): Promise<LoadResult> {
  const { seconds, connections, queries } = options;
  const base = new URL("/arxiv/search/json", url);
  if (!["127.0.0.1", "localhost", "[::1]"].includes(base.hostname)) {
    throw new OptionError(`loadSearch: url must name this machine, got ${base.hostname}.`);
  }
  checkRange("seconds", seconds, 0.1, 60);
  checkRange("connections", connections, 1, 256);
  checkRange("queries.length", queries.length, 1, 1_000_000);
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const times: number[] = [];
  const start = performance.now();
  const end = start + 1000 * seconds;
  let asked = 0;
  const worker = async (): Promise<void> => {
    while (performance.now() < end && asked < mostRequests) {
      const address = new URL(base);
      address.searchParams.set("query", queries[asked++ % queries.length] ?? "");
      const before = performance.now();
      await ask(agent, address);
      times.push(performance.now() - before);
    }
  };
  try {
    await Promise.all(Array.from({ length: connections }, worker));
  } finally {
    agent.destroy();
  }
  const took = (performance.now() - start) / 1000;
  times.sort((a, b) => a - b);
  return {
    requestsPerSecond: times.length / took,
    p50: quantile(times, 0.5),
    p95: quantile(times, 0.95),
    p99: quantile(times, 0.99),
    requests: times.length,
  };
}
