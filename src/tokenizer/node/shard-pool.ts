// Shards handed out to worker threads (or counted right here when there is one worker), with at most a few
// megabytes waiting at each.
import { Worker } from "node:worker_threads";
import { FileError } from "../../errors.ts";
import type { ChunkBlock } from "../train/chunk.ts";
import type { ShardReply, ShardRequest } from "./shard-worker.ts";
import { type Group, ShardCounter, type ShardPlace, type ShardTask } from "./shards.ts";

/** Bytes that may wait at one worker. */
export const WAITING: number = 1 << 22;

/** Room beyond the first block in a buffer: blocks differ a little in size. */
const SPARE = 1 << 16;

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

/**
 * A pool of `workers` threads; with one worker, no thread is started.
 * @param memory Asked once all threads run: bytes for each worker's tables.
 */
export async function shardPool(
  workers: number,
  task: ShardTask,
  place: Omit<ShardPlace, "memory">,
  memory: () => number,
  events: ShardEvents,
): Promise<ShardPool> {
  if (workers === 1) return new LocalPool(task, { ...place, memory: memory() }, events);
  const pool = new ThreadPool(workers, events);
  await pool.start(task, place, memory);
  return pool;
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
    return this.stop();
  }

  stop(): Promise<void> {
    this.#counter.free();
    return Promise.resolve();
  }
}

/** One thread and the bytes that wait there. */
interface Member {
  worker: Worker;
  waiting: number;
  state: "starting" | "ready" | "closed";
}

/** The file beside this one, in the language this one is in: source or build. */
function workerFile(): URL {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  return new URL(`./shard-worker.${extension}`, import.meta.url);
}

class ThreadPool implements ShardPool {
  readonly #members: Member[];
  readonly #events: ShardEvents;
  /** Buffers that came back from the workers. */
  readonly #buffers: ArrayBuffer[] = [];
  #failure: unknown;
  #wake: (() => void) | undefined;

  constructor(workers: number, events: ShardEvents) {
    this.#events = events;
    this.#members = Array.from({ length: workers }, () => this.#member());
  }

  /** Waits for the threads to run and tells them their task. */
  async start(task: ShardTask, place: Omit<ShardPlace, "memory">, memory: () => number): Promise<void> {
    await this.#all("ready");
    const share = memory();
    for (const [i, { worker }] of this.#members.entries()) {
      const own = { ...place, name: `${place.name}-${i}`, memory: share };
      worker.postMessage({ kind: "start", task, place: own } satisfies ShardRequest, []);
    }
  }

  async add(shard: number, { bytes, ends }: ChunkBlock): Promise<void> {
    for (;;) {
      if (this.#failure) throw this.#failure;
      const member = this.#members.reduce((a, b) => (b.waiting < a.waiting ? b : a));
      if (member.waiting === 0 || member.waiting + bytes.length <= WAITING) {
        const k = this.#buffers.findIndex((buffer) => buffer.byteLength >= bytes.length);
        const buffer = this.#buffers.splice(k < 0 ? this.#buffers.length : k, 1)[0];
        const own = new Uint8Array(buffer ?? new ArrayBuffer(bytes.length + SPARE), 0, bytes.length);
        own.set(bytes);
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
    await this.#all("closed");
    await this.stop();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#members.map(({ worker }) => worker.terminate()));
  }

  /** Waits until every thread is in `state`; throws what made one fail. */
  async #all(state: Member["state"]): Promise<void> {
    while (!this.#failure && this.#members.some((member) => member.state !== state)) await this.#news();
    if (!this.#failure) return;
    await this.stop();
    throw this.#failure;
  }

  #member(): Member {
    // Counting makes hardly any objects: a small nursery saves tens of megabytes a thread.
    const worker = new Worker(workerFile(), { resourceLimits: { maxYoungGenerationSizeMb: 4 } });
    const member: Member = { worker, waiting: 0, state: "starting" };
    worker.on("message", (reply: ShardReply) => {
      if (reply.kind === "failed") {
        this.#failure ??= reply.isUserError ? new FileError(reply.message) : new Error(reply.message);
      } else if (reply.kind === "ready") member.state = "ready";
      else {
        if (reply.group) this.#events.group(reply.group);
        if (reply.kind === "closed") member.state = "closed";
        else {
          member.waiting -= reply.bytes;
          this.#buffers.push(reply.buffer);
          this.#events.counted(reply.bytes);
        }
      }
      this.#wake?.();
    });
    worker.on("error", (error) => {
      this.#failure ??= error;
      this.#wake?.();
    });
    return member;
  }

  /** Waits until a worker has something to say. */
  #news(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
