// The one table of tolerances: `|got − expected| ≤ tolerance · (1 + |expected|)`. A looser one is a visible diff.
import type { Dtype } from "../../src/tensor/index.ts";

/** By dtype of the result, for one op or a short chain of ops. */
export const TOLERANCE: Readonly<Record<Dtype, number>> = {
  float64: 1e-12,
  float32: 4e-6,
  float16: 2e-3,
  int32: 0,
  int64: 0,
  uint8: 0,
  bool: 0,
};

/** Central differences in float64 with step `h` are off by about `h²` and `1e-16 / h`. */
export const DIFFERENCE: { readonly step: number; readonly tolerance: number } = {
  step: 1e-5,
  tolerance: 1e-8,
};
