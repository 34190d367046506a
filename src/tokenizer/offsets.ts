// Where tokens lie in the original text: in bytes, UTF-16 units (JavaScript indices) and code points, also
// when the text was brought to Unicode NFC first (Unicode Standard Annex 15).
import { normalForm } from "./pipeline/unicode.ts";
import { utf8 } from "./utf8.ts";

/**
 * Boundaries of `n` tokens, `n + 1` entries each: token `i` covers `[b[i], b[i + 1])`, so slices of the
 * original joined give the original. A boundary inside a character (or inside a run of characters that NFC
 * composes) counts as that character's start in `utf16` and `codePoints`; `bytes` keeps it exactly unless
 * NFC changed the run.
 */
export interface Offsets {
  readonly bytes: Int32Array;
  readonly utf16: Int32Array;
  readonly codePoints: Int32Array;
}

/** Offsets from byte boundaries in `bytes`, the UTF-8 of the original text. */
export function offsetsFromBytes(bytes: Uint8Array, boundaries: Int32Array): Offsets {
  const utf16 = new Int32Array(boundaries.length);
  const codePoints = new Int32Array(boundaries.length);
  let at = 0; // start of the next character
  let units = 0;
  let points = 0;
  for (let i = 0; i < boundaries.length; i++) {
    const boundary = boundaries[i] ?? 0;
    while (at < boundary) {
      const c = bytes[at] ?? 0;
      const next = at + (c < 0xc0 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4);
      if (next > boundary) break;
      units += c < 0xf0 ? 1 : 2;
      points++;
      at = next;
    }
    utf16[i] = units;
    codePoints[i] = points;
  }
  return { bytes: boundaries, utf16, codePoints };
}

/** Runs of a normalised text and where they came from, in bytes; the last entry is the end of both. */
export interface NormalizationMap {
  /** Start of each run in the normalised bytes. */
  readonly to: readonly number[];
  /** Start of each run in the original bytes. */
  readonly from: readonly number[];
  /** 1 where the run was changed, so that positions inside it mean nothing outside. */
  readonly changed: readonly number[];
}

/**
 * Characters that may compose with what stands before them: marks, the vowels and finals of Hangul, and
 * the few letters that compose (Kirat Rai, Unicode 16). Everything else begins a run of its own.
 */
const RUN = /[^](?:[\p{M}\u1160-\u11ff\ud7b0-\ud7ff\u{16d63}-\u{16d69}]*)/gu;

/** The way back from NFC of each of `parts`, joined, to the parts; undefined if all are NFC already. */
export function normalizeNfc(parts: readonly string[]): NormalizationMap | undefined {
  if (parts.every((part) => normalForm(part, "NFC") === part)) return undefined;
  const map = { to: [] as number[], from: [] as number[], changed: [] as number[] };
  const ends = { to: 0, from: 0 };
  const add = (original: string, normal: string): void => {
    const isChanged = normal === original ? 0 : 1;
    // Unchanged neighbours are one run; a changed one stands alone.
    if (isChanged === 1 || map.changed.at(-1) !== 0) {
      map.to.push(ends.to);
      map.from.push(ends.from);
      map.changed.push(isChanged);
    }
    ends.to += utf8Length(normal);
    ends.from += utf8Length(original);
  };
  for (const part of parts) {
    const normal = normalForm(part, "NFC");
    const runs = Array.from(part.matchAll(RUN), ([run]) => ({ run, now: normalForm(run, "NFC") }));
    if (runs.map((r) => r.now).join("") === normal) for (const { run, now } of runs) add(run, now);
    // A later Unicode may compose what RUN keeps apart: one run is coarse but never wrong.
    else add(part, normal);
  }
  map.to.push(ends.to);
  map.from.push(ends.from);
  map.changed.push(0);
  return map;
}

/** Maps byte boundaries of the normalised text to the original. */
export function mapBoundaries(map: NormalizationMap, boundaries: Int32Array): Int32Array {
  const result = new Int32Array(boundaries.length);
  let run = 0;
  for (let i = 0; i < boundaries.length; i++) {
    const b = boundaries[i] ?? 0;
    while (run + 1 < map.to.length && (map.to[run + 1] ?? 0) <= b) run++;
    const inside = map.changed[run] === 1 ? 0 : b - (map.to[run] ?? 0);
    result[i] = (map.from[run] ?? 0) + inside;
  }
  return result;
}

function utf8Length(text: string): number {
  return text.length === 1 && text.charCodeAt(0) < 0x80 ? 1 : utf8(text).length;
}
