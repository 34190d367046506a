// Su Jianlin 2023, BytePiece, https://kexue.fm/archives/9752, and its code, bojone/bytepiece 0.6.3: a byte
// n-gram model cuts the corpus into candidates, whose counts become Unigram probabilities, and the vocabulary
// is pruned by re-segmenting pieces with what remains.
//
// Departure: an unseen character does not shred the text after it (segment.ts, `PieceStart`); `reference`
// brings the original behaviour back.
import { OptionError, checkOptions } from "../../errors.ts";
import { type Corpus, type CorpusLike, type CorpusReport, asCorpus } from "./corpus.ts";
import { type Counting, countInMemory } from "./counting.ts";
import { buildLanguageModel } from "./language-model.ts";
import { type Special, type UnigramModel, unigramFromPieces } from "../model.ts";
import { MAX_ORDER } from "./ngrams.ts";
import { Pace, type TrainControl } from "../pace.ts";
import type { PieceList } from "../pieces.ts";
import { type PieceParts, countedPieces, pruneCandidates, pruneToSize } from "./prune.ts";
import { release } from "../release.ts";
import { type NewSpecial, cutAtSpecials, newSpecials } from "./specials.ts";

/** What becomes a piece. */
export interface BytePieceOptions {
  /** Ids in all, the specials included; several sizes are pruned one from the other. Default 8000. */
  vocabularySize?: number | readonly number[];
  /** Bytes of the longest n-gram, 1 to 6. Default 6. */
  order?: number;
  /** N-grams and pieces seen less often are dropped. Default 2. */
  minCount?: number;
  /** Bytes of the longest piece. Default 36. */
  maxPieceLength?: number;
  /** Every decimal digit (of any script) is a piece of its own. Default false. */
  isolateDigits?: boolean;
  /** No piece begins or ends inside a character, single bytes apart. Default true. */
  ensureUnicode?: boolean;
  /** Reproduce BytePiece 0.6.3 to the letter, its dead ends included. Default false. */
  reference?: boolean;
  /** Specials, with ids from 0 on. What spells one in the text is not learnt. Default: `<pad>`, `<bos>`, `<eos>`. */
  specials?: readonly NewSpecial[];
}

/** A trained vocabulary and how it came about. */
export interface TrainResult {
  /** One model per requested size, in the order of the request. */
  models: UnigramModel[];
  report: TrainReport;
}

/** Numbers of one training. */
export interface TrainReport extends CorpusReport {
  /** Kept n-grams of each order, order 1 first. */
  kept: number[];
  /** Pieces that are their own best segmentation, before the sizes were cut: the most this corpus supports. */
  candidates: number;
  /** Plain sentences about what was not as asked. */
  warnings: string[];
}

const OPTION_NAMES = [
  "vocabularySize",
  "order",
  "minCount",
  "maxPieceLength",
  "isolateDigits",
  "ensureUnicode",
  "reference",
  "specials",
] as const;

/** Options with every default filled in. */
export interface BytePieceSettings {
  sizes: readonly number[];
  order: number;
  minCount: number;
  maxPieceLength: number;
  isolateDigits: boolean;
  ensureUnicode: boolean;
  reference: boolean;
  specials: readonly Special[];
}

/** Throws unless `value` is an integer from `least` to `most`. */
export function checkInteger(where: string, name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  const range = most === Infinity ? `an integer ≥ ${least}` : `an integer from ${least} to ${most}`;
  throw new OptionError(`${where}: ${name} must be ${range}, got ${value}.`);
}

/** Throws unless every requested size can hold the bytes and the specials. */
export function checkSizes(where: string, sizes: readonly number[], specials: number): void {
  const least = 256 + specials;
  if (sizes.length === 0) {
    throw new OptionError(`${where}: vocabularySize must name at least one size, got [].`);
  }
  for (const size of sizes) {
    if (Number.isInteger(size) && size >= least) continue;
    throw new OptionError(
      `${where}: vocabularySize must be an integer ≥ ${least} (256 bytes and ${specials} specials), got ${size}.`,
    );
  }
}

/** Checks options and fills in defaults. */
export function bytePieceSettings(where: string, options: BytePieceOptions): BytePieceSettings {
  checkOptions(where, options, OPTION_NAMES);
  const { vocabularySize = 8000, order = MAX_ORDER, minCount = 2, maxPieceLength = 36 } = options;
  const { isolateDigits = false, ensureUnicode = true, reference = false } = options;
  const sizes = typeof vocabularySize === "number" ? [vocabularySize] : vocabularySize;
  const specials = newSpecials(where, options.specials);
  checkSizes(where, sizes, specials.length);
  checkInteger(where, "order", order, 1, MAX_ORDER);
  checkInteger(where, "minCount", minCount, 1, Infinity);
  checkInteger(where, "maxPieceLength", maxPieceLength, 1, 255);
  return { sizes, order, minCount, maxPieceLength, isolateDigits, ensureUnicode, reference, specials };
}

