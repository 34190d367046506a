// Su Jianlin 2023, BytePiece (https://kexue.fm/archives/9752); Kudo 2018, section 3.1
// (https://arxiv.org/abs/1804.10959): the most probable segmentation under a Unigram model.
//
// `s[0] = 0; s[e] = max over pieces w that end at e of s[e-|w|] + ln p(w)`, pushed forward from each start
// along a double-array trie. Starts come in ascending order and only a strictly better score replaces one,
// so a tie goes to the longer last piece, as in the reference.
import { OptionError } from "../../errors.ts";
import { IdBuffer, reverseRange } from "./ids.ts";
import { type Trie, BASE_MASK, buildTrie } from "./trie.ts";

/** Positions scanned before settled tokens are written out: score and back of a window stay in cache. */
const WINDOW = 1024;

const NEWLINE = 10;

/** A Unigram vocabulary compiled for encoding, with its working memory: one per thread. */
export interface UnigramEncoder {
  readonly trie: Trie;
  readonly logProbs: Float64Array;
  /** `logProbs` by trie node (-Infinity inside pieces): its load need not wait for the id's. */
  readonly nodeScores: Float64Array;
  /** Bytes of each piece, by id. */
  readonly lengths: Int32Array;
  /** True if no piece continues after a newline: then each line can be segmented alone, from score 0. */
  readonly lines: boolean;
  /** Best score of a segmentation that ends at a position, relative to the window's start. */
  score: Float64Array;
  /** Trie node of the last piece of that segmentation. */
  back: Int32Array;
  /** Where that piece starts: the way back depends on no lookup but this. */
  start: Int32Array;
}

/**
 * Compiles a vocabulary: piece `id` has bytes `pieces[id]` (empty: never matched) and score `logProbs[id]`.
 * Every single byte should be a piece; a byte that is none throws when it is met. A trie already built from
 * the same pieces can be passed in.
 */
export function unigramEncoder(
  pieces: readonly Uint8Array[],
  logProbs: Float64Array,
  trie: Trie = buildTrie(pieces),
): UnigramEncoder {
  const room = WINDOW + trie.maxLength + 1;
  return {
    trie,
    logProbs,
    nodeScores: Float64Array.from(trie.values, (id) => (id < 0 ? -Infinity : (logProbs[id] ?? -Infinity))),
    lengths: Int32Array.from(pieces, (p) => p.length),
    lines: !pieces.some(continuesAfterNewline),
    score: new Float64Array(room),
    back: new Int32Array(room),
    start: new Int32Array(room),
  };
}

/** True if a newline in `piece` is followed by something else. */
function continuesAfterNewline(piece: Uint8Array): boolean {
  for (let i = 0; i + 1 < piece.length; i++) {
    if (piece[i] === NEWLINE && piece[i + 1] !== NEWLINE) return true;
  }
  return false;
}

/** End of the chunk that starts at `from`: a line with all newlines that follow it. */
export function lineEnd(bytes: Uint8Array, from: number, to: number): number {
  let i = bytes.indexOf(NEWLINE, from);
  if (i < 0 || i >= to) return to;
  while (i < to && bytes[i] === NEWLINE) i++;
  return i;
}

/** The ids of the best segmentation of `bytes[from … to)`. */
export function encodeUnigram(
  encoder: UnigramEncoder,
  bytes: Uint8Array,
  from = 0,
  to: number = bytes.length,
): Int32Array {
  const out = new IdBuffer(((to - from) >> 1) + 16);
  encodeUnigramInto(encoder, bytes, from, to, out);
  return out.toArray();
}

/**
 * Appends the ids of the best segmentation of `bytes[from … to)` to `out`. Time `O(n · longest piece)`,
 * memory `O(window)` beside `out` for any input whose competing paths meet (all do in practice), else `O(n)`.
 */
export function encodeUnigramInto(
  encoder: UnigramEncoder,
  bytes: Uint8Array,
  from: number,
  to: number,
  out: IdBuffer,
): void {
  for (let at = from; at < to; ) {
    const end = encoder.lines ? lineEnd(bytes, at, to) : to;
    encodeChunk(encoder, bytes, at, end, out);
    at = end;
  }
}

/** How far the segmentation of one chunk has come. */
export interface Place {
  /** Position of `score[0]`; everything before it is written out. */
  at: number;
  /** Starts already scanned, relative to `at`. */
  done: number;
  /** Entries of `score` that hold values. */
  known: number;
}

