// DoRA one row at a time: the sum, its length, and the row stretched to its own.
import { adapted } from "./lora.ts";

type Matrix = readonly (readonly number[])[];

/** `m ⊙ (W0 + s B A) / ‖W0 + s B A‖` `[O][I]`. @param m `[O]`. */
export function stretched(w: Matrix, a: Matrix, b: Matrix, s: number, m: readonly number[]): number[][] {
  return adapted(w, a, b, s).map((row, o) => {
    const length = Math.sqrt(row.reduce((sum, x) => sum + x * x, 0));
    return row.map((x) => ((m[o] ?? Number.NaN) * x) / length);
  });
}
