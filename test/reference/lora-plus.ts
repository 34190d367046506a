// One step of the sign of the gradient on both factors, number by number, each at a rate of its own.

/** `x − rate · sign(g)` of each number. */
export function signStep(x: readonly number[], gradient: readonly number[], rate: number): number[] {
  return x.map((value, i) => value - rate * Math.sign(gradient[i] ?? 0));
}
