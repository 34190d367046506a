// Kudo 2018, sections 3.2 and 3.3, https://arxiv.org/abs/1804.10959: expectation-maximisation over a sample of
// the text, and pruning by the tokens that pieces save (loss.ts).
import type { ChunkBlock } from "./chunk.ts";
import { buildLattice, digamma, expectBlock, expectedByPiece } from "./expectation.ts";
import { type Weighted, pieceLosses } from "./loss.ts";
import { type UnigramModel, compareBytes, unigramFromPieces } from "./model.ts";
import type { Pace } from "./pace.ts";
import { frequentPairs } from "./pairs.ts";
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
    await this.#maximise(PASSES, true);
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
      await this.#maximise(PASSES, true);
    }
  }

  /** Alternates passes and prunings until at most `size` pieces are left, then passes once more. */
  async pruneTo(size: number): Promise<void> {
    while (this.size > size) {
      this.#prune(Math.max(size, Math.floor(this.size * KEPT_SHARE)));
      const more = this.size > size;
      await this.#maximise(more ? 1 : PASSES, more);
    }
  }

  /** The pieces as a model. */
  model(): UnigramModel {
    const { pieces, counts } = this.#now;
    return unigramFromPieces(
      pieces.map((bytes, i) => ({ bytes, count: Math.max(1, Math.round(counts[i] ?? 0)) })),
    );
  }

  /** EM; `drop` removes pieces that are hardly ever used, as long as there will be another pruning. */
  async #maximise(passes: number, drop: boolean): Promise<void> {
    for (let pass = 0; pass < passes; pass++) {
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
