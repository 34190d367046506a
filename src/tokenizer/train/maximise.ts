// Kudo 2018, sections 3.2 and 3.3, https://arxiv.org/abs/1804.10959: expectation-maximisation over a sample of
// the text, and pruning by the tokens that pieces save (loss.ts).
import type { ChunkBlock } from "./chunk.ts";
import type { EmState } from "./em-state.ts";
import { buildLattice, digamma, expectBlock, expectedByPiece } from "./expectation.ts";
import { type Weighted, pieceLosses } from "./loss.ts";
import {
  type CountedPiece,
  type Special,
  type UnigramModel,
  compareBytes,
  unigramFromPieces,
} from "../model.ts";
import type { Pace } from "../pace.ts";
import { frequentPairs } from "./pairs.ts";
import { withScores } from "./scores.ts";
import type { SeedRule } from "./seeds.ts";

/** Above this many candidates a pass reads a quarter of the sample. */
const MANY = 40_000;
/** What a pruning keeps at least. */
const KEPT_SHARE = 0.75;
/** How often neighbours are joined into new candidates before the pruning begins. */
const JOININGS = 2;
/** EM passes before the first and after the last pruning; between two prunings one is enough. */
const PASSES = 2;
/** A candidate expected less often than this in the whole sample is dropped at once. */
const UNUSED = 0.5;

/** Pieces under expectation-maximisation. */
export class Maximiser {
  readonly #sample: readonly ChunkBlock[];
  readonly #pace: Pace;
  readonly #save: (stage: string, state: EmState) => Promise<void>;
  #now: Weighted = { pieces: [], counts: new Float64Array(0) };
  #p: Float64Array = new Float64Array(0);
  /** Nats per byte of the last pass. */
  #tilt = 1.8;
  #passes = 0;
  #grown = 0;

  /** @param save Called with every state that a killed training could go on from. */
  constructor(
    sample: readonly ChunkBlock[],
    pace: Pace,
    save: (stage: string, state: EmState) => Promise<void> = () => Promise.resolve(),
  ) {
    this.#sample = sample;
    this.#pace = pace;
    this.#save = save;
  }

  get size(): number {
    return this.#now.pieces.length;
  }

  /** Begins with candidates and their rough counts. */
  async start(seeds: readonly CountedPiece[]): Promise<void> {
    this.#begin(seeds);
    await this.#keep("grow");
  }

  /** Goes on from a stored state. */
  restore({ pieces, counts, p, tilt, passes, grown }: EmState): void {
    this.#now = { pieces, counts };
    this.#p = p;
    this.#tilt = tilt;
    this.#passes = passes;
    this.#grown = grown;
  }

  /** First passes, with new candidates from frequent neighbours in between. */
  async grow(rule: SeedRule): Promise<void> {
    for (; this.#grown < PASSES * (1 + JOININGS); this.#grown++, await this.#keep("grow")) {
      if (this.#grown > 0 && this.#grown % PASSES === 0) await this.#join(rule);
      await this.#maximise(true);
    }
  }

  /** Alternates passes and prunings until at most `size` pieces are left, then passes once more. */
  async pruneTo(size: number): Promise<void> {
    while (this.size > size) {
      this.#prune(Math.max(size, Math.floor(this.size * KEPT_SHARE)));
      const more = this.size > size;
      for (let pass = 0; pass < (more ? 1 : PASSES); pass++) await this.#maximise(more);
      await this.#keep(`size-${size}`);
    }
  }

  /** The pieces as a model. */
  model(specials: readonly Special[]): UnigramModel {
    const { pieces, counts } = this.#now;
    const counted = pieces.map((bytes, i) => ({ bytes, count: Math.max(1, Math.round(counts[i] ?? 0)) }));
    return unigramFromPieces(withScores(counted), specials);
  }

  #keep(stage: string): Promise<void> {
    const { pieces, counts } = this.#now;
    const [p, tilt, passes, grown] = [this.#p, this.#tilt, this.#passes, this.#grown];
    return this.#save(stage, { pieces, counts, p, tilt, passes, grown });
  }

  #begin(pieces: readonly CountedPiece[]): void {
    this.#now = {
      pieces: pieces.map(({ bytes }) => bytes),
      counts: Float64Array.from(pieces, ({ count }) => count),
    };
    let total = 0;
    for (const count of this.#now.counts) total += count;
    this.#p = this.#now.counts.map((count) => count / total);
  }

  /** Adds frequent neighbours as candidates. */
  async #join(rule: SeedRule): Promise<void> {
    const { pieces, counts } = this.#now;
    const logProbs = this.#p.map((p) => Math.log(p));
    const pairs = await frequentPairs(this.#sample, pieces, logProbs, rule, this.#pace);
    const all = pieces.map((bytes, i) => ({ bytes, count: Math.max(0.1, counts[i] ?? 0) }));
    // EM settles how much of a pair's count is the pair's; half is as good a start as any.
    for (const { bytes, count } of pairs) all.push({ bytes, count: count / 2 });
    this.#begin(all.sort((x, y) => compareBytes(x.bytes, y.bytes)));
  }

  /** One pass of EM; `drop` removes pieces that are hardly ever used, as long as there will be another pruning. */
  async #maximise(drop: boolean): Promise<void> {
    await this.#expect();
    if (drop) this.#select((id) => (this.#now.counts[id] ?? 0) >= UNUSED);
    const { counts } = this.#now;
    let total = 0;
    for (const count of counts) total += count;
    // ψ instead of ln favours a vocabulary with fewer pieces in use (a sparse prior).
    const logTotal = digamma(total);
    this.#p = counts.map((count) => Math.exp(digamma(Math.max(count, UNUSED)) - logTotal));
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
      // The difference of two single bytes is NaN: they keep their order.
      (x, y) => (tokens[y] ?? 0) - (tokens[x] ?? 0) || x - y,
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
