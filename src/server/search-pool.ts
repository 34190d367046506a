// Threads that answer searches, so that one long search does not hold up the page and every core counts.
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { UserError } from "../errors.ts";
import type { Address } from "./address.ts";
import type { SearchReply, SearchRequest, SearchWorkerData } from "./search-worker.ts";

/** A search by some thread. */
export interface SearchPool {
  /** The JSON of the answer in UTF-8; `undefined` if no thread could give it. @throws UserError as `answer` does. */
  search(address: Address): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** Keywords to hand out with the papers. */
  learn(words: readonly (readonly [id: string, words: readonly string[]])[]): void;
  close(): Promise<void>;
}

/** One thread and the questions it has not answered yet. */
interface Member {
  readonly worker: Worker;
  readonly waiting: Map<number, (reply: SearchReply) => void>;
  alive: boolean;
}

/** Threads beyond which a store's file, not the processor, is the limit. */
const mostThreads = 4;

function start(file: string): Member {
  const name = import.meta.url.endsWith(".ts") ? "./search-worker.ts" : "./search-worker.js";
  const data: SearchWorkerData = { file };
  const worker = new Worker(new URL(name, import.meta.url), { workerData: data });
  worker.unref();
  const member: Member = { worker, waiting: new Map(), alive: true };
  const end = (): void => {
    member.alive = false;
    for (const [ask, settle] of member.waiting) settle({ ask });
    member.waiting.clear();
  };
  worker.on("message", (reply: SearchReply) => {
    member.waiting.get(reply.ask)?.(reply);
    member.waiting.delete(reply.ask);
  });
  worker.once("error", end);
  worker.once("exit", end);
  return member;
}

function tell(member: Member, request: SearchRequest): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  member.worker.postMessage(request);
}

/** Starts threads over a store's file. */
export function createSearchPool(
  file: string,
  threads: number = Math.min(mostThreads, availableParallelism()),
): SearchPool {
  const members = Array.from({ length: Math.max(1, threads) }, () => start(file));
  let asks = 0;
  return {
    async search(address) {
      const alive = members.filter((member) => member.alive);
      const first = alive[0];
      if (first === undefined) return undefined;
      const member = alive.reduce(
        (least, other) => (other.waiting.size < least.waiting.size ? other : least),
        first,
      );
      const { promise, resolve } = Promise.withResolvers<SearchReply>();
      member.waiting.set(++asks, resolve);
      tell(member, { kind: "search", ask: asks, address });
      const { body, mistake } = await promise;
      if (mistake !== undefined) throw new UserError(mistake);
      return body;
    },
    learn(words) {
      for (const member of members) tell(member, { kind: "keywords", words });
    },
    async close() {
      await Promise.all(members.map(({ worker }) => worker.terminate()));
    },
  };
}
