// Finite scalar quantisation, number by number.

/** A number in one of `L` levels: its digit `0 … L − 1`, its code, and the slope of the bound there. */
export function fsqNumber(
  z: number,
  L: number,
  form: "official" | "atanh" | "sigmoid",
): { readonly digit: number; readonly code: number; readonly slope: number } {
  if (form === "sigmoid") {
    const share = 1 / (1 + Math.exp(-z));
    const digit = halfToEven((L - 1) * share);
    return { digit, code: (2 * digit) / (L - 1) - 1, slope: 2 * share * (1 - share) };
  }
  const half = (L - 1) * (form === "official" ? 0.4995 : 0.5005);
  const offset = L % 2 === 0 ? 0.5 : 0;
  const shift = form === "official" ? Math.tan(offset / half) : Math.atanh(offset / half);
  const bound = Math.tanh(z + shift);
  const whole = halfToEven(bound * half - offset);
  const middle = Math.floor(L / 2);
  return { digit: whole + middle, code: whole / middle, slope: (half * (1 - bound * bound)) / middle };
}

/** The index of a row of digits, the first counting least. */
export function fsqIndex(digits: readonly number[], levels: readonly number[]): number {
  let index = 0;
  let place = 1;
  levels.forEach((L, i) => {
    index += (digits[i] ?? 0) * place;
    place *= L;
  });
  return index;
}

function halfToEven(x: number): number {
  const down = Math.floor(x);
  if (x - down !== 0.5) return Math.round(x);
  return down % 2 === 0 ? down : down + 1;
}
