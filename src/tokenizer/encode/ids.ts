// A growing list of token ids that is reused from call to call.

/** Ids `data[0 … length)`; `data` is replaced when it grows, so read it anew after each call. */
export class IdBuffer {
  data: Int32Array;
  length = 0;

  constructor(capacity = 1024) {
    this.data = new Int32Array(capacity);
  }

  /** Makes room for `more` further ids and returns `data`. */
  reserve(more: number): Int32Array {
    if (this.length + more > this.data.length) {
      const grown = new Int32Array(Math.max(this.length + more, this.data.length * 2));
      grown.set(this.data.subarray(0, this.length));
      this.data = grown;
    }
    return this.data;
  }

  push(id: number): void {
    this.reserve(1)[this.length++] = id;
  }

  /** A copy of the ids. */
  toArray(): Int32Array {
    return this.data.slice(0, this.length);
  }
}

/** Reverses `data[from … to)` in place. */
export function reverseRange(data: Int32Array, from: number, to: number): void {
  for (let i = from, j = to - 1; i < j; i++, j--) {
    const x = data[i] ?? 0;
    data[i] = data[j] ?? 0;
    data[j] = x;
  }
}
