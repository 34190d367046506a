// One training in a process of its own, so that its processor time and peak memory are its own. Reads a job as
// JSON from its first argument, prints the result as JSON.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createTokenizer } from "../src/tokenizer/create.ts";
import type { TokenizerModel } from "../src/tokenizer/model.ts";
import { trainBpeFiles } from "../src/tokenizer/node/train-bpe.ts";
import { trainBytePieceFiles } from "../src/tokenizer/node/train-bytepiece.ts";
import { trainUnigramFiles } from "../src/tokenizer/node/train-unigram.ts";

/** What to train and measure. */
export interface Job {
  mode: "bytepiece" | "unigram" | "bpe";
  file: string;
  /** Text to encode afterwards. */
  heldOut?: string;
  sizes: number[];
  workers: number;
  /** Bytes. */
  memoryLimit?: number;
  options?: Record<string, unknown>;
}

/** What came out. */
export interface JobResult {
  mode: Job["mode"];
  workers: number;
  memoryLimitMB?: number;
  /** User and system time. */
  cpuSeconds: number;
  wallSeconds: number;
  /** Memory of the process before and at most, MiB. */
  baseMB: number;
  peakMB: number;
  vocabularies: { size: number; bytesPerToken?: number; sha256: string }[];
}

/** A short hash of all pieces and scores: equal vocabularies have equal hashes. */
function hashOf(model: TokenizerModel): string {
  const hash = createHash("sha256");
  for (const piece of model.pieces) hash.update(`${piece.length}:`).update(piece);
  if (model.kind === "unigram") hash.update(new Uint8Array(model.logProbs.buffer));
  return hash.digest("hex").slice(0, 16);
}

async function models({
  mode,
  file,
  sizes,
  workers,
  memoryLimit,
  options = {},
}: Job): Promise<TokenizerModel[]> {
  const control = { workers, ...(memoryLimit !== undefined && { memoryLimit }) };
  if (mode === "bytepiece") {
    return (await trainBytePieceFiles([file], { vocabularySize: sizes, ...options }, control)).models;
  }
  if (mode === "unigram") {
    return (await trainUnigramFiles([file], { vocabularySize: sizes, ...options }, control)).models;
  }
  const out: TokenizerModel[] = [];
  for (const vocabularySize of sizes) {
    out.push((await trainBpeFiles([file], { vocabularySize, ...options })).model);
  }
  return out;
}

if (process.argv[1] === import.meta.filename) {
  const job: Job = JSON.parse(process.argv[2] ?? "{}");
  const began = performance.now();
  const baseMB = Math.round(process.memoryUsage.rss() / 2 ** 20);
  const trained = await models(job);
  const { user, system } = process.cpuUsage();
  const result: JobResult = {
    mode: job.mode,
    workers: job.workers,
    ...(job.memoryLimit !== undefined && { memoryLimitMB: job.memoryLimit / 2 ** 20 }),
    // The whole process, start of Node included.
    cpuSeconds: (user + system) / 1e6,
    wallSeconds: (performance.now() - began) / 1000,
    baseMB,
    peakMB: Math.round(process.resourceUsage().maxRSS / 1024),
    vocabularies: [],
  };
  const text = job.heldOut === undefined ? undefined : readFileSync(job.heldOut);
  for (const model of trained) {
    const tokenizer = createTokenizer(model);
    result.vocabularies.push({
      size: model.pieces.length,
      ...(text && { bytesPerToken: text.length / tokenizer.encode(text).length }),
      sha256: hashOf(model),
    });
  }
  process.stdout.write(`${JSON.stringify(result)}\n`);
}
