// Su Jianlin 2023, BytePiece, https://kexue.fm/archives/9752: from candidate pieces to a vocabulary.
// SEG(keep, items): segment every item with the vocabulary `keep` (p = count / sum) and add the item's count
// to each piece of its segmentation.
//
// Counts are integers, so sums do not depend on the order of the pieces, and lists need not be sorted.
import { exactLog } from "./exact-log.ts";
import { type CountedPiece, compareBytes } from "../model.ts";
import { isUtf8 } from "../utf8.ts";
import { Pace } from "../pace.ts";
import { type PieceList, PieceListBuilder, pieceAt } from "../pieces.ts";
import { BASE_MASK, type Trie, buildListTrie } from "../encode/trie.ts";

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

/** A vocabulary at work: its pieces, those of them in use, and the sum of what was assigned to each. */
class Segmenter {
  readonly list: PieceList;
  readonly #trie: Trie;
  /** ln p by trie node, -Infinity for pieces that are no longer in use. */
  readonly #scores: Float64Array;
  #best: Float64Array = new Float64Array(256);
  #node: Int32Array = new Int32Array(256);
  #start: Int32Array = new Int32Array(256);
  /** What was assigned, by piece. */
  assigned: Float64Array = new Float64Array(0);

  /** @param list Pieces; those with count 0 are not used. */
  constructor(list: PieceList) {
    this.list = list;
    this.#trie = buildListTrie(list);
    this.#scores = new Float64Array(this.#trie.values.length);
    this.weigh();
  }

  /** Starts anew with the counts that the list has now; a trie serves many rounds of pruning. */
  weigh(): void {
    const { counts, size } = this.list;
    let total = 0;
    for (let i = 0; i < size; i++) total += counts[i] ?? 0;
    const logTotal = exactLog(total);
    const { values } = this.#trie;
    for (let node = 0; node < values.length; node++) {
      const id = values[node] ?? -1;
      const count = id < 0 ? 0 : (counts[id] ?? 0);
      this.#scores[node] = count > 0 ? exactLog(count) - logTotal : -Infinity;
    }
    this.assigned = new Float64Array(size);
  }

