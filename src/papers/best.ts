// Selection of the few best out of many, in O(n log k).

/** Something to order: larger scores first, then smaller slots. */
export interface Scored {
  readonly slot: number;
  readonly score: number;
}

/** Whether `a` comes before `b`. */
function before(a: Scored, b: Scored): boolean {
  return a.score > b.score || (a.score === b.score && a.slot < b.slot);
}

/** A heap that keeps the `limit` first of what is offered. */
export interface Best {
  offer(slot: number, score: number): void;
  /** What was kept, in order. */
  sorted(): Scored[];
}

/** Keeps the `limit` best: its root is the worst of those kept, and most offers end there. */
export function best(limit: number): Best {
  const heap: Scored[] = [];
  const sink = (at: number) => {
    for (let i = at; ; ) {
      let worst = i;
      for (const child of [2 * i + 1, 2 * i + 2]) {
        const c = heap[child];
        const w = heap[worst];
        if (c && w && before(w, c)) worst = child;
      }
      if (worst === i) return;
      swap(heap, i, worst);
      i = worst;
    }
  };
  return {
    offer(slot, score) {
      const root = heap[0];
      if (heap.length >= limit) {
        if (!root || score < root.score || (score === root.score && slot > root.slot)) return;
        heap[0] = { slot, score };
        sink(0);
        return;
      }
      heap.push({ slot, score });
      for (let i = heap.length - 1; i > 0; ) {
        const parent = (i - 1) >> 1;
        const [p, c] = [heap[parent], heap[i]];
        if (!p || !c || !before(p, c)) break;
        swap(heap, i, parent);
        i = parent;
      }
    },
    sorted: () => heap.toSorted((x, y) => (before(x, y) ? -1 : before(y, x) ? 1 : 0)),
  };
}

function swap(heap: Scored[], i: number, j: number): void {
  const [x, y] = [heap[i], heap[j]];
  if (!x || !y) return;
  heap[i] = y;
  heap[j] = x;
}
