// Counting over worker threads with bounded memory and runs on disk. The counts, and so the vocabulary, are
// the same for any number of workers and any memory: they are sums of integers over the same chunks.
import { statSync } from "node:fs";
import type { ChunkBlock } from "../train/chunk.ts";
import { type CorpusReport, chunkBlocks, emptyReport } from "../train/corpus.ts";
import type { Counting } from "../train/counting.ts";
import type { FileCorpus } from "./corpus.ts";
import { mergeSorted } from "../train/heap.ts";
import { type CountedPiece, compareBytes } from "../model.ts";
import type { Pace } from "../pace.ts";
import { type PieceList, PieceListBuilder } from "../pieces.ts";
import { readPieceRun, readWindowRun } from "./run-files.ts";
import { mergeRuns } from "../train/runs.ts";
import { WAITING, shardPool } from "./shard-pool.ts";
import type { ShardTask } from "./shards.ts";
import { WorkFolder } from "./work-folder.ts";

/** How a training on disk is carried out; none of it changes the result. */
export interface CountingPlan {
  workers: number;
  /** Bytes for the whole process. */
  memoryLimit: number;
  folder: WorkFolder;
}

/** Bytes a running worker thread comes to need beside its tables: compiled code, buffers of files. */
const THREAD = 22 << 20;
/** Bytes of text on its way to the counters: blocks being read and chunked, and what waits at each worker. */
const TEXT = 6 << 20;
/** Tables smaller than this are not worth their files, unless the limit is as small. */
const LEAST_TABLE = 4 << 20;

/**
 * Bytes for the tables of each worker: what is left of the limit beside the process as it stands (Node, worker
 * threads, the language model) and text on its way.
 */
function tableMemory({ memoryLimit, workers }: CountingPlan): number {
  const threads = workers > 1 ? workers * (THREAD + WAITING) : 0;
  const left = memoryLimit - process.memoryUsage.rss() - TEXT - threads;
  return Math.max(Math.min(LEAST_TABLE, memoryLimit / 4), left / workers);
}

/** Bytes of merged pieces handed over at once. */
const PART = 1 << 22;

const byBytes = (a: CountedPiece, b: CountedPiece): boolean => compareBytes(a.bytes, b.bytes) < 0;

/** Merges piece runs, adding the counts of equal pieces, in parts of a few megabytes. */
export function* mergePieceRuns(paths: readonly string[]): Generator<PieceList> {
  let list = new PieceListBuilder();
  for (const { bytes, count } of mergeSorted(paths.map(readPieceRun), byBytes)) {
    // Equal pieces come out one after another, so a part may end only where the piece changes.
    if (list.addToLast(bytes, count)) continue;
    if (list.memory > PART) {
      yield list.finish();
      list = new PieceListBuilder();
    }
    list.append(bytes, count);
  }
  if (list.memory > 0) yield list.finish();
}

/** Counts on disk; see `CountingPlan`. */
export function countOnDisk(
  corpus: FileCorpus,
  isolateDigits: boolean,
  plan: CountingPlan,
  pace: Pace,
): Counting {
  const { folder, workers } = plan;
  const what = [corpus.fingerprint, isolateDigits];
  let order = 0;

  /** Runs `task` over the shards that no finished group covers. */
  const run = async (name: string, prefix: string, task: ShardTask): Promise<CorpusReport> => {
    const finished = new Set(folder.groups(name).flatMap(({ shards }) => shards));
    const report = emptyReport();
    const writes: Promise<void>[] = [];
    let done = 0;
    // A new name for each start: a resumed training must not write over finished files.
    const attempt = `${prefix}-${name}-${folder.groups(name).length}-${Date.now().toString(36)}`;
    const place = { directory: folder.directory, name: attempt };
    const pool = await shardPool(workers, task, place, () => tableMemory(plan), {
      group: (group) => writes.push(folder.add(name, group)),
      counted: (bytes) => {
        done += bytes;
      },
    });
    try {
      let shard = 0;
      for await (const block of chunkBlocks(corpus, isolateDigits, report)) {
        if (finished.has(shard)) done += block.bytes.length;
        else await pool.add(shard, block satisfies ChunkBlock);
        shard += 1;
        if (pace.due) await pace.rest(done);
      }
      await pool.close();
      await Promise.all(writes);
    } catch (error) {
      await pool.stop();
      await Promise.allSettled(writes);
      throw error;
    }
    pace.end(done);
    return report;
  };

  return {
    shared: workers > 1,
    states: {
      load: (name) => folder.loadState(WorkFolder.taskName([...what, name])),
      save: (name, state) => folder.saveState(WorkFolder.taskName([...what, name]), state),
    },
    blocks: () => chunkBlocks(corpus, isolateDigits, emptyReport()),
    async countWindows(windowOrder) {
      order = windowOrder;
      pace.phase("count", corpus.bytes);
      const name = WorkFolder.taskName(["windows", ...what, order]);
      const report = await run(name, "windows", { kind: "windows", order });
      return { windows: () => mergeRuns(folder.files(name).map(readWindowRun)), report };
    },
    async countPieces(model, pieceStart) {
      pace.phase("segment", corpus.bytes);
      const kept = model.kept.join(" ");
      const name = WorkFolder.taskName(["pieces", ...what, order, pieceStart, kept]);
      await run(name, "pieces", { kind: "pieces", model, pieceStart });
      const files = folder.files(name);
      const bytes = files.reduce((sum, file) => sum + statSync(file).size, 0);
      if (bytes > plan.memoryLimit / 8) return () => mergePieceRuns(files);
      const parts = [...mergePieceRuns(files)];
      return () => parts;
    },
  };
}
