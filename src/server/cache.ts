// Answers already written, least recently used first out. Bounded by characters, not by count: one answer may
// hold a thousand papers.

/** A bounded map from request to text. */
export interface AnswerCache<T> {
  get(key: string): T | undefined;
  /** Keeps a value of `size` characters; one larger than an eighth of the bound is not kept. */
  set(key: string, value: T, size: number): void;
  clear(): void;
}

/** An empty cache of at most `bound` characters, keys included. */
export function answerCache<T>(bound: number): AnswerCache<T> {
  // A Map iterates in insertion order: reading moves an entry to the end.
  const entries = new Map<string, { value: T; size: number }>();
  let total = 0;
  return {
    get(key) {
      const entry = entries.get(key);
      if (entry === undefined) return undefined;
      entries.delete(key);
      entries.set(key, entry);
      return entry.value;
    },
    set(key, value, valueSize) {
      const size = valueSize + key.length;
      if (size > bound / 8) return;
      total += size - (entries.get(key)?.size ?? 0);
      entries.delete(key);
      entries.set(key, { value, size });
      for (const [oldest, { size: freed }] of entries) {
        if (total <= bound) break;
        entries.delete(oldest);
        total -= freed;
      }
    },
    clear() {
      entries.clear();
      total = 0;
    },
  };
}
