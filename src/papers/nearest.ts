// The known word that a misspelt one was meant to be: the most frequent at the least number of slips.

/** How many slips a word of a length may have: letters left out, put in, changed, or two neighbours exchanged. */
export function slipsAllowed(length: number): number {
  return length < 4 ? 0 : length < 8 ? 1 : 2;
}

/** Slips between two words (Damerau 1964, optimal string alignment), or `most + 1` if there are more than `most`. */
export function slips(a: string, b: string, most: number): number {
  if (Math.abs(a.length - b.length) > most) return most + 1;
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let least = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        least = Math.min(least, (before[j - 2] ?? 0) + 1);
      row.push(least);
    }
    if (Math.min(...row) > most) return most + 1;
    [before, last] = [last, row];
  }
  return Math.min(last[b.length] ?? most + 1, most + 1);
}

/** The nearest of some words with their frequencies; nothing if all are too far. */
export function nearest(
  word: string,
  known: Iterable<readonly [word: string, frequency: number]>,
): string | undefined {
  const most = slipsAllowed(word.length);
  let best: { word: string; slips: number; frequency: number } | undefined;
  for (const [candidate, frequency] of known) {
    const distance = slips(word, candidate, most);
    if (distance > most || distance === 0) continue;
    if (!best || distance < best.slips || (distance === best.slips && frequency > best.frequency))
      best = { word: candidate, slips: distance, frequency };
  }
  return best?.word;
}
