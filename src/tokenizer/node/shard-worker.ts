// A worker thread that counts shards: the main thread reads and cuts the text, workers do the rest.
import { parentPort } from "node:worker_threads";
import { UserError } from "../../errors.ts";
import { type Group, ShardCounter, type ShardPlace, type ShardTask } from "./shards.ts";

/** Messages to a worker. */
export type ShardRequest =
  | { kind: "start"; task: ShardTask; place: ShardPlace }
  | { kind: "shard"; shard: number; bytes: Uint8Array<ArrayBuffer>; ends: Int32Array }
  | { kind: "close" };

/** Messages from a worker: one when it runs, one per shard, one for `close`; or one that says why it cannot go on. */
export type ShardReply =
  | { kind: "ready" }
  | { kind: "done"; bytes: number; group: Group | undefined; buffer: ArrayBuffer }
  | { kind: "closed"; group: Group | undefined }
  | { kind: "failed"; message: string; isUserError: boolean };

const port = parentPort;
let counter: ShardCounter | undefined;

function answer(request: ShardRequest): ShardReply | undefined {
  if (request.kind === "start") {
    counter = new ShardCounter(request.task, request.place);
    return undefined;
  }
  if (request.kind === "shard") {
    const { bytes, shard } = request;
    const group = counter?.add(shard, request);
    return { kind: "done", bytes: bytes.length, group, buffer: bytes.buffer };
  }
  return { kind: "closed", group: counter?.close() };
}

port?.on("message", (request: ShardRequest) => {
  let reply: ShardReply | undefined;
  try {
    reply = answer(request);
  } catch (error) {
    // An error loses its class on the way to another thread.
    const message = error instanceof Error ? error.message : String(error);
    reply = { kind: "failed", message, isUserError: error instanceof UserError };
  }
  // Buffers go back and forth, so that none waits for a garbage collector.
  if (reply) port.postMessage(reply, reply.kind === "done" ? [reply.buffer] : []);
});

port?.postMessage({ kind: "ready" } satisfies ShardReply);
