// The slowest clear BM25: every paper, every term, nothing prepared. Imports nothing from src.

/** A paper as the reference reads it: forms of words in order, already folded. */
export interface Text {
  readonly title: readonly string[];
  readonly abstract: readonly string[];
  readonly authors: readonly string[];
  /** Hyphenated words written as one: they count as found, not as length. */
  readonly titleCompounds: readonly string[];
  readonly abstractCompounds: readonly string[];
}

/**
 * Scores by paper: Σ over distinct stems of the query, in Lucene's form of BM25 (k1 1.2, b 0.75), with words of
 * the title counted five times, in frequency and in length, and words that share only their stem 0.8 times; `compounds` are words of the query that weigh 0.4. A paper that
 * has a word as the query spells it gains the n²-th part of a full term, n being the number of stems.
 */
export function bm25(
  texts: readonly Text[],
  query: readonly string[],
  stem: (word: string) => string,
  compounds: readonly string[] = [],
): number[] {
  const lengths = texts.map(({ title, abstract }) => 5 * title.length + abstract.length);
  const average = lengths.reduce((a, c) => a + c, 0) / texts.length;
  const scores = texts.map(() => 0);
  const roots = new Set([...query, ...compounds].map(stem));
  for (const root of roots) {
    const of = (list: readonly string[]) => list.filter((word) => stem(word) === root);
    const spelled = [...of(query), ...of(compounds)];
    const weight = of(query).length + 0.4 * of(compounds).length;
    const frequencies = texts.map((text) => {
      let f = 0;
      for (const [words, worth] of [
        [text.title, 5],
        [text.abstract, 1],
        [text.authors, 1],
        [text.titleCompounds, 5],
        [text.abstractCompounds, 1],
      ] as const)
        for (const word of words) if (stem(word) === root) f += worth * (spelled.includes(word) ? 1 : 0.8);
      return f;
    });
    const df = frequencies.filter((f) => f > 0).length;
    const idf = Math.log(1 + (texts.length - df + 0.5) / (df + 0.5));
    for (const [d, f] of frequencies.entries()) {
      const norm = 1.2 * (1 - 0.75 + (0.75 * (lengths[d] ?? 0)) / average);
      const {
        title = [],
        abstract = [],
        authors = [],
        titleCompounds = [],
        abstractCompounds = [],
      } = texts[d] ?? {};
      const words = [...title, ...abstract, ...authors, ...titleCompounds, ...abstractCompounds];
      const single = spelled.every((word) => word.length === 1 && word > "\u2e7f");
      const says = !single && words.some((word) => spelled.includes(word));
      const gain = says ? 1 / roots.size ** 2 : 0;
      if (f > 0) scores[d] = (scores[d] ?? 0) + weight * idf * 2.2 * (f / (f + norm) + gain);
    }
  }
  return scores;
}
