// Byte-pair training from files, with a memory limit; the method is in train/bpe.ts.
import { OptionError, checkOptions } from "../../errors.ts";
import { fileCorpus } from "./corpus.ts";
import type { TrainControl } from "../pace.ts";
import { type BpeOptions, type BpeTrainResult, bpeFrom } from "../train/bpe.ts";
import { LEARNING_BYTES } from "../train/bpe-merges.ts";

/** How a byte-pair training from files is carried out. */
export interface BpeTrainControl extends TrainControl {
  /**
   * Bytes that the process may take, Node included. Where the distinct parts of the text need more, an even share
   * of those that are seldom seen is left out, with a warning. Default 1 GiB.
   */
  memoryLimit?: number;
}

const CONTROL_NAMES = ["signal", "onProgress", "memoryLimit"] as const;
/** Node with type-stripped sources, the tables of pairs, and buffers while files are read. */
const BASE = 140 << 20;
/** The parts themselves while their buffers double, and what learning needs. */
const BYTES_PER_BYTE = 3 + LEARNING_BYTES;

/**
 * Trains byte-pair vocabularies from text files, read once. Distinct parts of the text are held in memory.
 * @param paths Files, one text each.
 * @throws OptionError for a bad option or files without text, FileError for a file that cannot be read.
 */
export async function trainBpeFiles(
  paths: readonly string[],
  options: BpeOptions = {},
  { memoryLimit = 2 ** 30, ...control }: BpeTrainControl = {},
): Promise<BpeTrainResult> {
  const where = "trainBpeFiles";
  checkOptions(where, { memoryLimit, ...control }, CONTROL_NAMES);
  if (!(memoryLimit >= 1 << 20)) {
    throw new OptionError(`${where}: memoryLimit must be at least ${1 << 20} bytes, got ${memoryLimit}.`);
  }
  const room = Math.max(1 << 20, memoryLimit - BASE) / BYTES_PER_BYTE;
  return bpeFrom(where, await fileCorpus(paths), options, control, room);
}
