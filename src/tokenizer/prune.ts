// Su Jianlin 2023, BytePiece, https://kexue.fm/archives/9752: from candidate pieces to a vocabulary.
// SEG(keep, items): segment every item with the vocabulary `keep` (p = count / sum) and add the item's count
// to each piece of its segmentation.
import { exactLog } from "./exact-log.ts";
import { IdBuffer } from "./ids.ts";
import { compareBytes, type CountedPiece } from "./model.ts";
import { isUtf8 } from "./nfc.ts";
import { Pace } from "./pace.ts";
import { type PieceList, pieceAt } from "./pieces.ts";
import { encodeUnigramInto, unigramEncoder } from "./unigram.ts";

/** Candidate pieces in parts, each part small enough for memory. */
export type PieceParts = Iterable<PieceList>;

/** What may stay as a candidate. */
export interface KeepRule {
  /** Pieces seen less often are taken apart (single bytes stay). */
  minCount: number;
  /** Longer pieces are taken apart; bytes. */
  maxPieceLength: number;
  /** Multi-byte pieces that are not UTF-8 are taken apart. */
  wholeCharacters: boolean;
}

/** Items between two looks at the clock. */
const TICK = 1024;

/** A vocabulary at work: its pieces and the sum of what was assigned to them. */
class Segmenter {
  readonly #encoder;
  readonly #out: IdBuffer = new IdBuffer();
  readonly counts: Float64Array;

  constructor(keep: readonly CountedPiece[]) {
    let total = 0;
    for (const piece of keep) total += piece.count;
    const logTotal = exactLog(total);
    const logProbs = Float64Array.from(keep, (piece) => exactLog(piece.count) - logTotal);
    this.#encoder = unigramEncoder(
      keep.map((piece) => piece.bytes),
      logProbs,
    );
    this.counts = new Float64Array(keep.length);
  }

  add(bytes: Uint8Array, from: number, to: number, count: number): void {
    const out = this.#out;
    out.length = 0;
    encodeUnigramInto(this.#encoder, bytes, from, to, out);
    for (let k = 0; k < out.length; k++) {
      const id = out.data[k] ?? 0;
      this.counts[id] = (this.counts[id] ?? 0) + count;
    }
  }
}

/** The pieces whose count is not zero. */
function counted(keep: readonly CountedPiece[], counts: Float64Array): CountedPiece[] {
  const out: CountedPiece[] = [];
  keep.forEach((piece, i) => {
    const count = counts[i] ?? 0;
    if (count > 0) out.push({ bytes: piece.bytes, count });
  });
  return out;
}

/** SEG(keep, items) for items in memory. */
export async function redistribute(
  keep: readonly CountedPiece[],
  items: readonly CountedPiece[],
  pace: Pace = new Pace(),
): Promise<CountedPiece[]> {
  const segmenter = new Segmenter(keep);
  let done = 0;
  for (const { bytes, count } of items) {
    segmenter.add(bytes, 0, bytes.length, count);
    if (++done % TICK === 0 && pace.due) await pace.rest(done);
  }
  return counted(keep, segmenter.counts);
}

/** keep ← SEG(keep, keep) until no more piece vanishes: then every piece is its own best segmentation. */
export async function pruneWasted(
  keep: readonly CountedPiece[],
  pace: Pace = new Pace(),
): Promise<CountedPiece[]> {
  let now = [...keep];
  for (;;) {
    const next = await redistribute(now, now, pace);
    if (next.length === now.length) return next;
    now = next;
  }
}

/**
 * Keeps single bytes (each with at least count 1) and the candidates that satisfy `rule`; takes the others
 * apart with these; then removes pieces that are never their own best segmentation.
 * @param candidates Read twice: once for what stays, once for what is taken apart.
 */
export async function pruneCandidates(
  candidates: () => PieceParts,
  rule: KeepRule,
  pace: Pace = new Pace(),
): Promise<CountedPiece[]> {
  const keep: CountedPiece[] = [];
  const bytes = new Float64Array(256);
  for (const list of candidates()) {
    for (let i = 0; i < list.size; i++) {
      const piece = pieceAt(list, i);
      const count = list.counts[i] ?? 0;
      if (piece.length === 1) bytes[piece[0] ?? 0] = count;
      else if (stays(piece, count, rule)) keep.push({ bytes: piece.slice(), count });
    }
  }
  bytes.forEach((count, b) => keep.push({ bytes: Uint8Array.of(b), count: Math.max(1, count) }));
  keep.sort((x, y) => compareBytes(x.bytes, y.bytes));
  const segmenter = new Segmenter(keep);
  let done = 0;
  for (const list of candidates()) {
    for (let i = 0; i < list.size; i++) {
      const from = list.offsets[i] ?? 0;
      const to = from + (list.lengths[i] ?? 0);
      const count = list.counts[i] ?? 0;
      if (++done % TICK === 0 && pace.due) await pace.rest(done);
      if (to - from === 1 || stays(list.arena.subarray(from, to), count, rule)) continue;
      segmenter.add(list.arena, from, to, count);
    }
  }
  const all = keep.map((piece, i) => ({
    bytes: piece.bytes,
    count: piece.count + (segmenter.counts[i] ?? 0),
  }));
  return await pruneWasted(all, pace);
}

function stays(piece: Uint8Array, count: number, rule: KeepRule): boolean {
  if (piece.length > rule.maxPieceLength || count < rule.minCount) return false;
  return !rule.wholeCharacters || isUtf8(piece);
}

/** Order of preference: single bytes, then the more frequent, the longer, the smaller bytes. */
function byPreference(x: CountedPiece, y: CountedPiece): number {
  return (
    Number(x.bytes.length > 1) - Number(y.bytes.length > 1) ||
    y.count - x.count ||
    y.bytes.length - x.bytes.length ||
    compareBytes(x.bytes, y.bytes)
  );
}

/** The `size` preferred pieces with the others' counts shared out among them; may end below `size`. */
export async function pruneToSize(
  keep: readonly CountedPiece[],
  size: number,
  pace: Pace = new Pace(),
): Promise<CountedPiece[]> {
  if (keep.length <= size) return [...keep];
  const sorted = [...keep].sort(byPreference);
  const head = sorted.slice(0, size).sort((x, y) => compareBytes(x.bytes, y.bytes));
  const shared = await redistribute(head, sorted.slice(size), pace);
  const added = new Map(shared.map((piece) => [piece.bytes, piece.count]));
  const merged = head.map(({ bytes, count }) => ({ bytes, count: count + (added.get(bytes) ?? 0) }));
  return await pruneWasted(merged, pace);
}
