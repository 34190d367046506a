// Su Jianlin 2023, the continuation problem (https://kexue.fm/archives/9762): a prompt may end inside what the
// vocabulary would have taken as one piece ("import numpy" | " as np"), and then the true continuation was never
// seen after these tokens. The remedy steps back over the last tokens and lets the model choose again among the
// pieces that begin with their text. The article steps back one token; this is the general form.
//
// Canonical prompt tokens t_1 … t_n; u_k is the text of the last k. Branches:
//   S_0    = Π_{i ≤ n} p(t_i | t_<i)                               go on after the prompt as it is
//   S_k(w) = Π_{i ≤ n-k} p(t_i | t_<i) · p(w | t_1 … t_{n-k})      w a piece that begins with u_k and is longer
// One is drawn ∝ S. All rows come from the single pass over the prompt. Exact over covers of the prompt whose
// earlier tokens are the canonical ones.
import { OptionError } from "../../errors.ts";
import { compareBytes } from "../model.ts";
import type { Random } from "../random.ts";

/** Ids of all pieces in the order of their bytes; specials are left out. */
export interface PieceOrder {
  readonly ids: Int32Array;
  readonly bytesOf: (id: number) => Uint8Array;
  /** Bytes of the longest piece. */
  readonly longest: number;
}

/** Half-open range `[from, to)` of positions in `PieceOrder.ids`. */
export interface PieceRange {
  readonly from: number;
  readonly to: number;
}

/** Stepping back over `k` tokens. */
export interface Backoff extends PieceRange {
  readonly k: number;
  /** Tokens of the prompt that stay: `n - k`. */
  readonly context: number;
  /** u_k: the text that is chosen anew. The pieces of the range begin with it and are longer. */
  readonly suffix: Uint8Array;
}

/** A distribution over ways to go on; entry 0 is the prompt as it is. */
export interface Branches {
  /** Tokens of the prompt that stay. */
  readonly contexts: Int32Array;
  /** The piece that follows them, or -1 for entry 0, where generation goes on as usual. */
  readonly ids: Int32Array;
  readonly probabilities: Float64Array;
}

/** Sorts a vocabulary for `prefixRange`: `O(V log V)`, once per tokenizer. */
export function pieceOrder(tokenizer: {
  readonly vocabularySize: number;
  bytesOf(id: number): Uint8Array;
}): PieceOrder {
  const pieces = Array.from({ length: tokenizer.vocabularySize }, (_, id) => tokenizer.bytesOf(id));
  const used = Array.from(pieces.keys()).filter((id) => (pieces[id]?.length ?? 0) > 0);
  const bytesOf = (id: number): Uint8Array => pieces[id] ?? new Uint8Array(0);
  used.sort((a, b) => compareBytes(bytesOf(a), bytesOf(b)) || a - b);
  return {
    ids: Int32Array.from(used),
    bytesOf,
    longest: pieces.reduce((most, p) => Math.max(most, p.length), 0),
  };
}

/** Pieces that begin with `prefix` (itself included), by binary search. */
export function prefixRange(order: PieceOrder, prefix: Uint8Array): PieceRange {
  // -1 before the range, 0 inside, 1 after.
  const side = (position: number): number => {
    const piece = order.bytesOf(order.ids[position] ?? 0);
    return compareBytes(piece.subarray(0, prefix.length), prefix);
  };
  const first = (wanted: number): number => {
    let lo = 0;
    let hi = order.ids.length;
    while (lo < hi) {
      const mid = (lo + hi) >> 1;
      if (side(mid) < wanted) lo = mid + 1;
      else hi = mid;
    }
    return lo;
  };
  return { from: first(0), to: first(1) };
}

/**
 * The ways to step back from the end of a prompt, for k = 1, 2 … while u_k is shorter than the longest piece
 * and no special is crossed. Only those with a piece to offer are listed.
 * @param ids Canonical tokens of the prompt. @param most Largest k; 1 is the article's form. Default no limit.
 */
export function backoffs(order: PieceOrder, ids: ArrayLike<number>, most: number = Infinity): Backoff[] {
  const result: Backoff[] = [];
  let suffix: Uint8Array = new Uint8Array(0);
  for (let k = 1; k <= Math.min(ids.length, most); k++) {
    const context = ids.length - k;
    const piece = order.bytesOf(ids[context] ?? -1);
    if (piece.length === 0 || piece.length + suffix.length >= order.longest) break;
    const joined = new Uint8Array(piece.length + suffix.length);
    joined.set(piece);
    joined.set(suffix, piece.length);
    suffix = joined;
    const { from, to } = prefixRange(order, suffix);
    // Pieces equal to u_k come first in the range: at k = 1 that is the canonical path itself.
    let longer = from;
    while (longer < to && order.bytesOf(order.ids[longer] ?? 0).length === suffix.length) longer++;
    if (longer < to) result.push({ k, context, suffix, from: longer, to });
  }
  return result;
}

