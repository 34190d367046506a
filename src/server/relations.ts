// Keywords and related papers for the server: from a thread with the in-memory scorer once it is ready, from
// the store until then and for collections too large for memory.
import { setTimeout } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { storeRelated } from "../papers/of-store.ts";
import type { Paper } from "../papers/paper.ts";
import type { Ranked, ScoredText } from "../papers/scorer.ts";
import type { PaperStore } from "../papers/store.ts";
import type { Relations } from "./answers.ts";
import type { Reply, Request } from "./relations-worker.ts";

/** Relations that hold a thread. */
export interface OwnRelations extends Relations {
  /** Ends the thread. */
  close(): Promise<void>;
}

/** Papers up to which the words of all of them are kept in memory: about 6 kB each. */
const mostInMemory = 50_000;

/** Papers handed to the thread at once; reading them takes the server a few milliseconds. */
const part = 200;

/** Quiet time after a change before everything is read again, in milliseconds. */
const pause = 5000;

/** A paper as the scorer reads it. */
function scoredText({ id, title, abstract, authors }: Paper): ScoredText {
  return { id, title, abstract, authors };
}

/** Receives keywords as they become known. */
export type Learn = (words: readonly (readonly [id: string, words: readonly string[]])[]) => void;

/** A thread with a scorer. */
interface Thread {
  readonly ready: Promise<void>;
  /** Nothing if the thread has ended. */
  related(paper: Paper, limit: number): Promise<readonly Ranked[] | undefined>;
  close(): Promise<void>;
}

/** Starts a thread over all papers of a store; `learn` receives keywords as they come. */
function startThread(store: PaperStore, learn: Learn): Thread {
  // The same file as source and as built.
  const file = import.meta.url.endsWith(".ts") ? "./relations-worker.ts" : "./relations-worker.js";
  const worker = new Worker(new URL(file, import.meta.url));
  worker.unref();
  const { promise: ready, resolve, reject } = Promise.withResolvers<void>();
  const asked = new Map<number, (ranked: readonly Ranked[] | undefined) => void>();
  let alive = true;
  let asks = 0;
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  const tell = (request: Request): void => worker.postMessage(request);
  worker.on("message", (reply: Reply) => {
    if (reply.kind === "built") resolve();
    else if (reply.kind === "keywords") learn(reply.words);
    else {
      asked.get(reply.ask)?.(reply.ranked);
      asked.delete(reply.ask);
    }
  });
  worker.once("error", reject);
  worker.once("exit", () => {
    alive = false;
    reject(new Error("relations: the thread ended"));
    for (const answer of asked.values()) answer(undefined);
  });
  void feed().catch(reject);
  return {
    ready,
    related: (paper, limit) =>
      new Promise((answer) => {
        if (!alive) return answer(undefined);
        asked.set(++asks, answer);
        tell({ kind: "related", ask: asks, paper: scoredText(paper), limit });
        return undefined;
      }),
    close: async () => void (await worker.terminate()),
  };

  async function feed(): Promise<void> {
    let papers: ScoredText[] = [];
    for await (const paper of store.all()) {
      papers.push(scoredText(paper));
      if (papers.length < part) continue;
      tell({ kind: "papers", papers });
      papers = [];
      // Requests that wait come first.
      await new Promise((resume) => setImmediate(resume));
    }
    tell({ kind: "papers", papers });
    tell({ kind: "build" });
  }
}

/** Keywords and related papers of a store. They follow the store's changes with some seconds' delay. */
export function createRelations(store: PaperStore, learn: Learn = () => {}): OwnRelations {
  let words: ReadonlyMap<string, readonly string[]> = new Map();
  let thread: Thread | undefined;
  let coming: Thread | undefined;
  let version = "";
  let generation = 0;
  let closed = false;
  let settled: Promise<void> = Promise.resolve();
  const renew = async (): Promise<void> => {
    if ((await store.count()) > mostInMemory) return;
    const fresh = new Map<string, readonly string[]>();
    coming = startThread(store, (some) => {
      for (const [id, list] of some) fresh.set(id, list);
      learn(some);
    });
    await coming.ready;
    const old = thread;
    [thread, coming, words] = [coming, undefined, fresh];
    generation++;
    await old?.close();
  };
  const follow = async (now: string): Promise<void> => {
    // An import changes the store again and again: one build for all of it, not one after the other.
    if (thread !== undefined) await setTimeout(pause, undefined, { ref: false });
    if (now === version && !closed) await renew();
  };
  return {
    keywords: ({ id }) => words.get(id) ?? [],
    async related(paper, limit) {
      const ranked = await thread?.related(paper, limit);
      if (ranked === undefined) return await storeRelated(store, paper, limit);
      return await store.get(ranked.map(({ id }) => id));
    },
    follow(now) {
      if (now === version) return generation;
      version = now;
      // One after the other; after a failure the store answers itself.
      settled = settled.then(() => follow(now)).catch(() => {});
      return generation;
    },
    ready: () => settled,
    async close() {
      closed = true;
      await Promise.all([thread?.close(), coming?.close()]);
      thread = undefined;
    },
  };
}
