// Unicode NFC over a stream of bytes: valid UTF-8 is normalised, invalid bytes pass unchanged, and the
// result does not depend on how the stream was cut into blocks.

/** Bytes after NFC and how many input bytes were not UTF-8. */
export interface Normalised {
  bytes: Uint8Array;
  /** Input bytes outside every valid UTF-8 sequence. */
  invalid: number;
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** True if no byte of `bytes[start..end)` is above 0x7f. */
export function isAscii(bytes: Uint8Array, start = 0, end: number = bytes.length): boolean {
  let seen = 0;
  let i = start;
  // Four at a time: this looks at every byte of a corpus several times.
  for (; i + 4 <= end; i += 4) {
    seen |= (bytes[i] ?? 0) | (bytes[i + 1] ?? 0) | (bytes[i + 2] ?? 0) | (bytes[i + 3] ?? 0);
  }
  for (; i < end; i++) seen |= bytes[i] ?? 0;
  return seen < 128;
}

/**
 * Length of the valid UTF-8 sequence (one code point) that starts at `i`, or 0 if there is none before `end`.
 * Overlong forms, surrogates and code points above U+10FFFF are not valid (Unicode 15, table 3-7).
 */
export function sequenceLength(bytes: Uint8Array, i: number, end: number): number {
  const a = bytes[i] ?? 0;
  if (a < 0x80) return 1;
  if (a < 0xc2 || a > 0xf4) return 0;
  const length = a < 0xe0 ? 2 : a < 0xf0 ? 3 : 4;
  if (i + length > end) return 0;
  const b = bytes[i + 1] ?? 0;
  const low = a === 0xe0 ? 0xa0 : a === 0xf0 ? 0x90 : 0x80;
  const high = a === 0xed ? 0x9f : a === 0xf4 ? 0x8f : 0xbf;
  if (b < low || b > high) return 0;
  for (let k = 2; k < length; k++) if (((bytes[i + k] ?? 0) & 0xc0) !== 0x80) return 0;
  return length;
}

/** True if `bytes[start..end)` is UTF-8 from end to end. */
export function isUtf8(bytes: Uint8Array, start = 0, end: number = bytes.length): boolean {
  for (let i = start; i < end; ) {
    const length = sequenceLength(bytes, i, end);
    if (length === 0) return false;
    i += length;
  }
  return true;
}

/** NFC of valid UTF-8; the same array when nothing changes. */
function normaliseValid(bytes: Uint8Array): Uint8Array {
  const text = decoder.decode(bytes);
  const normal = text.normalize("NFC");
  return normal === text ? bytes : encoder.encode(normal);
}

/** NFC of each maximal valid run of `bytes`; the bytes between the runs are kept as they are. */
function normaliseRuns(bytes: Uint8Array): Normalised {
  const parts: Uint8Array[] = [];
  let invalid = 0;
  let runStart = 0;
  for (let i = 0; i < bytes.length; ) {
    const length = sequenceLength(bytes, i, bytes.length);
    if (length > 0) {
      i += length;
      continue;
    }
    if (i > runStart) parts.push(normaliseValid(bytes.subarray(runStart, i)));
    parts.push(bytes.subarray(i, i + 1));
    invalid += 1;
    i += 1;
    runStart = i;
  }
  if (bytes.length > runStart) parts.push(normaliseValid(bytes.subarray(runStart)));
  return { bytes: concatBytes(parts), invalid };
}

/** NFC of `bytes`; invalid bytes stay and are counted. The input array is returned when nothing changes. */
export function normaliseBytes(bytes: Uint8Array): Normalised {
  if (isAscii(bytes)) return { bytes, invalid: 0 };
  return isUtf8(bytes) ? { bytes: normaliseValid(bytes), invalid: 0 } : normaliseRuns(bytes);
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
