// BytePiece training from files, with workers, a memory limit and resumption; the method is in
// train-bytepiece.ts.
import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { OptionError, checkOptions } from "../../errors.ts";
import { countOnDisk } from "./counting.ts";
import { type Counting, countInMemory } from "../train/counting.ts";
import { type FileCorpus, fileCorpus } from "./corpus.ts";
import { Pace, type TrainControl } from "../pace.ts";
import {
  type BytePieceOptions,
  type TrainResult,
  bytePieceFrom,
  bytePieceSettings,
  checkInteger,
  learntFrom,
} from "../train/bytepiece.ts";
import { WorkFolder } from "./work-folder.ts";

/** How a training from files is carried out; nothing here changes its result. */
export interface FileTrainControl extends TrainControl {
  /** Threads that count. Default: the cores of this machine, at most 8. */
  workers?: number;
  /**
   * Bytes that the process may take, Node included (about 70 MB): counting tables go to disk so that the limit
   * holds. What does not depend on it is the language model, 65 bytes for each n-gram seen `minCount` times, and
   * the text of EM; where these alone exceed the limit a warning says so. Default 1 GiB.
   */
  memoryLimit?: number;
  /**
   * Folder for runs. It is kept when the training is stopped, and the next one with the same files and options
   * goes on from it. Default: a temporary folder that is always removed.
   */
  directory?: string;
}

const CONTROL_NAMES = ["signal", "onProgress", "workers", "memoryLimit", "directory"] as const;
const LEAST_MEMORY = 1 << 20;
/** Bytes of tables that one byte of text can need at most: a slot of 16 at half load. */
const MEMORY_PER_BYTE = 32;

/** How files are read. */
export interface Learnt {
  readonly isolateDigits: boolean;
  /** The part of them that is learnt from. */
  readonly from: (corpus: FileCorpus) => FileCorpus;
}

/** Opens the corpus and the folder, hands a counter to `body`, and cleans up. */
export async function withDiskCounting<T extends TrainResult>(
  where: string,
  paths: readonly string[],
  learnt: Learnt,
  control: FileTrainControl,
  body: (counting: Counting, pace: Pace) => Promise<T>,
): Promise<T> {
  const result = await count(where, paths, learnt, control, body);
  const peak = process.resourceUsage().maxRSS * 1024;
  const { memoryLimit } = control;
  if (memoryLimit !== undefined && peak > memoryLimit) {
    result.report.warnings.push(
      `memoryLimit ${megabytes(memoryLimit)} could not be kept: the process needed ${megabytes(peak)}. Use one worker or raise minCount.`,
    );
  }
  return result;
}

const megabytes = (bytes: number): string => `${Math.ceil(bytes / 2 ** 20)} MiB`;

/** `withDiskCounting` without its look at memory. */
async function count<T>(
  where: string,
  paths: readonly string[],
  learnt: Learnt,
  control: FileTrainControl,
  body: (counting: Counting, pace: Pace) => Promise<T>,
): Promise<T> {
  checkOptions(where, control, CONTROL_NAMES);
  const { workers = Math.min(8, availableParallelism()), memoryLimit = 2 ** 30, directory } = control;
  checkInteger(where, "workers", workers, 1, 64);
  if (!(memoryLimit >= LEAST_MEMORY)) {
    throw new OptionError(
      `${where}: memoryLimit must be at least ${LEAST_MEMORY} bytes, got ${memoryLimit}.`,
    );
  }
  const pace = new Pace(control);
  const corpus = learnt.from(await fileCorpus(paths));
  const { isolateDigits } = learnt;
  if (workers === 1 && directory === undefined && corpus.bytes * MEMORY_PER_BYTE <= memoryLimit) {
    return body(countInMemory(corpus, isolateDigits, pace), pace);
  }
  const place = directory ?? (await mkdtemp(join(tmpdir(), "athanor-tokenizer-")));
  try {
    const folder = await WorkFolder.open(place);
    const result = await body(
      countOnDisk(corpus, isolateDigits, { workers, memoryLimit, folder }, pace),
      pace,
    );
    folder.clear();
    return result;
  } finally {
    if (directory === undefined) await rm(place, { recursive: true, force: true });
  }
}

/**
 * Trains BytePiece vocabularies from text files: the same vocabularies, byte for byte, for every number of
 * workers and every memory limit, and the same as `trainBytePiece` gives for the same texts.
 * @param paths Files, one text each. Files that are not UTF-8 are trained on as bytes, with a warning.
 * @throws OptionError for a bad option or files without text, FileError for a file that cannot be read or a
 * full disk (finished runs stay in `directory`).
 */
export function trainBytePieceFiles(
  paths: readonly string[],
  options: BytePieceOptions = {},
  control: FileTrainControl = {},
): Promise<TrainResult> {
  const where = "trainBytePieceFiles";
  const settings = bytePieceSettings(where, options);
  const { isolateDigits } = settings;
  const learnt: Learnt = { isolateDigits, from: (corpus) => learntFrom(corpus, settings) };
  return withDiskCounting(where, paths, learnt, control, (counting, pace) =>
    bytePieceFrom(where, counting, settings, pace),
  );
}
