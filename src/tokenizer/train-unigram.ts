// Kudo 2018, https://arxiv.org/abs/1804.10959, sections 3.2 and 3.3, over BytePiece's candidates
// (https://kexue.fm/archives/9752): expectation-maximisation, then pruning, until the size is reached.
//
// Departures: candidates come from a byte language model instead of a suffix array; pieces are pruned by the
// tokens they save, not by likelihood; long before the end, passes read only part of the text.
import { OptionError, checkOptions } from "../errors.ts";
import type { ChunkBlock } from "./chunk.ts";
import { type CorpusLike, asCorpus } from "./corpus.ts";
import { type Counting, countInMemory, slices } from "./counting.ts";
import { buildLattice, digamma, expectBlock, expectedByPiece } from "./expectation.ts";
import { type Weighted, pieceLosses } from "./loss.ts";
import { type UnigramModel, compareBytes, unigramFromPieces } from "./model.ts";
import { MAX_ORDER } from "./ngrams.ts";
import { Pace, type TrainControl } from "./pace.ts";
import { frequentPairs } from "./pairs.ts";
import { type SeedRule, seedPieces, strictness } from "./seeds.ts";
import {
  SPECIALS,
  type TrainResult,
  checkCorpus,
  checkInteger,
  checkSizes,
  corpusWarnings,
  smallVocabulary,
} from "./train-bytepiece.ts";

/** What becomes a piece. */
export interface UnigramOptions {
  /** Ids in all, the three specials included; several sizes are pruned one from the other. Default 8000. */
  vocabularySize?: number | readonly number[];
  /** Candidates seen less often are left out. Default 2. */
  minCount?: number;
  /** Bytes of the longest piece. Default 36. */
  maxPieceLength?: number;
  /** Every decimal digit (of any script) is a piece of its own. Default false. */
  isolateDigits?: boolean;
  /** No piece begins or ends inside a character, single bytes apart. Default true. */
  ensureUnicode?: boolean;
}

/** Options with every default filled in. */
export interface UnigramSettings {
  sizes: readonly number[];
  minCount: number;
  maxPieceLength: number;
  isolateDigits: boolean;
  ensureUnicode: boolean;
}

/** Text that EM holds in memory; of a longer corpus every k-th slice is taken. */
const SAMPLE = 1 << 26;
/** Candidates for a vocabulary of 20,000 and less; a larger one gets ten for each piece. */
const SEEDS = 200_000;
/** Above this many candidates a pass reads a quarter of the sample. */
const MANY = 40_000;
/** What a pruning keeps at least. */
const KEPT_SHARE = 0.75;
/** How often neighbours are joined into new candidates before the pruning begins. */
const JOININGS = 2;
/** EM passes between two prunings, and after the last. */
const PASSES = 2;
/** A candidate expected less often than this in the whole sample is dropped at once. */
const UNUSED = 0.5;

const OPTION_NAMES = [
  "vocabularySize",
  "minCount",
  "maxPieceLength",
  "isolateDigits",
  "ensureUnicode",
] as const;

/** Checks options and fills in defaults. */
export function unigramSettings(where: string, options: UnigramOptions): UnigramSettings {
  checkOptions(where, options, OPTION_NAMES);
  const { vocabularySize = 8000, minCount = 2, maxPieceLength = 36 } = options;
  const { isolateDigits = false, ensureUnicode = true } = options;
  const sizes = typeof vocabularySize === "number" ? [vocabularySize] : vocabularySize;
  checkSizes(where, sizes);
  if (Math.max(...sizes) > 500_000) {
    throw new OptionError(`${where}: vocabularySize must be at most 500000, got ${Math.max(...sizes)}.`);
  }
  checkInteger(where, "minCount", minCount, 1, Infinity);
  checkInteger(where, "maxPieceLength", maxPieceLength, 1, 255);
  return { sizes, minCount, maxPieceLength, isolateDigits, ensureUnicode };
}

/**
 * Trains Unigram vocabularies by EM over BytePiece candidates, in memory on this thread. This is the mode to
 * use: at equal size it needs fewer tokens than `trainBytePiece` and SentencePiece (docs/methods/bytepiece.md).
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
  const counting = countInMemory(asCorpus(corpus, where), settings.isolateDigits, pace);
  return unigramFrom(where, counting, settings, pace);
}

/** The training itself, whoever counts. */
export async function unigramFrom(
  where: string,
  counting: Counting,
  settings: UnigramSettings,
  pace: Pace,
): Promise<TrainResult> {
  const { windows, report } = await counting.countWindows(MAX_ORDER);
  checkCorpus(where, report);
  const pieces = Math.max(...settings.sizes);
  const rule = { ...settings, most: Math.max(SEEDS, 10 * pieces) };
  const seeds = await seedPieces(counting, windows, report.bytes, rule);
  const sample = await takeSample(counting, report.bytes);
  const em = new Maximiser(sample, pace);
  em.start(
    seeds.map((seed) => seed.bytes),
    Float64Array.from(seeds, (seed) => seed.count),
  );
  await em.grow({ ...rule, minCount: strictness(report.bytes, settings.minCount) });
  const warnings = corpusWarnings(report);
  const done = new Map<number, UnigramModel>();
  let supported = 0;
  for (const size of [...new Set(settings.sizes)].sort((x, y) => y - x)) {
    await em.pruneTo(size - SPECIALS);
    supported ||= em.size;
    if (em.size < size - SPECIALS) warnings.push(smallVocabulary(size, em.size + SPECIALS));
    done.set(size, em.model());
  }
  const models = settings.sizes.map((size) => done.get(size) ?? em.model());
  return { models, report: { ...report, kept: [], candidates: seeds.length, warnings } };
}