  /** Adds `count` to every piece of the best segmentation of `bytes[from..to)`. */
  add(bytes: Uint8Array, from: number, to: number, count: number): void {
    const n = to - from;
    if (n >= this.#best.length) {
      this.#best = new Float64Array(2 * n);
      this.#node = new Int32Array(2 * n);
      this.#start = new Int32Array(2 * n);
    }
    bestPath(this.#trie, this.#scores, bytes, from, to, this.#best, this.#node, this.#start);
    const { values } = this.#trie;
    for (let end = n; end > 0; end = this.#start[end] ?? 0) {
      const id = values[this.#node[end] ?? 0] ?? 0;
      this.assigned[id] = (this.assigned[id] ?? 0) + count;
    }
  }
}

/** The recursion of unigram.ts for a text that is short: no windows. Fills the last piece at each position. */
function bestPath(
  { units, root }: Trie,
  scores: Float64Array,
  bytes: Uint8Array,
  from: number,
  to: number,
  best: Float64Array,
  node: Int32Array,
  start: Int32Array,
): void {
  const n = to - from;
  best[0] = 0;
  for (let i = 1; i <= n; i++) best[i] = -Infinity;
  for (let i = 0; i < n; i++) {
    const s = best[i] ?? 0;
    let base = root;
    for (let j = from + i; j < to; j++) {
      const c = bytes[j] ?? 0;
      const next = base ^ c;
      const unit = units[next] ?? 0;
      if ((unit & 255) !== c) break;
      if (unit < 0) {
        const t = s + (scores[next] ?? 0);
        const end = j - from + 1;
        if (t > (best[end] ?? 0)) {
          best[end] = t;
          node[end] = next;
          start[end] = i;
        }
      }
      base = (unit >>> 8) & BASE_MASK;
    }
  }
}

/** The pieces at `indices`, with `counts` for theirs; the bytes are shared with `list`. */
function select(list: PieceList, indices: readonly number[], counts: Float64Array): PieceList {
  return {
    arena: list.arena,
    offsets: Int32Array.from(indices, (i) => list.offsets[i] ?? 0),
    lengths: Int32Array.from(indices, (i) => list.lengths[i] ?? 0),
    counts: Float64Array.from(indices, (i) => counts[i] ?? 0),
    size: indices.length,
  };
}

/** Assigns the items of `list` at `indices`. */
async function assign(
  segmenter: Segmenter,
  list: PieceList,
  indices: ArrayLike<number>,
  pace: Pace,
): Promise<void> {
  pace.phase("prune", indices.length);
  for (let k = 0; k < indices.length; k++) {
    const i = indices[k] ?? 0;
    const from = list.offsets[i] ?? 0;
    segmenter.add(list.arena, from, from + (list.lengths[i] ?? 0), list.counts[i] ?? 0);
    if (k % TICK === 0 && pace.due) await pace.rest(k);
  }
}

/** Indices of the pieces that have a count. */
function inUse({ counts, size }: PieceList): number[] {
  const indices: number[] = [];
  for (let i = 0; i < size; i++) if ((counts[i] ?? 0) > 0) indices.push(i);
  return indices;
}

/** keep ← SEG(keep, keep) until no more piece vanishes: then every piece is its own best segmentation. */
export function pruneWasted(keep: PieceList, pace: Pace = new Pace()): Promise<PieceList> {
  return pruneRounds(new Segmenter(keep), pace);
}

async function pruneRounds(segmenter: Segmenter, pace: Pace): Promise<PieceList> {
  const { list } = segmenter;
  for (let indices = inUse(list); ; ) {
    segmenter.weigh();
    await assign(segmenter, list, indices, pace);
    list.counts = segmenter.assigned;
    const left = inUse(list);
    if (left.length === indices.length) return select(list, left, list.counts);
    indices = left;
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
): Promise<PieceList> {
  const builder = new PieceListBuilder();
  const single = new Float64Array(256).fill(1);
  let seen = 0;
  pace.phase("prune");
  for (const list of candidates()) {
    for (let i = 0; i < list.size; i++) {
      const piece = pieceAt(list, i);
      const count = list.counts[i] ?? 0;
      if (piece.length === 1) single[piece[0] ?? 0] = Math.max(1, count);
      else if (stays(piece, count, rule)) builder.append(piece, count);
      if (++seen % TICK === 0 && pace.due) await pace.rest(seen);
    }
  }
  single.forEach((count, b) => builder.append(Uint8Array.of(b), count));
  const keep = builder.finish();
  const segmenter = new Segmenter(keep);
  pace.phase("prune", seen);
  let done = 0;
  for (const list of candidates()) {
    for (let i = 0; i < list.size; i++) {
      if (++done % TICK === 0 && pace.due) await pace.rest(done);
      const from = list.offsets[i] ?? 0;
      const to = from + (list.lengths[i] ?? 0);
      const count = list.counts[i] ?? 0;
      if (to - from === 1 || stays(list.arena.subarray(from, to), count, rule)) continue;
      segmenter.add(list.arena, from, to, count);
    }
  }
  addAssigned(segmenter);
  return await pruneRounds(segmenter, pace);
}

/** Adds to the counts of the list what was assigned to its pieces. */
function addAssigned({ list, assigned }: Segmenter): void {
  for (let i = 0; i < list.size; i++) list.counts[i] = (list.counts[i] ?? 0) + (assigned[i] ?? 0);
}

function stays(piece: Uint8Array, count: number, rule: KeepRule): boolean {
  if (piece.length > rule.maxPieceLength || count < rule.minCount) return false;
  return !rule.wholeCharacters || isUtf8(piece);
}

/** The `size` preferred pieces with the others' counts shared out among them; may end below `size`. */
export async function pruneToSize(
  keep: PieceList,
  size: number,
  pace: Pace = new Pace(),
): Promise<PieceList> {
  if (keep.size <= size) return keep;
  const { lengths, counts } = keep;
  // Preference: single bytes, then the more frequent, the longer, the smaller bytes.
  const sorted = Array.from({ length: keep.size }, (_, i) => i).sort(
    (x, y) =>
      Number((lengths[x] ?? 0) > 1) - Number((lengths[y] ?? 0) > 1) ||
      (counts[y] ?? 0) - (counts[x] ?? 0) ||
      (lengths[y] ?? 0) - (lengths[x] ?? 0) ||
      compareBytes(pieceAt(keep, x), pieceAt(keep, y)),
  );
  const head = select(keep, sorted.slice(0, size), counts);
  const segmenter = new Segmenter(head);
  await assign(segmenter, keep, sorted.slice(size), pace);
  addAssigned(segmenter);
  return await pruneRounds(segmenter, pace);
}

/** The pieces of a list, each with bytes of its own. */
export function countedPieces(list: PieceList): CountedPiece[] {
  return Array.from({ length: list.size }, (_, i) => ({
    bytes: pieceAt(list, i).slice(),
    count: list.counts[i] ?? 0,
  }));
}
