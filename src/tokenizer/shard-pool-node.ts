// Shards handed out to worker threads (or counted right here when there is one worker), with at most a few
// megabytes waiting at each.
import { Worker } from "node:worker_threads";
import { FileError } from "../errors.ts";
import type { ChunkBlock } from "./chunk.ts";
import type { ShardReply, ShardRequest } from "./shard-worker-node.ts";
import { type Group, ShardCounter, type ShardPlace, type ShardTask } from "./shards-node.ts";

/** Bytes that may wait at one worker. */
const WAITING = 1 << 23;

/** Takes shards; reports closed groups and counted bytes through its callbacks. */
export interface ShardPool {
  add(shard: number, block: ChunkBlock): Promise<void>;
  /** Waits for all shards and closes the last groups. */
  close(): Promise<void>;
  /** Stops at once. */
  stop(): Promise<void>;
}

/** What a pool tells. */
export interface ShardEvents {
  group: (group: Group) => void;
  counted: (bytes: number) => void;
}

/** A pool of `workers` threads; with one worker, no thread is started. */
export function shardPool(
  workers: number,
  task: ShardTask,
  place: ShardPlace,
  events: ShardEvents,
): ShardPool {
  return workers > 1 ? new ThreadPool(workers, task, place, events) : new LocalPool(task, place, events);
}

class LocalPool implements ShardPool {
  readonly #counter: ShardCounter;
  readonly #events: ShardEvents;

  constructor(task: ShardTask, place: ShardPlace, events: ShardEvents) {
    this.#counter = new ShardCounter(task, { ...place, name: `${place.name}-0` });
    this.#events = events;
  }

  add(shard: number, block: ChunkBlock): Promise<void> {
    const group = this.#counter.add(shard, block);
    if (group) this.#events.group(group);
    this.#events.counted(block.bytes.length);
    return Promise.resolve();
  }

  close(): Promise<void> {
    const group = this.#counter.close();
    if (group) this.#events.group(group);
    return Promise.resolve();
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }
}

/** One thread and the bytes that wait there. */
interface Member {
  worker: Worker;
  waiting: number;
  closed: boolean;
}

/** The file beside this one, in the language this one is in: source or build. */
function workerFile(): URL {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  return new URL(`./shard-worker-node.${extension}`, import.meta.url);
}

class ThreadPool implements ShardPool {
  readonly #members: Member[];
  readonly #events: ShardEvents;
  #failure: unknown;
  #wake: (() => void) | undefined;

  constructor(workers: number, task: ShardTask, place: ShardPlace, events: ShardEvents) {
    this.#events = events;
    this.#members = Array.from({ length: workers }, (_, i) => this.#start(task, place, i, workers));
  }

  async add(shard: number, { bytes, ends }: ChunkBlock): Promise<void> {
    for (;;) {
      if (this.#failure) throw this.#failure;
      const member = this.#members.reduce((a, b) => (b.waiting < a.waiting ? b : a));
      if (member.waiting === 0 || member.waiting + bytes.length <= WAITING) {
        const own = bytes.slice();
        member.waiting += own.length;
        const request: ShardRequest = { kind: "shard", shard, bytes: own, ends };
        member.worker.postMessage(request, [own.buffer]);
        return;
      }
      await this.#news();
    }
  }

  async close(): Promise<void> {
    for (const { worker } of this.#members) worker.postMessage({ kind: "close" } satisfies ShardRequest, []);
    while (!this.#failure && this.#members.some((member) => !member.closed)) await this.#news();
    await this.stop();
    if (this.#failure) throw this.#failure;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#members.map(({ worker }) => worker.terminate()));
  }

  #start(task: ShardTask, place: ShardPlace, i: number, workers: number): Member {
    const worker = new Worker(workerFile());
    const member = { worker, waiting: 0, closed: false };
    worker.on("message", (reply: ShardReply) => {
      if (reply.kind === "failed") {
        this.#failure ??= reply.isUserError ? new FileError(reply.message) : new Error(reply.message);
      } else {
        if (reply.group) this.#events.group(reply.group);
        if (reply.kind === "closed") member.closed = true;
        else {
          member.waiting -= reply.bytes;
          this.#events.counted(reply.bytes);
        }
      }
      this.#wake?.();
    });
    worker.on("error", (error) => {
      this.#failure ??= error;
      this.#wake?.();
    });
    const own = { ...place, name: `${place.name}-${i}`, memory: place.memory / workers };
    worker.postMessage({ kind: "start", task, place: own } satisfies ShardRequest, []);
    return member;
  }

  /** Waits until a worker has something to say. */
  #news(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
