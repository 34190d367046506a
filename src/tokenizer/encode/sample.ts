// Su Jianlin 2023, random segmentation (https://kexue.fm/archives/9768 and /9811); Kudo 2018, section 3.2
// (https://arxiv.org/abs/1804.10959). Every segmentation is drawn with probability
// `exp(α Σ ln p(w)) / Z`: α = 0 is uniform, α = 1 the posterior, α → ∞ the single best one.
//
// Forward, in logs: `s[0] = 0; s[e] = logsumexp over w ending at e of s[e-|w|] + α ln p(w)`, so `s[n] = ln Z`.
// Backward sampling then draws pieces from the end, w before e with weight `exp(s[e-|w|] + α ln p(w) - s[e])`.
// The reservoir draws them during the forward pass: a newcomer replaces the last piece at e with probability
// `its weight / weight of all so far`. Both are exact; backward draws one number per token, the reservoir
// one per edge.
import { OptionError } from "../../errors.ts";
import { type IdBuffer, reverseRange } from "./ids.ts";
import type { Random } from "../random.ts";
import { type Trie, BASE_MASK, buildTrie } from "./trie.ts";
import { type UnigramEncoder, lineEnd } from "./unigram.ts";

/** How a segmentation is drawn. `"backward"` and `"reservoir"` have one distribution; see `sampleBiased`. */
export type SampleMethod = "backward" | "reservoir";

/** An encoder with what sampling needs beside it. */
export interface UnigramSampler {
  readonly encoder: UnigramEncoder;
  /** Trie of the reversed pieces: finds what ends at a position. */
  readonly reversed: Trie;
  /** ln of the total weight of segmentations of each prefix. */
  total: Float64Array;
  /** Drawn last piece at each position. */
  back: Int32Array;
}

/** Prepares `encoder` (made from `pieces`) for sampling. */
export function unigramSampler(encoder: UnigramEncoder, pieces: readonly Uint8Array[]): UnigramSampler {
  return {
    encoder,
    reversed: buildTrie(pieces.map((p) => p.slice().reverse())),
    total: new Float64Array(1024),
    back: new Int32Array(1024),
  };
}

/** @throws OptionError unless `alpha` is a number ≥ 0. */
export function checkAlpha(alpha: number): void {
  if (alpha >= 0 && alpha < Infinity) return;
  throw new OptionError(
    `sample: alpha must be a finite number ≥ 0, got ${alpha}. Use encode for the single best segmentation.`,
  );
}

/** ln(eᵃ + eᵇ); -∞ stands for nothing. */
export function logAdd(a: number, b: number): number {
  if (a < b) return b + Math.log1p(Math.exp(a - b));
  return b === -Infinity ? a : a + Math.log1p(Math.exp(b - a));
}

/** Appends a random segmentation of `bytes[from … to)` to `out`, drawn ∝ `exp(α Σ ln p)`. */
export function sampleUnigram(
  sampler: UnigramSampler,
  bytes: Uint8Array,
  from: number,
  to: number,
  alpha: number,
  random: Random,
  method: SampleMethod,
  out: IdBuffer,
): void {
  checkAlpha(alpha);
  for (let at = from; at < to; ) {
    const end = sampler.encoder.lines ? lineEnd(bytes, at, to) : to;
    if (method === "backward") {
      forward(sampler, bytes, at, end, alpha);
      drawBackward(sampler, bytes, at, end, alpha, random, out);
    } else {
      forwardReservoir(sampler, bytes, at, end, alpha, random);
      emit(sampler, at, end, out);
    }
    at = end;
  }
}

/** ln Σ over segmentations of `exp(α Σ ln p)`; at α = 0 the logarithm of their number. */
export function logPartition(sampler: UnigramSampler, bytes: Uint8Array, alpha: number): number {
  checkAlpha(alpha);
  let sum = 0;
  for (let at = 0; at < bytes.length; ) {
    const end = sampler.encoder.lines ? lineEnd(bytes, at, bytes.length) : bytes.length;
    forward(sampler, bytes, at, end, alpha);
    sum += sampler.total[end - at] ?? 0;
    at = end;
  }
  return sum;
}

/** Makes room for `n` bytes and forgets what was there. */
function prepare(s: UnigramSampler, n: number): Float64Array {
  if (n + 1 > s.total.length) {
    s.total = new Float64Array((n + 1) * 2);
    s.back = new Int32Array((n + 1) * 2);
  }
  s.total.fill(-Infinity, 0, n + 1);
  s.total[0] = 0;
  return s.total;
}

