// Tables of byte-pair training: counts of pairs, and the candidates in order. Typed arrays instead of objects: a
// text of lines has millions of pairs.

/** Ids fit 21 bits, a pair of them a float64 integer. */
const ID_BITS = 2 ** 21;

export const pairOf = (left: number, right: number): number => left * ID_BITS + right;
export const leftOf = (pair: number): number => Math.floor(pair / ID_BITS);
export const rightOf = (pair: number): number => pair % ID_BITS;

/** Count and first occurrence by pair: open addressing over 20 bytes a slot, at most half full. */
export class PairCounts {
  /** Pair + 1; 0 where a slot is empty. */
  #keys: Float64Array = new Float64Array(1 << 10);
  #counts: Float64Array = new Float64Array(1 << 10);
  #firsts: Int32Array = new Int32Array(1 << 10);
  #used = 0;

  /** Slot of `pair`, or -1. */
  find(pair: number): number {
    const slot = this.#slot(pair);
    return this.#keys[slot] === 0 ? -1 : slot;
  }

  /** Slot of `pair`, which is entered with nothing if it is new. Slots hold until the next pair is entered. */
  enter(pair: number): number {
    let slot = this.#slot(pair);
    if (this.#keys[slot] !== 0) return slot;
    if (2 * ++this.#used > this.#keys.length) {
      this.#grow();
      slot = this.#slot(pair);
    }
    this.#keys[slot] = pair + 1;
    this.#counts[slot] = 0;
    this.#firsts[slot] = -1;
    return slot;
  }

  count(slot: number): number {
    return slot < 0 ? 0 : (this.#counts[slot] ?? 0);
  }

  add(slot: number, weight: number): void {
    this.#counts[slot] = (this.#counts[slot] ?? 0) + weight;
  }

  first(slot: number): number {
    return slot < 0 ? -1 : (this.#firsts[slot] ?? -1);
  }

  setFirst(slot: number, symbol: number): void {
    this.#firsts[slot] = symbol;
  }

  /** All pairs that occur. */
  *[Symbol.iterator](): Generator<[pair: number, count: number]> {
    for (let slot = 0; slot < this.#keys.length; slot++) {
      const count = this.#counts[slot] ?? 0;
      if (this.#keys[slot] !== 0 && count > 0) yield [(this.#keys[slot] ?? 0) - 1, count];
    }
  }

  #slot(pair: number): number {
    const mask = this.#keys.length - 1;
    const h = Math.imul(leftOf(pair), 0x9e3779b1) ^ Math.imul(rightOf(pair), 0x85ebca77);
    let slot = (h ^ (h >>> 15)) & mask;
    while (this.#keys[slot] !== 0 && this.#keys[slot] !== pair + 1) slot = (slot + 1) & mask;
    return slot;
  }

  /** Leaves out what no longer occurs, and doubles the room where that is not enough. */
  #grow(): void {
    const [keys, counts, firsts] = [this.#keys, this.#counts, this.#firsts];
    let live = 0;
    for (const count of counts) if (count > 0) live++;
    const size = 4 * live > keys.length ? 2 * keys.length : keys.length;
    this.#keys = new Float64Array(size);
    this.#counts = new Float64Array(size);
    this.#firsts = new Int32Array(size);
    this.#used = live + 1;
    for (let from = 0; from < keys.length; from++) {
      const count = counts[from] ?? 0;
      if (count === 0) continue;
      const slot = this.#slot((keys[from] ?? 0) - 1);
      this.#keys[slot] = keys[from] ?? 0;
      this.#counts[slot] = count;
      this.#firsts[slot] = firsts[from] ?? -1;
    }
  }
}

/** Pairs by their count, the most frequent first; then the smaller left id, then the smaller right id. */
export class PairHeap {
  #counts: Float64Array = new Float64Array(1 << 10);
  #pairs: Float64Array = new Float64Array(1 << 10);
  #size = 0;

  push(count: number, pair: number): void {
    if (this.#size === this.#counts.length) {
      this.#counts = doubled(this.#counts);
      this.#pairs = doubled(this.#pairs);
    }
    let i = this.#size++;
    while (i > 0) {
      const up = (i - 1) >> 1;
      const above = this.#counts[up] ?? 0;
      if (above > count || (above === count && (this.#pairs[up] ?? 0) < pair)) break;
      this.#move(up, i);
      i = up;
    }
    this.#counts[i] = count;
    this.#pairs[i] = pair;
  }

  /** Takes the first out; undefined if there is none. */
  pop(): { count: number; pair: number } | undefined {
    if (this.#size === 0) return undefined;
    const top = { count: this.#counts[0] ?? 0, pair: this.#pairs[0] ?? 0 };
    const last = --this.#size;
    const count = this.#counts[last] ?? 0;
    const pair = this.#pairs[last] ?? 0;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= last) break;
      if (child + 1 < last && this.#isBefore(child + 1, child)) child++;
      const below = this.#counts[child] ?? 0;
      if (count > below || (count === below && pair < (this.#pairs[child] ?? 0))) break;
      this.#move(child, i);
      i = child;
    }
    this.#counts[i] = count;
    this.#pairs[i] = pair;
    return top;
  }

  #move(from: number, to: number): void {
    this.#counts[to] = this.#counts[from] ?? 0;
    this.#pairs[to] = this.#pairs[from] ?? 0;
  }

  #isBefore(a: number, b: number): boolean {
    const d = (this.#counts[a] ?? 0) - (this.#counts[b] ?? 0);
    return d > 0 || (d === 0 && (this.#pairs[a] ?? 0) < (this.#pairs[b] ?? 0));
  }
}

function doubled(from: Float64Array): Float64Array {
  const to = new Float64Array(2 * from.length);
  to.set(from);
  return to;
}
