// Ways to go on after a prompt that may end inside a piece, over strings.

/**
 * Probability of each branch: `""` goes on after the prompt; `"k word"` steps back over the last `k` tokens and takes
 * a longer word that begins with their text.
 * @param rows `rows[c][w]`: probability of word `w` after the first `c` tokens.
 */
export function branchesSlowly(
  words: readonly string[],
  prompt: readonly number[],
  rows: readonly (readonly number[])[],
): Map<string, number> {
  const kept = (n: number): number =>
    prompt.slice(0, n).reduce((product, id, c) => product * (rows[c]?.[id] ?? NaN), 1);
  const n = prompt.length;
  const found = new Map([["", kept(n)]]);
  for (let back = 1; back <= n; back++) {
    const tail = prompt
      .slice(n - back)
      .map((id) => words[id])
      .join("");
    for (const [w, word] of words.entries()) {
      if (!word.startsWith(tail) || word === tail) continue;
      found.set(`${back} ${word}`, kept(n - back) * (rows[n - back]?.[w] ?? NaN));
    }
  }
  const total = [...found.values()].reduce((sum, p) => sum + p, 0);
  return new Map([...found].map(([branch, p]) => [branch, p / total]));
}
