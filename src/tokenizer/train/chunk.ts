// Su Jianlin 2023, BytePiece, https://kexue.fm/archives/9752: the pieces of text nothing ever spans.
import { concatBytes, lastSafeCut, normalizeBytes } from "./nfc.ts";

/** At most this many characters before the newlines of one chunk. */
const CHUNK_CHARACTERS = 10_000;
/** At most this many newlines at the end of one chunk. */
const CHUNK_NEWLINES = 100;
/** Bytes that must lie ahead before a chunk's end is certain: 10,000 characters of 4 bytes and newlines. */
const LOOKAHEAD = 4 * CHUNK_CHARACTERS + CHUNK_NEWLINES + 8;
/** Pending bytes without any safe place to cut; beyond this the stream is cut between two characters. */
const LONGEST_UNSAFE = 1 << 20;

/** Normalised bytes and where their chunks end: chunk `i` is `bytes[ends[i-1]..ends[i])`. */
export interface ChunkBlock {
  bytes: Uint8Array;
  /** Ascending; the last one is `bytes.length`. */
  ends: Int32Array;
}

/** A part of one text. */
export interface TextBlock {
  bytes: Uint8Array;
  /** Nothing spans the end of this block. */
  last: boolean;
  /** The next block is of the same text all the same (a special stood between). Default false. */
  goesOn?: boolean;
}

let digitCodes: Set<number> | undefined;

/** True for a decimal digit of any script (Unicode Nd). */
function isDigit(code: number): boolean {
  if (code < 0x660) return code >= 48 && code <= 57;
  if (!digitCodes) {
    digitCodes = new Set();
    for (let c = 0x660; c < 0x20000; c++) if (/\p{Nd}/u.test(String.fromCodePoint(c))) digitCodes.add(c);
  }
  return digitCodes.has(code);
}

/** Code point at `i` of bytes that need not be valid; an odd byte stands for itself. */
function codeAt(bytes: Uint8Array, i: number, length: number): number {
  const a = bytes[i] ?? 0;
  if (length === 1) return a;
  let code = a & (0xff >> (length + 1));
  for (let k = 1; k < length; k++) code = (code << 6) | ((bytes[i + k] ?? 0) & 0x3f);
  return code;
}

/** Bytes of the character at `i`: a lead byte and the continuation bytes that follow it. */
function characterLength(bytes: Uint8Array, i: number, end: number): number {
  const a = bytes[i] ?? 0;
  const most = a < 0xc0 ? 1 : a < 0xe0 ? 2 : a < 0xf0 ? 3 : 4;
  let n = 1;
  while (n < most && i + n < end && ((bytes[i + n] ?? 0) & 0xc0) === 0x80) n += 1;
  return n;
}

/** End of the newlines that start at `i`, at most `CHUNK_NEWLINES` of them. */
function newlinesEnd(bytes: Uint8Array, i: number, end: number): number {
  const stop = Math.min(end, i + CHUNK_NEWLINES);
  let j = i;
  while (j < stop && bytes[j] === 10) j += 1;
  return j;
}

/** End of the chunk that starts at `start` when digits are ordinary characters. */
function plainEnd(bytes: Uint8Array, start: number, end: number): number {
  // Looked for within reach only: a line without end must not be searched again for each of its chunks.
  const reach = Math.min(end, start + LOOKAHEAD);
  const found = bytes.subarray(start, reach).indexOf(10);
  const newline = found < 0 ? reach : start + found;
  if (newline - start <= CHUNK_CHARACTERS) return newlinesEnd(bytes, newline, end);
  let i = start;
  for (let characters = 0; i < newline && characters < CHUNK_CHARACTERS; characters++) {
    i += characterLength(bytes, i, newline);
  }
  return i === newline ? newlinesEnd(bytes, newline, end) : i;
}

/** End of the chunk that starts at `start` when every digit stands alone. */
function isolatedEnd(bytes: Uint8Array, start: number, end: number): number {
  let i = start;
  for (let characters = 0; i < end && characters < CHUNK_CHARACTERS; characters++) {
    if (bytes[i] === 10) break;
    const length = characterLength(bytes, i, end);
    if (isDigit(codeAt(bytes, i, length))) return i === start ? i + length : i;
    i += length;
  }
  return newlinesEnd(bytes, i, end);
}

/** Cuts a stream of texts into chunks; the same chunks whatever the sizes of the blocks. */
export class Chunker {
  readonly #isolateDigits: boolean;
  #raw: Uint8Array[] = [];
  #ready: Uint8Array = new Uint8Array(0);
  /** Input bytes so far that were not UTF-8. */
  invalid = 0;

  constructor({ isolateDigits = false }: { isolateDigits?: boolean } = {}) {
    this.#isolateDigits = isolateDigits;
  }

  /** Takes the next block of a text; returns the chunks that are now certain (perhaps none). */
  push(block: TextBlock): ChunkBlock {
    this.#raw.push(block.bytes);
    this.#normalise(block.last);
    return this.#take(block.last);
  }

  #normalise(last: boolean): void {
    const pending = concatBytes(this.#raw);
    let cut = last ? pending.length : lastSafeCut(pending);
    if (cut === 0 && pending.length > LONGEST_UNSAFE) {
      cut = pending.length;
      while (cut > 0 && cut > pending.length - 4 && ((pending[cut - 1] ?? 0) & 0xc0) === 0x80) cut -= 1;
      cut = Math.max(1, cut - 1);
    }
    const { bytes, invalid } = normalizeBytes(pending.subarray(0, cut));
    this.invalid += invalid;
    this.#ready = this.#ready.length > 0 ? concatBytes([this.#ready, bytes]) : bytes;
    const rest = pending.subarray(cut);
    this.#raw = rest.length > 0 ? [rest.slice()] : []; // the block is overwritten by the next
  }

  #take(last: boolean): ChunkBlock {
    const bytes = this.#ready;
    const ends: number[] = [];
    const sure = last ? bytes.length : bytes.length - LOOKAHEAD;
    let at = 0;
    while (at < sure) {
      at = this.#isolateDigits ? isolatedEnd(bytes, at, bytes.length) : plainEnd(bytes, at, bytes.length);
      ends.push(at);
    }
    this.#ready = bytes.slice(at);
    return { bytes: bytes.subarray(0, at), ends: Int32Array.from(ends) };
  }
}
