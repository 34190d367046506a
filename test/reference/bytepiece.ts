// BytePiece as its article tells it, over strings of Latin-1 characters (one per byte) and plain maps.

/** Chunks of a text: up to 10,000 characters and the newlines after them; digits alone if asked. */
export function chunksSlowly(text: string, isolateDigits: boolean): string[] {
  const pattern = isolateDigits
    ? /\p{Nd}|[^\n\p{Nd}]{0,10000}\n{1,100}|[^\n\p{Nd}]{1,10000}/gu
    : /[^\n]{0,10000}\n{1,100}|[^\n]{1,10000}/gu;
  return [...text.normalize("NFC").matchAll(pattern)].map((match) => match[0]);
}

/** Counts of all grams of 1 to `order` bytes inside the chunks. */
export function gramCounts(chunks: readonly string[], order: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (const chunk of chunks) {
    for (let i = 0; i < chunk.length; i++) {
      for (let n = 1; n <= order && i + n <= chunk.length; n++) {
        const gram = chunk.slice(i, i + n);
        counts.set(gram, (counts.get(gram) ?? 0) + 1);
      }
    }
  }
  return counts;
}

/** L(g) of every kept gram. */
export function conditionals(
  chunks: readonly string[],
  order: number,
  minCount: number,
): Map<string, number> {
  const counts = gramCounts(chunks, order);
  let total = 0;
  for (let b = 0; b < 256; b++) {
    const byte = String.fromCharCode(b);
    if (!counts.has(byte)) counts.set(byte, 1);
    total += counts.get(byte) ?? 0;
  }
  const scores = new Map<string, number>();
  for (const [gram, count] of counts) {
    if (gram.length > 1 && count < minCount) continue;
    const before = gram.length === 1 ? total : (counts.get(gram.slice(0, -1)) ?? 0);
    scores.set(gram, Math.log(count) - Math.log(before));
  }
  return scores;
}

/** The score of one piece: the sum of its bytes' conditionals, contexts cut to the last order - 1 bytes. */
export function pieceScore(piece: string, scores: ReadonlyMap<string, number>, order: number): number {
  let sum = 0;
  for (let i = 0; i < piece.length; i++) {
    sum += scores.get(piece.slice(Math.max(0, i + 1 - order), i + 1)) ?? -Infinity;
  }
  return sum;
}

/** The best score over all 2^(n-1) cuts of `text`. */
export function bestScore(text: string, scores: ReadonlyMap<string, number>, order: number): number {
  let best = -Infinity;
  for (let cuts = 0; cuts < 2 ** (text.length - 1); cuts++) {
    let sum = 0;
    let from = 0;
    for (let i = 1; i <= text.length; i++) {
      if (i < text.length && ((cuts >> (i - 1)) & 1) === 0) continue;
      sum += pieceScore(text.slice(from, i), scores, order);
      from = i;
    }
    best = Math.max(best, sum);
  }
  return best;
}
