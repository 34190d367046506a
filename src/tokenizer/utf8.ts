// UTF-8, whole and as a stream (The Unicode Standard 16, section 3.9, table 3-7; WHATWG Encoding, "UTF-8 decoder"):
// a character is given out with its last byte, and only a tail that can still become one is held back.

const encoder = new TextEncoder();
/** Keeps a leading byte order mark, which a plain TextDecoder would drop. */
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const strict = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });

/** UTF-8 of `text`; a lone surrogate becomes U+FFFD, as everywhere on the web. */
export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text);
}

/** Text of `bytes`; each maximal invalid part becomes U+FFFD. */
export function textOf(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** Text of `bytes`, or undefined if they are not UTF-8. */
export function strictTextOf(bytes: Uint8Array): string | undefined {
  try {
    return strict.decode(bytes);
  } catch {
    return undefined;
  }
}

/** True between the two halves of a surrogate pair. */
export function isInsideCharacter(text: string, at: number): boolean {
  const low = text.charCodeAt(at);
  const high = text.charCodeAt(at - 1);
  return low >= 0xdc00 && low < 0xe000 && high >= 0xd800 && high < 0xdc00;
}

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

/** Bytes of the longest tail of `bytes` that begins a character without completing it: 0 to 3. */
export function incompleteTail(bytes: Uint8Array): number {
  const n = bytes.length;
  for (let back = 1; back <= 3 && back <= n; back++) {
    const c = bytes[n - back] ?? 0;
    if (c < 0x80) return 0;
    if (c < 0xc0) continue; // a continuation byte: its lead is further left
    const length = c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;
    if (length <= back) return 0;
    if (back > 1) {
      // The second byte decides whether E0, ED, F0 and F4 begin anything at all.
      const second = bytes[n - back + 1] ?? 0;
      if ((c === 0xe0 && second < 0xa0) || (c === 0xf0 && second < 0x90)) return 0;
      if ((c === 0xed && second > 0x9f) || (c === 0xf4 && second > 0x8f)) return 0;
    }
    return back;
  }
  return 0;
}

/**
 * Decodes bytes that arrive in parts: the outputs of `push` and the final `flush`, joined, equal `textOf` of
 * all bytes joined, for every way of cutting them. `push` ends exactly after the last complete character.
 */
export class Utf8Stream {
  #tail: Uint8Array = new Uint8Array(0);

  /** The text that `bytes` completes. */
  push(bytes: Uint8Array): string {
    const held = this.#tail.length;
    let all = bytes;
    if (held > 0) {
      all = new Uint8Array(held + bytes.length);
      all.set(this.#tail);
      all.set(bytes, held);
    }
    const end = all.length - incompleteTail(all);
    this.#tail = all.slice(end);
    return textOf(all.subarray(0, end));
  }

  /** What is left: U+FFFD if a character was begun, else nothing. The stream starts anew. */
  flush(): string {
    const rest = textOf(this.#tail);
    this.#tail = new Uint8Array(0);
    return rest;
  }
}
