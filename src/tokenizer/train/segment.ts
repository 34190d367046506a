// Su Jianlin 2023, BytePiece, https://kexue.fm/archives/9752: the byte n-gram model cuts text into candidate
// pieces. Tag t of a byte says that it is byte t + 1 of its piece; the last tag, K = order - 1, stays:
//
//   f_0[i] = v_0[i] + max_t f_t[i-1]
//   f_t[i] = v_t[i] + f_{t-1}[i-1]                        1 <= t < K
//   f_K[i] = v_K[i] + max(f_{K-1}[i-1], f_K[i-1])
//
// with v_t[i] = L(bytes[i-t..i]). Ties go to the lowest tag; a piece begins at every byte of tag 0.
import { childOf, type LanguageModel, LINKS, STATE } from "./language-model.ts";
import { MAX_ORDER } from "./ngrams.ts";

/**
 * What a piece may begin with: `"bytes"` any byte; `"characters"` no UTF-8 continuation byte unless nothing
 * else is possible (a large finite penalty); `"reference"` never a continuation byte, as in BytePiece 0.6.3,
 * where an unseen character then shreds the rest of its chunk into single bytes.
 */
export type PieceStart = "bytes" | "characters" | "reference";

/** Log-score of beginning a piece inside a character: below any path that avoids it. */
const INSIDE_CHARACTER = -1e4;

/** The tag that stays. */
const LAST = MAX_ORDER - 1;

/** Working memory of segmentation, reused from chunk to chunk. */
export interface SegmentScratch {
  /** Predecessor tags of each byte: bits 0–2 for tag 0, bit 3 set if the last tag was reached from itself. */
  back: Uint8Array;
}

/** Empty working memory. */
export function segmentScratch(): SegmentScratch {
  return { back: new Uint8Array(1 << 16) };
}

/**
 * Finds the best cut of `bytes[start..end)` (one chunk).
 * @param starts Receives the first byte of each piece, last piece first.
 * @returns The number of pieces.
 */
export function segmentChunk(
  model: LanguageModel,
  bytes: Uint8Array,
  start: number,
  end: number,
  pieceStart: PieceStart,
  scratch: SegmentScratch,
  starts: Int32Array,
): number {
  const length = end - start;
  if (length === 0) return 0;
  if (length > scratch.back.length) {
    scratch.back = new Uint8Array(2 * length);
  }
  const penalty = pieceStart === "bytes" ? 0 : pieceStart === "characters" ? INSIDE_CHARACTER : -Infinity;
  const first = MAX_ORDER - model.order;
  const last = bestTags(model, first, bytes, start, end, penalty, scratch.back);
  return backtrack(scratch.back, last, first, start, length, starts);
}

/** Follows the predecessors from the best last tag; writes piece starts, last first. */
function backtrack(
  back: Uint8Array,
  last: number,
  first: number,
  start: number,
  length: number,
  starts: Int32Array,
): number {
  let tag = last;
  let n = 0;
  for (let i = length - 1; i >= 0; i--) {
    const b = back[i] ?? 0;
    if (tag === first) {
      starts[n++] = start + i;
      // Where every way was impossible the lowest number stands, which may be below the first tag.
      tag = Math.max(first, b & 7);
    } else if (tag === LAST) tag = (b & 8) !== 0 ? LAST : LAST - 1;
    else tag -= 1;
  }
  return n;
}

/** The state after reading byte `b` in `state`: the longest kept gram that ends there. */
function step(links: Int32Array, labels: Uint8Array, state: number, b: number): number {
  let s = state;
  for (;;) {
    const child = childOf(links, labels, s, b);
    if (child >= 0) return child;
    // Every single byte is a child of state 0, so this ends.
    s = links[16 * s + LINKS] ?? 0;
  }
}

/**
 * Forward pass, six tags in registers. A model of lower order uses the last `order` of them, from tag `first` on;
 * the others stay at -Infinity. Fills the predecessors; returns the best tag of the last byte.
 */
function bestTags(
  { values, links, labels }: LanguageModel,
  first: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  penalty: number,
  back: Uint8Array,
): number {
  // The first byte begins a piece: no other tag can stand there.
  let state = step(links, labels, 0, bytes[start] ?? 0);
  let v0 = values[STATE * state + first] ?? 0;
  if (((bytes[start] ?? 0) & 0xc0) === 0x80) v0 += penalty;
  back[0] = first;
  let f0 = first === 0 ? v0 : -Infinity;
  let f1 = first === 1 ? v0 : -Infinity;
  let f2 = first === 2 ? v0 : -Infinity;
  let f3 = first === 3 ? v0 : -Infinity;
  let f4 = first === 4 ? v0 : -Infinity;
  let f5 = first === 5 ? v0 : -Infinity;
  const length = end - start;
  for (let i = 1; i < length; i++) {
    const b = bytes[start + i] ?? 0;
    state = step(links, labels, state, b);
    const at = STATE * state;
    v0 = values[at + first] ?? 0;
    if ((b & 0xc0) === 0x80) v0 += penalty;
    // Ties are decided on rounded sums, as in the reference: add first, compare then. If v0 is -Infinity all
    // sums tie and the lowest tag wins.
    let g = f0 + v0;
    let from = 0;
    const s1 = f1 + v0;
    if (s1 > g) {
      g = s1;
      from = 1;
    }
    const s2 = f2 + v0;
    if (s2 > g) {
      g = s2;
      from = 2;
    }
    const s3 = f3 + v0;
    if (s3 > g) {
      g = s3;
      from = 3;
    }
    const s4 = f4 + v0;
    if (s4 > g) {
      g = s4;
      from = 4;
    }
    const s5 = f5 + v0;
    if (s5 > g) {
      g = s5;
      from = 5;
    }
    const v5 = values[at + 5] ?? 0;
    const from4 = f4 + v5;
    const from5 = f5 + v5;
    if (from5 > from4) from |= 8;
    f5 = first === 5 ? g : from5 > from4 ? from5 : from4;
    f4 = first === 4 ? g : f3 + (values[at + 4] ?? 0);
    f3 = first === 3 ? g : f2 + (values[at + 3] ?? 0);
    f2 = first === 2 ? g : f1 + (values[at + 2] ?? 0);
    f1 = first === 1 ? g : f0 + (values[at + 1] ?? 0);
    f0 = first === 0 ? g : -Infinity;
    back[i] = from;
  }
  const finals = [f0, f1, f2, f3, f4, f5];
  let best = first;
  for (let t = first + 1; t < 6; t++) if ((finals[t] ?? 0) > (finals[best] ?? 0)) best = t;
  return best;
}
