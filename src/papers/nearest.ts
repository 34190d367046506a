// The known word that a misspelt one was meant to be: near, and frequent.

/** How many slips a word of a length may have: letters left out, put in, changed, or two neighbours exchanged. */
export function slipsAllowed(length: number): number {
  return length < 4 ? 0 : length < 8 ? 1 : 2;
}

/**
 * Slips between two words (Damerau 1964, optimal string alignment), or `most + 1` if there are more than `most`. With
 * `open`, between `a` and the beginning of `b` that is nearest to it.
 */
export function slips(a: string, whole: string, most: number, open = false): number {
  const b = open ? whole.slice(0, a.length + most) : whole;
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
  return Math.min(open ? Math.min(...last) : (last[b.length] ?? most + 1), most + 1);
}

/** The first letters (at most three) of words whose own first letter a slip changed, left out, put in or exchanged. */
export function otherHeads(word: string): string[] {
  const letters = Array.from("abcdefghijklmnopqrstuvwxyz");
  const [first = "", second = "", third = ""] = word;
  const heads = [
    second + first + third,
    word.slice(1, 4),
    ...letters.flatMap((letter) => [letter + second + third, letter + first + second]),
  ];
  return [...new Set(heads)].filter((head) => !head.startsWith(first));
}

/** How many times more frequent a word must be to be meant at one slip more. */
const slipCost = 100;
/** In slips: people seldom miss the first letter, and a word whose end is not typed yet is a guess. */
const firstLetterCost = 0.5;
const openCost = 0.25;

/**
 * The word most probably meant out of some with their frequencies: that of the largest
 * `frequency / slipCost^distance`; nothing if all are too far. A word that stands once is often a slip itself, so the
 * nearest is not always meant. With `open`, `word` may be the beginning of what was meant.
 */
export function nearest(
  word: string,
  known: Iterable<readonly [word: string, frequency: number]>,
  open = false,
): string | undefined {
  const most = slipsAllowed(word.length);
  let best: { word: string; worth: number } | undefined;
  for (const [candidate, frequency] of known) {
    const whole = slips(word, candidate, most);
    const begun = open && candidate.length > word.length ? slips(word, candidate, most, true) : most + 1;
    if (Math.min(whole, begun) > most || whole === 0 || begun === 0) continue;
    const far = Math.min(whole <= most ? whole : Infinity, begun <= most ? begun + openCost : Infinity);
    const distance = candidate[0] === word[0] ? far : far + firstLetterCost;
    const worth = frequency / slipCost ** distance;
    if (!best || worth > best.worth) best = { word: candidate, worth };
  }
  return best?.word;
}
