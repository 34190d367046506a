// A thread that answers searches with its own connection to the store's file.
import { parentPort, workerData } from "node:worker_threads";
import { UserError } from "../errors.ts";
import { openStore } from "../papers/node/index.ts";
import type { Address } from "./address.ts";
import { answer, type Known } from "./answers.ts";

/** To the thread: a question, or keywords to hand out with the papers. */
export type SearchRequest =
  | { readonly kind: "search"; readonly ask: number; readonly address: Address }
  | {
      readonly kind: "keywords";
      readonly words: readonly (readonly [id: string, words: readonly string[]])[];
    };

/** From the thread: the JSON of an answer in UTF-8, or what was wrong with the question. */
export interface SearchReply {
  readonly ask: number;
  readonly body?: Uint8Array<ArrayBuffer>;
  /** Message of a `UserError`. */
  readonly mistake?: string;
}

/** What the starter gives. */
export interface SearchWorkerData {
  readonly file: string;
}

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- given by search-pool.ts
const { file } = workerData as SearchWorkerData;
const store = await openStore(file);
const known = new Map<string, readonly string[]>();
const relations: Known = { keywords: ({ id }) => known.get(id) ?? [], related: async () => [] };

async function search(ask: number, address: Address): Promise<SearchReply> {
  try {
    const said = await answer(address, store, relations);
    return { ask, body: new TextEncoder().encode(JSON.stringify(said)) };
  } catch (error) {
    // Other failures leave the answer to the server itself, which reports them.
    return { ask, ...(error instanceof UserError && { mistake: error.message }) };
  }
}

parentPort?.on("message", (request: SearchRequest) => {
  if (request.kind === "keywords") for (const [id, words] of request.words) known.set(id, words);
  else
    void search(request.ask, request.address).then((reply) => {
      parentPort?.postMessage(reply, reply.body === undefined ? [] : [reply.body.buffer]);
    });
});
