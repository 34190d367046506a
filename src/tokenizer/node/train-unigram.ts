// Unigram training from files, with workers for counting, a memory limit and resumption; the method is in
// train-unigram.ts.
import { type FileTrainControl, type Learnt, withDiskCounting } from "./train-bytepiece.ts";
import type { TrainResult } from "../train/bytepiece.ts";
import { cutAtSpecials } from "../train/specials.ts";
import { type UnigramOptions, unigramFrom, unigramSettings } from "../train/unigram.ts";

/**
 * Trains Unigram vocabularies from text files: the same for every number of workers and every memory limit.
 * At most 64 MiB of the text, taken evenly, are held in memory for expectation-maximisation, beside
 * `memoryLimit`.
 * @param paths Files, one text each. Files that are not UTF-8 are trained on as bytes, with a warning.
 * @throws OptionError for a bad option or files without text, FileError for a file that cannot be read or a
 * full disk (finished runs stay in `directory`).
 */
export function trainUnigramFiles(
  paths: readonly string[],
  options: UnigramOptions = {},
  control: FileTrainControl = {},
): Promise<TrainResult> {
  const where = "trainUnigramFiles";
  const settings = unigramSettings(where, options);
  const { isolateDigits, specials } = settings;
  const learnt: Learnt = { isolateDigits, from: (corpus) => cutAtSpecials(corpus, specials) };
  return withDiskCounting(where, paths, learnt, control, (counting, pace) =>
    unigramFrom(where, counting, settings, pace),
  );
}
