// Kudo 2018, https://arxiv.org/abs/1804.10959, sections 3.2 and 3.3, over BytePiece's candidates
// (https://kexue.fm/archives/9752): expectation-maximisation, then pruning, until the size is reached.
//
// Departures: candidates come from a byte language model instead of a suffix array; pieces are pruned by the
// tokens they save, not by likelihood; long before the end, passes read only part of the text.
import { OptionError, checkOptions } from "../../errors.ts";
import type { ChunkBlock } from "./chunk.ts";
import { type CorpusLike, asCorpus } from "./corpus.ts";
import { type Counting, countInMemory, slices } from "./counting.ts";
import { type EmAbout, type EmState, decodeState, encodeState } from "./em-state.ts";
import { Maximiser } from "./maximise.ts";
import type { CountedPiece, Special, UnigramModel } from "../model.ts";
import { MAX_ORDER } from "./ngrams.ts";
import { Pace, type TrainControl } from "../pace.ts";
import { type SeedRule, seedPieces, strictness } from "./seeds.ts";
import { type NewSpecial, cutAtSpecials, newSpecials } from "./specials.ts";
import {
  type TrainResult,
  checkCorpus,
  checkInteger,
  checkSizes,
  corpusWarnings,
  smallVocabulary,
} from "./bytepiece.ts";

/** What becomes a piece. */
export interface UnigramOptions {
  /** Ids in all, the specials included; several sizes are pruned one from the other. Default 8000. */
  vocabularySize?: number | readonly number[];
  /** Candidates seen less often are left out. Default 2. */
  minCount?: number;
  /** Bytes of the longest piece. Default 36. */
  maxPieceLength?: number;
  /** Every decimal digit (of any script) is a piece of its own. Default false. */
  isolateDigits?: boolean;
  /** No piece begins or ends inside a character, single bytes apart. Default true. */
  ensureUnicode?: boolean;
  /** Specials, with ids from 0 on. What spells one in the text is not learnt. Default: `<pad>`, `<bos>`, `<eos>`. */
  specials?: readonly NewSpecial[];
}

/** Options with every default filled in. */
export interface UnigramSettings {
  sizes: readonly number[];
  minCount: number;
  maxPieceLength: number;
  isolateDigits: boolean;
  ensureUnicode: boolean;
  specials: readonly Special[];
}

/** Text that EM holds in memory; of a longer corpus every k-th slice is taken. */
const SAMPLE = 1 << 26;
/** Candidates for a vocabulary of 20,000 and less; a larger one gets ten for each piece. */
const SEEDS = 200_000;

const OPTION_NAMES = [
  "vocabularySize",
  "minCount",
  "maxPieceLength",
  "isolateDigits",
  "ensureUnicode",
  "specials",
] as const;

/** Checks options and fills in defaults. */
export function unigramSettings(where: string, options: UnigramOptions): UnigramSettings {
  checkOptions(where, options, OPTION_NAMES);
  const { vocabularySize = 8000, minCount = 2, maxPieceLength = 36 } = options;
  const { isolateDigits = false, ensureUnicode = true } = options;
  const sizes = typeof vocabularySize === "number" ? [vocabularySize] : vocabularySize;
  const specials = newSpecials(where, options.specials);
  checkSizes(where, sizes, specials.length);
  if (Math.max(...sizes) > 500_000) {
    throw new OptionError(`${where}: vocabularySize must be at most 500000, got ${Math.max(...sizes)}.`);
  }
  checkInteger(where, "minCount", minCount, 1, Infinity);
  checkInteger(where, "maxPieceLength", maxPieceLength, 1, 255);
  return { sizes, minCount, maxPieceLength, isolateDigits, ensureUnicode, specials };
}

