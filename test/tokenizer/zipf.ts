/** Text of `bytes` bytes with words of Zipfian frequency, the same each time. */
export function zipfText(bytes: number, seed: number): string {
  let state = seed;
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const parts: string[] = [];
  let length = 0;
  while (length < bytes) {
    const rank = Math.floor(3000 ** next());
    const word = `${(rank * 2654435761).toString(36).slice(0, 2 + (rank % 6))}${next() < 0.1 ? "\n" : " "}`;
    parts.push(next() < 0.02 ? `中文${word}` : word);
    length += word.length;
  }
  return parts.join("");
}
