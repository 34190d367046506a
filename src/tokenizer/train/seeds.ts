// Candidate pieces for expectation-maximisation: BytePiece's pieces under language models of different
// strictness, and the frequent n-grams the models themselves were counted from.
import type { Counting } from "./counting.ts";
import { buildLanguageModel } from "./language-model.ts";
import { type CountedPiece, compareBytes } from "../model.ts";
import { isUtf8 } from "../utf8.ts";
import { MAX_ORDER } from "./ngrams.ts";
import { PieceCounter, pieceAt } from "../pieces.ts";
import { release } from "../release.ts";
import type { Run } from "./runs.ts";

/** What may be a candidate. */
export interface SeedRule {
  /** Candidates seen less often are left out; also the least strictness of a language model. */
  minCount: number;
  maxPieceLength: number;
  ensureUnicode: boolean;
  /** Candidates at most, single bytes included. */
  most: number;
}

/**
 * Bytes of corpus for one unit of strictness: the two language models keep n-grams seen 1 and 8 times per
 * MiB, and n-grams become candidates from 2.5 times per MiB on. Reaching further down for large vocabularies
 * was tried and lost: 32,000 pieces on 9 MB of English fell from 7.12 to 6.96 bytes per token.
 */
const BYTES_PER_COUNT = 2 ** 20;

/** Strictest first model: beyond 64 MiB of text more does not help. */
const MOST_STRICT = 64;

/** Occurrences that make something frequent in a corpus of `bytes`: about one per MiB, at least `minCount`. */
export function strictness(bytes: number, minCount: number): number {
  return Math.min(MOST_STRICT, Math.max(minCount, Math.round(bytes / BYTES_PER_COUNT)));
}

/** Candidates in the order of their bytes, with rough counts: EM only begins from them. */
export async function seedPieces(
  counting: Counting,
  windows: () => Iterable<Run>,
  bytes: number,
  rule: SeedRule,
): Promise<CountedPiece[]> {
  const strict = strictness(bytes, rule.minCount);
  const counter = new PieceCounter();
  const single = new Float64Array(256).fill(1);
  // A small text has no 8-fold repetitions to speak of.
  for (const minCount of new Set([strict, bytes < 2 ** 20 ? strict : 8 * strict])) {
    const model = buildLanguageModel(windows(), {
      order: MAX_ORDER,
      minCount,
      shared: counting.shared,
    });
    const parts = await counting.countPieces(model, rule.ensureUnicode ? "characters" : "bytes");
    release(model.values, model.labels);
    for (const list of parts()) {
      for (let i = 0; i < list.size; i++) {
        const piece = pieceAt(list, i);
        const count = list.counts[i] ?? 0;
        if (piece.length === 1) single[piece[0] ?? 0] = (single[piece[0] ?? 0] ?? 0) + count;
        else if (accepts(rule, piece, count)) counter.add(piece, 0, piece.length, count);
      }
    }
  }
  addFrequentGrams(windows(), Math.max(rule.minCount, Math.round(2.5 * strict)), rule, counter);
  const list = counter.finish();
  const seeds: CountedPiece[] = [];
  for (let i = 0; i < list.size; i++) seeds.push({ bytes: pieceAt(list, i), count: list.counts[i] ?? 0 });
  seeds.sort((x, y) => y.count * y.bytes.length - x.count * x.bytes.length || compareBytes(x.bytes, y.bytes));
  seeds.length = Math.min(seeds.length, Math.max(0, rule.most - 256));
  single.forEach((count, b) => seeds.push({ bytes: Uint8Array.of(b), count }));
  return seeds.sort((x, y) => compareBytes(x.bytes, y.bytes));
}

function accepts(rule: SeedRule, piece: Uint8Array, count: number): boolean {
  if (count < rule.minCount || piece.length > rule.maxPieceLength) return false;
  return !rule.ensureUnicode || isUtf8(piece);
}

/** Adds n-grams of two to six bytes from `least` occurrences on, at a quarter of their count per byte. */
function addFrequentGrams(
  windows: Iterable<Run>,
  least: number,
  rule: SeedRule,
  counter: PieceCounter,
): void {
  const gram = new Uint8Array(MAX_ORDER);
  const open = new Float64Array(MAX_ORDER + 1).fill(-1);
  const counts = new Float64Array(MAX_ORDER + 1);
  const close = (length: number): void => {
    const count = counts[length] ?? 0;
    counts[length] = 0;
    if (count < least || length > rule.maxPieceLength) return;
    let rest = open[length] ?? 0;
    for (let k = length - 1; k >= 0; k--) {
      gram[k] = rest % 256;
      rest = Math.floor(rest / 256);
    }
    if (rule.ensureUnicode && !isUtf8(gram, 0, length)) return;
    // Overlapping occurrences of a gram are not pieces yet; without the discount grams crowd out words.
    counter.add(gram, 0, length, Math.max(1, Math.floor(count / (4 * length))));
  };
  for (const { keys, counts: found } of windows) {
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i] ?? 0;
      const window = Math.floor(key / 8);
      const length = key % 8;
      for (let n = 2; n <= length; n++) {
        const prefix = Math.floor(window / 256 ** (MAX_ORDER - n));
        if (prefix !== open[n]) {
          close(n);
          open[n] = prefix;
        }
        counts[n] = (counts[n] ?? 0) + (found[i] ?? 0);
      }
    }
  }
  for (let n = 2; n <= MAX_ORDER; n++) close(n);
}