/**
 * Trains Unigram vocabularies by EM over BytePiece candidates, in memory on this thread. This is the mode to
 * use: at equal size it needs far fewer tokens than `trainBytePiece`, and fewer than SentencePiece at 8,000 ids
 * (docs/methods/bytepiece.md has the comparison, and where SentencePiece is ahead).
 * @param corpus Texts that can be read several times. Nothing spans two of them.
 * @returns Unigram models; `counts` are expected counts, rounded, and `ln p = ln count - ln Σ counts`.
 * @throws OptionError for a bad option or an empty corpus.
 * @example
 * const { models } = await trainUnigram(["to be or not to be"], { vocabularySize: 300 });
 */
export async function trainUnigram(
  corpus: CorpusLike,
  options: UnigramOptions = {},
  control: TrainControl = {},
): Promise<TrainResult> {
  const where = "trainUnigram";
  const settings = unigramSettings(where, options);
  const pace = new Pace(control);
  const counting = countInMemory(
    cutAtSpecials(asCorpus(corpus, where), settings.specials),
    settings.isolateDigits,
    pace,
  );
  return unigramFrom(where, counting, settings, pace);
}

/** The training itself, whoever counts. */
export async function unigramFrom(
  where: string,
  counting: Counting,
  settings: UnigramSettings,
  pace: Pace,
): Promise<TrainResult> {
  const { sizes, minCount, specials } = settings;
  const rule = { ...settings, most: Math.max(SEEDS, 10 * Math.max(...sizes)) };
  const { states } = counting;
  // Stages that stand on disk need not be done again; what came before the last of them is not even read.
  const stored = (stage: string): (EmState & EmAbout) | undefined => {
    const bytes = states?.load(stateName(settings, stage));
    return bytes && decodeState(bytes);
  };
  const begun = stored("grow");
  const { report, candidates, seeds } = begun
    ? { ...begun, seeds: [] }
    : await findSeeds(where, counting, rule);
  const sample = await takeSample(counting, report.bytes);
  const em = new Maximiser(sample, pace, async (stage, state) => {
    await states?.save(stateName(settings, stage), encodeState(state, { report, candidates }));
  });
  if (begun) em.restore(begun);
  else await em.start(seeds);
  await em.grow({ ...rule, minCount: strictness(report.bytes, minCount) });
  const warnings = corpusWarnings(report);
  const done = new Map<number, UnigramModel>();
  for (const size of [...new Set(sizes)].sort((x, y) => y - x)) {
    const reached = stored(`size-${size - specials.length}`);
    if (reached) em.restore(reached);
    await em.pruneTo(size - specials.length);
    if (em.size < size - specials.length) warnings.push(smallVocabulary(size, em.size + specials.length));
    done.set(size, em.model(specials));
  }
  const models = sizes.map((size) => done.get(size) ?? em.model(specials));
  return { models, report: { ...report, kept: [], candidates, warnings } };
}

/** Everything that determines a stage, as a name. */
function stateName(settings: UnigramSettings, stage: string): string {
  return JSON.stringify([settings, stage]);
}

/** Counts the corpus and finds the first candidates. */
async function findSeeds(
  where: string,
  counting: Counting,
  rule: SeedRule,
): Promise<EmAbout & { seeds: CountedPiece[] }> {
  const { windows, report } = await counting.countWindows(MAX_ORDER);
  checkCorpus(where, report);
  const seeds = await seedPieces(counting, windows, report.bytes, rule);
  return { report, candidates: seeds.length, seeds };
}

/** The corpus, or an even sample of it, as slices in memory. */
async function takeSample(counting: Counting, bytes: number): Promise<ChunkBlock[]> {
  const every = Math.ceil(bytes / SAMPLE);
  const sample: ChunkBlock[] = [];
  let index = 0;
  for await (const block of counting.blocks()) {
    for (const slice of slices(block)) {
      if (index++ % every !== 0) continue;
      sample.push({ bytes: slice.bytes.slice(), ends: slice.ends }); // the block is overwritten by the next
    }
  }
  return sample;
}
