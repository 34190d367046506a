// Byte-pair merging as it is told: find the pair of lowest rank, leftmost, merge, repeat.

/** Merges `symbols` by `rank(left, right)` (undefined: no such merge) and `merged(left, right)`. */
export function mergeSlowly(
  symbols: readonly number[],
  rank: (left: number, right: number) => number | undefined,
  merged: (left: number, right: number) => number,
): number[] {
  const ids = [...symbols];
  for (;;) {
    let best = Infinity;
    let where = -1;
    for (let i = 0; i + 1 < ids.length; i++) {
      const r = rank(ids[i] ?? -1, ids[i + 1] ?? -1);
      if (r !== undefined && r < best) {
        best = r;
        where = i;
      }
    }
    if (where < 0) return ids;
    ids.splice(where, 2, merged(ids[where] ?? -1, ids[where + 1] ?? -1));
  }
}

/** Learns `count` merges from `text`: the most frequent pair first, ties by first seen. */
export function learnSlowly(text: readonly number[], count: number): [number, number][] {
  const merges: [number, number][] = [];
  let ids = [...text];
  for (let next = 256; next < 256 + count; next++) {
    const counts = new Map<string, number>();
    for (let i = 0; i + 1 < ids.length; i++) {
      const key = `${ids[i]},${ids[i + 1]}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    const [best] = [...counts].sort((a, b) => b[1] - a[1]);
    if (best === undefined) break;
    const [left = 0, right = 0] = best[0].split(",").map(Number);
    merges.push([left, right]);
    const joined: number[] = [];
    for (let i = 0; i < ids.length; i++) {
      if (ids[i] === left && ids[i + 1] === right) {
        joined.push(next);
        i++;
      } else joined.push(ids[i] ?? 0);
    }
    ids = joined;
  }
  return merges;
}
