// A binary heap in an array: the smallest element is at 0.

/** Restores the heap below position `at`, whose element may have grown. */
export function siftDown<T>(heap: T[], at: number, less: (a: T, b: T) => boolean): void {
  for (let i = at; ; ) {
    let child = 2 * i + 1;
    const left = heap[child];
    const parent = heap[i];
    if (left === undefined || parent === undefined) return;
    let smaller = left;
    const right = heap[child + 1];
    if (right !== undefined && less(right, left)) {
      smaller = right;
      child += 1;
    }
    if (!less(smaller, parent)) return;
    heap[i] = smaller;
    heap[child] = parent;
    i = child;
  }
}

/** Adds an element. */
export function pushHeap<T>(heap: T[], element: T, less: (a: T, b: T) => boolean): void {
  let i = heap.length;
  heap.push(element);
  while (i > 0) {
    const up = (i - 1) >> 1;
    const parent = heap[up];
    if (parent === undefined || !less(element, parent)) return;
    heap[up] = element;
    heap[i] = parent;
    i = up;
  }
}

/** Takes the smallest element off. */
export function popHeap<T>(heap: T[], less: (a: T, b: T) => boolean): T | undefined {
  const top = heap[0];
  const last = heap.pop();
  if (heap.length > 0 && last !== undefined) {
    heap[0] = last;
    siftDown(heap, 0, less);
  }
  return top;
}

/**
 * Merges sorted sequences into one sorted sequence; what compares equal comes out together, in no set order.
 * An element is read only until the next one is asked for.
 */
export function* mergeSorted<T>(
  sequences: Iterable<Iterable<T>>,
  less: (a: T, b: T) => boolean,
): Generator<T> {
  const before = (a: { value: T }, b: { value: T }): boolean => less(a.value, b.value);
  const heap: { rest: Iterator<T>; value: T }[] = [];
  for (const sequence of sequences) {
    const rest = sequence[Symbol.iterator]();
    const first = rest.next();
    if (!first.done) pushHeap(heap, { rest, value: first.value }, before);
  }
  for (;;) {
    const top = heap[0];
    if (top === undefined) return;
    yield top.value;
    const next = top.rest.next();
    if (next.done) popHeap(heap, before);
    else {
      top.value = next.value;
      siftDown(heap, 0, before);
    }
  }
}
