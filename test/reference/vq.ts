// Vector quantisation, vector by vector.

type Rows = readonly (readonly number[])[];

/** Place of the nearest row of `book`, the first of equals. */
export function nearestRow(z: readonly number[], book: Rows): number {
  let best = 0;
  let least = Infinity;
  book.forEach((e, k) => {
    const distance = e.reduce((sum, v, d) => sum + ((z[d] ?? 0) - v) ** 2, 0);
    if (distance < least) [best, least] = [k, distance];
  });
  return best;
}

/** Mean of `(z − e)²` over all numbers. */
export function distanceToBook(zs: Rows, book: Rows): number {
  let sum = 0;
  let count = 0;
  for (const z of zs) {
    const e = book[nearestRow(z, book)] ?? [];
    z.forEach((v, d) => (sum += (v - (e[d] ?? 0)) ** 2));
    count += z.length;
  }
  return sum / count;
}

/** The book after one step of plain averages. */
export function averaged(book: Rows, zs: Rows, decay: number): number[][] {
  return book.map((e, k) => {
    const own = zs.filter((z) => nearestRow(z, book) === k);
    if (own.length === 0) return [...e];
    return e.map((v, d) => {
      const mean = own.reduce((sum, z) => sum + (z[d] ?? 0), 0) / own.length;
      return decay * v + (1 - decay) * mean;
    });
  });
}

/** Counts and sums after one step of averages by counts. */
export function counted(
  { sums, counts }: { sums: Rows; counts: readonly number[] },
  book: Rows,
  zs: Rows,
  decay: number,
): { sums: number[][]; counts: number[] } {
  return {
    sums: sums.map((row, k) => {
      const own = zs.filter((z) => nearestRow(z, book) === k);
      return row.map((v, d) => decay * v + (1 - decay) * own.reduce((sum, z) => sum + (z[d] ?? 0), 0));
    }),
    counts: counts.map(
      (n, k) => decay * n + (1 - decay) * zs.filter((z) => nearestRow(z, book) === k).length,
    ),
  };
}
