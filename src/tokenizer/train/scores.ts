// Scores that SentencePiece adds up to the same sums: it keeps them in float32 and gives every character that is no
// piece one fixed score, the lowest of the pieces' minus 10 (github.com/google/sentencepiece, src/unigram_model.cc).
// Ours are multiples of 1/128, which float32 adds exactly up to 131,072 nats, and the bytes of such a character
// add up to that score, so that a vocabulary written as `.model` cuts every line as it does here.
import type { CountedPiece } from "../model.ts";
import { isUtf8 } from "../utf8.ts";

const GRID = 128;
const UNKNOWN_PENALTY = 10;
/** Never in a text: what the others leave of 1 is its probability. */
const SPARE = 0xff;

/**
 * `ln p` of each piece, `Σ p = 1`: `ln count - ln Σ counts` on that grid, less what the bytes above 0x7f take.
 * Pieces that begin or end inside a character cannot be written there; with one of those, `logProb` is left out.
 */
export function withScores(pieces: readonly CountedPiece[]): (CountedPiece & { logProb?: number })[] {
  if (!pieces.every((p) => p.bytes.length === 1 || isUtf8(p.bytes))) return [...pieces];
  const text = pieces.filter((p) => !isByte(p));
  let total = 0;
  for (const p of text) total += p.count;
  const scoreOf = ({ count }: CountedPiece): number => Math.round(Math.log(count / total) * GRID) / GRID;
  let mass = 0;
  let lowest = 0;
  for (const p of text) {
    mass += Math.exp(scoreOf(p));
    lowest = Math.min(lowest, scoreOf(p));
  }
  let shift = 0;
  let bytes = byteScores(lowest);
  while (mass * Math.exp(-shift) + massOf(bytes) >= 1) {
    shift += 1 / GRID;
    bytes = byteScores(lowest - shift);
  }
  bytes[SPARE] = Math.log(1 - mass * Math.exp(-shift) - massOf(bytes));
  return pieces.map((p) => ({
    ...p,
    logProb: isByte(p) ? (bytes[p.bytes[0] ?? 0] ?? 0) : scoreOf(p) - shift,
  }));
}

/** Single bytes that are no text, and NUL, which is no piece there. */
function isByte({ bytes }: CountedPiece): boolean {
  const byte = bytes[0] ?? 0;
  return bytes.length === 1 && (byte === 0 || byte >= 0x80);
}

/** By byte; -Infinity for text. A lead byte has what its continuation bytes leave of the character's score. */
function byteScores(lowest: number): Float64Array {
  const character = lowest - UNKNOWN_PENALTY;
  const continued = Math.round((character / 4) * GRID) / GRID;
  const scores = new Float64Array(256).fill(character, 0x80, SPARE).fill(-Infinity, 1, 0x80);
  scores[0] = character;
  scores[SPARE] = -Infinity;
  scores.fill(continued, 0x80, 0xc0);
  scores.fill(character - continued, 0xc2, 0xe0);
  scores.fill(character - 2 * continued, 0xe0, 0xf0);
  scores.fill(character - 3 * continued, 0xf0, 0xf5);
  return scores;
}

function massOf(scores: Float64Array): number {
  return scores.reduce((sum, score) => sum + Math.exp(score), 0);
}
