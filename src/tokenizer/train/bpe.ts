// Sennrich, Haddow, Birch 2016, https://arxiv.org/abs/1508.07909, on bytes (Radford et al. 2019): byte-pair
// encoding trained exactly. The merging is in bpe-merges.ts.
import { jsPattern } from "../pipeline/pattern.ts";
import { OptionError, checkOptions } from "../../errors.ts";
import { type Merges, learnMerges } from "./bpe-merges.ts";
import { type CorpusLike, type CorpusReport, asCorpus, chunkBlocks, emptyReport } from "./corpus.ts";
import type { Corpus } from "./corpus.ts";
import type { BpeModel, Special } from "../model.ts";
import { type NewSpecial, cutAtSpecials, newSpecials } from "./specials.ts";
import { sequenceLength } from "../utf8.ts";
import { Pace, type TrainControl } from "../pace.ts";
import { PieceCounter, type PieceList, hashBytes, pieceAt } from "../pieces.ts";
import { checkCorpus, checkInteger, checkSizes, corpusWarnings, smallVocabulary } from "./bytepiece.ts";

/**
 * How text falls into parts unless told otherwise: words with the space before them, up to three digits,
 * punctuation, newlines, other white space. No part goes on after a newline.
 */
export const WORDS =
  " ?\\p{L}[\\p{L}\\p{M}]*| ?\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+|\\n+|[^\\S\\n]+(?!\\S)|[^\\S\\n]";

/** What becomes a piece. */
export interface BpeOptions {
  /** Ids in all, the specials included; of several sizes each holds the first merges of the largest. Default 8000. */
  vocabularySize?: number | readonly number[];
  /** Pairs seen less often are not merged. Default 2. */
  minCount?: number;
  /** Bytes of the longest piece. Default 64. */
  maxPieceLength?: number;
  /** Source of a regular expression whose matches, and the gaps between, are encoded alone; `false`: lines. */
  split?: string | false;
  /** Specials, with ids from 0 on. What spells one in the text is not learnt. Default: `<pad>`, `<bos>`, `<eos>`. */
  specials?: readonly NewSpecial[];
}

/** Trained vocabularies and how they came about. */
export interface BpeTrainResult {
  /** The first of `models`. */
  model: BpeModel;
  /** One model per requested size, in the order of the request. */
  models: BpeModel[];
  report: CorpusReport & {
    /** Distinct parts of the text. */
    parts: number;
    /** Plain sentences about what was not as asked. */
    warnings: string[];
  };
}

const OPTION_NAMES = ["vocabularySize", "minCount", "maxPieceLength", "split", "specials"] as const;

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
 * Trains a byte-pair vocabulary: the specials' ids come first, then the bytes', then one per merge.
 * Distinct parts of the text are held in memory (about 16 bytes a byte); `trainBpeFiles` keeps to a limit.
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
  return bpeFrom("trainBpe", asCorpus(corpus, "trainBpe"), options, control, Infinity);
}

/** The training itself, wherever the text comes from. @param room Bytes for the distinct parts of the text. */
export async function bpeFrom(
  where: string,
  corpus: Corpus,
  options: BpeOptions,
  control: TrainControl,
  room: number,
): Promise<BpeTrainResult> {
  checkOptions(where, options, OPTION_NAMES);
  const { vocabularySize = 8000, minCount = 2, maxPieceLength = 64, split = WORDS } = options;
  const specials = newSpecials(where, options.specials);
  const sizes = typeof vocabularySize === "number" ? [vocabularySize] : vocabularySize;
  checkSizes(where, sizes, specials.length);
  checkInteger(where, "minCount", minCount, 1, Infinity);
  checkInteger(where, "maxPieceLength", maxPieceLength, 1, 65_535);
  const pattern = compileSplit(where, split);
  const pace = new Pace(control);
  const report = emptyReport();
  const texts = cutAtSpecials(corpus, specials);
  const { parts, rarest } = await collectParts(texts, pattern, room, report, pace);
  checkCorpus(where, report);
  const most = Math.max(...sizes) - 256 - specials.length;
  const learnt = await learnMerges(parts, { most, minCount, maxPieceLength }, pace);
  const models = sizes.map((size) => modelOf(learnt, size, specials, split));
  const warnings = corpusWarnings(report);
  if (rarest > 1) {
    warnings.push(
      `memoryLimit holds part of the text only: of what stands there fewer than ${rarest} times an even share was left out. Give more memory.`,
    );
  }
  const reached = 256 + specials.length + learnt.pairs.length / 2;
  for (const size of sizes) if (reached < size) warnings.push(smallVocabulary(size, reached));
  const [model = modelOf(learnt, 0, specials, split)] = models;
  return { model, models, report: { ...report, parts: parts.size, warnings } };
}

/** The vocabulary of the first merges, as many as `size` ids have room for. */
function modelOf(
  { pairs, pieces }: Merges,
  size: number,
  specials: readonly Special[],
  split: string | false,
): BpeModel {
  const first = specials.length;
  const count = Math.min(pairs.length / 2, Math.max(0, size - 256 - first));
  const merges = new Int32Array(3 * count);
  for (let i = 0; i < count; i++) {
    merges[3 * i] = first + (pairs[2 * i] ?? 0);
    merges[3 * i + 1] = first + (pairs[2 * i + 1] ?? 0);
    merges[3 * i + 2] = first + 256 + i;
  }
  return {
    kind: "bpe",
    pieces: [...specials.map(() => new Uint8Array(0)), ...pieces.slice(0, 256 + count)],
    merges,
    specials,
    ...(split !== false && { split }),
  };
}

/**
 * Distinct parts of the corpus and their counts. Where they would need more than `room` bytes, a part seen c times
 * is kept with the chance c / rarest, drawn by its hash: what is frequent always stays, and of lines, which are
 * nearly all different, an even share.
 */
async function collectParts(
  corpus: Corpus,
  split: RegExp | undefined,
  room: number,
  report: CorpusReport,
  pace: Pace,
): Promise<{ parts: PieceList; rarest: number }> {
  let counter = new PieceCounter();
  let rarest = 1;
  pace.phase("count", corpus.bytes);
  let done = 0;
  for await (const { bytes, ends } of chunkBlocks(corpus, false, report)) {
    let start = 0;
    for (const end of ends) {
      countParts(split, bytes, start, end, counter);
      done += end - start;
      start = end;
      if (counter.memory > room) {
        // What came since the last time first; only if that is not enough are more left out.
        if (rarest > 1) counter = thinned(counter, rarest);
        for (; counter.memory > room / 2; counter = thinned(counter, rarest)) rarest *= 2;
      }
      if (pace.due) await pace.rest(done);
    }
  }
  pace.end(done);
  // Once more for what came after the last time.
  if (rarest > 1) counter = thinned(counter, rarest);
  return { parts: counter.finish(), rarest };
}

function thinned(counter: PieceCounter, rarest: number): PieceCounter {
  const kept = new PieceCounter();
  const list = counter.finish();
  for (let i = 0; i < list.size; i++) {
    const piece = pieceAt(list, i);
    const count = list.counts[i] ?? 0;
    const share = (hashBytes(piece, 0, piece.length) >>> 0) / 2 ** 32;
    if (share * rarest < count) kept.add(piece, 0, piece.length, count);
  }
  counter.close();
  return kept;
}
