// Numbers over seeds.

/** Mean of numbers; not a number for none. */
export function meanOf(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}

/** Largest less smallest; 0 for one value, not a number for none. */
export function rangeOf(values: readonly number[]): number {
  return values.length === 0 ? Number.NaN : Math.max(...values) - Math.min(...values);
}

/** `1.93 ± 0.01`: the mean and half the range over seeds; the mean alone for one value, `–` for none. */
export function spread(values: readonly number[], digits = 2): string {
  if (values.length === 0) return "–";
  const mean = meanOf(values).toFixed(digits);
  return values.length === 1 ? mean : `${mean} ± ${(rangeOf(values) / 2).toFixed(digits)}`;
}

/** Which seeds the rows are of, for a picture: `seed 0`, or `mean of seeds 0, 1`. */
export function seedsOf(rows: readonly { readonly seed: number }[]): string {
  const seeds = [...new Set(rows.map((r) => r.seed))];
  return seeds.length === 1 ? `seed ${seeds.join()}` : `mean of seeds ${seeds.join(", ")}`;
}

/** Whether all are numbers and `test` holds of them; `null` where one is missing or not a number. */
export function known(
  values: readonly (number | undefined)[],
  test: (...values: number[]) => boolean,
): boolean | null {
  const numbers = values.filter((v): v is number => v !== undefined && !Number.isNaN(v));
  return numbers.length === values.length ? test(...numbers) : null;
}
