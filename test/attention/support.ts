// What the tests of linear-time attention share.
import * as a from "../../src/attention/index.ts";
import { type Compiled, type Dtype, narrow, type Tensor } from "../../src/tensor/index.ts";
import type { Arr } from "../reference/array.ts";
import { inner } from "../reference/attention.ts";
import { expectClose, sample } from "../support/check.ts";

export const D = 4;
export const numbersOf = async (x: Tensor): Promise<number[]> => Array.from(await x.data(), Number);
export const draw = (T: number, name: string, dtype: Dtype = "float64", H = 2): { x: Tensor; ref: Arr } =>
  sample([1, H, T, D], { seed: name, low: -1, high: 1, dtype });
export const token = (x: Tensor, t: number): Tensor => narrow(x, 2, t, t + 1);

export type Kernel = (q: Tensor, k: Tensor, v: Tensor) => Tensor;
/** A linear-time form on the features of a Performer. */
export const performer =
  (projection: a.PerformerProjection, form: Kernel): Kernel =>
  (q, k, v) => {
    const f = a.performerPair(q, k, { projection });
    return form(f.q, f.k, v);
  };

export const feature = (x: number): number => (x > 0 ? x + 1 : Math.exp(x));
export const weight = (x: number[], y: number[]): number => inner(x.map(feature), y.map(feature));
export const early = (x: Tensor): Tensor => narrow(x, 2, 0, 4);

/** Runs a compiled step along `T` tokens and compares with rows of the parallel form. */
export async function expectSteps<S>(
  step: Compiled<[Tensor, Tensor, Tensor, S], { o: Tensor; state: S }>,
  state: S,
  [q, k, v]: readonly [Tensor, Tensor, Tensor],
  parallel: Tensor,
  tolerance = 1e-12,
): Promise<void> {
  const T = Number(q.shape[2]);
  const outputs: number[][] = [];
  for (let t = 0; t < T; t++) {
    const { o, state: next } = await step(token(q, t), token(k, t), token(v, t), state);
    state = next;
    outputs.push(await numbersOf(o));
  }
  const all = await numbersOf(parallel);
  const [H, E] = [Number(q.shape[1]), Number(v.shape[3])];
  for (const [t, o] of outputs.entries()) {
    const expected = Array.from({ length: H }, (_, h) =>
      all.slice((h * T + t) * E, (h * T + t + 1) * E),
    ).flat();
    expectClose(o, expected, tolerance, `token ${t}`);
  }
  await step.release();
}
