// Postings as bytes, in integers of base 128, least digits first. Two lists a term: what ranking reads, pairs
// (distance to the paper before, weighted frequency), about 2.2 bytes a posting against 8 for two 32-bit integers;
// and what phrases and fields read, the places of each paper. Apart, because most queries need the first only.
//
// The places of one paper: distance + 1 to the place before in the same field (to -1 at its beginning), `1` for
// "the next field", `0` for the end. Few terms stand outside the abstract, which comes first, so most lists cost
// one byte besides their places. A byte 0 is always an end: no other number is written with one.
import { fieldWeights, type Occurrences, placeBits } from "../../occurrences.ts";

/** The postings of one term in one segment. */
export interface Postings {
  readonly data: Uint8Array;
  readonly places: Uint8Array;
}

/** Bytes under construction; reused from term to term. */
class Bytes {
  private bytes = new Uint8Array(1 << 12);
  private size = 0;

  private grow(by: number): void {
    if (this.size + by <= this.bytes.length) return;
    const larger = new Uint8Array(Math.max(2 * this.bytes.length, this.size + by));
    larger.set(this.bytes.subarray(0, this.size));
    this.bytes = larger;
  }
  /** Writes one integer below 2³⁵. */
  put(value: number): void {
    this.grow(5);
    let v = value;
    for (; v >= 0x80; v >>>= 7) this.bytes[this.size++] = (v & 0x7f) | 0x80;
    this.bytes[this.size++] = v;
  }
  append(bytes: Uint8Array): void {
    this.grow(bytes.length);
    this.bytes.set(bytes, this.size);
    this.size += bytes.length;
  }
  clear(): void {
    this.size = 0;
  }
  /** What was written, valid until the next `clear`. */
  view(): Uint8Array {
    return this.bytes.subarray(0, this.size);
  }
}

/** An encoder; what it returns is valid until its next call. */
export interface Encoder {
  /** Postings of a term, the first paper of `all` having slot `first`. */
  encode(all: Occurrences, term: number, first: number): Postings;
  /** Postings one after the other; the slots of each lie above those before. */
  join(parts: readonly Postings[]): Postings;
  /** Postings without some slots. */
  without(postings: Postings, slots: ReadonlySet<number>): Postings;
}

/** A new encoder. */
export function createEncoder(): Encoder {
  const data = new Bytes();
  const places = new Bytes();
  const start = () => {
    data.clear();
    places.clear();
  };
  const result = () => ({ data: data.view(), places: places.view() });
  return {
    encode({ starts, papers, places: all }, term, first) {
      start();
      const end = starts[term + 1] ?? 0;
      let before = 0;
      for (let i = starts[term] ?? 0; i < end; ) {
        const paper = papers[i] ?? 0;
        let frequency = 0;
        let field = 0;
        let last = -1;
        for (; i < end && papers[i] === paper; i++) {
          const place = all[i] ?? 0;
          for (; field < place >>> placeBits; field++) {
            places.put(1);
            last = -1;
          }
          const position = place & ((1 << placeBits) - 1);
          places.put(position - last + 1);
          last = position;
          frequency += fieldWeights[field] ?? 1;
        }
        places.put(0);
        data.put(first + paper - before);
        data.put(frequency);
        before = first + paper;
      }
      return result();
    },
    join(parts) {
      start();
      let last = 0;
      for (const part of parts) {
        // Only the first distance counts from another paper than before; the rest is copied.
        const cursor = readPostings(part);
        cursor.next();
        data.put(cursor.slot - last);
        data.put(cursor.frequency);
        data.append(part.data.subarray(cursor.offset));
        places.append(part.places);
        while (cursor.next());
        last = cursor.slot;
      }
      return result();
    },
    without(postings, slots) {
      start();
      let last = 0;
      for (const cursor = readPostings(postings); cursor.next(); ) {
        if (slots.has(cursor.slot)) continue;
        data.put(cursor.slot - last);
        data.put(cursor.frequency);
        places.append(cursor.placeBytes());
        last = cursor.slot;
      }
      return result();
    },
  };
}

/** Walks over postings, a paper at a time. */
export class PostingsCursor {
  /** Slot of the present paper; undefined meaning before the first `next`. */
  slot = 0;
  frequency = 0;
  /** Where the next posting begins in `data`. */
  offset = 0;
  private placesAt = 0;
  /** How many papers' places lie between `placesAt` and those of the present paper. */
  private skipped = -1;
  private readonly data: Uint8Array;
  private readonly all: Uint8Array;

  constructor({ data, places }: Postings) {
    this.data = data;
    this.all = places;
  }

  /** Goes on to the next paper; false after the last. A truncated end is left out. */
  next(): boolean {
    const distance = this.read();
    const frequency = this.read();
    if (frequency === 0) return false;
    this.slot += distance;
    this.frequency = frequency;
    this.skipped++;
    return true;
  }

  private read(): number {
    const { data } = this;
    let value = 0;
    for (let shift = 0; this.offset < data.length; shift += 7) {
      const byte = data[this.offset++] ?? 0;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    return 0;
  }

  /** The present paper's places as they are stored, the ending 0 included. */
  placeBytes(): Uint8Array {
    const { all } = this;
    let at = this.placesAt;
    for (; this.skipped > 0; this.skipped--) while (all[at++] !== 0 && at < all.length);
    this.placesAt = at;
    let end = at;
    while (all[end++] !== 0 && end < all.length);
    return all.subarray(at, end);
  }

  /** The present paper's places, ascending. */
  places(): number[] {
    const bytes = this.placeBytes();
    const found: number[] = [];
    let field = 0;
    let position = -1;
    for (let i = 0; i < bytes.length - 1; ) {
      let value = 0;
      for (let shift = 0; i < bytes.length; shift += 7) {
        const byte = bytes[i++] ?? 0;
        value |= (byte & 0x7f) << shift;
        if (byte < 0x80) break;
      }
      if (value === 1) {
        field++;
        position = -1;
      } else {
        position += value - 1;
        found.push((field << placeBits) | position);
      }
    }
    return found;
  }
}

/** A cursor before the first posting. */
export function readPostings(postings: Postings): PostingsCursor {
  return new PostingsCursor(postings);
}

/** Calls `visit` with each posting of `data` in order. A truncated end is left out. */
export function eachPosting(data: Uint8Array, visit: (slot: number, frequency: number) => void): void {
  const n = data.length;
  let slot = 0;
  for (let i = 0; i < n; ) {
    let byte = data[i++] ?? 0;
    let value = byte & 0x7f;
    for (let shift = 7; byte >= 0x80 && i < n; shift += 7) {
      byte = data[i++] ?? 0;
      value |= (byte & 0x7f) << shift;
    }
    slot += value;
    if (i >= n) return;
    byte = data[i++] ?? 0;
    value = byte & 0x7f;
    for (let shift = 7; byte >= 0x80 && i < n; shift += 7) {
      byte = data[i++] ?? 0;
      value |= (byte & 0x7f) << shift;
    }
    visit(slot, value);
  }
}
