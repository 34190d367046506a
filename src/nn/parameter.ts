// What a model says of one of its parameters before there is a number in it.
import { type Dtype, full, random, type Tensor } from "../tensor/index.ts";

/** How a parameter begins: normal with that deviation, one everywhere, zero everywhere, or what a function draws. */
export type Init =
  | { readonly std: number }
  | "ones"
  | "zeros"
  | ((key: random.Key, shape: readonly number[]) => Tensor);

export interface Parameter {
  readonly shape: readonly number[];
  readonly init: Init;
  /** Default float32. */
  readonly dtype?: Dtype;
  /** What moves it: gradients (default), averages of what the model saw (codebooks), or nothing (quantised codes). */
  readonly by?: "gradient" | "average" | "nothing";
}

/** The first value of a parameter. @param key Its own: the same key gives the same numbers everywhere. */
export function initial({ shape, init }: Parameter, key: random.Key): Tensor {
  if (typeof init === "function") return init(key, shape);
  if (typeof init === "object") return random.normal(key, shape, init);
  return full(shape, init === "ones" ? 1 : 0);
}