/** The corpus, or an even sample of it, as slices in memory. */
async function takeSample(counting: Counting, bytes: number): Promise<ChunkBlock[]> {
  const every = Math.ceil(bytes / SAMPLE);
  const sample: ChunkBlock[] = [];
  let index = 0;
  for await (const block of counting.blocks()) {
    for (const slice of slices(block)) {
      if (index++ % every !== 0) continue;
      // A slice is a view of its block; when most of the text is left out, only copies let blocks go.
      sample.push(every === 1 ? slice : { bytes: slice.bytes.slice(), ends: slice.ends });
    }
  }
  return sample;
}

/** Pieces under expectation-maximisation. */
class Maximiser {
  readonly #sample: readonly ChunkBlock[];
  readonly #pace: Pace;
  #now: Weighted = { pieces: [], counts: new Float64Array(0) };
  #p: Float64Array = new Float64Array(0);
  /** Nats per byte of the last pass. */
  #tilt = 1.8;
  #passes = 0;

  constructor(sample: readonly ChunkBlock[], pace: Pace) {
    this.#sample = sample;
    this.#pace = pace;
  }

  get size(): number {
    return this.#now.pieces.length;
  }

  start(pieces: Uint8Array[], counts: Float64Array): void {
    this.#now = { pieces, counts };
    let total = 0;
    for (const count of counts) total += count;
    this.#p = counts.map((count) => count / total);
  }

  /** First passes, with new candidates from frequent neighbours in between. */
  async grow(rule: SeedRule): Promise<void> {
    await this.#maximise(true);
    for (let k = 0; k < JOININGS; k++) {
      const { pieces, counts } = this.#now;
      const logProbs = this.#p.map((p) => Math.log(p));
      const pairs = await frequentPairs(this.#sample, pieces, logProbs, rule, this.#pace);
      const all = pieces.map((bytes, i) => ({ bytes, count: Math.max(0.1, counts[i] ?? 0) }));
      // EM settles how much of a pair's count is the pair's; half is as good a start as any.
      for (const { bytes, count } of pairs) all.push({ bytes, count: count / 2 });
      all.sort((x, y) => compareBytes(x.bytes, y.bytes));
      this.start(
        all.map((piece) => piece.bytes),
        Float64Array.from(all, (piece) => piece.count),
      );
      await this.#maximise(true);
    }
  }

  /** Alternates passes and prunings until at most `size` pieces are left, then passes once more. */
  async pruneTo(size: number): Promise<void> {
    while (this.size > size) {
      this.#prune(Math.max(size, Math.floor(this.size * KEPT_SHARE)));
      await this.#maximise(this.size > size);
    }
  }

  /** The pieces as a model. */
  model(): UnigramModel {
    const { pieces, counts } = this.#now;
    return unigramFromPieces(
      pieces.map((bytes, i) => ({ bytes, count: Math.max(1, Math.round(counts[i] ?? 0)) })),
    );
  }

  /** EM passes; `drop` removes pieces that are hardly ever used. */
  async #maximise(drop: boolean): Promise<void> {
    for (let pass = 0; pass < PASSES; pass++) {
      await this.#expect();
      if (drop) this.#select((id) => (this.#now.counts[id] ?? 0) >= UNUSED);
      const { counts } = this.#now;
      let total = 0;
      for (const count of counts) total += count;
      // ψ instead of ln favours a vocabulary with fewer pieces in use (a sparse prior).
      const logTotal = digamma(total);
      this.#p = counts.map((count) => Math.exp(digamma(Math.max(count, UNUSED)) - logTotal));
    }
  }

  /** One pass over the sample, or a quarter of it; sets the counts. */
  async #expect(): Promise<void> {
    const part = this.size > MANY && this.#sample.length >= 8 ? 4 : 1;
    const lattice = buildLattice(this.#now.pieces, this.#p, this.#tilt);
    const offset = this.#passes++ % part;
    let done = 0;
    let logProbability = 0;
    this.#pace.phase(
      "expectation",
      this.#sample.reduce((sum, b, i) => sum + (i % part === offset ? b.bytes.length : 0), 0),
    );
    for (let i = offset; i < this.#sample.length; i += part) {
      const block = this.#sample[i];
      if (!block) continue;
      logProbability += expectBlock(lattice, block);
      done += block.bytes.length;
      if (this.#pace.due) await this.#pace.rest(done);
    }
    this.#tilt = -logProbability / done;
    const counts = expectedByPiece(lattice, this.size);
    this.#now = { pieces: this.#now.pieces, counts: counts.map((count) => count * part) };
  }

  /** Keeps the `target` pieces that save most tokens. */
  #prune(target: number): void {
    const { tokens } = pieceLosses(this.#now);
    const order = Array.from(tokens, (_, id) => id).sort(
      (x, y) => (tokens[y] ?? 0) - (tokens[x] ?? 0) || x - y || 0,
    );
    const keep = new Uint8Array(this.size);
    for (const id of order.slice(0, target)) keep[id] = 1;
    this.#select((id) => keep[id] === 1);
  }

  /** Keeps single bytes and what `stays`. */
  #select(stays: (id: number) => boolean): void {
    const { pieces, counts } = this.#now;
    const ids: number[] = [];
    pieces.forEach((piece, id) => {
      if (piece.length === 1 || stays(id)) ids.push(id);
    });
    this.#now = {
      pieces: ids.map((id) => pieces[id] ?? new Uint8Array(0)),
      counts: Float64Array.from(ids, (id) => counts[id] ?? 0),
    };
    this.#p = Float64Array.from(ids, (id) => this.#p[id] ?? 0);
  }
}