/** The place at the beginning of a chunk. */
export function beginChunk(e: UnigramEncoder, at: number): Place {
  e.score[0] = 0;
  return { at, done: 0, known: 1 };
}

function encodeChunk(e: UnigramEncoder, bytes: Uint8Array, from: number, to: number, out: IdBuffer): void {
  scanChunk(e, bytes, to, true, beginChunk(e, from), out);
}

/**
 * Goes on with a chunk, window by window: to its end if it ends at `to`, else as far as is certain whatever
 * follows. Scores run on across windows, so a window's size never shows in the result.
 */
export function scanChunk(
  e: UnigramEncoder,
  bytes: Uint8Array,
  to: number,
  ends: boolean,
  place: Place,
  out: IdBuffer,
): void {
  for (;;) {
    const { at, done, known } = place;
    const length = to - at;
    const window = Math.max(WINDOW, done * 2);
    if (!ends && window + e.trie.maxLength > length) return;
    const reach = Math.min(length, window);
    const top = Math.min(length, reach + e.trie.maxLength);
    if (top + 1 > e.score.length) growRoom(e, top + 1);
    e.score.fill(-Infinity, known, top + 1);
    forward(e.trie, e.nodeScores, bytes, at, done, reach, to, e.score, e.back, e.start);
    if (reach === length) {
      emit(e, at, length, out);
      place.at = to;
      return;
    }
    const settled = meetingPoint(e, reach, top);
    emit(e, at, settled, out);
    place.at = at + settled;
    place.done = reach - settled;
    place.known = top + 1 - settled;
    e.score.copyWithin(0, settled, top + 1);
    e.back.copyWithin(0, settled, top + 1);
    e.start.copyWithin(0, settled, top + 1);
    for (let p = 0; p < place.known; p++) e.start[p] = (e.start[p] ?? 0) - settled;
  }
}

function growRoom(e: UnigramEncoder, room: number): void {
  const score = new Float64Array(room * 2);
  const back = new Int32Array(room * 2);
  score.set(e.score);
  back.set(e.back);
  const start = new Int32Array(room * 2);
  start.set(e.start);
  e.score = score;
  e.back = back;
  e.start = start;
}

/** Pushes best scores from the starts `at + [done … reach)`; matches may run up to `to`. */
function forward(
  trie: Trie,
  nodeScores: Float64Array,
  bytes: Uint8Array,
  at: number,
  done: number,
  reach: number,
  to: number,
  score: Float64Array,
  back: Int32Array,
  start: Int32Array,
): void {
  const { units, root } = trie;
  for (let i = done; i < reach; i++) {
    const s = score[i] ?? 0;
    let base = root;
    for (let j = at + i; j < to; j++) {
      const c = bytes[j] ?? 0;
      const node = base ^ c;
      const unit = units[node] ?? 0;
      if ((unit & 255) !== c) break;
      if (unit < 0) {
        const t = s + (nodeScores[node] ?? 0);
        const end = j - at + 1;
        if (t > (score[end] ?? 0)) {
          score[end] = t;
          back[end] = node;
          start[end] = i;
        }
      }
      base = (unit >>> 8) & BASE_MASK;
    }
  }
}

/**
 * The last position that every path to the frontier `[reach … top]` passes: from the highest marked
 * position down, each is replaced by its predecessor until one is left.
 */
function meetingPoint(e: UnigramEncoder, reach: number, top: number): number {
  const { score, start } = e;
  const marked = new Uint8Array(top + 1);
  let count = 0;
  for (let p = reach; p <= top; p++) {
    if ((score[p] ?? 0) > -Infinity) {
      marked[p] = 1;
      count++;
    }
  }
  for (let p = top; p > 0; p--) {
    if (marked[p] === 0) continue;
    if (count === 1 && p <= reach) return p;
    const previous = start[p] ?? 0;
    if (marked[previous] === 1) count--;
    else marked[previous] = 1;
  }
  return 0;
}

/** Appends the tokens of the best path to relative position `end`. */
function emit(e: UnigramEncoder, at: number, end: number, out: IdBuffer): void {
  const { back, start } = e;
  const { values } = e.trie;
  const first = out.length;
  const data = out.reserve(end);
  if (e.score[end] === -Infinity) {
    throw new OptionError(
      `encode: bytes ${at} to ${at + end} must be made of pieces, got one that is none. Add all 256 bytes.`,
    );
  }
  let n = first;
  for (let p = end; p > 0; p = start[p] ?? 0) data[n++] = values[back[p] ?? 0] ?? 0;
  reverseRange(data, first, n);
  out.length = n;
}
