// The two readings of the text that BytePiece training needs, in memory on one thread. On disk and over
// worker threads: ../node/counting.ts.
import { type Corpus, type CorpusReport, chunkBlocks, emptyReport } from "./corpus.ts";
import type { ChunkBlock } from "./chunk.ts";
import type { LanguageModel } from "./language-model.ts";
import type { StateStore } from "./em-state.ts";
import { WindowCounter } from "./ngrams.ts";
import type { Pace } from "../pace.ts";
import { PieceCounter, type PieceList } from "../pieces.ts";
import { type Run, mergeRuns } from "./runs.ts";
import { type PieceStart, type SegmentScratch, segmentChunk, segmentScratch } from "./segment.ts";

/** Who reads the corpus and counts. */
export interface Counting {
  /** Counts windows of `order` bytes; the runs may be read several times. */
  countWindows(order: number): Promise<{ windows: () => Iterable<Run>; report: CorpusReport }>;
  /** Segments the corpus and counts the pieces; the parts may be read several times. */
  countPieces(model: LanguageModel, pieceStart: PieceStart): Promise<() => Iterable<PieceList>>;
  /** The chunks once more, for what needs the text itself. */
  blocks(): AsyncIterable<ChunkBlock>;
  /** Where later stages keep what they have reached, if a killed training is to go on. */
  states?: StateStore;
  /** True if models should lie in memory shared with worker threads. */
  shared: boolean;
}

/** Cuts every chunk of `block` with `model` and counts the pieces. */
export class BlockSegmenter {
  readonly #scratch: SegmentScratch = segmentScratch();
  #starts: Int32Array = new Int32Array(1 << 16);
  readonly #model: LanguageModel;
  readonly #pieceStart: PieceStart;

  constructor(model: LanguageModel, pieceStart: PieceStart) {
    this.#model = model;
    this.#pieceStart = pieceStart;
  }

  add(block: ChunkBlock, counter: PieceCounter): void {
    const { bytes, ends } = block;
    let start = 0;
    for (let c = 0; c < ends.length; c++) {
      const end = ends[c] ?? 0;
      if (end - start > this.#starts.length) this.#starts = new Int32Array(2 * (end - start));
      const starts = this.#starts;
      const n = segmentChunk(this.#model, bytes, start, end, this.#pieceStart, this.#scratch, starts);
      let to = end;
      for (let k = 0; k < n; k++) {
        const from = starts[k] ?? 0;
        counter.add(bytes, from, to);
        to = from;
      }
      start = end;
    }
  }
}

/** Chunks between two looks at the clock are at most this many bytes. */
const SLICE = 1 << 18;

/** `block` in slices of whole chunks. */
export function* slices({ bytes, ends }: ChunkBlock): Generator<ChunkBlock> {
  let from = 0;
  let first = 0;
  for (let c = 0; c < ends.length; c++) {
    const end = ends[c] ?? 0;
    if (end - from < SLICE && c + 1 < ends.length) continue;
    yield { bytes: bytes.subarray(from, end), ends: ends.subarray(first, c + 1).map((e) => e - from) };
    from = end;
    first = c + 1;
  }
}

/** Counts in memory on this thread. */
export function countInMemory(corpus: Corpus, isolateDigits: boolean, pace: Pace): Counting {
  const each = async (report: CorpusReport, add: (slice: ChunkBlock) => void): Promise<void> => {
    let done = 0;
    for await (const block of chunkBlocks(corpus, isolateDigits, report)) {
      for (const slice of slices(block)) {
        add(slice);
        done += slice.bytes.length;
        if (pace.due) await pace.rest(done);
      }
    }
    pace.end(done);
  };
  return {
    shared: false,
    blocks: () => chunkBlocks(corpus, isolateDigits, emptyReport()),
    async countWindows(order) {
      const runs: Run[] = [];
      const report = emptyReport();
      const counter = new WindowCounter(order, (run) => runs.push(run));
      pace.phase("count", corpus.bytes);
      await each(report, (slice) => counter.add(slice));
      counter.flush();
      return { windows: () => mergeRuns(runs.map((run) => [run])), report };
    },
    async countPieces(model, pieceStart) {
      const counter = new PieceCounter();
      const segmenter = new BlockSegmenter(model, pieceStart);
      pace.phase("segment", corpus.bytes);
      await each(emptyReport(), (slice) => segmenter.add(slice, counter));
      const list = counter.finish();
      return () => [list];
    },
  };
}
