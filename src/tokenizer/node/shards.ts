// One worker's share of counting, with its memory bounded: shards of the corpus go in, sorted runs come out.
// A group is the shards between two flushes; its run files belong together and are what a resumed training
// may reuse.
import { join } from "node:path";
import type { ChunkBlock } from "../train/chunk.ts";
import { BlockSegmenter } from "../train/counting.ts";
import type { LanguageModel } from "../train/language-model.ts";
import { WindowCounter } from "../train/ngrams.ts";
import { PieceCounter } from "../pieces.ts";
import { writePieceRun, writeWindowRun } from "./run-files.ts";
import { release } from "../release.ts";
import type { Run } from "../train/runs.ts";
import type { PieceStart } from "../train/segment.ts";

/** What to do with shards. */
export type ShardTask =
  | { kind: "windows"; order: number }
  | { kind: "pieces"; model: LanguageModel; pieceStart: PieceStart };

/** Where runs go and how much memory their making may take. */
export interface ShardPlace {
  directory: string;
  /** Begins the names of this worker's files. */
  name: string;
  /** Bytes for this worker's tables. */
  memory: number;
}

/** Shards and the files that hold their counts. */
export interface Group {
  shards: number[];
  files: string[];
}

/** Bytes of shards after which a group is closed: what a killed run may lose. */
const GROUP_BYTES = 1 << 26;

/** Counts shards and closes groups. */
export class ShardCounter {
  readonly #place: ShardPlace;
  readonly #add: (block: ChunkBlock) => void;
  readonly #flush: () => void;
  readonly #free: () => void;
  #group: Group = { shards: [], files: [] };
  #bytes = 0;
  #files = 0;

  constructor(task: ShardTask, place: ShardPlace) {
    this.#place = place;
    if (task.kind === "windows") {
      const spill = (run: Run): void => {
        writeWindowRun(this.#newFile(), run);
        release(run.keys, run.counts);
      };
      const counter = new WindowCounter(task.order, spill, place.memory);
      this.#add = (block) => counter.add(block);
      this.#flush = () => counter.flush();
      this.#free = () => counter.close();
    } else {
      let counter = new PieceCounter();
      const segmenter = new BlockSegmenter(task.model, task.pieceStart);
      this.#flush = () => {
        if (counter.size > 0) writePieceRun(this.#newFile(), counter.finish());
        counter.close();
        counter = new PieceCounter();
      };
      this.#free = () => counter.close();
      this.#add = (block) => {
        segmenter.add(block, counter);
        // Arrays double, and the old ones stay beside the new until the garbage collector comes.
        if (counter.memory > place.memory / 4) this.#flush();
      };
    }
  }

  /** Counts a shard; returns the group it closed, if it closed one. */
  add(shard: number, block: ChunkBlock): Group | undefined {
    this.#add(block);
    this.#group.shards.push(shard);
    this.#bytes += block.bytes.length;
    return this.#bytes >= GROUP_BYTES ? this.close() : undefined;
  }

  /** Writes what is left; returns the last group, if it is not empty. */
  close(): Group | undefined {
    this.#flush();
    const group = this.#group;
    this.#group = { shards: [], files: [] };
    this.#bytes = 0;
    return group.shards.length > 0 ? group : undefined;
  }

  /** Gives its memory back; nothing can be counted afterwards. */
  free(): void {
    this.#free();
  }

  #newFile(): string {
    const file = `${this.#place.name}-${this.#files++}.run`;
    this.#group.files.push(file);
    return join(this.#place.directory, file);
  }
}
