// Text files as a corpus: each file is one text, read block by block.
import { open, stat } from "node:fs/promises";
import { FileError } from "../../errors.ts";
import type { Corpus } from "../train/corpus.ts";
import type { TextBlock } from "../train/chunk.ts";

/** Bytes of one block; part of what makes a resumed training meet the same shards. */
const BLOCK = 1 << 20;

/** A corpus of files and what identifies its state on disk. */
export interface FileCorpus extends Corpus {
  bytes: number;
  /** Changes when a file, its size or its time of change does. */
  fingerprint: string;
}

/** The file's blocks, in two buffers that take turns: one is read while the other is looked at. */
async function* fileBlocks(path: string): AsyncGenerator<TextBlock> {
  const file = await open(path);
  const buffers: readonly [Uint8Array, Uint8Array] = [new Uint8Array(BLOCK), new Uint8Array(BLOCK)];
  try {
    let held: Uint8Array | undefined;
    for (let turn = 0; ; turn++) {
      const buffer = buffers[turn % 2 === 0 ? 0 : 1];
      let filled = 0;
      while (filled < BLOCK) {
        const { bytesRead } = await file.read(buffer, filled, BLOCK - filled, null);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      if (held && (filled > 0 || held.length > 0)) yield { bytes: held, last: filled === 0 };
      if (filled === 0 && held) return;
      held = buffer.subarray(0, filled);
      if (filled < BLOCK) break;
    }
    if (held) yield { bytes: held, last: true };
  } finally {
    await file.close();
  }
}

/**
 * The files at `paths`, in order.
 * @throws FileError for a path that is not a readable file.
 */
export async function fileCorpus(paths: readonly string[]): Promise<FileCorpus> {
  let bytes = 0;
  const marks: string[] = [];
  for (const path of paths) {
    const about = await stat(path).catch((cause: unknown) => {
      throw new FileError(`train: ${path} must be a text file, got nothing there. Check the name.`, {
        cause,
      });
    });
    if (!about.isFile()) {
      throw new FileError(`train: ${path} must be a text file, got something else. Name its files.`);
    }
    bytes += about.size;
    marks.push(`${path}:${about.size}:${about.mtimeMs}`);
  }
  return {
    bytes,
    fingerprint: [`blocks of ${BLOCK}`, ...marks].join("\n"),
    async *blocks() {
      for (const path of paths) yield* fileBlocks(path);
    },
  };
}
