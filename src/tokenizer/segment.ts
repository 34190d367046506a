// Su Jianlin 2023, BytePiece, https://kexue.fm/archives/9752: the byte n-gram model cuts text into candidate
// pieces. Tag t of a byte says that it is byte t + 1 of its piece; the last tag, K = order - 1, stays:
//
//   f_0[i] = v_0[i] + max_t f_t[i-1]
//   f_t[i] = v_t[i] + f_{t-1}[i-1]                        1 <= t < K
//   f_K[i] = v_K[i] + max(f_{K-1}[i-1], f_K[i-1])
//
// with v_t[i] = L(bytes[i-t..i]). Ties go to the lowest tag; a piece begins at every byte of tag 0.
import { childOf, type LanguageModel, STATE } from "./language-model.ts";
import { MAX_ORDER } from "./ngrams.ts";

/**
 * What a piece may begin with: `"bytes"` any byte; `"characters"` no UTF-8 continuation byte unless nothing
 * else is possible (a large finite penalty); `"reference"` never a continuation byte, as in BytePiece 0.6.3,
 * where an unseen character then shreds the rest of its chunk into single bytes.
 */
export type PieceStart = "bytes" | "characters" | "reference";

/** Log-score of beginning a piece inside a character: below any path that avoids it. */
const INSIDE_CHARACTER = -1e4;

/** Working memory of segmentation, reused from chunk to chunk. */
export interface SegmentScratch {
  /** Predecessor tags of each byte: bits 0–2 for tag 0, bit 3 set if tag K was reached from K. */
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
  if (length > scratch.back.length) scratch.back = new Uint8Array(2 * length);
  const last =
    model.order === MAX_ORDER
      ? forwardSix(model, bytes, start, end, pieceStart, scratch.back)
      : forwardAny(model, bytes, start, end, pieceStart, scratch.back);
  return backtrack(scratch.back, last, model.order - 1, start, length, starts);
}

/** Follows the predecessors from the best last tag; writes piece starts, last first. */
function backtrack(
  back: Uint8Array,
  last: number,
  most: number,
  start: number,
  length: number,
  starts: Int32Array,
): number {
  let tag = last;
  let n = 0;
  for (let i = length - 1; i >= 0; i--) {
    const b = back[i] ?? 0;
    if (tag === 0) {
      starts[n++] = start + i;
      tag = b & 7;
    } else if (tag === most) tag = (b & 8) !== 0 ? most : most - 1;
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
    s = links[16 * s + 12] ?? 0;
  }
}

/** Forward pass for order 6, tags in registers; returns the best tag of the last byte. */
function forwardSix(
  { values, links, labels }: LanguageModel,
  bytes: Uint8Array,
  start: number,
  end: number,
  pieceStart: PieceStart,
  back: Uint8Array,
): number {
  const penalty = pieceStart === "bytes" ? 0 : pieceStart === "characters" ? INSIDE_CHARACTER : -Infinity;
  let f0 = 0;
  let f1 = -Infinity;
  let f2 = -Infinity;
  let f3 = -Infinity;
  let f4 = -Infinity;
  let f5 = -Infinity;
  let state = 0;
  for (let i = start; i < end; i++) {
    const b = bytes[i] ?? 0;
    state = step(links, labels, state, b);
    const at = STATE * state;
    let v0 = values[at] ?? 0;
    if ((b & 0xc0) === 0x80) v0 += penalty;
    // Ties are decided on rounded sums, as in the reference: add first, compare then. If v0 is -Infinity all
    // sums tie and tag 0 wins.
    let g0 = f0 + v0;
    let from = 0;
    const s1 = f1 + v0;
    if (s1 > g0) {
      g0 = s1;
      from = 1;
    }
    const s2 = f2 + v0;
    if (s2 > g0) {
      g0 = s2;
      from = 2;
    }
    const s3 = f3 + v0;
    if (s3 > g0) {
      g0 = s3;
      from = 3;
    }
    const s4 = f4 + v0;
    if (s4 > g0) {
      g0 = s4;
      from = 4;
    }
    const s5 = f5 + v0;
    if (s5 > g0) {
      g0 = s5;
      from = 5;
    }
    const v5 = values[at + 5] ?? 0;
    const from4 = f4 + v5;
    const from5 = f5 + v5;
    if (from5 > from4) from |= 8;
    f5 = from5 > from4 ? from5 : from4;
    f4 = f3 + (values[at + 4] ?? 0);
    f3 = f2 + (values[at + 3] ?? 0);
    f2 = f1 + (values[at + 2] ?? 0);
    f1 = f0 + (values[at + 1] ?? 0);
    f0 = g0;
    if (i === start) {
      // The first byte begins a piece: no other tag can stand here.
      f1 = -Infinity;
      from = 0;
    }
    back[i - start] = from;
  }
  let best = 0;
  let score = f0;
  const finals = [f0, f1, f2, f3, f4, f5];
  for (let t = 1; t < 6; t++) {
    if ((finals[t] ?? 0) > score) {
      score = finals[t] ?? 0;
      best = t;
    }
  }
  return best;
}

/** Forward pass for any order, tags in arrays; returns the best tag of the last byte. */
function forwardAny(
  { order, values, links, labels }: LanguageModel,
  bytes: Uint8Array,
  start: number,
  end: number,
  pieceStart: PieceStart,
  back: Uint8Array,
): number {
  const penalty = pieceStart === "bytes" ? 0 : pieceStart === "characters" ? INSIDE_CHARACTER : -Infinity;
  const most = order - 1;
  let f = new Float64Array(order).fill(-Infinity);
  let g = new Float64Array(order);
  let state = 0;
  for (let i = start; i < end; i++) {
    const b = bytes[i] ?? 0;
    state = step(links, labels, state, b);
    const at = STATE * state;
    let v0 = values[at] ?? 0;
    if ((b & 0xc0) === 0x80) v0 += penalty;
    g.fill(-Infinity);
    let from = 0;
    if (i === start) g[0] = v0;
    else {
      g[0] = (f[0] ?? 0) + v0;
      for (let t = 1; t <= most; t++) {
        const sum = (f[t] ?? 0) + v0;
        if (sum > (g[0] ?? 0)) {
          g[0] = sum;
          from = t;
        }
      }
      for (let t = 1; t <= most; t++) g[t] = (f[t - 1] ?? 0) + (values[at + t] ?? 0);
      if (most > 0) {
        const stay = (f[most] ?? 0) + (values[at + most] ?? 0);
        if (stay > (g[most] ?? 0)) {
          g[most] = stay;
          from |= 8;
        }
      }
    }
    [f, g] = [g, f];
    back[i - start] = from;
  }
  let best = 0;
  for (let t = 1; t < order; t++) if ((f[t] ?? 0) > (f[best] ?? 0)) best = t;
  return best;
}