function forward(s: UnigramSampler, bytes: Uint8Array, at: number, to: number, alpha: number): void {
  const total = prepare(s, to - at);
  const { nodeScores } = s.encoder;
  const { units, root } = s.encoder.trie;
  for (let i = at; i < to; i++) {
    const before = total[i - at] ?? 0;
    let base = root;
    for (let j = i; j < to; j++) {
      const c = bytes[j] ?? 0;
      const node = base ^ c;
      const unit = units[node] ?? 0;
      if ((unit & 255) !== c) break;
      if (unit < 0)
        total[j - at + 1] = logAdd(before + alpha * (nodeScores[node] ?? 0), total[j - at + 1] ?? 0);
      base = (unit >>> 8) & BASE_MASK;
    }
  }
}

function drawBackward(
  s: UnigramSampler,
  bytes: Uint8Array,
  at: number,
  to: number,
  alpha: number,
  random: Random,
  out: IdBuffer,
): void {
  const { total } = s;
  const { logProbs, lengths } = s.encoder;
  const { units, values, root } = s.reversed;
  const first = out.length;
  const data = out.reserve(to - at);
  let n = first;
  for (let end = to; end > at; ) {
    let left = random();
    let id = -1;
    const whole = total[end - at] ?? 0;
    let base = root;
    for (let j = end - 1; j >= at; j--) {
      const c = bytes[j] ?? 0;
      const node = base ^ c;
      const unit = units[node] ?? 0;
      if ((unit & 255) !== c) break;
      if (unit < 0) {
        id = values[node] ?? 0;
        left -= Math.exp((total[j - at] ?? 0) + alpha * (logProbs[id] ?? 0) - whole);
        if (left < 0) break; // else rounding may leave a trace: the last piece stands
      }
      base = (unit >>> 8) & BASE_MASK;
    }
    data[n++] = id;
    end -= lengths[id] ?? 1;
  }
  reverseRange(data, first, n);
  out.length = n;
}

function forwardReservoir(
  s: UnigramSampler,
  bytes: Uint8Array,
  at: number,
  to: number,
  alpha: number,
  random: Random,
): void {
  const total = prepare(s, to - at);
  const { back } = s;
  const { nodeScores } = s.encoder;
  const { units, values, root } = s.encoder.trie;
  for (let i = at; i < to; i++) {
    const before = total[i - at] ?? 0;
    let base = root;
    for (let j = i; j < to; j++) {
      const c = bytes[j] ?? 0;
      const node = base ^ c;
      const unit = units[node] ?? 0;
      if ((unit & 255) !== c) break;
      if (unit < 0) {
        const weight = before + alpha * (nodeScores[node] ?? 0);
        const end = j - at + 1;
        const sum = logAdd(weight, total[end] ?? 0);
        if (random() < Math.exp(weight - sum)) back[end] = values[node] ?? 0;
        total[end] = sum;
      }
      base = (unit >>> 8) & BASE_MASK;
    }
  }
}

/**
 * The first version of random segmentation (BytePiece 0.4, https://kexue.fm/archives/9768), kept for the
 * experiment that shows its bias: a newcomer meets the *drawn* path's score instead of the weight of all
 * paths, and wins with probability `sigmoid(α (new - drawn))`. α = 0 is not uniform over segmentations.
 */
export function sampleBiased(
  sampler: UnigramSampler,
  bytes: Uint8Array,
  alpha: number,
  random: Random,
  out: IdBuffer,
): void {
  checkAlpha(alpha);
  const score = prepare(sampler, bytes.length);
  const { back } = sampler;
  const { nodeScores } = sampler.encoder;
  const { units, values, root } = sampler.encoder.trie;
  for (let i = 0; i < bytes.length; i++) {
    let base = root;
    for (let j = i; j < bytes.length; j++) {
      const c = bytes[j] ?? 0;
      const node = base ^ c;
      const unit = units[node] ?? 0;
      if ((unit & 255) !== c) break;
      if (unit < 0) {
        const challenger = (score[i] ?? 0) + (nodeScores[node] ?? 0);
        const drawn = score[j + 1] ?? 0;
        if (drawn === -Infinity || random() < 1 / (1 + Math.exp(alpha * (drawn - challenger)))) {
          score[j + 1] = challenger;
          back[j + 1] = values[node] ?? 0;
        }
      }
      base = (unit >>> 8) & BASE_MASK;
    }
  }
  emit(sampler, 0, bytes.length, out);
}

/** Appends the drawn path over `bytes[at … to)`. */
function emit(s: UnigramSampler, at: number, to: number, out: IdBuffer): void {
  const first = out.length;
  const data = out.reserve(to - at);
  let n = first;
  for (let p = to - at; p > 0; ) {
    const id = s.back[p] ?? 0;
    data[n++] = id;
    p -= s.encoder.lengths[id] ?? 1;
  }
  reverseRange(data, first, n);
  out.length = n;
}
