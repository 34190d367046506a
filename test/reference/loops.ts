// Loops as loops.

/** `[c, y_t] = step(c, x_t)` over plain values, from the front or from the end. */
export function scan<C, X, Y>(
  step: (c: C, x: X) => [C, Y],
  init: C,
  xs: readonly X[],
  reverse = false,
): { carry: C; ys: Y[] } {
  let carry = init;
  const ys: Y[] = Array.from({ length: xs.length });
  for (let i = 0; i < xs.length; i++) {
    const t = reverse ? xs.length - 1 - i : i;
    const [next, y] = step(carry, xs[t] as X);
    carry = next;
    ys[t] = y;
  }
  return { carry, ys };
}
