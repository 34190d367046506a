// Byte-pair training from files; the method is in train-bpe.ts.
import { fileCorpus } from "./corpus.ts";
import type { TrainControl } from "../pace.ts";
import { type BpeOptions, type BpeTrainResult, bpeFrom } from "../train/bpe.ts";

/**
 * Trains a byte-pair vocabulary from text files, read once. Distinct parts of the text are held in memory.
 * @param paths Files, one text each.
 * @throws OptionError for a bad option or files without text, FileError for a file that cannot be read.
 */
export async function trainBpeFiles(
  paths: readonly string[],
  options: BpeOptions = {},
  control: TrainControl = {},
): Promise<BpeTrainResult> {
  return bpeFrom("trainBpeFiles", await fileCorpus(paths), options, control);
}