/**
 * Trains BytePiece vocabularies in memory on this thread; `trainBytePieceFiles` reads files, uses worker
 * threads and keeps to a memory limit, with the same result.
 * @param corpus Texts that can be read twice. Nothing spans two of them.
 * @returns Unigram models with `ln p = ln count - ln Σ counts` and ids by (length, bytes) after the specials.
 * @throws OptionError for a bad option or an empty corpus.
 * @example
 * const { models } = await trainBytePiece(["to be or not to be"], { vocabularySize: 300 });
 */
export async function trainBytePiece(
  corpus: CorpusLike,
  options: BytePieceOptions = {},
  control: TrainControl = {},
): Promise<TrainResult> {
  const where = "trainBytePiece";
  const settings = bytePieceSettings(where, options);
  const pace = new Pace(control);
  const texts = learntFrom(asCorpus(corpus, where), settings);
  const counting = countInMemory(texts, settings.isolateDigits, pace);
  return bytePieceFrom(where, counting, settings, pace);
}

/** What the pieces are learnt from: the original knows no specials in text. */
export function learntFrom<C extends Corpus>(corpus: C, { reference, specials }: BytePieceSettings): C {
  return reference ? corpus : cutAtSpecials(corpus, specials);
}

/** The training itself, whoever counts. */
export async function bytePieceFrom(
  where: string,
  counting: Counting,
  settings: BytePieceSettings,
  pace: Pace,
): Promise<TrainResult> {
  const { minCount, maxPieceLength, ensureUnicode, reference } = settings;
  const { candidates, report, kept } = await cutCorpus(where, counting, settings);
  const rule = { minCount, maxPieceLength, wholeCharacters: ensureUnicode && !reference };
  const keep = await pruneCandidates(candidates, rule, pace);
  const warnings = corpusWarnings(report);
  const pruned = await pruneToSizes(keep, settings, pace, warnings);
  pace.end(keep.size);
  return {
    models: pruned.map((pieces) => unigramFromPieces(countedPieces(pieces), settings.specials)),
    report: { ...report, kept, candidates: keep.size, warnings },
  };
}

/** Counts the corpus, cuts it with the language model and counts the pieces; the model is gone afterwards. */
async function cutCorpus(
  where: string,
  counting: Counting,
  { order, minCount, ensureUnicode, reference }: BytePieceSettings,
): Promise<{ candidates: () => PieceParts; report: CorpusReport; kept: number[] }> {
  const { windows, report } = await counting.countWindows(order);
  checkCorpus(where, report);
  const model = buildLanguageModel(windows(), { order, minCount, shared: counting.shared });
  const pieceStart = !ensureUnicode ? "bytes" : reference ? "reference" : "characters";
  const candidates = await counting.countPieces(model, pieceStart);
  release(model.values, model.labels);
  return { candidates, report, kept: model.kept };
}

/** Vocabularies of the requested sizes, in the order of the request; each starts from the next larger one. */
async function pruneToSizes(
  keep: PieceList,
  { sizes, specials }: BytePieceSettings,
  pace: Pace,
  warnings: string[],
): Promise<readonly PieceList[]> {
  const done = new Map<number, PieceList>();
  let now = keep;
  for (const size of [...new Set(sizes)].sort((x, y) => y - x)) {
    now = await pruneToSize(now, size - specials.length, pace);
    done.set(size, now);
    if (keep.size < size - specials.length) warnings.push(smallVocabulary(size, keep.size + specials.length));
  }
  return sizes.map((size) => done.get(size) ?? now);
}

/** Sentence about a corpus that does not fill the vocabulary. */
export function smallVocabulary(asked: number, got: number): string {
  return `vocabularySize ${asked} is more than this corpus supports: the vocabulary has ${got} ids. Give more text or a smaller minCount.`;
}

/** Throws for a corpus without a byte. */
export function checkCorpus(where: string, report: CorpusReport): void {
  if (report.bytes > 0) return;
  throw new OptionError(
    `${where}: corpus must hold at least one byte of text, got ${report.texts} texts with 0 bytes.`,
  );
}

/** Sentences about text that is not UTF-8. */
export function corpusWarnings({ invalidTexts, invalidBytes, texts }: CorpusReport): string[] {
  if (invalidTexts === 0) return [];
  return [
    `${invalidTexts} of ${texts} texts are not UTF-8 (${invalidBytes} stray bytes); they were trained on as bytes.`,
  ];
}
