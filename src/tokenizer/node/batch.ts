// Many texts at once over worker threads. The result is the same for every number of workers.
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { OptionError } from "../../errors.ts";
import {
  type BatchReply,
  type BatchRequest,
  type PackedModel,
  encodeTexts,
  packModel,
} from "./batch-worker.ts";
import type { EncodeOptions, SampleOptions, Tokenizer } from "../tokenizer.ts";

type Texts = readonly (string | Uint8Array)[];
type Job = Exclude<BatchRequest, { kind: "start" }>;
/** The request for the texts from number `first` on. */
type MakeJob = (first: number, part: Texts) => Job;

/** Text handed to a worker at a time, in characters or bytes: a few milliseconds of work. */
const PART = 1 << 17;

/** Threads that encode batches; close it when done. */
export interface EncoderPool extends AsyncDisposable {
  /** Ids of each text. */
  encode(texts: Texts, options?: EncodeOptions): Promise<Int32Array[]>;
  /** A random segmentation of each text; text `i` uses stream `options.stream + i` of the seed. */
  sample(texts: Texts, options: SampleOptions): Promise<Int32Array[]>;
  close(): Promise<void>;
}

/**
 * A pool of `workers` threads for `tokenizer` (default: one per core; 1 works in this thread).
 * @throws OptionError if `workers` is no positive integer.
 * @example
 * await using pool = encoderPool(tokenizer);
 * const ids = await pool.encode(documents);
 */
export function encoderPool(tokenizer: Tokenizer, workers: number = availableParallelism()): EncoderPool {
  if (!(Number.isInteger(workers) && workers >= 1)) {
    throw new OptionError(`encoderPool: workers must be an integer ≥ 1, got ${workers}.`);
  }
  // A tokenizer of another library cannot travel: it works here.
  const { model } = tokenizer;
  const threads = workers === 1 || model === undefined ? undefined : new Threads(workers, packModel(model));
  const run = (texts: Texts, job: MakeJob): Promise<Int32Array[]> =>
    threads ? threads.run(texts, job) : Promise.resolve().then(() => encodeTexts(tokenizer, job(0, texts)));
  const close = async (): Promise<void> => threads?.close();
  return {
    encode: (texts, options = {}) =>
      run(texts, (first, part) => ({ kind: "encode", first, texts: part, options })),
    sample: (texts, options) =>
      run(texts, (first, part) => ({ kind: "sample", first, texts: part, options })),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Cuts `texts` into parts of about `PART`. */
function cut(texts: Texts, job: MakeJob): Job[] {
  const jobs: Job[] = [];
  for (let first = 0; first < texts.length; ) {
    let end = first;
    for (let size = 0; end < texts.length && (end === first || size < PART); end++)
      size += texts[end]?.length ?? 0;
    jobs.push(job(first, texts.slice(first, end)));
    first = end;
  }
  return jobs;
}

/** What is being worked on. */
interface Batch {
  readonly jobs: readonly Job[];
  next: number;
  /** Jobs sent and not yet answered. */
  open: number;
  readonly result: Int32Array[];
  failure: Error | undefined;
  readonly settle: () => void;
}

class Threads {
  readonly #workers: readonly Worker[];
  #batch: Batch | undefined;
  /** Batches take turns: each uses all threads. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(count: number, packed: PackedModel) {
    this.#workers = Array.from({ length: count }, () => this.#start({ kind: "start", packed }));
  }

  run(texts: Texts, job: MakeJob): Promise<Int32Array[]> {
    const result = this.#turn.then(() => this.#runNow(cut(texts, job)));
    this.#turn = result.catch(() => undefined);
    return result;
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }

  #start(request: BatchRequest): Worker {
    // The file beside this one, in the language this one is in: source or build.
    const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
    const worker = new Worker(new URL(`./batch-worker.${extension}`, import.meta.url));
    worker.unref(); // a forgotten pool does not keep the process alive
    worker.on("error", (error) => this.#fail(error instanceof Error ? error : new Error(String(error))));
    worker.on("message", (reply: BatchReply) => this.#hear(worker, reply));
    worker.postMessage(request, []);
    return worker;
  }

  #runNow(jobs: readonly Job[]): Promise<Int32Array[]> {
    const result: Int32Array[] = [];
    if (jobs.length === 0) return Promise.resolve(result);
    return new Promise((resolve, reject) => {
      const batch: Batch = {
        jobs,
        next: 0,
        open: 0,
        result,
        failure: undefined,
        settle: () => (batch.failure ? reject(batch.failure) : resolve(result)),
      };
      this.#batch = batch;
      for (const worker of this.#workers) {
        worker.ref();
        this.#feed(worker, batch);
        this.#feed(worker, batch); // one waits while one is worked on
      }
    });
  }

  #feed(worker: Worker, batch: Batch): void {
    const job = batch.failure ? undefined : batch.jobs[batch.next++];
    if (job === undefined) return;
    batch.open++;
    worker.postMessage(job, []);
  }

  #hear(worker: Worker, reply: BatchReply): void {
    const batch = this.#batch;
    if (batch === undefined) return;
    batch.open--;
    if (reply.kind === "failed") {
      batch.failure ??= reply.isUserError ? new OptionError(reply.message) : new Error(reply.message);
    } else {
      let at = 0;
      reply.lengths.forEach((n, i) => {
        batch.result[reply.first + i] = reply.ids.subarray(at, (at += n));
      });
      this.#feed(worker, batch);
    }
    // A failed batch ends when its last job is answered, so that no answer reaches the next one.
    if (batch.open === 0) this.#end(batch);
  }

  #fail(error: Error): void {
    if (this.#batch === undefined) return;
    this.#batch.failure ??= error;
    this.#end(this.#batch);
  }

  #end(batch: Batch): void {
    this.#batch = undefined;
    for (const worker of this.#workers) worker.unref();
    batch.settle();
  }
}
