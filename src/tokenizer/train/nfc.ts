// Unicode NFC over a stream of bytes: valid UTF-8 is normalised, invalid bytes pass unchanged, and the
// result does not depend on how the stream was cut into blocks.

import { normalForm } from "../pipeline/unicode.ts";
import { isAscii, isUtf8, sequenceLength, textOf, utf8 } from "../utf8.ts";

/** Bytes after NFC and how many input bytes were not UTF-8. */
export interface NormalizedBytes {
  bytes: Uint8Array;
  /** Input bytes outside every valid UTF-8 sequence. */
  invalid: number;
}

/** NFC of valid UTF-8; the same array when nothing changes. */
function normalizeValid(bytes: Uint8Array): Uint8Array {
  const text = textOf(bytes);
  const normal = normalForm(text, "NFC");
  return normal === text ? bytes : utf8(normal);
}

/** NFC of each maximal valid run of `bytes`; the bytes between the runs are kept as they are. */
function normalizeRuns(bytes: Uint8Array): NormalizedBytes {
  const parts: Uint8Array[] = [];
  let invalid = 0;
  let runStart = 0;
  for (let i = 0; i < bytes.length; ) {
    const length = sequenceLength(bytes, i, bytes.length);
    if (length > 0) {
      i += length;
      continue;
    }
    if (i > runStart) parts.push(normalizeValid(bytes.subarray(runStart, i)));
    parts.push(bytes.subarray(i, i + 1));
    invalid += 1;
    i += 1;
    runStart = i;
  }
  if (bytes.length > runStart) parts.push(normalizeValid(bytes.subarray(runStart)));
  return { bytes: concatBytes(parts), invalid };
}

/** NFC of `bytes`; invalid bytes stay and are counted. The input array is returned when nothing changes. */
export function normalizeBytes(bytes: Uint8Array): NormalizedBytes {
  if (isAscii(bytes)) return { bytes, invalid: 0 };
  return isUtf8(bytes) ? { bytes: normalizeValid(bytes), invalid: 0 } : normalizeRuns(bytes);
}

/**
 * Last position in `bytes` before which a cut cannot change NFC or break a character: after a newline, or
 * before an ASCII byte or a CJK ideograph (starters that never compose with what precedes them). 0 if none.
 */
export function lastSafeCut(bytes: Uint8Array): number {
  const newline = bytes.lastIndexOf(10);
  if (newline >= 0) return newline + 1;
  for (let i = bytes.length - 1; i > 0; i--) {
    const b = bytes[i] ?? 0;
    if (b < 0x80) return i;
    // U+5000..U+8FFF: lead bytes E5..E8, wholly inside the unified ideographs.
    if (b >= 0xe5 && b <= 0xe8) return i;
  }
  return 0;
}

/** One array holding `parts` in order. */
export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1 && parts[0]) return parts[0];
  let length = 0;
  for (const part of parts) length += part.length;
  const out = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
