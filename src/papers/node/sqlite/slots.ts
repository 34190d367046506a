// Sets of slots as one byte each: a set operation is a loop over bytes, a test is an index.

/** A set of slots. */
export interface Slots {
  readonly has: Uint8Array;
  readonly count: number;
}

/**
 * The set written as `3,1,4`: SQLite's `group_concat` hands over a hundred thousand rows in one text, where
 * rows one by one would cost a microsecond each.
 */
export function parseSlots(text: string, size: number): Slots {
  const has = new Uint8Array(size);
  let count = 0;
  for (let i = 0; i < text.length; i++) {
    let slot = 0;
    for (; i < text.length; i++) {
      const digit = text.charCodeAt(i) - 48;
      if (digit < 0) break; // the comma
      slot = slot * 10 + digit;
    }
    if (slot < size && has[slot] === 0) {
      has[slot] = 1;
      count++;
    }
  }
  return { has, count };
}

/** The members of a set, ascending. */
export function slotsOf({ has }: Slots): number[] {
  const slots: number[] = [];
  for (let i = has.indexOf(1); i >= 0; i = has.indexOf(1, i + 1)) slots.push(i);
  return slots;
}

/** What is in `a` and, if `wanted`, in `b`, otherwise not in `b`. */
export function narrowSlots(a: Slots | undefined, b: Slots, wanted: boolean): Slots {
  if (!a && wanted) return b;
  const size = b.has.length;
  const has = new Uint8Array(size);
  let count = 0;
  for (let i = 0; i < size; i++)
    if ((!a || a.has[i] === 1) && (b.has[i] === 1) === wanted) {
      has[i] = 1;
      count++;
    }
  return { has, count };
}

/** The slots below `size` that `each` visits, once or more. */
export function collectSlots(size: number, each: (visit: (slot: number) => void) => void): Slots {
  const has = new Uint8Array(size);
  let count = 0;
  each((slot) => {
    if (slot >= size || has[slot] === 1) return;
    has[slot] = 1;
    count++;
  });
  return { has, count };
}