/**
 * The distribution over branches.
 * @param ids Canonical tokens of the prompt.
 * @param steps From `backoffs`.
 * @param row `row(c)[w] = ln p(w | t_1 … t_c)`, for c from n - k to n - 1; undefined where the model has none
 * (c = 0 without a BOS token): such a step is left out with all longer ones.
 * @throws OptionError if a row does not cover the vocabulary.
 */
export function branchDistribution(
  order: PieceOrder,
  ids: ArrayLike<number>,
  steps: readonly Backoff[],
  row: (context: number) => ArrayLike<number> | undefined,
): Branches {
  const n = ids.length;
  const rows: ArrayLike<number>[] = []; // rows[j] is row(n - 1 - j)
  const deepest = steps.reduce((most, s) => Math.max(most, s.k), 0);
  while (rows.length < deepest) {
    const next = row(n - 1 - rows.length);
    if (next === undefined) break;
    rows.push(next);
  }
  const usable = steps.filter((s) => s.k <= rows.length);
  // ln Π p(t_i | t_<i) for i from n-K+1 to n-k, where K is the deepest step: what is common to all is left out.
  const depth = usable.reduce((most, s) => Math.max(most, s.k), 0);
  const kept = new Float64Array(depth + 1);
  for (let k = depth - 1; k >= 0; k--) {
    const token = ids[n - k - 1] ?? -1;
    kept[k] = (kept[k + 1] ?? 0) + logProbability(rows[k], token);
  }
  const size = 1 + usable.reduce((sum, s) => sum + s.to - s.from, 0);
  const contexts = new Int32Array(size);
  const chosen = new Int32Array(size);
  const scores = new Float64Array(size);
  contexts[0] = n;
  chosen[0] = -1;
  scores[0] = kept[0] ?? 0;
  let at = 1;
  for (const step of usable) {
    for (let p = step.from; p < step.to; p++) {
      const id = order.ids[p] ?? 0;
      contexts[at] = step.context;
      chosen[at] = id;
      scores[at++] = (kept[step.k] ?? 0) + logProbability(rows[step.k - 1], id);
    }
  }
  return { contexts, ids: chosen, probabilities: normalized(scores) };
}

function logProbability(row: ArrayLike<number> | undefined, id: number): number {
  const value = row?.[id];
  if (value === undefined || Number.isNaN(value)) {
    throw new OptionError(`branchDistribution: rows must hold a log probability for id ${id}, got ${value}.`);
  }
  return value;
}

/** `exp(scores)` divided by its sum; all of it on entry 0 if every score is -∞. */
function normalized(scores: Float64Array): Float64Array {
  const top = scores.reduce((a, b) => Math.max(a, b), -Infinity);
  if (top === -Infinity) return scores.map((_, i) => (i === 0 ? 1 : 0));
  const weights = scores.map((s) => Math.exp(s - top));
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((w) => w / sum);
}

/** Draws an entry of `branches`. */
export function drawBranch(branches: Branches, random: Random): number {
  let left = random();
  const { probabilities } = branches;
  for (let i = 0; i < probabilities.length; i++) {
    left -= probabilities[i] ?? 0;
    if (left < 0) return i;
  }
  return 0; // what rounding leaves over
}

/** The prompt after a branch was chosen, and the bytes that the choice adds to the text. */
export interface Continued {
  readonly ids: Int32Array;
  readonly added: Uint8Array;
}

/** Applies entry `index` of `branches` to the prompt. */
export function takeBranch(
  order: PieceOrder,
  ids: ArrayLike<number>,
  branches: Branches,
  index: number,
): Continued {
  const id = branches.ids[index] ?? -1;
  const prompt = Int32Array.from({ length: ids.length }, (_, i) => ids[i] ?? 0);
  if (id < 0) return { ids: prompt, added: new Uint8Array(0) };
  const context = branches.contexts[index] ?? 0;
  let covered = 0;
  for (let i = context; i < ids.length; i++) covered += order.bytesOf(ids[i] ?? 0).length;
  const next = new Int32Array(context + 1);
  next.set(prompt.subarray(0, context));
  next[context] = id;
  return { ids: next, added: order.bytesOf(id).subarray(covered) };
}
