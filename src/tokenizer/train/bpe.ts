// Sennrich, Haddow, Birch 2016, https://arxiv.org/abs/1508.07909, on bytes (Radford et al. 2019): byte-pair
// encoding trained exactly. The merging is in bpe-merges.ts.
import { jsPattern } from "../pipeline/pattern.ts";
import { OptionError, checkOptions } from "../../errors.ts";
import { learnMerges } from "./bpe-merges.ts";
import { type CorpusLike, type CorpusReport, asCorpus, chunkBlocks, emptyReport } from "./corpus.ts";
import type { Corpus } from "./corpus.ts";
import { type BpeModel, DEFAULT_SPECIALS } from "../model.ts";
import { sequenceLength } from "../utf8.ts";
import { Pace, type TrainControl } from "../pace.ts";
import { PieceCounter, type PieceList } from "../pieces.ts";
import { checkCorpus, checkInteger, checkSizes, corpusWarnings, smallVocabulary } from "./bytepiece.ts";

/**
 * How text falls into parts unless told otherwise: words with the space before them, up to three digits,
 * punctuation, newlines, other white space. No part goes on after a newline.
 */
export const WORDS =
  " ?\\p{L}[\\p{L}\\p{M}]*| ?\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+|\\n+|[^\\S\\n]+(?!\\S)|[^\\S\\n]";

/** What becomes a piece. */
export interface BpeOptions {
  /** Ids in all, the three specials included. Default 8000. */
  vocabularySize?: number;
  /** Pairs seen less often are not merged. Default 2. */
  minCount?: number;
  /** Bytes of the longest piece. Default 64. */
  maxPieceLength?: number;
  /** Source of a regular expression whose matches, and the gaps between, are encoded alone; `false`: lines. */
  split?: string | false;
}

/** A trained vocabulary and how it came about. */
export interface BpeTrainResult {
  model: BpeModel;
  report: CorpusReport & {
    /** Distinct parts of the text. */
    parts: number;
    /** Plain sentences about what was not as asked. */
    warnings: string[];
  };
}

const OPTION_NAMES = ["vocabularySize", "minCount", "maxPieceLength", "split"] as const;

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const encoder = new TextEncoder();

function compileSplit(where: string, split: string | false): RegExp | undefined {
  if (split === false) return undefined;
  try {
    return new RegExp(jsPattern(split, where), "gv");
  } catch (cause) {
    throw new OptionError(
      `${where}: split must be the source of a regular expression, got ${JSON.stringify(split)}. Check its syntax.`,
      { cause },
    );
  }
}

/** Counts the parts of `bytes[from..to)`, which is UTF-8. */
function countSplit(split: RegExp, bytes: Uint8Array, from: number, to: number, counter: PieceCounter): void {
  const text = decoder.decode(bytes.subarray(from, to));
  const ascii = text.length === to - from;
  let unit = 0;
  let at = from;
  const part = (end: number): void => {
    if (end === unit) return;
    const stop = ascii ? from + end : at + encoder.encode(text.slice(unit, end)).length;
    counter.add(bytes, at, stop);
    at = stop;
    unit = end;
  };
  for (const match of text.matchAll(split)) {
    part(match.index);
    part(match.index + match[0].length);
  }
  part(text.length);
}

/** Counts the parts of one chunk; a stray byte is a part of its own. */
function countParts(
  split: RegExp | undefined,
  bytes: Uint8Array,
  from: number,
  to: number,
  counter: PieceCounter,
): void {
  if (split === undefined) {
    counter.add(bytes, from, to);
    return;
  }
  for (let at = from; at < to; ) {
    let end = at;
    for (let n = 1; end < to && n > 0; end += n) n = sequenceLength(bytes, end, to);
    if (end > at) countSplit(split, bytes, at, end, counter);
    if (end < to) counter.add(bytes, end, end + 1);
    at = end + 1;
  }
}

/**
 * Trains a byte-pair vocabulary: ids 0–2 are the specials, 3–258 the bytes, then one per merge.
 * Distinct parts of the text are held in memory (about 20 bytes a byte).
 * @param corpus Texts; brought to Unicode NFC for training.
 * @throws OptionError for a bad option or an empty corpus.
 * @example
 * const { model } = await trainBpe(["to be or not to be"], { vocabularySize: 262 });
 */
export function trainBpe(
  corpus: CorpusLike,
  options: BpeOptions = {},
  control: TrainControl = {},
): Promise<BpeTrainResult> {
  return bpeFrom("trainBpe", asCorpus(corpus, "trainBpe"), options, control);
}

/** The training itself, wherever the text comes from. */
export async function bpeFrom(
  where: string,
  corpus: Corpus,
  options: BpeOptions,
  control: TrainControl,
): Promise<BpeTrainResult> {
  checkOptions(where, options, OPTION_NAMES);
  const { vocabularySize = 8000, minCount = 2, maxPieceLength = 64, split = WORDS } = options;
  checkSizes(where, [vocabularySize]);
  checkInteger(where, "minCount", minCount, 1, Infinity);
  checkInteger(where, "maxPieceLength", maxPieceLength, 1, 65_535);
  const pattern = compileSplit(where, split);
  const pace = new Pace(control);
  const report = emptyReport();
  const parts = await collectParts(corpus, pattern, report, pace);
  checkCorpus(where, report);
  const specials = DEFAULT_SPECIALS;
  const most = vocabularySize - 256 - specials.length;
  const { pairs, pieces } = await learnMerges(parts, { most, minCount, maxPieceLength }, pace);
  const first = specials.length;
  const merges = new Int32Array((pairs.length / 2) * 3);
  for (let i = 0; i < pairs.length / 2; i++) {
    merges[3 * i] = first + (pairs[2 * i] ?? 0);
    merges[3 * i + 1] = first + (pairs[2 * i + 1] ?? 0);
    merges[3 * i + 2] = first + 256 + i;
  }
  const model: BpeModel = {
    kind: "bpe",
    pieces: [...specials.map(() => new Uint8Array(0)), ...pieces],
    merges,
    specials,
    ...(split !== false && { split }),
  };
  const warnings = corpusWarnings(report);
  if (model.pieces.length < vocabularySize)
    warnings.push(smallVocabulary(vocabularySize, model.pieces.length));
  return { model, report: { ...report, parts: parts.size, warnings } };
}

/** Distinct parts of the corpus and their counts. */
async function collectParts(
  corpus: Corpus,
  split: RegExp | undefined,
  report: CorpusReport,
  pace: Pace,
): Promise<PieceList> {
  const counter = new PieceCounter();
  pace.phase("count", corpus.bytes);
  let done = 0;
  for await (const { bytes, ends } of chunkBlocks(corpus, false, report)) {
    let start = 0;
    for (const end of ends) {
      countParts(split, bytes, start, end, counter);
      done += end - start;
      start = end;
      if (pace.due) await pace.rest(done);
    }
  }
  pace.end(done);
  return counter.finish();
}
